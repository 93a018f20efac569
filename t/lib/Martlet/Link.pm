# The way to a Redis server, for tests that cut it: a process that passes octets on.
#
#	my $link = Martlet::Link->new($redis);
#	my $m = Martlet->new(config => { redis => $redis->settings(address => $link->where) });
#	$link->stall;	# connections stand, nothing arrives; new ones are taken
#	$link->flow;
#	$link->hang_events;	# the connections for notifications stand, nothing arrives there
#	$link->cut;	# connections are reset, new ones refused
#	$link->mend;
package Martlet::Link;

use strict;
use warnings;

use parent qw(Martlet::Process);

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Martlet::Process qw(free_port poll);
use Socket qw(SOL_SOCKET SO_LINGER);

# `to`: what has a method `where`.
sub new {
	my ($class, $to) = @_;
	my $self = bless { to => $to }, $class;

	$self->_prepare;
	$self->mend;
	return $self;
}

sub where { return "$_[0]{address}:$_[0]{port}" }

sub stall { my ($self) = @_; return kill 'STOP', $self->{pid} }
sub flow  { my ($self) = @_; return kill 'CONT', $self->{pid} }

sub hang_events { my ($self) = @_; return kill 'USR1', $self->{pid} }

sub cut {
	my ($self) = @_;
	$self->_end('KILL', 10);
	return;
}

sub mend {
	my ($self) = @_;

	$self->{port} //= free_port();
	my $listener = IO::Socket::INET->new(LocalAddr => $self->where, Listen => 64, ReuseAddr => 1)
	  or die "listening on " . $self->where . ": $!\n";
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		eval { _pass_on($listener, $self->{to}->where) };
		print STDERR "link: $@";
		POSIX::_exit(1);
	}
	$self->_adopt($pid);
	return;
}

sub stop {
	my ($self) = @_;
	return $self->cut;
}

sub _connect {
	my ($where) = @_;
	return $where =~ m{^/} ? IO::Socket::UNIX->new(Peer => $where)
	  : IO::Socket::INET->new(PeerAddr => $where);
}

sub _pass_on {
	my ($listener, $where) = @_;
	my $select = IO::Select->new($listener);
	my (%other, %notifies);

	local $SIG{PIPE} = 'IGNORE';
	local $SIG{USR1} = sub { $select->remove(values %notifies); %notifies = () };
	while (1) {
		for my $socket ($select->can_read) {
			if ($socket == $listener) {
				my $near = $listener->accept or next;
				# its end by a kill is a reset, as a cut line would show in time
				$near->setsockopt(SOL_SOCKET, SO_LINGER, pack 'll', 1, 0);
				my $far = _connect($where) or next;
				@other{ $near, $far } = ($far, $near);
				$select->add($near, $far);
				next;
			}
			my $other = $other{$socket} or next;
			my $data;
			my $got = sysread $socket, $data, 65536;
			@notifies{ $socket, $other } = ($socket, $other)
			  if $got && $data =~ /PSUBSCRIBE/;
			next if $got && _write_all($other, $data);
			$select->remove($socket, $other);
			delete @other{ $socket, $other };
			close $_ for $socket, $other;
		}
	}
	return;
}

sub _write_all {
	my ($socket, $data) = @_;

	while (length $data) {
		my $sent = syswrite($socket, $data) or return 0;
		substr $data, 0, $sent, '';
	}
	return 1;
}

1;
