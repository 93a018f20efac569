package Martlet::Targets;

# Servers to be probed, in a process of their own: each listens on a port of its own, and
# behaves as it is told.
#
#	my $targets = Martlet::Targets->new;
#	my $port = $targets->listen('a', address => '127.0.0.1', mode => 'ok');
#	$targets->mode(a => 'slow');
#	my ($hits, $last) = $targets->hits('a');	# connections, the last request
#
# Modes: ok, code NNN, body TEXT, redirect, slow (accepts, says nothing), drip (an octet at a
# time), hangup, garbage (no status line), headers (without end), flood (a body without end),
# refuse (nobody listens).

use strict;
use warnings;

use IO::Select;
use IO::Socket::IP;
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM SOL_SOCKET SO_LINGER);
use Time::HiRes ();

sub new {
	my ($class) = @_;
	socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!\n";
	my $pid = fork // die "fork: $!\n";

	$_->autoflush(1) for $ours, $theirs;
	if (!$pid) {
		close $ours;
		$SIG{PIPE} = 'IGNORE';
		delete $SIG{$_} for qw(TERM INT __DIE__);
		eval { _run($theirs) };
		require POSIX;
		POSIX::_exit(0);
	}
	close $theirs;
	return bless { link => $ours, pid => $pid, owner => $$ }, $class;
}

sub _ask {
	my ($self, @words) = @_;
	my $link = $self->{link};

	print {$link} join("\t", @words), "\n";
	chomp(my $line = <$link> // die "the targets have died\n");
	return split /\t/, $line, -1;
}

sub listen {
	my ($self, $name, %arg) = @_;
	my ($port) = $self->_ask('listen', $name, $arg{address} // '127.0.0.1', $arg{port} // 0,
		$arg{mode} // 'ok');
	return 0 + $port;
}

sub mode { my ($self, $name, $mode) = @_; $self->_ask('mode', $name, $mode); return Time::HiRes::time() }

sub hits {
	my ($self, $name) = @_;
	my ($hits, $last) = $self->_ask('hits', $name);

	$last =~ s/\\r\\n/\n/g;
	return wantarray ? ($hits, $last) : $hits;
}

sub DESTROY {
	my ($self) = @_;
	return unless $self->{owner} == $$;
	local $?;
	close $self->{link};
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
	return;
}

# ---- in the other process ----

my (%targets, %clients, $select);

sub _open {
	my ($target) = @_;

	return if $target->{socket};
	$target->{socket} = IO::Socket::IP->new(LocalHost => $target->{address},
		LocalPort => $target->{port}, Listen => 100, ReuseAddr => 1, Type => SOCK_STREAM)
	  or return;
	$target->{socket}->blocking(0);
	$target->{port} = $target->{socket}->sockport;
	$select->add($target->{socket});
	return;
}

sub _close {
	my ($target) = @_;

	return unless $target->{socket};
	$select->remove($target->{socket});
	close delete $target->{socket};
	return;
}

sub _drop {
	my ($client) = @_;

	$select->remove($client->{socket});
	delete $clients{$client->{socket}};
	close $client->{socket};
	return;
}

sub _command {
	my ($link) = @_;
	my $line = <$link> // return 0;
	chomp $line;
	my ($verb, $name, @rest) = split /\t/, $line, -1;
	my $target = $targets{$name} //= { hits => 0, last => '' };
	my @reply = ('done');

	if ($verb eq 'listen') {
		@$target{qw(address port mode)} = @rest;
		_open($target);
		@reply = ($target->{port});
		_close($target) if $target->{mode} eq 'refuse';
	} elsif ($verb eq 'mode') {
		$target->{mode} = $rest[0];
		$rest[0] eq 'refuse' ? _close($target) : _open($target);
	} elsif ($verb eq 'hits') {
		@reply = ($target->{hits}, $target->{last} =~ s/\r\n/\\r\\n/gr);
	}
	print {$link} join("\t", @reply), "\n";
	return 1;
}

sub _accept {
	my ($target) = @_;
	my $socket = $target->{socket}->accept or return;

	$socket->blocking(0);
	$target->{hits}++;
	$clients{$socket} = { socket => $socket, target => $target, request => '', since => time };
	$select->add($socket);
	_drop($clients{$socket}) if $target->{mode} eq 'hangup';
	return;
}

sub _response {
	my ($mode) = @_;
	my ($word, $rest) = split / /, $mode, 2;

	return "HTTP/1.1 $rest Some\r\nContent-Length: 0\r\n\r\n" if $word eq 'code';
	return "HTTP/1.1 200 OK\r\nContent-Length: " . length($rest) . "\r\n\r\n$rest" if $word eq 'body';
	return "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
	  if $word eq 'redirect';
	return "we are not what you think\r\n\r\n" if $word eq 'garbage';
	return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
}

sub _request {
	my ($client) = @_;
	my $read = sysread $client->{socket}, my $octets, 65536;
	my $mode = $client->{target}{mode};

	if (!$read) {
		_drop($client);
		return;
	}
	$client->{request} .= $octets;
	return unless $client->{request} =~ /\r\n\r\n/;
	$client->{target}{last} = $client->{request};
	return if $mode eq 'slow';
	$client->{sending} = $mode eq 'headers' ? "HTTP/1.1 200 OK\r\n"
	  : $mode eq 'flood' ? "HTTP/1.1 200 OK\r\n\r\n" : undef;
	if (defined $client->{sending} || $mode eq 'drip') {
		syswrite $client->{socket}, $client->{sending} // '';
		$client->{more} = $mode eq 'headers' ? 'X-More: ' . 'y' x 1000 . "\r\n" : 'z' x 1000;
		$client->{more} = 'H' if $mode eq 'drip';
		return;
	}
	my $text = _response($mode);
	$text =~ s/\r\n\r\n.*/\r\n\r\n/s if $client->{request} =~ /^HEAD /;
	syswrite $client->{socket}, $text;
	shutdown $client->{socket}, 1;
	return;
}

sub _go_on {
	for my $client (grep { $_->{more} } values %clients) {
		for (1 .. $client->{more} eq 'H' ? 1 : 100) {
			my $written = syswrite $client->{socket}, $client->{more};

			next if $written;
			_drop($client) unless $!{EAGAIN};
			last;
		}
	}
	return;
}

sub _run {
	my ($link) = @_;
	$select = IO::Select->new($link);

	while (1) {
		my $wait = (grep { $_->{more} } values %clients) ? 0.01 : 5;

		for my $ready ($select->can_read($wait)) {
			if ($ready == $link) {
				_command($link) or return;
			} elsif ($clients{$ready}) {
				_request($clients{$ready});
			} else {
				my ($target) = grep { ($_->{socket} // 0) == $ready } values %targets;
				_accept($target) if $target;
			}
		}
		_go_on();
	}
	return;
}

1;
