#!/usr/bin/perl
# The control socket: broken and hostile peers, many at once, and what the master
# answers by itself.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Control;
use Martlet::Process qw(children_of poll slow write_file);
use Test::More;
use Time::HiRes qw(time);

# what is freed is to be used again, as without a sanitizer
$ENV{ASAN_OPTIONS} = join ':', 'quarantine_size_mb=0:thread_local_quarantine_size_kb=0', $ENV{ASAN_OPTIONS} // ();

my $ZONE = "\@ 3600 IN SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n";
my $m = Martlet->new(zones => { 'example.com' => $ZONE });

sub peer { return Martlet::Control->new($m->control_socket) // die "connect: $!\n" }
sub ask { return Martlet::Control::ask($m->control_socket, @_) }

sub rss_kb {
	return Martlet::Process::read_file("/proc/@{[ $m->pid ]}/status") =~ /VmRSS:\s+(\d+)/ ? $1 : 0;
}

sub refused {
	my ($octets, $want, $what) = @_;
	my $peer = peer();

	$peer->send_raw($octets);
	my ($status, $json) = $peer->reply;
	is($status, 1, "$what: refused");
	like($json->{error}, $want, "$what: with the reason");
	ok($peer->is_closed(5), "$what: and closed");
	return;
}

# what it answers
{
	my ($status, $json) = ask('status');
	is($status, 0, 'status');
	is_deeply([sort keys %$json], [sort qw(version pid uptime_s state generation overlay_records
		zones records source resolver workers health http query_log floods problems notices)], 'has its members');
	is_deeply([sort keys %{ $json->{health} }],
		[sort qw(role pid restarts targets up down unknown denied held probes mass_guard last_error redis_error)],
		"health has its own");
	is($json->{health}{role}, "off", "nothing is probed");
	is_deeply([sort keys %{ $json->{source} }],
		[sort qw(kind connected staleness_s cursor last_error)], 'its source too');
	is($json->{state}, 'serving', 'serving');
	is($json->{zones}, 1, 'one zone');
	is($json->{records}, 3, 'three records');

	($status, $json) = ask('ready');
	is($status, 0, 'ready');
	is_deeply($json, { ready => JSON::PP::true(), generation => 1 }, 'yes');

	($status, $json) = ask('workers');
	is($status, 0, 'workers');
	is(scalar @{ $json->{workers} }, 2, 'two');
	is_deeply([sort keys %{ $json->{workers}[0] }], [sort qw(id pid cpu state restarts uptime_s
		qps queries generation rss_bytes)], 'each with its members');
	cmp_ok($json->{workers}[0]{rss_bytes}, '>', 100_000, 'memory in octets');

	my (undef, $before) = ask('stats');
	$m->ask('ns.example.com', 'A') for 1 .. 7;
	my (undef, $after) = ask('stats', '--per-worker');
	is($after->{udp_queries} - $before->{udp_queries}, 7, 'stats counts queries');
	is($after->{stats}[0]{udp_queries} + $after->{stats}[1]{udp_queries}, $after->{udp_queries},
		'which is the sum over workers');
	is((ask('stats', '--all'))[0], 1, 'an unknown option');
}

# what it refuses
refused("GET / HTTP/1.0\r\n\r\n", qr/no request of martletctl/, 'HTTP');
refused(Martlet::Control::head(7, version => 9) . "status\0", qr/another version/, 'a later version');
refused(Martlet::Control::head(7, kind => 3) . "status\0", qr/no request/, 'another kind');
refused(Martlet::Control::head(65_537), qr/longer than 64 KiB/, 'too long');
refused(Martlet::Control::head(0), qr/empty/, 'empty');
refused(Martlet::Control::head(6) . 'status', qr/NUL/, 'no end');
refused(Martlet::Control::encode(('x') x 65), qr/too many arguments/, '65 arguments');
refused(Martlet::Control::encode('frobnicate'), qr/unknown command 'frobnicate'/, 'unknown');
refused(Martlet::Control::encode("a\n\033[31m\xff"), qr/unknown command/, 'rubbish');
refused(Martlet::Control::encode('x' x 60_000), qr/unknown command/, '60,000 octets');
refused(Martlet::Control::encode('status', 'more'), qr/usage: status/, 'an argument too many');

# who hangs up in the middle
{
	for my $len (0, 1, 11, 12, 15) {
		my $peer = peer();
		$peer->send_raw(substr Martlet::Control::encode('status'), 0, $len);
	}
	for my $command (qw(status zones reload stats)) {
		my $peer = peer();
		$peer->request($command);
	}
	is((ask('status'))[0], 0, 'peers that hang up do no harm');
}

# in small pieces
{
	my $peer = peer();
	$peer->send_raw($_) for split //, Martlet::Control::encode('ready');
	is(($peer->reply)[0], 0, 'octet by octet');
}

# too slow: the time for a request
{
	my $begun = time;
	my $peer = peer();
	$peer->send_raw("MT\1");
	my ($status, $json) = $peer->reply;
	is($status, 1, 'a request that does not come');
	like($json->{error}, qr/within 5 s/, 'has 5 s');
	cmp_ok(time - $begun, '>', 4.5, 'really');
}

# one too many
{
	# peers of before may still be leaving
	my @peers = map { peer() } 1 .. 16;
	my ($status, $json);
	ok(poll(5, sub { push @peers, peer(); ($status, $json) = ask('ready'); $json && $status == 1 }), 'the seventeenth is refused');
	like($json->{error}, qr/too many connections/, 'and told so');
	$#peers = 14;
	ok(poll(5, sub { ((ask('ready'))[0] // 1) == 0 }), 'until one of them goes');
	is($m->ask('example.com', 'SOA')->rcode, 'NOERROR', 'queries do not care');
	$peers[0]->request('ready');
	is(($peers[0]->reply)[0], 0, 'the others are served when they ask');
}

# hundreds in a row, all gone at once: memory and descriptors stay
{
	my $count = sub { scalar(() = glob "/proc/@{[ $m->pid ]}/fd/*") };
	do { ask('status'); ask('stats', '--per-worker') } for 1 .. 20;
	my ($fds, $kb) = ($count->(), rss_kb());
	for (1 .. 300) {
		my $peer = Martlet::Control->new($m->control_socket) or next;
		$peer->request($_ % 3 ? 'zones' : 'stats', $_ % 3 ? () : '--per-worker');
	}
	ok(poll(10, sub { ((ask('ready'))[0] // 1) == 0 }), 'hundreds of rude peers');
	ok(poll(10, sub { $count->() <= $fds }), 'leave no descriptor');
	ok(poll(10, sub { 4 == (() = children_of($m->pid)) }), 'and no clerk');
	cmp_ok(rss_kb(), '<', $kb + 1000, 'and no memory');
}

# a bad configuration is refused, with the place
{
	$m->expect_log(qr/nearest is/);
	$m->write_config({ dns => { udpsize => 512 }, tcp => { idle_ms => 1 } });
	my ($status, $json) = ask('reload');
	is($status, 1, 'reload with a bad configuration');
	like($json->{error}, qr/martlet\.conf:\d+: dns\.udpsize: unknown option; nearest is "dns\.udp_size" \(and 1 more\)/,
		'names the first error');
}

# changes of each kind
{
	delete $m->{arg}{config}{dns}{udpsize};
	delete $m->{arg}{config}{tcp};
	write_file("$m->{dir}/b", $ZONE);
	$m->expect_log(qr/only effective after a restart|idle_ms/);
	$m->write_config({ state_dir => "$m->{dir}/elsewhere", generations => { keep => 2 },
		zones => { files => [{ origin => 'b.example', file => "$m->{dir}/b" }] } });
	my ($status, $json) = ask('reload');
	is($status, 0, 'a reload with changes for sync');
	is($json->{zones}, 2, 'is answered when they are served');
	is($m->ask('b.example', 'SOA')->rcode, 'NOERROR', 'which they are');
	like("@{ $json->{notices} }", qr/after a restart: state_dir/, 'the notice');
	is_deeply([grep { /after a restart: state_dir/ } @{ (ask('status'))[1]{notices} }],
		['changed, but only effective after a restart: state_dir'], 'in status too');
	$m->write_config({ state_dir => $m->state_dir });
	is_deeply([grep { /restart/ } @{ (ask('reload'))[1]{notices} }], [], 'gone when taken back');
}

# many reloads at once: all are answered, one after the other
{
	my @peers = map { peer() } 1 .. 12;
	$_->request('reload') for @peers;
	my %count;
	$count{ ($_->reply)[0] // 'none' }++ for @peers;
	is($count{none} // 0, 0, 'each reload is answered');
	cmp_ok($count{0}, '>=', 8, "at least 8 are done ($count{0})");
	is(($count{0} // 0) + ($count{1} // 0), 12, 'the others are told that it is busy');
}

# stop is answered when it is done
{
	my $pid = $m->pid;
	my @children = map { $_->[1] } children_of($pid);
	my ($status, $json) = ask('stop');
	is($status, 0, 'stop');
	is(scalar(grep { kill 0, $_ } @children), 0, 'is answered when all children have ended');
	ok(!-e $m->control_socket, 'and the socket is removed');
	ok(poll(5, sub { !$m->running }), 'and the server ends');
	$m->stop;
}

done_testing();
