#!/usr/bin/perl
# `martletctl explain`: in each situation, numbered as they are here, its verdict is what a
# worker really answered, and its steps are those that led there.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Martlet;
use Martlet::Answer;
use Martlet::FakeResolver;
use Martlet::Geo qw(need_writer write_db);
use Martlet::Process qw(poll slow);
use Martlet::Redis;
use Martlet::Wire qw(encode_query);
use Socket qw(AF_INET AF_INET6 inet_pton);
use Test::More;

Martlet::Redis::need();
need_writer();

my $json = JSON::PP->new->canonical;
my $dir = tempdir(CLEANUP => 1);

write_db("$dir/country.mmdb", {
	'127.0.1.0/24' => ['DE', 52.5, 13.4], '127.0.2.0/24' => ['US', 40.7, -74, 'NA', 'NY'], '203.0.113.0/24' => ['DE', 52.5, 13.4],
	'203.0.116.0/22' => ['US', 40.7, -74], '192.0.2.1/32' => ['FR', 48.9, 2.4], '192.0.2.2/32' => ['US', 41.9, -87.6] });
write_db("$dir/asn.mmdb", { '127.0.1.0/24' => 64496 }, type => 'asn');

my @by_country = ({ ip => '192.0.2.1', country => 'DE' }, { ip => '192.0.2.2', country => 'US' }, { ip => '192.0.2.3' });
my @no_default = @by_country[0, 1];
my @weighted = ({ ip => '192.0.2.1', weight => 3 }, { ip => '192.0.2.2', weight => 1 }, { ip => '192.0.2.3', weight => 0 });
my %labels = (
	'@' => { ns => { records => [{ host => 'ns.z.test.' }] } },
	country => { a => { ttl => 60, filter => { geo_filter => 'country' }, records => \@by_country } },
	both => { a => { filter => { geo_filter => 'asn+country' }, records => [map { { %$_, asn => 64496 } } @by_country] } },
	near => { a => { filter => { geo_filter => 'location' }, records => \@by_country } },
	only => { a => { filter => { geo_filter => 'country' }, records => \@no_default } },
	weighted => { a => { filter => { order => 'weighted', count => 'single' }, records => \@weighted } },
	first => { a => { filter => { first => 2 }, records => \@weighted } },
	fallback => { a => { records => [{ ip => '192.0.2.1' }, { ip => '192.0.2.2', fallback => \1 }] } },
	subnet => { a => { records => [{ ip => '192.0.2.1', subnet => '203.0.113.0/24' }, { ip => '192.0.2.2', subnet => ['203.0.0.0/16'] }, { ip => '192.0.2.3' }] } },
	region => { a => { records => [{ ip => '192.0.2.1', region => 'US-NY' }, { ip => '192.0.2.2', continent => 'NA' }, { ip => '192.0.2.3' }] } },
	continent => { a => { records => [{ ip => '192.0.2.1', continent => 'NA' }, { ip => '192.0.2.2', continent => 'EU' }, { ip => '192.0.2.3' }] } },
	sticky => { a => { filter => { order => 'rr', count => 'single', sticky => \1 }, records => \@by_country } },
	probed => { a => { health_check => { enable => \1, protocol => 'tcp', port => 9 }, records => \@no_default } },
	here => { aname => { location => 'country.z.test.' } },
	there => { aname => { location => 'www.elsewhere.test.' } },
	silent => { aname => { location => 'silent.elsewhere.test.' } },
	alias => { cname => { host => 'country.z.test.' } },
	plain => { a => { records => [{ ip => '192.0.2.9' }] } },
	part => { a => { filter => { count => 'single' }, records => [{ ip => '192.0.2.30' }, { ip => '2001:db8::1' }, { ip => '192.0.2.31', weight => -1 }] } },
	bad => { a => { records => [{ ip => '192.0.2.10' }] } },
);
my $listener = IO::Socket::INET->new(Proto => 'tcp', LocalAddr => '127.0.0.1', Listen => 1024) // die "$!\n";
$labels{health} = { a => { filter => { count => 'single' }, records => [{ ip => '127.0.0.2' }, { ip => '127.0.0.1' }],
	health_check => { enable => \1, protocol => 'tcp', port => $listener->sockport, up_count => 1, down_count => -1, timeout => 500, interval => 1 } } };
