# A DNS server of known faults, in a process of its own: the first label of a name says what
# becomes of its queries.
#
#	my $server = DelayServer->new;	# ->port
#	# d<ms>: answered after so long; drop: never; stall<ms>: nothing is answered for so
#	# long, once; end: the server ends; all others: answered at once
#	$server->has_seen;	# anything at all
#	my @seen = $server->seen;	# ends it: [time, address, port, name, message] of each query
package DelayServer;

use strict;
use warnings;

use File::Temp ();
use IO::Select;
use IO::Socket::INET;
use Martlet::Process qw(read_file);
use POSIX ();
use Socket qw(SO_RCVBUF SOL_SOCKET unpack_sockaddr_in inet_ntoa);
use Time::HiRes qw(sleep time);

sub new {
	my ($class) = @_;
	my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => 0)
	  // die "no socket: $!\n";
	my $self = bless { port => $socket->sockport, log => File::Temp->new }, $class;

	setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 4 << 20;
	$self->{pid} = fork // die "fork: $!\n";
	return $self if $self->{pid};
	my $ended;
	local $SIG{TERM} = sub { $ended = 1 };
	$self->_serve($socket, \$ended);
	POSIX::_exit(0);
}

sub port { return $_[0]{port} }

sub has_seen { return -s "$_[0]{log}" }

sub _name {
	my ($query) = @_;
	my ($at, @labels) = (12);

	while (my $len = ord substr $query, $at, 1) {
		push @labels, substr $query, $at + 1, $len;
		$at += 1 + $len;
	}
	return @labels;
}

sub _serve {
	my ($self, $socket, $ended) = @_;
	my $select = IO::Select->new($socket);
	my (@later, %stalled);

	while (!$$ended) {
		my $wait = @later ? $later[0][0] - time : 0.05;
		if ($select->can_read($wait > 0 ? $wait : 0)) {
			my $peer = recv $socket, my $query, 65535, 0;
			next unless defined $peer && length $query >= 12;
			my ($what, @rest) = _name($query);
			syswrite $self->{log}, sprintf "%.6f %s\n", time, join ' ',
			  map { unpack 'H*', $_ } $peer, join('.', $what, @rest), $query;
			last if $what eq 'end';
			next if $what eq 'drop';
			sleep $1 / 1000 if $what =~ /^stall(\d+)$/ && !$stalled{$what}++;
			my $delay = $what =~ /^d(\d+)$/ ? $1 / 1000 : 0;
			substr $query, 2, 1, chr(0x84);
			@later = sort { $a->[0] <=> $b->[0] } @later, [time + $delay, $peer, $query];
		}
		while (@later && $later[0][0] <= time) {
			my ($due, $peer, $answer) = @{ shift @later };
			send $socket, $answer, 0, $peer;
		}
	}
	return;
}

sub seen {
	my ($self) = @_;

	if ($self->{pid}) {
		kill 'TERM', $self->{pid};
		waitpid delete $self->{pid}, 0;
	}
	return map {
		my ($time, @hex) = split / /;
		my ($peer, $name, $query) = map { pack 'H*', $_ } @hex;
		my ($port, $address) = unpack_sockaddr_in($peer);
		[$time, inet_ntoa($address), $port, $name, $query];
	} split /\n/, read_file("$self->{log}");
}

sub DESTROY {
	my ($self) = @_;

	kill 'KILL', $self->{pid} if $self->{pid};
	return;
}

1;
