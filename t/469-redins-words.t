#!/usr/bin/perl
# Every word of redins's filters, over Redis in both of its schemas: its own test vectors,
# with databases in which their addresses stand, and a table for what those leave out.

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
use Socket qw(AF_INET inet_aton inet_ntop);
use Test::More;

Martlet::Redis::need();
need_writer();

my $json = JSON::PP->new->canonical;
my $dir = tempdir(CLEANUP => 1);

# What its databases said of these addresses in 2018.
my ($NOWHERE, $GB, $CA, $DE_47447, $X_35470, $DE)
  = ('127.0.0.1', '94.76.229.204', '154.11.253.242', '212.83.32.45', '178.18.89.144', '213.95.10.76');
write_db("$dir/city.mmdb", {
	"$GB/32" => ['GB', 51.5, -0.1], "$CA/32" => ['CA', 49.2, -122.8], "$DE_47447/32" => ['DE', 51.3, 9.5],
	"$DE/32" => ['DE', 49.4, 11.1], '192.30.252.225/32' => ['US', 37.8, -122.4], '84.88.14.229/32' => ['ES', 41.4, 2.2],
	'198.51.100.1/32' => ['GB', 51.5, -0.1], '198.51.100.2/32' => ['GB', 51.5, -0.1], '198.51.100.3/32' => ['AU', -33.9, 151.2],
});
write_db("$dir/asn.mmdb", { "$DE_47447/32" => 47447, "$X_35470/32" => 35470, "$CA/32" => 852 }, type => 'asn');

# ---- the vectors ----

