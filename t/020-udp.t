#!/usr/bin/perl
# Datagrams through the real server: every one counted, answered from the address that
# was asked, whatever their number and length.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Select;
use IO::Socket::INET;
use Martlet;
use Martlet::Answer;
use Martlet::Process qw(free_port poll);
use Martlet::Wire qw(encode_query);
use Socket qw(AF_INET6 SOCK_DGRAM inet_pton pack_sockaddr_in6 unpack_sockaddr_in);
use Test::More;

my $zone = <<'END';
@    3600 SOA ns.example.com. hostmaster.example.com. 1 7200 3600 1209600 300
     3600 NS  ns
ns   3600 A   192.0.2.53
www  3600 A   192.0.2.1
END
$zone .= qq{big 3600 TXT "${\ sprintf '%03d', $_}${\ ('x' x 200)}"\n} for 1 .. 100;

# All responses that come to these sockets, as messages; waits for `want` of them.
sub collect {
	my ($want, @sockets) = @_;
	my $select = IO::Select->new(@sockets);
	my @got;

	while (@got < $want && (my @ready = $select->can_read(5))) {
		for my $socket (@ready) {
			defined recv($socket, my $message, 65535, 0) or next;
			push @got, $message;
		}
	}
	# and what is too many
	for my $socket ($select->can_read(0.05)) {
		recv($socket, my $message, 65535, 0);
		push @got, $message;
	}
	return @got;
}

my $m = Martlet->new(zones => { 'example.com' => $zone });

my $d = $m->counted(sub {
	my $r = $m->ask('www.example.com', 'A');
	is_deeply([$r->brief('answer')], ['www.example.com. A 192.0.2.1'], 'a query is answered');
});
is($d->{udp_queries}, 1, 'udp_queries');
is($d->{udp_responses}, 1, 'udp_responses');
is($d->{batches}, 1, 'batches');
is($d->{udp_send_failed}, undef, 'udp_send_failed');
is($d->{tcp_queries}, undef, 'tcp_queries');

# bursts from many ports: they spread over both workers and fill batches
my @sockets = map { $m->udp_socket } 1 .. 20;
my %seen;
$d = $m->counted(sub {
	for my $burst (0 .. 9) {
		for my $i (0 .. 99) {
			send $sockets[$i % 20], encode_query('www.example.com', 'A', id => $burst * 100 + $i), 0;
		}
		$seen{ Martlet::Answer->new($_)->{id} }++ for collect(100, @sockets);
	}
});
is(scalar keys %seen, 1000, '1000 queries in bursts: 1000 answers');
is((grep { $_ != 1 } values %seen), 0, 'each once');
is($d->{udp_queries}, 1000, 'udp_queries');
is($d->{udp_responses}, 1000, 'udp_responses');
ok($d->{batches} <= 1000, "$d->{batches} batches");
my @busy = grep { $_->{queries} } $m->workers;
is(scalar @busy, 2, 'both workers had a part in it');

# what is not answered leaves no gap
$d = $m->counted(sub {
	my $socket = $sockets[0];
	for my $i (0 .. 49) {
		send $socket, encode_query('www.example.com', 'A', id => $i), 0;
		send $socket, encode_query('www.example.com', 'A', id => 1000, flags => 0x8000), 0;
		send $socket, substr(encode_query('www.example.com', 'A', id => 2000), 0, 11), 0;
		send $socket, '', 0;
	}
	my @ids = map { Martlet::Answer->new($_)->{id} } collect(50, $socket);
	is_deeply(\@ids, [0 .. 49], 'responses and short messages are passed over, in order');
});
is($d->{udp_queries}, 200, 'udp_queries counts them');
is($d->{udp_responses}, 50, 'udp_responses');
is($d->{dropped_response}, 50, 'dropped_response');
is($d->{dropped_short}, 100, 'dropped_short');

my $r = $m->ask('big.example.com', 'TXT', edns => 1232);
ok($r->tc && $r->len <= 1232, 'an answer of 20 kB is truncated over UDP');
is($m->ask('big.example.com', 'TXT', tcp => 1)->{tc}, 0, 'and whole over TCP');
my $response = $m->exchange(encode_query('www.example.com', 'A', extra => "\0" x 5000));
is(Martlet::Answer->new($response)->rcode, 'FORMERR', 'a datagram of 5 kB is malformed');

is($m->stop, 0, 'it ends');

# wildcard addresses
$m = Martlet->new(zones => { 'example.com' => $zone }, start => 0);
$m->{port} = free_port();
my $has_ipv6 = socket(my $probe, AF_INET6, SOCK_DGRAM, 0);
$has_ipv6 &&= bind $probe, pack_sockaddr_in6(0, inet_pton(AF_INET6, '::1'));
$m->write_config({ listen => [
	{ address => '0.0.0.0', port => $m->port },
	$has_ipv6 ? { address => '::', port => $m->port } : ()
] });
$m->start;
for my $address ('127.0.0.1', '127.0.0.7', '127.1.2.3') {
	# not connected: a connected socket would hide a wrong source
	my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.9');
	my $to = Socket::pack_sockaddr_in($m->port, Socket::inet_aton($address));
	send $socket, encode_query('www.example.com', 'A'), 0, $to;
	my $from = IO::Select->new($socket)->can_read(5) ? recv($socket, my $message, 65535, 0) : undef;
	is($from && join(' ', Socket::inet_ntoa((unpack_sockaddr_in($from))[1]),
			(unpack_sockaddr_in($from))[0]),
		"$address " . $m->port, "asked at $address, answered from there");
}
SKIP: {
	skip 'no IPv6 here', 2 unless $has_ipv6;
	$d = $m->counted(sub {
		socket(my $socket, AF_INET6, SOCK_DGRAM, 0) or die "socket: $!\n";
		send $socket, encode_query('www.example.com', 'A'), 0,
		  pack_sockaddr_in6($m->port, inet_pton(AF_INET6, '::1'));
		ok(IO::Select->new($socket)->can_read(5), 'IPv6 is answered');
	});
	is($d->{ipv6_queries}, 1, 'ipv6_queries');
}
is($m->stop, 0, 'it ends');

done_testing();
