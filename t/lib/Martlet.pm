# A real martletd for a test: private directory, free port, foreground, ended by pid.
#
#	my $m = Martlet->new(
#		zones  => { 'example.com' => "@ 3600 SOA ...\n..." },
#		config => { dns => { identity => 'here' } });	# over the test's defaults
#	my $r = $m->ask('www.example.com', 'A', do => 1, tcp => 1);	# Martlet::Answer
#	my ($exit, $json) = $m->ctl('reload');
#	my $d = $m->counted(sub { $m->ask(...) });	# $d->{udp_queries} is 1
#	$m->stop;	# fails the test for an unexpected line in the log
#
# What a test provokes on purpose is announced: $m->expect_log(qr/.../).
package Martlet;

use strict;
use warnings;

use parent qw(Martlet::Ask Martlet::Process);

use B ();
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP ();
use Martlet::Control;
use Martlet::Process qw(free_port poll slow read_file write_file);
use Martlet::Wire qw(encode_query);
use Test::More ();
use Time::HiRes qw(time);

our $ROOT  = abs_path(dirname(__FILE__) . '/../..');
our $BUILD = $ENV{BUILD} // 'build';
$BUILD = "$ROOT/$BUILD" unless $BUILD =~ m{^/};

sub martletd   { return "$BUILD/martletd" }
sub martletctl { return "$BUILD/martletctl" }

sub _program {
	my ($self) = @_;
	my $program = $self->{arg}{program} // 'martletd';
	return $program =~ m{^/} ? $program : "$BUILD/$program";
}

# Whatever the log may not hold unless it was announced.
my $BAD_LINE = qr/^error:|^warning:|runtime error|Sanitizer|Assertion .* failed
	|\bdied\b|killed by|core dumped|==\d+== .*(?:Invalid|uninitialised|lost: [1-9])/x;

