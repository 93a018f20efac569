#!/usr/bin/perl
# martlet-flood counts right: against a server that delays, drops and stalls as it is told.
# Bounds are such that a busy machine does not break them.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use DelayServer;
use File::Temp ();
use FloodTool qw(flood flood_start flood_end);
use List::Util qw(max min sum0);
use Martlet;
use Martlet::Process qw(free_port poll read_file write_file);
use Net::DNS;
use Test::More;
use Time::HiRes qw(time);

my $dir = File::Temp->newdir('martlet-test-XXXXXX', TMPDIR => 1);
my $number = 0;

sub queries { return write_file("$dir/" . ++$number, join '', map {"$_\n"} @_) }

# How many answers took at least so long.
sub as_slow_as {
	my ($r, $ms) = @_;
	return sum0(map { $_->{count} } grep { $_->{to_us} > $ms * 1000 } @{ $r->{histogram} });
}

sub decode { return map { scalar Net::DNS::Packet->new(\$_->[4]) } @_ }

sub option { return ($_[0]->additional)[0]->option($_[1]) }

# ---- a constant rate: what is sent, when, and what is lost

{
	my $server = DelayServer->new;
	my $path = queries(map({"d0.x.test A"} 1 .. 7), 'd60.x.test AAAA', 'drop.x.test A', 'd1800.x.test MX');
	my $r = flood('-p', $server->port, '-d', $path, '-Q', 400, '-l', 1.2, '-t', 1.5, '-S', 0.1);
	my @seen = $server->seen;
	my %names;
	$names{ $_->[3] }++ for @seen;

	is($r->{exit}, 0, 'a load at a constant rate ends well') or diag($r->{stderr});
	is($r->{sent}, 480, '400 a second for 1.2 s are 480');
	is($r->{unsent}, 0, 'none is left out');
	is_deeply(\%names, { 'd0.x.test' => 336, map { ("$_.x.test" => 48) } qw(d60 drop d1800) },
		'all come, in their shares');
	is($r->{answered} + $r->{lost}, $r->{sent}, 'each is answered or lost');
	is($r->{lost}, 96, 'what is dropped is lost, and what comes too late');
	cmp_ok($r->{late}, '>', 0, "answers to lost ones are late: $r->{late}");
	is($r->{stray}, 0, 'none is taken for another');
	is_deeply($r->{rcodes}, { NOERROR => 384 }, 'codes are counted');
	cmp_ok(as_slow_as($r, 60), '>=', 48, 'delays are seen: of 60 ms');
	cmp_ok($r->{latency_us}{min}, '<', 60_000, 'and not by all');
	cmp_ok($r->{latency_us}{max}, '>=', 60_000, 'but by the greatest');
	is($r->{latency_us}{count}, 384, 'each answer is in the histogram');
	is(sum0(map { $_->{count} } @{ $r->{histogram} }), 384, 'once');
	for my $what (qw(sent answered lost)) {
		is(sum0(map { $_->{$what} } @{ $r->{intervals} }), $r->{$what}, "the time line has all that is $what");
	}
	# the first may have come late, and all others with it
	my $early = max map { $seen[0][0] + $_ / 400 - $seen[$_][0] } 0 .. $#seen;
	cmp_ok($early, '<=', $r->{max_behind_us} / 1e6 + 0.01 + 1 / 400, 'none is sent before it is due');
	cmp_ok(scalar keys %{ { map { $_->[2] => 1 } @seen } }, '==', 16, 'from 16 ports');
}

# ---- a server that stands still is charged with all that was due meanwhile

{
	my $server = DelayServer->new;
	my $path = queries(map({'d0.x.test A'} 1 .. 100), 'stall500.x.test A', map {'d0.x.test A'} 1 .. 400);
	my $r = flood('-p', $server->port, '-d', $path, '-Q', 500, '--count', 500, '-t', 5);

	is($r->{answered}, 500, 'all are answered in the end');
	# 0.4 s of queries fall due at least 0.1 s before it goes on
	cmp_ok(as_slow_as($r, 100), '>=', 200, 'those due while it stood still waited for it');
}

# ---- a closed loop

