# A resolver that says what a test wants, lies too, over UDP and TCP.
#
#	my $fake = Martlet::FakeResolver->new;
#	$fake->say('cdn.outside.test A' => { answer => ['cdn.outside.test. 300 A 192.0.2.1'] });
#	$fake->asked;	# [name and type, time], ... of every question so far
#
# What is said of a name and type, {} being an empty answer:
#	answer, authority   records as in zone files
#	rcode               its name
#	question            another name that the answer is said to be about
#	tc                  1: cut short over UDP, whole over TCP; 2: over TCP too
#	addresses           so many of type A, over TCP
#	garbage             octets in the place of a message
#	silent              1: nothing
#	slow                seconds that it takes
# Of names that it was told nothing about it says NXDOMAIN.
package Martlet::FakeResolver;

use strict;
use warnings;

use parent qw(-norequire Martlet::Process);

use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Martlet::Process qw(free_port read_file write_file);
use Net::DNS;
use POSIX ();
use Time::HiRes qw(sleep time);

sub new {
	my ($class, %arg) = @_;
	my $self = bless { %arg, said => {} }, $class;

	$self->_prepare;
	$self->{port} = free_port();
	$self->say;
	$self->start unless exists $arg{start} && !$arg{start};
	return $self;
}

sub where { return "$_[0]{address}:$_[0]{port}" }

sub say {
	my ($self, %said) = @_;

	$self->{said} = { %{ $self->{said} }, %said };
	write_file("$self->{dir}/said.new", JSON::PP->new->encode($self->{said}));
	rename "$self->{dir}/said.new", "$self->{dir}/said" or die "said: $!\n";
	return;
}

# Those of one name and type only, if they are given.
sub asked {
	my ($self, $which) = @_;
	my @all = map { [/^(\S+ \S+) (\S+)/] } split /\n/, -e "$self->{dir}/asked" ? read_file("$self->{dir}/asked") : '';

	return defined $which ? grep { $_->[0] eq $which } @all : @all;
}

sub start {
	my ($self) = @_;
	my @where = (LocalAddr => $self->{address}, LocalPort => $self->{port});
	my $udp = IO::Socket::INET->new(@where, Proto => 'udp') or die "UDP: $!\n";
	my $tcp = IO::Socket::INET->new(@where, Proto => 'tcp', Listen => 64, ReuseAddr => 1) or die "TCP: $!\n";
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		$SIG{TERM} = sub { POSIX::_exit(0) };
		eval { $self->_serve($udp, $tcp); 1 } or print STDERR "fake resolver: $@";
		POSIX::_exit(1);
	}
	$self->_adopt($pid);
	return;
}

sub _serve {
	my ($self, $udp, $tcp) = @_;
	my $select = IO::Select->new($udp, $tcp);

	while (1) {
		for my $socket ($select->can_read) {
			if ($socket == $udp) {
				my $from = $udp->recv(my $query, 4096);
				my $answer = $self->_answer($query, 'udp');
				$udp->send($answer, 0, $from) if length $answer;
			} elsif ($socket == $tcp) {
				$select->add($tcp->accept // next);
			} elsif (!$self->_serve_tcp($socket)) {
				$select->remove($socket);
				close $socket;
			}
		}
	}
}

sub _serve_tcp {
	my ($self, $socket) = @_;

	my ($len, $query) = ('', '');

	return 0 unless (sysread $socket, $len, 2) && length $len == 2;
	return 0 unless sysread $socket, $query, unpack 'n', $len;
	my $answer = $self->_answer($query, 'tcp');
	syswrite $socket, pack 'n/a*', $answer if length $answer;
	return length $answer;
}

sub _answer {
	my ($self, $query, $proto) = @_;
	my $packet = Net::DNS::Packet->new(\$query) or return '';
	my ($question) = $packet->question;
	my $which = lc($question->qname) . ' ' . $question->qtype;
	my $said = JSON::PP->new->decode(read_file("$self->{dir}/said"))->{$which} // { rcode => 'NXDOMAIN' };

	open my $out, '>>', "$self->{dir}/asked" or die "asked: $!\n";
	printf $out "%s %.3f\n", $which, time;
	close $out;
	sleep $said->{slow} if $said->{slow};
	return '' if $said->{silent};
	return $said->{garbage} if defined $said->{garbage};
	return $self->_addresses($packet, $said->{addresses}, $proto) if $said->{addresses};
	my $answer = Net::DNS::Packet->new($said->{question} // $question->qname, $question->qtype);
	$answer->header->id($packet->header->id);
	$answer->header->qr(1);
	$answer->header->ra(1);
	$answer->header->rcode($said->{rcode} // 'NOERROR');
	if (($said->{tc} // 0) > ($proto eq 'tcp')) {
		$answer->header->tc(1);
	} else {
		$answer->push($_ => map { Net::DNS::RR->new($_) } @{ $said->{$_} // [] }) for qw(answer authority);
	}
	return $answer->data;
}

# Whole only over TCP.
sub _addresses {
	my ($self, $packet, $count, $proto) = @_;
	my ($question) = $packet->question;
	my $is_cut = $proto eq 'udp';

	return pack('n C2 n4', $packet->header->id, $is_cut ? 0x82 : 0x80, 0x80, 1, $is_cut ? 0 : $count, 0, 0)
	  . $question->encode
	  . ($is_cut ? '' : join '', map { pack 'n3 N n C4', 0xc00c, 1, 1, 60, 4, 198, 51, $_ >> 8, $_ & 255 } 1 .. $count);
}

1;
