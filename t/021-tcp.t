#!/usr/bin/perl
# TCP through the real server: framing, limits, and peers that mean no good.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Select;
use IO::Socket::INET;
use Martlet;
use Martlet::Answer;
use Martlet::Process qw(poll);
use Martlet::Wire qw(encode_query);
use Socket qw(IPPROTO_TCP MSG_NOSIGNAL SOL_SOCKET SO_LINGER TCP_NODELAY);
use Test::More;
use Time::HiRes qw(sleep time);

my $zone = <<'END';
@    3600 SOA ns.example.com. hostmaster.example.com. 1 7200 3600 1209600 300
     3600 NS  ns
ns   3600 A   192.0.2.53
www  3600 A   192.0.2.1
END
$zone .= qq{big 3600 TXT "${\ sprintf '%03d', $_}${\ ('x' x 240)}"\n} for 1 .. 250;

sub query { return pack 'n/a*', encode_query($_[0], $_[1], id => $_[2]) }

sub new_server {
	my (%tcp) = @_;
	return Martlet->new(zones => { 'example.com' => $zone }, config => { tcp => \%tcp });
}

# The ids of the next `count` responses.
sub ids {
	my ($m, $socket, $count) = @_;
	my @ids;

	while (@ids < $count) {
		my $message = $m->tcp_read($socket) // last;
		push @ids, Martlet::Answer->new($message)->{id};
	}
	return \@ids;
}

# Has the server closed it?  Waits for `seconds`; a reset counts.
sub is_closed {
	my ($socket, $seconds) = @_;
	return 0 unless IO::Select->new($socket)->can_read($seconds);
	return !sysread $socket, my $octet, 1;
}

sub open_count { return $_[0]->counters->{tcp_open} }

my $m = new_server();

my $d = $m->counted(sub {
	my $socket = $m->tcp_socket;
	send $socket, join('', map { query('www.example.com', 'A', $_) } 1 .. 100), MSG_NOSIGNAL;
	is_deeply(ids($m, $socket, 100), [1 .. 100], '100 queries in one segment, answered in order');
});
is($d->{tcp_queries}, 100, 'tcp_queries');
is($d->{tcp_responses}, 100, 'tcp_responses');
is($d->{tcp_accepted}, 1, 'tcp_accepted');
is($d->{noerror}, 100, 'noerror');
is($d->{udp_queries}, undef, 'udp_queries');

my $socket = $m->tcp_socket;
setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
my $stream = query('www.example.com', 'A', 1) . query('nx.example.com', 'A', 2);
send $socket, $_, MSG_NOSIGNAL for split //, $stream;
is_deeply(ids($m, $socket, 2), [1, 2], 'two queries, octet by octet');
for my $at (1, 2, 3, 20, length($stream) - 1) {
	send $socket, substr($stream, 0, $at), MSG_NOSIGNAL;
	sleep 0.01;
	send $socket, substr($stream, $at), MSG_NOSIGNAL;
	is_deeply(ids($m, $socket, 2), [1, 2], "two queries, cut at $at");
}
send $socket, query('big.example.com', 'TXT', 3), MSG_NOSIGNAL;
my $message = $m->tcp_read($socket);
ok(length $message > 60000, 'an answer of ' . length($message) . ' octets');
is(scalar(() = Martlet::Answer->new($message)->text('answer')), 250, 'with all of its records');
close $socket;

$socket = $m->tcp_socket;
send $socket, join('', map { query('big.example.com', 'TXT', $_) } 1 .. 20), MSG_NOSIGNAL;
shutdown $socket, 1;
is_deeply(ids($m, $socket, 20), [1 .. 20], 'a half-closed peer gets 1.2 MB of answers');
ok(is_closed($socket, 5), 'and then the end');

# malformed streams
$d = $m->counted(sub {
	for my $bad ("\0\0", "\0\5hello", "GET / HTTP/1.0\r\n\r\n", "\xff" x 70000) {
		my $bad_socket = $m->tcp_socket;
		send $bad_socket, query('www.example.com', 'A', 1) . $bad, MSG_NOSIGNAL;
		is_deeply(ids($m, $bad_socket, 1), [1], 'what comes before rubbish is answered');
		shutdown $bad_socket, 1;
		1 while IO::Select->new($bad_socket)->can_read(5) && sysread $bad_socket, my $rest, 65536;
		ok(1, 'and the stream ends');
	}
	poll(5, sub { !open_count($m) });
});
ok($d->{tcp_closed_broken} >= 3, "tcp_closed_broken: $d->{tcp_closed_broken}");

# resets in the middle of everything
for my $i (1 .. 50) {
	my $reset = $m->tcp_socket;
	send $reset, query('big.example.com', 'TXT', $_), MSG_NOSIGNAL for 1 .. $i % 7;
	setsockopt $reset, SOL_SOCKET, SO_LINGER, pack 'i2', 1, 0;
	close $reset;
}
ok(poll(5, sub { !open_count($m) }), '50 resets leave no connection open');