my $redis = Martlet::Redis->new(notify => 'KA');
my $key = 'redins:zones:z.test.';
$redis->cmd('SADD', 'redins:zones', 'z.test.');
$redis->cmd('SET', "$key:config", '{"soa":{"serial":7}}');
$redis->cmd('SADD', 'redins:zones', 'flat.test.');
$redis->cmd('SET', 'redins:zones:flat.test.:config', '{"soa":{"serial":7},"cname_flattening":true}');
$redis->cmd('HSET', 'redins:zones:flat.test.', www => '{"cname":{"host":"country.z.test."}}', '@' => '{"ns":{"records":[{"host":"ns.flat.test."}]}}');
my $fake = Martlet::FakeResolver->new;
$fake->say('www.elsewhere.test A' => { answer => ['www.elsewhere.test. 300 A 198.51.100.7'] }, 'silent.elsewhere.test A' => { silent => 1 },
	'silent.elsewhere.test AAAA' => { silent => 1 }, 'www.elsewhere.test AAAA' => {});
$redis->cmd('HSET', $key, map { ($_ => $json->encode($labels{$_})) } keys %labels);

my $file = join "\n", '@ 3600 SOA ns host 1 2 3 4 5', '@ NS ns', 'ns A 192.0.2.1', '@ MX 5 ns', 'deep.ent A 192.0.2.2', '*.wild TXT "w"',
	'*.wild A 192.0.2.3', 'sub NS ns.sub', 'ns.sub A 192.0.2.4', 'c CNAME c2', 'c2 CNAME far.test.', 'in CNAME x.wild', 'd DNAME wild',
	'loop CNAME loop2', 'loop2 CNAME loop', (map { "many A 198.51.100.$_" } 1 .. 120), '';
my $m = Martlet->new(zones => { 'f.test' => $file }, config => { redis => $redis->settings, workers => { count => 2 },
	resolver => { servers => [{ address => '127.0.0.1', port => $fake->port }], timeout_ms => 300 },
	health => { enable => \1, interval_s => 1, deny => ['192.0.2.0/24'] },
	geoip => { country_db => "$dir/country.mmdb", asn_db => "$dir/asn.mmdb" } });
ok($m->wait_log(qr/reading all zones from Redis.*generation \d+ is served/s, 20), 'Redis is read and served') or diag($m->log);

$m->expect_log(qr/bad: octet 23: is not JSON/, qr/ part: /, qr/prober: tcp 127\.0\.0\.2 port \d+ is down/, qr/resolver .*(?:does not answer|answers again|cannot be reached)/);

# live changes: a name that is new, one that goes, and a value that is none
$redis->cmd('HSET', $key, 'new', '{"a":{"records":[{"ip":"192.0.2.20"}]}}', 'bad', '{"a":{"records":[{"ip":');
$redis->cmd('HDEL', $key, 'plain');
ok(poll(10, sub { my $r = $m->ask('new.z.test', 'A'); $r && $r->rcode eq 'NOERROR' }), 'changes are served');
ok(poll(10, sub { $m->ask('plain.z.test', 'A')->rcode eq 'NXDOMAIN' }), 'and what goes');
ok(poll(10, sub { $m->ask('there.z.test', 'A')->rcode eq 'NOERROR' }), 'a name elsewhere is resolved') or diag($m->log);
ok(poll(20, sub { $m->ask('health.z.test', 'A')->{answer}[0][4] eq pack 'C4', 127, 0, 0, 1 }), 'a target is seen to be down');
ok(poll(10, sub { @{ $m->ctl('errors')->{errors} } > 0 }), 'the bad value is told');

# ---- what a worker says ----

sub subnet {
	my ($address, $len) = split m{/}, $_[0];
	my $is_v6 = $address =~ /:/;
	my $bits = unpack 'B*', inet_pton($is_v6 ? AF_INET6 : AF_INET, $address);
	return pack 'n n/a*', 8, pack 'n C C a*', ($is_v6 ? 2 : 1), $len, 0,
	  substr pack('B*', substr($bits, 0, $len) . '0' x 8), 0, int(($len + 7) / 8);
}

