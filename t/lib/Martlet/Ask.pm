# Asking a server on loopback: over UDP, over TCP, with octets of one's own.
# A base class: the object has {address} and {port}.
package Martlet::Ask;

use strict;
use warnings;

use IO::Socket::INET;
use Socket qw(AF_INET MSG_NOSIGNAL SOCK_DGRAM SOL_SOCKET SO_RCVTIMEO inet_aton pack_sockaddr_in);
use Time::HiRes qw(time);

use Martlet::Answer;
use Martlet::Process qw(slow);
use Martlet::Wire qw(encode_query);

sub udp_socket {
	my ($self) = @_;
	my $socket = IO::Socket::INET->new(
		Proto => 'udp', PeerAddr => $self->{address}, PeerPort => $self->{port})
	  or die "UDP socket to $self->{address} port $self->{port}: $!\n";
	return $socket;
}

# The same at less cost, for one question: each comes from a port of its own, so that all
# workers are asked.
sub _plain_udp_socket {
	my ($self) = @_;
	socket my $socket, AF_INET, SOCK_DGRAM, 0 or die "UDP socket: $!\n";
	connect $socket, pack_sockaddr_in($self->{port}, inet_aton($self->{address}))
	  or die "UDP socket to $self->{address} port $self->{port}: $!\n";
	return $socket;
}

sub tcp_socket {
	my ($self) = @_;
	my $socket = IO::Socket::INET->new(
		Proto => 'tcp', PeerAddr => $self->{address}, PeerPort => $self->{port},
		Timeout => 5 * slow())
	  or die "TCP connection to $self->{address} port $self->{port}: $!\n";
	binmode $socket;
	return $socket;
}

sub _readable {
	my ($socket, $end) = @_;
	my $wanted = '';

	vec($wanted, fileno $socket, 1) = 1;
	# a signal, such as the one that ends a watcher, ends the waiting, not the time
	while (1) {
		my $left = $end - time;
		my $found = select my $ready = $wanted, undef, undef, $left > 0 ? $left : 0;
		return 1 if $found > 0;
		return if $left <= 0 || ($found < 0 && !$!{EINTR});
	}
}

# Exactly $len octets from a stream; undef when it ends or the time is over.
sub _read_exactly {
	my ($socket, $len, $end) = @_;
	my $data = '';

	while (length $data < $len) {
		return unless _readable($socket, $end);
		my $got = sysread $socket, $data, $len - length $data, length $data;
		return unless $got;
	}
	return $data;
}

# One message, with its length in front, from a TCP connection; undef when none comes.
sub tcp_read {
	my ($self, $socket, $seconds) = @_;
	my $end = time + ($seconds // 5 * slow());
	my $len = _read_exactly($socket, 2, $end) // return;
	return _read_exactly($socket, unpack('n', $len), $end);
}

sub tcp_write {
	my ($self, $socket, @messages) = @_;
	my $stream = join '', map { pack 'n/a*', $_ } @messages;

	while (length $stream) {
		my $sent = send($socket, $stream, MSG_NOSIGNAL) // return 0;
		substr $stream, 0, $sent, '';
	}
	return 1;
}

# Send these octets, return the response's octets; undef when none comes.
# %opt: tcp, seconds (to wait; a real limit, not scaled).  UDP is asked once.
sub exchange {
	my ($self, $message, %opt) = @_;
	my $seconds = $opt{seconds} // 5 * slow();

	if ($opt{tcp}) {
		my $socket = $self->{tcp_kept};
		# one connection is kept and used again for speed; closed by the server: a new one
		for my $attempt (0, 1) {
			$socket = $self->{tcp_kept} = $self->tcp_socket
			  if $attempt || !$socket || !$socket->connected;
			next unless $self->tcp_write($socket, $message);
			my $response = $self->tcp_read($socket, $seconds);
			return $response if defined $response;
			delete $self->{tcp_kept};
		}
		return;
	}
	my $socket = $self->_plain_udp_socket;
	send($socket, $message, 0) // return;
	my $end = time + $seconds;
	while (_readable($socket, $end)) {
		my $response;
		defined recv($socket, $response, 65535, 0) or return;
		return $response;
	}
	return;
}

# The response on a socket that has a time-out to what was sent there; undef when none comes.
sub _response_to {
	my ($socket, $message) = @_;

	while (1) {
		my $from = recv $socket, my $response, 65535, 0;
		return if !defined $from && !$!{EINTR};
		# one that comes too late is another query's
		return $response if defined $from && substr($response, 0, 2) eq substr $message, 0, 2;
	}
}

# The same for many messages over UDP, several at a time, each way from a few ports: much
# cheaper.  returns the responses in the messages' order.
sub exchange_all {
	my ($self, @messages) = @_;
	my @sockets = map { $self->_plain_udp_socket } 1 .. (@messages < 8 ? @messages : 8);
	my @responses;

	setsockopt $_, SOL_SOCKET, SO_RCVTIMEO, pack 'l!2', 5 * slow(), 0 for @sockets;
	while (my @some = splice @messages, 0, scalar @sockets) {
		send $sockets[$_], $some[$_], 0 for 0 .. $#some;
		push @responses, map { scalar _response_to($sockets[$_], $some[$_]) } 0 .. $#some;
	}
	return @responses;
}

# Ask; returns a Martlet::Answer, undef when nothing came, and dies when what came does
# not parse or answers something else.  %opt as for encode_query and exchange.
sub ask {
	my ($self, $name, $type, %opt) = @_;
	my $query = encode_query($name, $type, %opt);
	my $response = $self->exchange($query, %opt) // return;
	my $answer = Martlet::Answer->new($response);

	die "answer with another ID\n" if $answer->{id} != unpack 'n', $query;
	die "answer without QR\n" unless $answer->{qr};
	return $answer;
}

1;