# 127.0.0.N with a country, an ASN, both, or none of them.
sub records {
	my ($key, @values) = @_;
	return [map { { ip => '127.0.0.' . ($_ + 1), (defined $values[$_] ? ($key => $values[$_]) : ()) } } 0 .. $#values];
}

sub located { return [map { { ip => $_ } } @_] }

my $both = records(country => 'DE', 'DE', 'DE', 'GB', '', '');
@{ $both->[$_] }{asn} = (47447, 20776, 35470, 0, 0, 0)[$_] for 0 .. 5;
my %RRSETS = (
	ww1 => ['none', records(country => ('') x 6)],
	ww2 => ['country', records(country => 'US', 'GB', 'ES', '', '', '')],
	ww3 => ['location', located('192.30.252.225', $GB, '84.88.14.229', '192.168.0.1')],
	ww4 => ['asn', records(asn => 47447, 20776, 35470, 0, 0, 0)],
	ww5 => ['asn+country', $both],
	ww6 => ['asn', records(asn => [47447, 20776], [0, 35470], 35470, 0, [], undef)],
	ww7 => ['country', records(country => ['DE', 'GB'], ['', 'DE'], 'DE', 'CA', '', [], undef)],
);

# Its 16 questions.  One answer differs: for a client without a location it took the record
# that has none either, as if both were at 0N 0E.
my @VECTORS = (
	[ww1 => $NOWHERE, '1 2 3 4 5 6'], [ww2 => $NOWHERE, '4 5 6'], [ww3 => $NOWHERE, 'all'], [ww4 => $NOWHERE, '4 5 6'],
	[ww5 => $NOWHERE, '5 6'], [ww2 => $GB, '2'], [ww3 => $CA, '192.30.252.225'], [ww4 => $DE_47447, '1'], [ww5 => $DE_47447, '1'],
	[ww6 => $DE_47447, '1'], [ww6 => $X_35470, '2 3'], [ww6 => $NOWHERE, '2 4 5 6'], [ww7 => $DE, '1 2 3'], [ww7 => $GB, '1'],
	[ww7 => $CA, '4'], [ww7 => $NOWHERE, '2 5 6 7'],
);

# ---- what they leave out ----

# name => [filter, records], client, those that are answered by `all`, and by `none`
my $two = records(country => 'US', 'FR');
my $no_default = records(asn => 1, 2);
my $survivors = records(country => 'FR', 'DE', '');
@{ $survivors->[$_] }{asn} = (47447, 0, 0)[$_] for 0 .. 2;
my $removed = records(country => 'DE', '', 'US');
@{ $removed->[$_] }{asn} = (1, 0, 0)[$_] for 0 .. 2;
my @TABLE = (
	[{ geo_filter => 'country' }, $two, $DE, '1 2', ''],
	[{ geo_filter => 'country' }, $two, $NOWHERE, '1 2', ''],
	[{ geo_filter => 'asn' }, $no_default, $DE_47447, '1 2', ''],
	[{ geo_filter => 'asn' }, $no_default, $NOWHERE, '1 2', ''],
	# one step leaves the first record, whose country is another one
	[{ geo_filter => 'asn+country' }, $survivors, $DE_47447, '1', ''],
	# the default of the network is taken before countries are looked at
	[{ geo_filter => 'asn+country' }, $removed, $DE, '2', '2'],
	[{ geo_filter => 'asn+country' }, $survivors, $NOWHERE, '3', '3'],
	[{ geo_filter => 'asn+country' }, $no_default, $DE, '1 2', ''],
	[{ geo_filter => 'location' }, located(map { "198.51.100.$_" } 1 .. 3), $GB, '198.51.100.1 198.51.100.2', undef],
	[{ geo_filter => 'location' }, located('198.51.100.3', '192.168.0.1'), $GB, '198.51.100.3', undef],
	[{ geo_filter => 'location' }, located('192.168.0.1', '192.168.0.2'), $GB, 'all', undef],
	[{ geo_filter => 'country+asn' }, $both, $DE_47447, 'all', undef],
	[{ geo_filter => 'Country' }, $two, $DE, 'all', undef],
	[{ geo_filter => '' }, $two, $DE, 'all', undef],
	[{}, $two, $DE, 'all', undef],
	[undef, $two, $DE, 'all', undef],
	[{ count => 'single', geo_filter => 'country' }, records(country => 'GB', 'DE', 'DE'), $DE, '2', '2'],
	[{ count => 'single', order => 'none' }, $two, $DE, '1', '1'],
	[{ count => 'many', order => 'none' }, $two, $DE, 'all', undef],
	[{ count => 'single', order => 'weighted' }, [{ ip => '127.0.0.1', weight => 0 }, { ip => '127.0.0.2', weight => 7 }], $DE, '2', '2'],
	[{ count => 'single', order => 'weighted', geo_filter => 'country' },
		[{ ip => '127.0.0.1', weight => 9, country => ['GB'] }, { ip => '127.0.0.2', weight => 1, country => ['DE'] },
			{ ip => '127.0.0.3', weight => 0, country => ['DE'] }], $DE, '2', '2'],
);

# ---- the daemon ----

my %NS = (ns => { records => [{ host => 'ns.example.net.' }] });

sub rrset {
	my ($filter, $records, $is_z42) = @_;
	my @records = @$records;

	# z42 takes lists alone
	@records = map { my $r = { %$_ }; for (qw(country asn)) { $r->{$_} = [$r->{$_}] if defined $r->{$_} && !ref $r->{$_} } $r } @records
	  if $is_z42;
	return { ttl => 300, records => \@records, ($filter ? (filter => $filter) : ()) };
}

my %labels = map { ($_ => [{ count => 'multi', order => 'none', geo_filter => $RRSETS{$_}[0] }, $RRSETS{$_}[1]]) } keys %RRSETS;
$labels{"t$_"} = [@{ $TABLE[$_] }[0, 1]] for 0 .. $#TABLE;

sub write_redins {
	my ($redis) = @_;
	$redis->cmd('SADD', 'redins:zones', 'filtergeo.com.');
	$redis->cmd('HSET', 'redins:zones:filtergeo.com.', '@' => $json->encode(\%NS),
		map { ($_ => $json->encode({ a => rrset(@{ $labels{$_} }) })) } keys %labels);
	return;
}

sub write_z42 {
	my ($redis) = @_;
	my $key = 'z42:zones:filtergeo.com.:labels';
	$redis->cmd('SADD', 'z42:zones', 'filtergeo.com.');
	$redis->cmd('SADD', $key, '@', keys %labels);
	$redis->cmd('SET', "$key:\@:ns", $json->encode($NS{ns}));
	$redis->cmd('SET', "$key:$_:a", $json->encode(rrset(@{ $labels{$_} }, 1))) for keys %labels;
	return;
}

sub ask {
	my ($m, $label, $client) = @_;
	my $option = pack 'n n/a*', 8, pack 'n C C a*', 1, 32, 0, inet_aton($client);
	my $r = Martlet::Answer->new(scalar $m->exchange(encode_query("$label.filtergeo.com", 'A', edns => 1232, options => $option)));

	return join ' ', sort map { inet_ntop(AF_INET, $_->[4]) } grep { $_->[1] == 1 } @{ $r->{answer} };
}

sub is_answered {
	my ($m, $label, $client, $want) = @_;
	my @want = $want eq 'all' ? map { $_->{ip} } @{ $labels{$label}[1] } : map { /\./ ? $_ : "127.0.0.$_" } split ' ', $want;

	is(ask($m, $label, $client), join(' ', sort @want), "$label for $client") or diag($json->encode($labels{$label}));
	return;
}

for my $schema (qw(redins z42)) {
	my $redis = Martlet::Redis->new(notify => 'KA');
	$schema eq 'z42' ? write_z42($redis) : write_redins($redis);
	my $m = Martlet->new(config => { redis => { %{ $redis->settings }, schema => $schema },
		geoip => { country_db => "$dir/city.mmdb", asn_db => "$dir/asn.mmdb" } });
	$m->expect_log(qr/no file here is named|geo_filter|unknown|order|count/);
	ok($m->wait_log(qr/reading all zones from Redis.*generation \d+ is served/s, 20), "$schema is read and served") or diag($m->log);

	subtest "$schema: its vectors" => sub { is_answered($m, @$_) for @VECTORS };
	subtest "$schema: the table" => sub {
		is_answered($m, "t$_", @{ $TABLE[$_] }[2, 3]) for 0 .. $#TABLE;
		$m->write_config({ steer => { no_match => 'none' } });
		$m->ctl('reload');
		ok(poll(5, sub { ask($m, 't0', $DE) eq '' }), 'no_match = "none"');
		is_answered($m, "t$_", $TABLE[$_][2], $TABLE[$_][4] // $TABLE[$_][3]) for 0 .. $#TABLE;
	};
	$m->stop;
}

done_testing();