{
	my $server = DelayServer->new;
	my $r = flood('-p', $server->port, '-d', queries('d20.x.test A'), '-c', 2, '-q', 5, '-l', 1, '-t', 3);

	cmp_ok($r->{sent}, '<=', 2 * 5 * 51, 'a closed loop waits for its answers');
	is($r->{answered}, $r->{sent}, 'and for the last of them');
	cmp_ok($r->{latency_us}{min}, '>=', 20_000, 'each took its time');
	is($r->{rate}, undef, 'there is no rate');
	$r = flood('-p', $server->port, '-d', queries('d0.x.test A'), '--count', 77, '-T', 3, '-c', 3);
	is($r->{answered}, 77, 'threads share a number of queries');
	is($r->{threads}, 3, 'three of them');
}

# ---- names, EDNS and its options

{
	my $server = DelayServer->new;
	my @to = ('-p', $server->port, '--count', 200, '-Q', 2000);

	flood(@to, '-r', 'x.test', '-r', 'y.test.', '--type', 'TXT');
	my @seen = decode($server->seen);
	my %names = map { ($_->question)[0]->qname => 1 } @seen;
	is(scalar keys %names, 200, 'random names are new each time');
	is(scalar(grep {/^zz-[a-z2-7]{12}[.]x[.]test$/} keys %names), 100, 'below each in turn');
	is(($seen[0]->question)[0]->qtype, 'TXT', 'of the type');
	is(($seen[0]->additional)[0]->UDPsize, 1232, 'with EDNS');
	ok(!$seen[0]->header->do, 'without DO');
}

my @DRESSED = (
	[['--edns', 0], sub { $_[0]->additional == 0 }, 'no EDNS'],
	[['--edns', 4096, '--do'], sub { $_[0]->header->do && ($_[0]->additional)[0]->UDPsize == 4096 }, 'DO and a size'],
	[['--ecs', '192.0.2.0/25'], sub { unpack('H*', option($_[0], 'CLIENT-SUBNET')) eq '00011900c0000200' }, 'a subnet'],
	[['--ecs', '2001:db8::/33'], sub { unpack('H*', option($_[0], 'CLIENT-SUBNET')) eq '0002210020010db800' },
		'a subnet of IPv6'],
	[['--ecs', 'random'], sub { unpack('H*', option($_[0], 'CLIENT-SUBNET')) =~ /^00011800[0-9a-f]{6}$/ },
		'a drawn subnet'],
	[['--cookie', 'client'], sub { length option($_[0], 'COOKIE') == 8 }, 'a client cookie'],
	[['--cookie', 'client', '--ecs', '192.0.2.1'], sub {
			length option($_[0], 'COOKIE') == 8 && length option($_[0], 'CLIENT-SUBNET') == 8 }, 'both'],
);
for my $dressed (@DRESSED) {
	my ($args, $is_right, $what) = @$dressed;
	my $server = DelayServer->new;
	flood('-p', $server->port, '--count', 20, '-r', 'x.test', @$args);
	my @seen = decode($server->seen);
	is(scalar(grep { $is_right->($_) } @seen), 20, "each query has $what");
}

{
	my $server = DelayServer->new;
	flood('-p', $server->port, '-r', 'x.test', '-Q', 2000, '--count', 60, '--sources', '127.1.2.0/29');
	my %from;
	$from{ $_->[1] }++ for $server->seen;
	is_deeply(\%from, { map { ("127.1.2.$_" => 10) } 1 .. 6 }, 'sources take turns');
}

# ---- a dead server, one that dies, and an end by signal

my $none = free_port();
my $begun = time;
my $r = flood('-p', $none, '-r', 'x.test', '-Q', 200, '-l', 600, '-t', 0.2, '--give-up', 0.5);
is($r->{exit}, 1, 'a dead server is an error');
like($r->{stderr}, qr/^martlet-flood: no answer from 127[.]0[.]0[.]1 port $none: does a server run there\?$/m, 'and said so');
is($r->{lost}, $r->{sent}, 'all is lost');
cmp_ok($r->{unreachable}, '>', 0, 'the system refuses');
ok($r->{has_given_up}, 'it gives up');
cmp_ok(time - $begun, '<', 300, 'soon');
$r = flood('-p', $none, '-r', 'x.test', '--tcp', 100, '-Q', 200, '-l', 600, '-t', 0.2, '--give-up', 0.5);
is($r->{exit}, 1, 'over TCP, too');
is($r->{sent}, $r->{lost}, 'what went to a connection that never was is lost');