# who asks and does not read
my @greedy = map { $m->tcp_socket } 1 .. 10;
$_->blocking(0) for @greedy;
my $big = join '', map { query('big.example.com', 'TXT', $_) } 1 .. 500;
for my $greedy (@greedy) {
	for (1 .. 20) {
		send($greedy, $big, MSG_NOSIGNAL) // last;
	}
}
my $start = time;
my $good = grep { $m->ask('www.example.com', 'A') } 1 .. 100;
is($good, 100, 'ten peers that ask for gigabytes and do not read keep nobody waiting');
$good = grep { $m->ask('www.example.com', 'A', tcp => 1) } 1 .. 100;
is($good, 100, 'over TCP neither');
my ($largest) = sort { $b <=> $a } map { $_->{rss_bytes} } $m->workers;
ok($largest < 64 << 20, "a worker has $largest octets of memory") unless $ENV{MARTLET_TEST_SLOW};
$greedy[0]->blocking(1);
is_deeply(ids($m, $greedy[0], 30), [1 .. 30], 'who reads at last gets its answers');
close $_ for @greedy;
delete $m->{tcp_kept};

# 10,000 connections, one after the other
my $before = $m->counters->{tcp_accepted};
$good = 0;
my $query = query('www.example.com', 'A', 7);
for my $i (1 .. 10000) {
	my $one = $m->tcp_socket;
	send $one, $query, MSG_NOSIGNAL;
	# every second one does not wait
	$good++ if $i % 2 || sysread $one, my $response, 512;
	setsockopt $one, SOL_SOCKET, SO_LINGER, pack 'i2', 1, 0;
	close $one;
}
is($good, 10000, '10,000 connections');
ok(poll(5, sub { !open_count($m) }), 'none is left open');
($largest) = sort { $b <=> $a } map { $_->{rss_bytes} } $m->workers;
ok($largest < 64 << 20, "a worker has $largest octets of memory") unless $ENV{MARTLET_TEST_SLOW};

# a worker dies with connections in its accept queue
my @workers = $m->workers;
$m->expect_log(qr/worker \d/);
kill 'STOP', $_->{pid} for @workers;
my @waiting = map { $m->tcp_socket } 1 .. 10;
send $waiting[$_], query('www.example.com', 'A', $_), MSG_NOSIGNAL for 0 .. 9;
kill 'KILL', $_->{pid} for @workers;
is_deeply([map { @{ ids($m, $waiting[$_], 1) } } 0 .. 9], [0 .. 9],
	'connections that waited while all workers died are served by the next ones');
close $_ for @waiting;
ok($m->counters->{tcp_accepted} >= $before + 10000, 'and no counter steps back');

# a query on an open connection while the server ends
$socket = $m->tcp_socket;
send $socket, query('www.example.com', 'A', 1), MSG_NOSIGNAL;
is_deeply(ids($m, $socket, 1), [1], 'a connection is open');
send $socket, substr($query, 0, 10), MSG_NOSIGNAL;
sleep 0.1;
kill 'TERM', $m->pid;
sleep 0.2;
send $socket, substr($query, 10), MSG_NOSIGNAL;
is_deeply(ids($m, $socket, 1), [7], 'a query that was under way at SIGTERM is answered');
close $socket;
is($m->stop, 0, 'it ends');

# limits
$m = new_server(per_client => 5, idle_ms => 60000);
my @five = map { $m->tcp_socket } 1 .. 5;
ok(poll(5, sub { open_count($m) == 5 }), 'tcp.per_client = 5: five from one address');
my @three = map { $m->tcp_socket } 1 .. 3;
is((grep { is_closed($_, 5) } @three), 3, 'the next three are closed');
is((grep { is_closed($_, 0) } @five), 0, 'the first five stay');
is($m->counters->{tcp_refused_client}, 3, 'tcp_refused_client');
my $other = IO::Socket::INET->new(Proto => 'tcp', LocalAddr => '127.0.0.2',
	PeerAddr => $m->address, PeerPort => $m->port);
send $other, $query, MSG_NOSIGNAL;
is_deeply(ids($m, $other, 1), [7], 'another address is served');
$m->write_config({ tcp => { per_client => 50, clients => 6 } });
is(($m->ctl('reload'))[0], 0, 'reload with tcp.clients = 6');
my @many = map { sleep 0.01; $m->tcp_socket } 1 .. 10;
ok(poll(5, sub { $m->counters->{tcp_accepted} == 16 && open_count($m) == 6 }),
	'six stay open over both workers');
is((grep { is_closed($_, 0) } @five, $other, @many), 10, 'ten went');
ok(!is_closed($many[-1], 0), 'the newest one stays');
is($m->counters->{tcp_closed_full}, 10, 'tcp_closed_full');
$m->write_config({ tcp => { idle_ms => 500, clients => 1000, queries => 3 } });
is(($m->ctl('reload'))[0], 0, 'reload with tcp.idle_ms = 500, tcp.queries = 3');
$socket = $m->tcp_socket;
setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
$start = time;
for my $octet (split //, $query . $query) {
	last if is_closed($socket, 0.05) || !defined send $socket, $octet, MSG_NOSIGNAL;
}
my $took = time - $start;
ok($took > 0.3 && $took < 2.5, sprintf 'dribbled octets are no progress: closed after %.2f s', $took);
ok(poll(5, sub { open_count($m) == 0 }), 'all others are closed too');
$socket = $m->tcp_socket;
send $socket, $query x 10, MSG_NOSIGNAL;
is_deeply(ids($m, $socket, 10), [7, 7, 7], 'three queries are answered');
ok(is_closed($socket, 5), 'then the connection ends');
is($m->counters->{tcp_closed_queries}, 1, 'tcp_closed_queries');
is($m->stop, 0, 'it ends');

done_testing();
