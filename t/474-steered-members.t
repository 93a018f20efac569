#!/usr/bin/perl
# The members of steered RRsets that redins does not know, and bad ones of all, in both schemas,
# from a real Redis to answers: networks, regions, continents, fallbacks, who stays with what.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp qw(tempdir);
use JSON::PP ();
use Martlet;
use Martlet::Answer;
use Martlet::Geo qw(need_writer write_db);
use Martlet::Process qw(poll);
use Martlet::Redis;
use Martlet::Wire qw(encode_query);
use Socket qw(AF_INET AF_INET6 inet_pton);
use Test::More;

Martlet::Redis::need();
need_writer();

my $json = JSON::PP->new->canonical;
my $dir = tempdir(CLEANUP => 1);

write_db("$dir/city.mmdb", {
	'203.0.112.0/22' => ['DE', 52, 13, 'EU', 'BE'], '203.0.116.0/24' => ['US', 40, -74, 'NA', 'CA'],
	'203.0.117.0/24' => ['US', 40, -74, 'NA'], '203.0.118.0/24' => ['BR', -10, -50, 'SA'],
});

sub ip { return map { { ip => "192.0.2.$_->[0]", @$_[1 .. $#$_] } } @_ }

my @eight = ip(map { [$_] } 1 .. 8);
my %values = (
	net => { records => [ip([1, subnet => '203.0.112.0/20'], [2, subnet => ['203.0.116.0/24', '2001:db8::/32']], [3], [4, subnet => '10.0.0.0/8'])] },
	only => { records => [ip([1, subnet => '203.0.112.0/20'])] },
	region => { records => [ip([1, region => 'de-be'], [2, region => ['US-CA', 'US-NY']], [3])] },
	continent => { records => [ip([1, continent => 'EU'], [2, continent => ['NA', 'AF']], [3, continent => ''])] },
	all => { filter => { geo_filter => 'country' },
		records => [ip([1, country => 'DE', fallback => JSON::PP::true], [2, country => 'US', continent => 'NA'], [3, country => 'US', continent => 'SA'])] },
	fallback => { records => [ip([1, fallback => JSON::PP::true], [2], [3])] },
	sticky => { filter => { sticky => JSON::PP::true, count => 'single', ttl => 7 }, records => \@eight },
	mixed => { filter => { order => 'weighted', geo_filter => 'country' }, records => [
		{ ip => '2001:db8::1', weight => 1 }, ip([2, weight => -1], [3, weight => 2147483649], [4, country => 'D1'], [5, asn => -1],
			[6, subnet => '10.0.0.0/33'], [7, continent => 'XX'], [8, weight => 2147483648])] },
	word => { filter => { order => 'what', count => 'few', geo_filter => 'moon' }, records => [ip([1, subnet => '203.0.113.9/20'], [2])] },
	none => { records => [{ ip => '::1' }, { ip => '192.0.2.300' }] },
);

sub subnet {
	my ($address, $len) = split m{/}, $_[0];
	my $is_v6 = $address =~ /:/;
	my $bits = unpack 'B*', inet_pton($is_v6 ? AF_INET6 : AF_INET, $address);
	return pack 'n n/a*', 8, pack 'n C C a*', ($is_v6 ? 2 : 1), $len, 0, substr pack('B*', substr($bits, 0, $len) . '0' x 8), 0, int(($len + 7) / 8);
}

# The last numbers of the addresses, and the scope.
sub chosen {
	my ($m, $name, $subnet) = @_;
	my $r = Martlet::Answer->new(scalar $m->exchange(encode_query("$name.z.test", 'A', edns => 1232, options => subnet($subnet))));
	my @last = map { /A 192\.0\.2\.(\d+)$/ ? $1 : () } $r->text('answer');
	my ($scope) = map { $_->[0] == 8 ? unpack('x3 C', $_->[1]) : () } @{ $r->{edns}{options} // [] };

	return wantarray ? ("@last", $scope) : "@last";
}

sub is_for {
	my ($m, $name, $subnet, $want, $scope) = @_;
	my ($last, $got) = chosen($m, $name, $subnet);

	is($last, $want, "$name for $subnet");
	is($got, $scope, 'its scope') if defined $scope;
	return;
}

sub put {
	my ($redis, $schema, $name, $value) = @_;
	if ($schema eq 'redins') {
		$redis->cmd('HSET', 'redins:zones:z.test.', $name, $json->encode({ a => { ttl => 60, %$value } }));
	} else {
		$redis->cmd('SADD', 'z42:zones:z.test.:labels', $name);
		$redis->cmd('SET', "z42:zones:z.test.:labels:$name:a", $json->encode({ ttl => 60, %$value }));
	}
	return;
}

sub rows {
	my ($m, $owner) = @_;
	return sort map { $_->{owner} eq "$owner.z.test." ? "$_->{state} $_->{reason}" : () } @{ $m->ctl('errors')->{errors} };
}

sub test_places {
	my ($m) = @_;

	is_for($m, 'net', '203.0.113.0/24', 1, 22);
	is_for($m, 'net', '203.0.116.128/25', 2, 24);
	is_for($m, 'net', '203.0.117.0/24', 1, 24);
	is_for($m, 'net', '2001:db8:7::/48', 2, 32);
	is_for($m, 'net', '2001:db9::/32', 3, 32);
	is_for($m, 'net', '10.1.2.0/24', 4, 8);
	is_for($m, 'net', '0.0.0.0/0', 3, 0);
	is_for($m, 'only', '198.51.100.0/24', 1);
	is_for($m, 'region', '203.0.113.0/24', 1, 22);
	is_for($m, 'region', '203.0.116.0/24', 2, 24);
	is_for($m, 'region', '203.0.117.0/24', 3, 24);
	is_for($m, 'continent', '203.0.113.0/24', 1, 22);
	is_for($m, 'continent', '203.0.117.0/24', 2, 24);
	is_for($m, 'continent', '203.0.118.0/24', 3, 24);
	is_for($m, 'all', '203.0.116.0/24', 2, 24);
	is_for($m, 'all', '203.0.113.0/24', '2 3', 22);
	is_for($m, 'fallback', '203.0.113.0/24', '2 3', 0);
	return;
}

sub test_sticky {
	my ($m, $redis, $schema) = @_;
	my @clients = map { "198.18.$_.0/24" } 1 .. 60;
	my %had = map { $_ => scalar chosen($m, 'sticky', $_) } @clients;
	my %seen = map { $_ => 1 } values %had;
	my ($first) = $had{ $clients[0] };

	is((chosen($m, 'sticky', $clients[0]))[1], 24, 'the scope is the network');
	cmp_ok(scalar keys %seen, '>=', 5, 'clients are spread');
	is_deeply([map { scalar chosen($m, 'sticky', $_ =~ s{0/24}{77/32}r) } @clients], [@had{@clients}], 'one network, one record');
	my $r = $m->ask('sticky.z.test', 'A');
	is($r->{answer}[0][3], 7, 'the TTL of the filter');
	my %less = (%{ $values{sticky} }, records => [grep { $_->{ip} ne "192.0.2.$first" } @eight]);
	put($redis, $schema, 'sticky', \%less);
	ok(poll(10, sub { scalar(chosen($m, 'sticky', $clients[0])) ne $first }), "$first is removed");
	is_deeply([grep { $had{$_} ne $first && $had{$_} ne chosen($m, 'sticky', $_) } @clients], [], 'nobody else moves');
	put($redis, $schema, 'sticky', $values{sticky});
	ok(poll(10, sub { scalar(chosen($m, 'sticky', $clients[0])) eq $first }), 'and it comes back');
	return;
}

sub test_bad {
	my ($m, $schema) = @_;
	my $at = $schema eq 'redins' ? 'a.' : '';
	my $whole = 'must be a whole number from 0 to';

	is_for($m, 'mixed', '203.0.113.0/24', 8);
	is_deeply([rows($m, 'mixed')], [sort map { "partial $at$_" }
		'records[0].ip: "2001:db8::1" is no IPv4 address: IPv6 addresses stand under "aaaa"',
		"records[1].weight: $whole 2147483648", "records[2].weight: $whole 2147483648",
		'records[3].country: "D1" is no country: it needs two letters, as "DE"', "records[4].asn: $whole 4294967295",
		'records[5].subnet: "10.0.0.0/33" is no network: it needs a form as "192.0.2.0/24" or "2001:db8::/32"',
		'records[6].continent: "XX" is no continent: they are AF, AN, AS, EU, NA, OC, SA'], 'each record is told');
	is_for($m, 'word', '203.0.113.0/24', 1);
	is_for($m, 'word', '198.51.100.0/24', 2);
	is_deeply([rows($m, 'word')], [sort map { "warning $at$_" }
		'filter.count: "few" is not known here: it means "multi"', 'filter.order: "what" is not known here: it means "none"',
		'filter.geo_filter: "moon" is not known here: it means "none"',
		'records[0].subnet: "203.0.113.9/20" has bits behind its length: the network without them is meant'], 'each word is told');
	is($m->ask('none.z.test', 'A')->rcode, 'SERVFAIL', 'no record is good');
	is_deeply([rows($m, 'none')], ["error ${at}records[0].ip: \"::1\" is no IPv4 address: IPv6 addresses stand under \"aaaa\""], 'which is an error of the RRset');
	my $status = $m->ctl('status');
	is_deeply([map { /^(\d+) RRsets? .*not served/ ? $1 : () } map { ref $_ ? values %$_ : $_ } @{ $status->{problems} }], [2], 'a problem are the two, not the warnings')
	  or diag(explain($status->{problems}));
	return;
}

# Of a change that comes while it is served.
sub test_live {
	my ($m, $redis, $schema) = @_;

	put($redis, $schema, 'only', { filter => { count => 'any' }, records => [ip([1, continent => 'Asia'], [2])] });
	ok(poll(10, sub { 2 == (my @rows = rows($m, q{only})) }), 'a bad record and a bad word are told') or diag(explain([rows($m, 'only')]));
	is_for($m, 'only', '203.0.113.0/24', 2);
	put($redis, $schema, 'only', $values{only});
	ok(poll(10, sub { 0 == (my @rows = rows($m, q{only})) }), 'mended');
	is_for($m, 'only', '203.0.113.0/24', 1);
	return;
}

for my $schema (qw(redins z42)) {
	subtest $schema => sub {
		my $redis = Martlet::Redis->new(notify => 'KA');

		$redis->cmd('SADD', "$schema:zones", 'z.test.');
		$redis->cmd('SET', "$schema:zones:z.test.:config", '{"soa":{"serial":7}}');
		put($redis, $schema, $_, $values{$_}) for keys %values;
		my $m = Martlet->new(config => { redis => { %{ $redis->settings }, schema => $schema }, geoip => { country_db => "$dir/city.mmdb" } });
		$m->expect_log(qr/no file here is named|none[.]z[.]test|z[.]test/);
		ok($m->wait_log(qr/reading all zones from Redis.*generation \d+ is served/s, 20), 'Redis is read and served') or diag($m->log);
		test_places($m);
		test_sticky($m, $redis, $schema);
		test_bad($m, $schema);
		test_live($m, $redis, $schema);
		$m->stop;
	};
}

done_testing();