sub worker_says {
	my ($name, $type, %opt) = @_;
	my $query = encode_query($name, $type, edns => 1232, options => $opt{ecs} ? subnet($opt{ecs}) : '');
	return Martlet::Answer->new(scalar $m->exchange($query, tcp => 1)) if $opt{tcp};
	my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => $opt{client} // '127.0.0.1', PeerAddr => $m->{address},
		PeerPort => $m->{port}) // die "$!\n";

	for (1 .. 3) {
		$socket->send($query);
		next unless IO::Select->new($socket)->can_read(5 * slow()) && defined $socket->recv(my $wire, 4096);
		return Martlet::Answer->new($wire);
	}
	die "no answer for $name\n";
}

sub explained {
	my ($name, $type, %opt) = @_;
	my ($exit, $out) = $m->ctl('explain', $name, $type, '--client', $opt{client} // '127.0.0.1', ($opt{ecs} ? ('--ecs', $opt{ecs}) : ()),
		($opt{tcp} ? '--tcp' : ()));
	is($exit, 0, "$name: explain") or diag($m->{ctl_stderr});
	return $out->{explain};
}

# One line each: rcode, flags, records, scope.
sub told {
	my ($explain) = @_;
	my @lines = map { my $section = $_; "$section: " . join '; ', sort map { lc s/ IN / /r =~ s/"//gr } @{ $explain->{$section} } } qw(answer authority additional);
	return join "\n", "$explain->{rcode} @{ $explain->{flags} } scope " . ($explain->{ecs_scope} // '-') . ' error ' . ($explain->{extended_error} // '-'),
		@lines;
}

sub answered {
	my ($r) = @_;
	my ($scope, $error) = ('-', '-');

	for (@{ $r->{edns}{options} // [] }) {
		$scope = unpack 'x3 C', $_->[1] if $_->[0] == 8;
		$error = unpack 'n', $_->[1] if $_->[0] == 15;
	}
	my $flags = join ' ', grep { $_ ne 'rd' } split / /, $r->flags;
	return join "\n", $r->rcode . " $flags scope $scope error $error",
		map { my $section = $_; "$section: " . join '; ', sort map { lc s/"//gr } $r->text($section) } qw(answer authority additional);
}

# "zone node:exact rrset": the steps, with what some of them say.
sub path_of {
	my ($explain) = @_;
	my %detail = (resolved => 'state', node => 'found', rrset => 'state', alias => 'type', asn => 'result', country => 'result', nearest => 'result', map({ ($_ => 'result') } qw(health fallback subnet region continent sticky)), client => 'by');
	return join ' ', map { my $detail = $detail{ $_->{step} }; (my $word = $detail ? "$_->{step}:$_->{$detail}" : $_->{step}) =~ tr/ /-/; $word }
		@{ $explain->{steps} };
}

sub step_of { my ($explain, $name) = @_; return (grep { $_->{step} eq $name } @{ $explain->{steps} })[-1] }

# ---- the situations ----

my @situations = (
	['a name that is there', 'ns.f.test', 'A', {}, 'zone node:exact rrset:ok'],
	['no such type', 'ns.f.test', 'TXT', {}, 'zone node:exact nodata'],
	['no such name', 'nope.f.test', 'A', {}, 'zone node:closest-encloser nxdomain'],
	['an empty non-terminal', 'ent.f.test', 'A', {}, 'zone node:empty-non-terminal nodata'],
	['a wildcard', 'a.b.wild.f.test', 'A', {}, 'zone node:closest-encloser wildcard rrset:ok'],
	['a referral, with glue', 'www.sub.f.test', 'A', {}, 'zone node:zone-cut referral additional'],
	['a chain of CNAMEs to a wildcard', 'in.f.test', 'A', {}, 'zone node:exact rrset:ok alias:CNAME zone node:closest-encloser wildcard rrset:ok'],
	['a chain that leaves our zones', 'c.f.test', 'A', {}, 'zone node:exact rrset:ok alias:CNAME zone node:exact rrset:ok alias:CNAME no-zone'],
	['a loop of CNAMEs', 'loop.f.test', 'A', {}, 'zone node:exact rrset:ok alias:CNAME zone node:exact rrset:ok alias:CNAME zone node:exact rrset:ok loop'],
	['a DNAME', 'x.d.f.test', 'TXT', {}, 'zone node:DNAME alias:DNAME zone node:closest-encloser wildcard rrset:ok'],
	['an apex', 'f.test', 'MX', {}, 'zone node:exact rrset:ok additional'],
	['a name of nobody here', 'www.far.test', 'A', {}, 'no-zone'],
	['an answer that does not fit', 'many.f.test', 'A', {}, 'zone node:exact rrset:ok truncated'],
	['the same over TCP', 'many.f.test', 'A', { tcp => 1 }, 'zone node:exact rrset:ok'],
	['a name that a live change brought', 'new.z.test', 'A', {}, 'zone node:exact rrset:ok'],
	['a name that a live change took', 'plain.z.test', 'A', {}, 'zone node:closest-encloser nxdomain'],
	['a bad value: last good data', 'bad.z.test', 'A', {}, 'zone node:exact rrset:stale'],
	['a country that matches', 'country.z.test', 'A', { client => '127.0.1.1' }, 'zone node:exact rrset:ok filter client:sender geoip country:matched draw chosen'],
	['the default entry', 'country.z.test', 'A', { client => '127.0.3.1' }, 'zone node:exact rrset:ok filter client:sender geoip country:default draw chosen'],
	['no match and no default: all', 'only.z.test', 'A', { client => '127.0.3.1' }, 'zone node:exact rrset:ok filter client:sender geoip country:all draw chosen'],
	['ASN, then country', 'both.z.test', 'A', { client => '127.0.1.1' },
		'zone node:exact rrset:ok filter client:sender geoip asn:matched country:matched draw chosen'],
	['the nearest', 'near.z.test', 'A', { client => '127.0.2.1' }, 'zone node:exact rrset:ok filter client:sender geoip nearest:matched draw chosen'],
	['an unknown location', 'near.z.test', 'A', { client => '127.0.3.1' }, 'zone node:exact rrset:ok filter client:sender geoip nearest:skipped draw chosen'],
	['a client subnet, behind an alias', 'alias.z.test', 'A', { ecs => '203.0.117.0/24' },
		'zone node:exact rrset:ok alias:CNAME zone node:exact rrset:ok filter client:ecs geoip country:matched draw chosen scope'],
	['a private client subnet', 'country.z.test', 'A', { ecs => '10.1.2.0/24' },
		'zone node:exact rrset:ok filter client:ecs geoip country:default draw chosen scope'],
	['records that are fallbacks', 'fallback.z.test', 'A', {}, 'zone node:exact rrset:ok filter client:sender fallback:matched draw chosen'],
	['the first two of many', 'first.z.test', 'A', {}, 'zone node:exact rrset:ok filter client:sender draw chosen'],
	['the longest network', 'subnet.z.test', 'A', { ecs => '203.0.113.0/24' }, 'zone node:exact rrset:ok filter client:ecs subnet:matched draw chosen scope'],
	['a shorter one', 'subnet.z.test', 'A', { ecs => '203.0.116.0/24' }, 'zone node:exact rrset:ok filter client:ecs subnet:matched draw chosen scope'],
	['none of them', 'subnet.z.test', 'A', {}, 'zone node:exact rrset:ok filter client:sender subnet:default draw chosen'],
	['a region, then a continent', 'region.z.test', 'A', { client => '127.0.2.1' },
		'zone node:exact rrset:ok filter client:sender geoip region:matched continent:default draw chosen'],
	['a continent', 'continent.z.test', 'A', { client => '127.0.2.1' }, 'zone node:exact rrset:ok filter client:sender geoip continent:matched draw chosen'],
	['who always gets the same', 'sticky.z.test', 'A', { client => '127.0.2.1' }, 'zone node:exact rrset:ok filter client:sender sticky:matched draw chosen'],
	['a target that is down', 'health.z.test', 'A', {}, 'zone node:exact rrset:ok filter client:sender health:matched draw chosen'],
	['targets of which nothing is known', 'probed.z.test', 'A', {}, 'zone node:exact rrset:ok filter client:sender health:matched draw chosen'],
	['an ANAME to a name here', 'here.z.test', 'A', { client => '127.0.1.1' },
		'zone node:exact rrset:ok alias:ANAME zone node:exact rrset:ok filter client:sender geoip country:matched draw chosen'],
	['an ANAME to a name elsewhere', 'there.z.test', 'A', {}, 'zone node:exact rrset:ok alias:ANAME no-zone resolved:addresses'],
	['a CNAME of a flattened zone', 'www.flat.test', 'A', { client => '127.0.1.1' },
		'zone node:exact rrset:ok alias:CNAME zone node:exact rrset:ok filter client:sender geoip country:matched draw chosen'],
	['an ANAME to a name elsewhere, never resolved', 'silent.z.test', 'A', {}, 'zone node:exact rrset:ok alias:ANAME no-zone resolved:never unresolved'],
);
my $number = 0;

for (@situations) {
	my ($what, $name, $type, $opt, $path) = @$_;
	my $explain = explained($name, $type, %$opt);
	my $title = ++$number . ". $what";

	is(told($explain), answered(worker_says($name, $type, %$opt)), "$title: as a worker answers");
	is(path_of($explain), $path, "$title: steps");
	ok($explain->{same_on_straight_path}, "$title: the straight path says the same");
}

subtest 'weights' => sub {
	my %seen;
	for (1 .. 60) {
		my ($line) = worker_says('weighted.z.test', 'A')->text('answer');
		$seen{ ($line =~ /(\S+)$/)[0] }++;
	}
	my $explain = explained('weighted.z.test', 'A');
	my $draw = step_of($explain, 'draw');
	is_deeply([sort keys %seen], ['192.0.2.1', '192.0.2.2'], 'what workers answer: none of weight 0');
	ok($seen{ $draw->{first} }, 'explain draws one of them');
	is($draw->{below}, 4, 'of the sum of weights');
	cmp_ok(14 + length $draw->{text}, '<=', 80, 'told in one line of a terminal');
	ok($explain->{same_on_straight_path}, 'the straight path draws the same');
	ok($draw->{first} eq ($draw->{drawn} < 3 ? '192.0.2.1' : '192.0.2.2'), 'the one that the number means');
	is_deeply([map { $_->{weight} } @{ step_of($explain, 'filter')->{records} }], [3, 1, 0], 'weights are shown');
	is_deeply($explain->{answer}, ["weighted.z.test. 3600 IN A $draw->{first}"], 'and answered');
};

subtest 'where it comes from' => sub {
	my $node = step_of(explained('new.z.test', 'A'), 'node');
	my ($change) = grep { ($_->{zone} // '') eq 'z.test.' } @{ $m->ctl('changes')->{changes} };
	is("$node->{stored} $node->{source}", "live $key new", 'a live change: the key in Redis');
	like($node->{change}, qr/^\d{13}-\d+$/, 'and its change');
	ok($change, 'which `changes` has too');
	$node = step_of(explained('ns.f.test', 'A'), 'node');
	is("$node->{stored} $node->{source}", 'generation ' . $m->zone_path('f.test'), 'a zone file');
	is($node->{line}, 3, 'and the line in it');
	is($node->{change}, undef, 'has no change');
	my $bad = step_of(explained('bad.z.test', 'A'), 'rrset');
	my ($error) = grep { $_->{owner} eq 'bad.z.test.' } @{ $m->ctl('errors')->{errors} };
	ok(index($bad->{reason}, $error->{reason}) >= 0, 'the reason is that of `errors`') or diag("$bad->{reason} / $error->{reason}");
	my $part = step_of(explained('part.z.test', 'A'), 'rrset');
	is("$part->{state} " . scalar @{ $part->{notes} }, 'ok 2', 'records that were left out are told') or diag(explain $part);
	is(explained('ns.f.test', 'A')->{generation}, $m->ctl('status')->{generation}, 'the generation that is served');
};

subtest 'health' => sub {
	my $explain = explained('health.z.test', 'A');
	is_deeply(step_of($explain, 'health')->{kept}, ['127.0.0.1'], 'which is kept');
	my ($down, $up) = @{ step_of($explain, 'filter')->{records} };
	is_deeply([map { @$_{qw(address health)} } $down, $up], ['127.0.0.2', 'down', '127.0.0.1', 'up'], 'how each is');
	is($down->{last_up}, undef, 'never up');
	like($up->{last_up}, qr/^\d{4}-\d\d-\d\dT/, 'when a probe last succeeded');
	($down) = @{ step_of(explained('probed.z.test', 'A'), 'filter')->{records} };
	is($down->{health}, 'denied', 'one that may not be probed');
	is(step_of(explained('country.z.test', 'A'), 'filter')->{records}[0]{health}, undef, 'null where nothing is probed');
};

subtest 'what the databases say' => sub {
	my $geoip = step_of(explained('both.z.test', 'A', client => '127.0.1.1'), 'geoip');
	is_deeply([@$geoip{qw(country country_network asn asn_network)}], ['DE', '127.0.1.0/24', 64496, '127.0.1.0/24'], 'with the networks of the entries');
	is_deeply([@$geoip{qw(latitude longitude)}], [52.5, 13.4], 'and the location');
	my $client = step_of(explained('country.z.test', 'A', ecs => '10.1.2.0/24'), 'client');
	ok(!$client->{known} && $client->{reason} =~ /everywhere/, 'a private subnet is no place') or diag($client->{text});
	my ($exit, $out) = $m->ctl('explain', 'country.z.test', 'A');
	like(step_of($out->{explain}, 'client')->{reason}, qr/no --client/, 'without --client nobody is known');
	is_deeply($out->{explain}{answer}, ['country.z.test. 60 IN A 192.0.2.3'], 'and has the default');
};

subtest 'options are followed' => sub {
	$m->write_config({ steer => { no_match => 'none' }, geoip => { ecs => \0 }, dns => { any => 'tcp' } });
	$m->ctl('reload');
	my $explain = explained('only.z.test', 'A', client => '127.0.3.1');
	is(told($explain), answered(worker_says('only.z.test', 'A', client => '127.0.3.1')), 'no_match none: as a worker answers');
	like(path_of($explain), qr/country:none chosen nodata$/, 'NODATA');
	$explain = explained('country.z.test', 'A', ecs => '203.0.113.0/24', client => '127.0.2.1');
	is(told($explain), answered(worker_says('country.z.test', 'A', ecs => '203.0.113.0/24', client => '127.0.2.1')), 'geoip.ecs off: as a worker answers');
	like(step_of($explain, 'client')->{text}, qr/127\.0\.2\.1, by the sender; geoip\.ecs is off/, 'which is told');
	$explain = explained('ns.f.test', 'ANY');
	is(told($explain), answered(worker_says('ns.f.test', 'ANY')), 'ANY: as a worker answers');
};

subtest 'nothing is counted' => sub {
	my $counted = $m->counted(sub { explained($_->[1], $_->[2], %{ $_->[3] }) for @situations[0 .. 5] });
	is_deeply([grep { !/latency|qps|source|staleness|beat|redis_|health_|resolver_|tcp_closed/ } sort keys %$counted], [], 'in no worker') or diag(explain $counted);
};

subtest 'bad arguments' => sub {
	my @bad = (
		[['explain', 'a..b', 'A'], 2, qr/'a\.\.b' is no domain name/], [['explain', 'a.test', 'WHAT'], 2, qr/'WHAT' is no type/],
		[['explain', 'a.test'], 2, qr/usage: martletctl explain NAME TYPE/], [['explain', 'a.test', 'A', '--client', 'me'], 2, qr/'me' is no address/],
		[['explain', 'a.test', 'A', '--ecs', '192.0.2.0/33'], 2, qr/is no prefix/], [['explain', 'a.test', 'OPT'], 1, qr/'OPT' is no type/],
	);
	for (@bad) {
		my ($args, $want, $text) = @$_;
		my ($exit) = $m->ctl_text(@$args);
		is($exit, $want, "@$args: exit code");
		like($m->{ctl_stderr}, $text, 'and why');
	}
};

subtest 'for people' => sub {
	local $ENV{COLUMNS} = 80;
	my ($exit, $text) = $m->ctl_text('explain', 'country.z.test', 'A', '--client', '127.0.1.1');
	is($exit, 0, 'exit code');
	is_deeply([grep { length > 80 } split /\n/, $text], [], 'no line is longer than the terminal');
	like($text, qr/^  country +those that match: 192\.0\.2\.1$/m, 'a step') or diag($text);
	like($text, qr/^;; NOERROR qr aa, \d+ octets$/m, 'the verdict');
	like($text, qr/^country\.z\.test\. 60 IN A 192\.0\.2\.1$/m, 'the answer');
};

$m->stop;
done_testing();