{
	my $server = DelayServer->new;
	my $path = queries(map({'d0.x.test A'} 1 .. 100), 'end.x.test A');
	$r = flood('-p', $server->port, '-d', $path, '-Q', 400, '-l', 600, '-t', 0.2, '--give-up', 0.5);
	is($r->{exit}, 1, 'a server that dies is an error');
	like($r->{stderr}, qr/no answer from .* any more/, 'told apart');
	is($r->{answered}, 100, 'what it answered counts');
}

{
	my $server = DelayServer->new;
	my $load = flood_start('-p', $server->port, '-r', 'x.test', '-Q', 100, '-l', 600);
	ok(poll(20, sub { $server->has_seen }), 'a load that would go on');
	$r = flood_end($load, 1);
	is($r->{exit}, 0, 'a signal ends it well');
	ok($r->{was_stopped}, 'and it says so');
	is($r->{answered}, $r->{sent}, 'nothing is lost');
}

# ---- what it refuses

my $good = queries('a.test A');
my @REFUSED = (
	[[], qr/what shall be asked\? give --queries FILE or --random NAME/],
	[['-s', '192.0.2.1', '-r', 'x.test'], qr/192[.]0[.]2[.]1 is not this machine's loopback: .* --i-own-this/],
	[['-s', '::2', '-r', 'x.test'], qr/::2 is not this machine's loopback/],
	[['-s', '0.0.0.0', '-r', 'x.test'], qr/0[.]0[.]0[.]0 is not/],
	[['-s', 'localhost', '-r', 'x.test'], qr/--server localhost: give an IPv4 or IPv6 address/],
	[['-p', 0, '-r', 'x.test'], qr/--port 0: give a whole number from 1 to 65535/],
	[['-p', '53x', '-r', 'x.test'], qr/--port 53x/],
	[['-Q', 0, '-r', 'x.test'], qr/--rate 0: give a number from 0[.]01/],
	[['-Q', 'nan', '-r', 'x.test'], qr/--rate nan/],
	[['-Q', 1e8, '-t', 60, '-r', 'x.test'], qr/need \d+ sockets: --sockets .* or a shorter --timeout/],
	[['-l', '-1', '-r', 'x.test'], qr/--seconds -1/],
	[['--tcp', 101, '-r', 'x.test'], qr/--tcp 101/],
	[['--ecs', 'x', '-r', 'x.test'], qr/--ecs x: give a network/],
	[['--cookie', 'x', '-r', 'x.test'], qr/--cookie x: client or full/],
	[['--cookie', 'full', '--sources', '127.0.0.0/8', '-r', 'x.test'], qr/at most 65536/],
	[['--sources', '::1', '-r', 'x.test'], qr/IPv6 addresses for an IPv4 server/],
	[['--edns', 0, '--do', '-r', 'x.test'], qr/--edns 0: .* need EDNS/],
	[['--type', 'NOPE', '-r', 'x.test'], qr/--type NOPE/],
	[['x.test'], qr/x[.]test: what is it\?/],
	[['--nope'], qr/unrecognized option '--nope'/],
);
for my $refused (@REFUSED) {
	my ($args, $why) = @$refused;
	$r = flood('--count', 1, @$args);
	ok($r->{exit} == 2 && $r->{stderr} =~ $why, "refused: @$args") or diag("$r->{exit}: $r->{stderr}");
}

my @BAD_FILES = (
	["a.test A\nb.test\n", qr/:2: b[.]test has no type behind it/],
	["\n; x\n# y\na..b A\n", qr/:4: a[.][.]b is no domain name/],
	["a.test NOPE\n", qr/:1: NOPE is no type of records/],
	["a.test A IN\n", qr/:1: IN is more than a name and a type/],
	["a.test \e[2J\xff\n", qr/:1: [?]\[2J[?] is no type of records/],
	["; nothing\n", qr/there is no query in it/],
);
for my $bad (@BAD_FILES) {
	my ($text, $why) = @$bad;
	$r = flood('-p', $none, '-d', write_file("$dir/bad", $text));
	ok($r->{exit} == 1 && $r->{stderr} =~ $why, "bad file: $why") or diag($r->{stderr});
}
$r = flood('-p', $none, '-d', "$dir/absent");
like($r->{stderr}, qr{absent: cannot be opened: No such file}, 'a file that is not there');
$r = flood('-p', $none, '-r', join('.', ('x' x 60) x 4));
like($r->{stderr}, qr/is no domain name, or too long/, 'no room for a random label');
$r = flood('-p', $none, '-d', $good, '--sources', '198.51.100.0/30', '-Q', 50, '-l', 0.2, '-t', 0.1);
is($r->{send_errors}, 10, 'addresses of others cannot be sent from');
like($r->{stderr}, qr/queries could not be sent: /, 'with the reason');

# ---- beside our own server: TCP, cookies, plot

my $m = Martlet->new(zones => { 'x.test' => "\@ 60 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n" });
my $counted = $m->counted(sub {
		$r = flood('-p', $m->port, '-d', queries('ns.x.test A'), '-r', 'x.test', '-Q', 2000,
			'--count', 1000, '--tcp', 20, '--tcp-connections', 4, '--tcp-queries', 10, '-t', 20,
			'--svg', "$dir/plot.svg") });
is($counted->{udp_queries}, 800, 'the rest over UDP');
is($counted->{tcp_queries}, 200, 'a fifth over TCP');
is($r->{tcp_answered}, 200, 'which are answered');
cmp_ok($r->{tcp_connects}, '>=', 20, '10 on each connection');
is($r->{lost}, 0, 'none is lost');
is_deeply($r->{rcodes}, { NOERROR => $r->{with_answer}, NXDOMAIN => 1000 - $r->{with_answer} }, 'as it should be');
is($r->{with_answer}, 500, 'half of them exist');
is(system('python3', '-c', 'import sys, xml.dom.minidom as d; d.parse(sys.argv[1])', "$dir/plot.svg"), 0,
	'the plot is well-formed');
like(read_file("$dir/plot.svg"), qr/1000 sent, 1000 answered, 0 lost/, 'and tells it');
$counted = $m->counted(sub {
		$r = flood('-p', $m->port, '-r', 'x.test', '-c', 1, '-q', 1, '--count', 50, '--cookie', 'full', '-t', 20) });
is($r->{answered}, 50, 'with cookies');
is($counted->{cookies_valid}, 49, 'the first has none of the server');
$r = flood('-p', $m->port, '-r', 'x.test', '--tcp', 100, '--count', 300, '-q', 20, '-t', 20);
is($r->{tcp_answered}, 300, 'all over TCP, in a closed loop');
$m->stop;

# ---- the manual's examples

{
	my $server = Martlet->new(zone_files => "$Martlet::ROOT/etc/zones",
		config => { zones => { dir => "$Martlet::ROOT/etc/zones" } });
	my @lines = read_file("$Martlet::ROOT/man/martlet-flood.8") =~ /^\.Dl (.*)$/mg;
	my $port = $server->port;

	cmp_ok(scalar @lines, '>=', 5, 'the manual has examples');
	for my $line (@lines) {
		(my $command = $line) =~ s/\\e/\\/g;
		$command =~ s/martlet-flood/'$Martlet::BUILD\/martlet-flood' --quiet --count 100/;
		$command =~ s/-p 5300/-p $port/;
		is(system('sh', '-c', "cd '$dir' && { $command; } >out 2>&1"), 0, $line) or diag(read_file("$dir/out"));
	}
	like(read_file("$dir/plot.svg"), qr/100 sent, 100 answered/, 'a plot is left');
	is(JSON::PP->new->decode(read_file("$dir/restart.json"))->{answered}, 100, 'and a report');
	$server->stop;
}

done_testing();
