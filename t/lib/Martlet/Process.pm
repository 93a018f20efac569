# A server that a test starts: a private directory, a free port, one process that is
# waited for and ended by its pid.  Martlet (ours) and Martlet::Peer (others) build on it.
package Martlet::Process;

use strict;
use warnings;

use Exporter qw(import);
use File::Temp ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX      ();
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(free_port poll slow find_program read_file write_file children_of);

# A pid that was not found is 0 for kill: this suite and who runs it; and -1 is everybody.
BEGIN {
	*CORE::GLOBAL::kill = sub {
		my ($signal, @pids) = @_;
		require Carp;
		Carp::croak("kill $signal: no process") if grep { !$_ || $_ == -1 } @pids;
		return CORE::kill($signal, @pids);
	};
}

# Waiting times are meant for a quiet machine; valgrind and sanitizers need more.
sub slow {
	return $ENV{MARTLET_TEST_SLOW} || ($ENV{VALGRIND} ? 20 : 4);
}

# Call `done` until it returns something true, or `seconds` (times slow()) have passed.
sub poll {
	my ($seconds, $done) = @_;
	my $end   = time + $seconds * slow();
	my $pause = 0.002;

	while (1) {
		my $result = $done->();
		return $result if $result;
		return if time > $end;
		sleep $pause;
		$pause = $pause * 1.5 > 0.1 ? 0.1 : $pause * 1.5;
	}
}

sub _is_free {
	my ($port) = @_;

	for my $proto (qw(udp tcp)) {
		for my $address (qw(127.0.0.1 0.0.0.0)) {
			my $socket = IO::Socket::INET->new(
				Proto     => $proto,
				LocalAddr => $address,
				LocalPort => $port,
				($proto eq 'tcp' ? (Listen => 1) : ()));
			return 0 unless $socket;
		}
	}
	return 1;
}

# A port that was drawn is this process's own to its end, also while no server has it: others
# draw, too.
my %own;

sub _take {
	my ($port) = @_;

	return if $own{$port};
	$own{$port} = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "\0martlet-test-port-$port");
	return defined $own{$port};
}

# A port that is free on UDP and TCP, below the range that clients get theirs from.
sub free_port {
	for (1 .. 200) {
		my $port = 10000 + int rand 20000;
		return $port if _take($port) && _is_free($port);
	}
	die "no port is free on 127.0.0.1\n";
}

sub find_program {
	my ($name) = @_;

	for my $dir (split(/:/, $ENV{PATH} // ''), qw(/usr/sbin /sbin /usr/local/sbin)) {
		return "$dir/$name" if -x "$dir/$name" && !-d _;
	}
	return;
}

sub read_file {
	my ($path) = @_;

	open my $in, '<:raw', $path or return '';
	local $/;
	return scalar <$in> // '';
}

sub write_file {
	my ($path, @text) = @_;

	open my $out, '>:raw', $path or die "$path: $!\n";
	print {$out} @text or die "$path: $!\n";
	close $out or die "$path: $!\n";
	return $path;
}

# The children of a process: [name, pid] each, by pid.
sub children_of {
	my ($parent) = @_;
	my @found;

	for my $path (glob '/proc/[0-9]*/stat') {
		my ($pid, $name, $of) = read_file($path) =~ /^(\d+) \((.*)\) \S (\d+) /s or next;
		push @found, [$name, $pid] if $of == $parent;
	}
	return sort { $a->[1] <=> $b->[1] } @found;
}

# Live servers, so that an early end of the test ends them too.
my %live;

sub _prepare {
	my ($self) = @_;

	$self->{tmp} = File::Temp->newdir('martlet-test-XXXXXX', TMPDIR => 1);
	$self->{dir} = $self->{tmp}->dirname;
	$self->{address} = '127.0.0.1';
	$self->{owner} = $$;
	return;
}

sub dir     { return $_[0]{dir} }
sub port    { return $_[0]{port} }
sub address { return $_[0]{address} }
sub pid     { return $_[0]{pid} }
sub log_path { return "$_[0]{dir}/output" }
sub log     { return read_file($_[0]->log_path) }

# Start @command, its output appended to the log.  Its pid is the only handle on it.
sub _spawn {
	my ($self, @command) = @_;
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		open STDIN,  '<',  '/dev/null'      or POSIX::_exit(126);
		open STDOUT, '>>', $self->log_path  or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT         or POSIX::_exit(126);
		{ no warnings 'exec'; exec {$command[0]} @command; }
		print STDERR "exec $command[0]: $!\n";
		POSIX::_exit(127);
	}
	return $self->_adopt($pid);
}

# A child that was forked already is this server's process.
sub _adopt {
	my ($self, $pid) = @_;

	$self->{pid} = $pid;
	delete $self->{exit};
	$live{$pid} = $self;
	Scalar::Util::weaken($live{$pid});
	return $pid;
}

# Whether the process still runs; its exit status is in {exit} when not.
sub running {
	my ($self) = @_;

	return 0 unless $self->{pid};
	my $got = waitpid $self->{pid}, POSIX::WNOHANG();
	return 1 if $got == 0;
	$self->{exit} = $? if $got > 0;
	delete $live{ $self->{pid} };
	delete $self->{pid};
	return 0;
}

# Send `signal`, wait for the end.  returns the exit status as in $?, undef when the
# process had to be killed.
sub _end {
	my ($self, $signal, $seconds) = @_;
	my $pid = $self->{pid} or return $self->{exit};

	return $self->{exit} unless $self->running;
	kill $signal, $pid;
	return $self->{exit} if poll($seconds, sub { !$self->running });
	kill 'KILL', $pid;
	poll(10, sub { !$self->running });
	return;
}

sub stop {
	my ($self) = @_;
	return $self->_end('TERM', 10);
}

sub DESTROY {
	my ($self) = @_;
	local ($?, $@, $!);

	# a child that the test forked must not end its parent's servers
	$self->stop if ($self->{owner} // 0) == $$ && ($self->{pid} || exists $self->{exit});
	return;
}

END {
	my $status = $?;
	for my $server (grep { defined } values %live) {
		$server->stop if $server->{owner} == $$;
	}
	$? ||= $status;
}

require Scalar::Util;
1;