# %arg: zones, config, config_text (appended as it stands), zone_files (another
# directory to be served), args (of martletd), through (a command that starts it, as
# unshare does), program (another martletd below build/), start => 0 (prepare only).
sub new {
	my ($class, %arg) = @_;
	# a machine with one CPU will do
	my $shared = qr/^warning: .* workers[.]count: \d+ workers share \d+ CPU/;
	my $self = bless { arg => \%arg, expected => [$shared] }, $class;

	$self->_prepare;
	mkdir "$self->{dir}/zones" or die "$self->{dir}/zones: $!\n";
	$self->write_zone($_, $arg{zones}{$_}) for keys %{ $arg{zones} // {} };
	$self->start unless exists $arg{start} && !$arg{start};
	return $self;
}

sub zone_path {
	my ($self, $origin) = @_;
	(my $stem = $origin) =~ s/\.$//;
	return "$self->{dir}/zones/" . ($stem eq '' ? 'root' : $stem) . '.zone';
}

# Replace (or add) a zone file, by rename as a careful operator does.
sub write_zone {
	my ($self, $origin, $text) = @_;
	my $path = $self->zone_path($origin);

	write_file("$path.new", $text);
	rename "$path.new", $path or die "$path: $!\n";
	return;
}

sub remove_zone {
	my ($self, $origin) = @_;
	unlink $self->zone_path($origin) or die $self->zone_path($origin) . ": $!\n";
	return;
}

# Perl data as libconfig text: hashes are groups, arrays of hashes lists, other arrays
# arrays, \1 and \0 booleans; numbers are what was never a string.
sub to_libconfig {
	my ($value) = @_;

	if (ref $value eq 'HASH') {
		return '{ ' . _settings($value) . '}';
	} elsif (ref $value eq 'ARRAY') {
		my $inner = join ', ', map { to_libconfig($_) } @$value;
		return ref $value->[0] || !@$value ? "( $inner )" : "[ $inner ]";
	} elsif (ref $value eq 'SCALAR') {
		return $$value ? 'true' : 'false';
	}
	my $flags = B::svref_2object(\$value)->FLAGS;
	return $value if $flags & (B::SVf_IOK | B::SVf_NOK) && !($flags & B::SVf_POK);
	$value =~ s/([\\"])/\\$1/g;
	return "\"$value\"";
}

sub _settings {
	my ($group) = @_;
	return join '', map { "$_ = " . to_libconfig($group->{$_}) . ";\n" } sort keys %$group;
}

sub _merge {
	my ($base, $over) = @_;
	my %result = %$base;

	for my $key (keys %$over) {
		$result{$key} = ref $over->{$key} eq 'HASH' && ref $base->{$key} eq 'HASH'
		  ? _merge($base->{$key}, $over->{$key}) : $over->{$key};
	}
	return \%result;
}

sub config_path    { return "$_[0]{dir}/martlet.conf" }
sub state_dir      { return "$_[0]{dir}/state" }
sub control_socket { return "$_[0]{dir}/control.sock" }

# The configuration as a hash: the test's defaults, then what the caller asked for.
sub config {
	my ($self) = @_;
	my %base = (
		user => '',
		group => '',
		state_dir => $self->state_dir,
		control_socket => $self->control_socket,
		pid_file => "$self->{dir}/martletd.pid",
		workers => { count => 2 },
		dns => { rcvbuf_kb => 200 },
		listen => [{ address => $self->{address}, port => 0 + $self->{port} }],
		zones => { dir => "$self->{dir}/zones" },
	);
	my $config = _merge(\%base, $self->{arg}{config} // {});
	# undef leaves a setting out
	delete $config->{$_} for grep { !defined $config->{$_} } keys %$config;
	return $config;
}

sub write_config {
	my ($self, $change) = @_;

	$self->{arg}{config} = _merge($self->{arg}{config} // {}, $change) if $change;
	write_file($self->config_path,
		_settings($self->config) . ($self->{arg}{config_text} // ''));
	return;
}

sub _answers {
	my ($self) = @_;
	my $probe = encode_query('version.bind', 'TXT', class => 3, id => 1);
	my $response = $self->exchange($probe, seconds => 0.2);
	return defined $response;
}

# Start it and wait until it answers.  Dies, with the log, when it does not.
sub start {
	my ($self, @args) = @_;

	for my $attempt (1 .. 3) {
		$self->{port} //= free_port();
		$self->write_config;
		my $before = length $self->log;
		$self->_spawn(@{ $self->{arg}{through} // [] }, $self->_program, '-f', '-c', $self->config_path,
			@{ $self->{arg}{args} // [] }, @args);
		return $self if poll(20, sub { !$self->running || $self->_answers })
		  && $self->running;
		my $log = substr $self->log, $before;
		if ($log =~ /in use/ && $attempt < 3) {
			# somebody else took the port between our look and the start
			delete $self->{port};
			write_file($self->log_path, substr $self->log, 0, $before);
			next;
		}
		my $why = $self->{pid} ? 'does not answer' : 'ended with status ' . ($self->{exit} // '?');
		$self->_end('KILL', 5);
		die "martletd $why:\n$log\n";
	}
}

# Run martletd in the foreground to its end, as for -t or a start that must fail.
# returns its exit code and all that it wrote.
sub run {
	my ($self, @args) = @_;
	my $before = length $self->log;

	$self->{port} //= free_port();
	$self->write_config unless -e $self->config_path;
	$self->_spawn(martletd(), '-c', $self->config_path, @args);
	poll(30, sub { !$self->running }) or $self->_end('KILL', 5);
	return ($self->{exit} // -1) >> 8, substr $self->log, $before;
}

# Commands that only look, and are asked again and again while a test waits: the first time
# by martletctl, which passes the server's object on as it is, later without it.
my $LOOKS = qr/^(?:changes|errors|generations|held|keys|limits|stats|status|workers|zones)(?: [^ -]\S*[.]\S*)?$/;

sub _look {
	my ($self, @args) = @_;

	return if "@args" !~ $LOOKS || !$self->{looked}{ $args[0] }++;
	my ($exit, $json) = Martlet::Control::ask($self->control_socket, @args);
	return unless defined $json;
	@$self{qw(ctl_text ctl_stderr)} = ('', '');
	return ($exit, $json);
}

# martletctl --json: its exit code and the decoded object (undef when it is none; the
# text is in {ctl_text} then, and stderr always in {ctl_stderr}).
sub ctl {
	my ($self, @args) = @_;
	if (my ($exit, $json) = $self->_look(@args)) {
		return wantarray ? ($exit, $json) : $json;
	}
	my ($exit, $text) = $self->ctl_text('--json', @args);
	my $json = eval { JSON::PP->new->utf8->decode($text) };
	return wantarray ? ($exit, $json) : $json;
}

# martletctl as people use it: exit code, stdout; stderr in {ctl_stderr}.  Finds the
# server by its socket, unless -c comes first.
sub ctl_text {
	my ($self, @args) = @_;
	unshift @args, '-s', $self->control_socket unless @args && $args[0] eq '-c';
	my $out = "$self->{dir}/ctl.out";
	my $err = "$self->{dir}/ctl.err";
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		open STDOUT, '>', $out or POSIX::_exit(126);
		open STDERR, '>', $err or POSIX::_exit(126);
		exec {martletctl()} martletctl(), @args or POSIX::_exit(127);
	}
	my $ended = poll(60, sub { waitpid($pid, POSIX::WNOHANG()) == $pid });
	my $status = $?;
	if (!$ended) {
		kill 'KILL', $pid;
		waitpid $pid, 0;
		$status = -1;
	}
	$self->{ctl_stderr} = read_file($err);
	$self->{ctl_text} = read_file($out);
	return $status == -1 ? -1 : $status & 127 ? 128 + ($status & 127) : $status >> 8,
	  $self->{ctl_text};
}

# All counters by name.
sub counters {
	my ($self) = @_;
	my $json = $self->ctl('stats') // die "martletctl stats failed: $self->{ctl_stderr}\n";
	my $stats = ref $json->{stats} eq 'HASH' ? $json->{stats} : $json;
	return $stats;
}

# Has every query been sent its response, or dropped, as far as the counters tell?  A
# response reaches the client a moment before it is counted.
sub _settled {
	my ($stats) = @_;
	my $sum = sub { my $n = 0; $n += $stats->{$_} // 0 for @_; $n };

	return $sum->(qw(udp_queries tcp_queries)) <=
		$sum->(qw(udp_responses tcp_responses udp_send_failed dropped_short dropped_response
			limit_dropped limit_rrl_dropped isolation_shed_absent isolation_shed_existing));
}

# What `code` adds to each counter (only those that changed).
sub counted {
	my ($self, $code) = @_;
	my $before = $self->counters;
	$code->();
	my $after = $self->counters;
	my %change;

	for (my $tries = 0; $tries < 100 && !_settled($after); $tries++) {
		select undef, undef, undef, 0.01;
		$after = $self->counters;
	}
	for my $name (keys %$after) {
		next if ref $after->{$name} || ($after->{$name} // '') !~ /^-?\d+$/;
		my $by = $after->{$name} - ($before->{$name} // 0);
		$change{$name} = $by if $by;
	}
	return \%change;
}

# Workers as martletctl names them: a list of hashes.
sub workers {
	my ($self) = @_;
	my $json = $self->ctl('workers') // die "martletctl workers failed: $self->{ctl_stderr}\n";
	return @{ $json->{workers} };
}

# Lines that match are no failure of this test.
sub expect_log {
	my ($self, @patterns) = @_;
	push @{ $self->{expected} }, @patterns;
	return;
}

# Wait until the log holds a match.  returns it (or its first group), undef in the end.
sub wait_log {
	my ($self, $pattern, $seconds) = @_;
	return poll($seconds // 10, sub { $self->log =~ $pattern ? $1 // $& : undef });
}

# That the machine was busy is not the server's fault.
sub bad_log_lines {
	my ($self) = @_;
	my @bad;

	for my $line (split /\n/, $self->log) {
		next unless $line =~ $BAD_LINE;
		next if $line =~ /has had no CPU time for/;
		push @bad, $line unless grep { $line =~ $_ } @{ $self->{expected} };
	}
	return @bad;
}

# End it by SIGTERM; a crash, a hang or an unexpected line in the log fails the test.
sub stop {
	my ($self) = @_;
	delete $self->{tcp_kept};
	my $status = $self->{pid} ? $self->_end('TERM', 15) : $self->{exit} // 0;

	return if $self->{stopped};
	$self->{stopped} = 1;
	my @bad = $self->bad_log_lines;
	Test::More::fail('martletd ended by itself within its time') unless defined $status;
	if (($status // 0) != 0 && !$self->{may_fail}) {
		Test::More::fail(sprintf 'martletd ends with 0 (signal %d, exit %d)',
			$status & 127, $status >> 8);
		Test::More::diag($self->log);
	}
	return $status unless @bad;
	Test::More::fail('no unexpected line in the log');
	my $shown = $self->log =~ /Sanitizer|runtime error/ ? $self->log : join "\n", @bad;
	Test::More::diag($shown);
	return $status;
}

# SIGKILL to the master, as a crash of the machine's memory would look; no complaint.
sub kill_now {
	my ($self) = @_;
	delete $self->{tcp_kept};
	$self->_end('KILL', 10);
	delete $self->{exit};
	return;
}

sub restart {
	my ($self) = @_;
	$self->stop if $self->{pid};
	delete $self->{stopped};
	return $self->start;
}

1;
