#!/usr/bin/perl
# Records chosen by where the client is: databases that are written here, clients on
# loopback addresses that stand in them; and what becomes of databases that change, go, or
# were never whole.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::IP;
use JSON::PP ();
use Martlet;
use Martlet::Answer;
use Martlet::Geo qw(need_writer write_db);
use Martlet::Process qw(poll read_file slow write_file);
use Martlet::Redis;
use Martlet::Wire qw(encode_query);
use Socket qw(AF_INET inet_ntop);
use Test::More;

Martlet::Redis::need();
need_writer();

my $seed = $ENV{MARTLET_SEED} // time & 0xffffff;
srand $seed;
diag("MARTLET_SEED=$seed");

my $json = JSON::PP->new->canonical;
my $dir = tempdir(CLEANUP => 1);
my ($country_db, $asn_db) = ("$dir/country.mmdb", "$dir/asn.mmdb");

# Where clients are: address => [country, latitude, longitude, ASN].
my %CLIENTS = (
	'127.0.1.1' => ['DE', 52.5, 13.4, 64496], '127.0.1.200' => ['DE', 52.5, 13.4, 64497],
	'127.0.2.1' => ['US', 40.7, -74, 64496], '127.0.3.1' => ['JP', 35.7, 139.7, undef],
	'127.0.4.1' => ['AU', undef, undef, 64499], '127.0.5.1' => [undef, undef, undef, undef],
);
my %NETWORKS = (
	'127.0.1.0/24' => ['DE', 52.5, 13.4], '127.0.2.0/24' => ['US', 40.7, -74], '127.0.3.0/25' => ['JP', 35.7, 139.7],
	'127.0.4.0/24' => ['AU'], '192.0.2.1/32' => ['FR', 48.9, 2.4], '192.0.2.2/32' => ['US', 41.9, -87.6],
	'192.0.2.3/32' => ['TW', 25, 121.6], '192.0.2.4/32' => ['FR', 48.9, 2.4], '::1/128' => ['JP', 35, 139],
);
my %ASNS = ('127.0.1.0/25' => 64496, '127.0.1.128/25' => 64497, '127.0.2.0/24' => 64496, '127.0.4.0/24' => 64499);

write_db($country_db, \%NETWORKS);
write_db($asn_db, \%ASNS, type => 'asn');

# ---- the model ----

# One step: those that match, else the default ones, else all or none.
sub step {
	my ($no_match, $key, $own, @records) = @_;
	my $empty = $key eq 'asn' ? 0 : '';
	my $has = sub {
		my ($record, $what) = @_;
		my $list = $record->{$key} // [];
		$list = [$list] unless ref $list;
		return grep { $_ eq $what } @$list ? @$list : ($empty);
	};
	my @found = defined $own ? grep { $has->($_, $own) } @records : ();
	@found = grep { $has->($_, $empty) } @records unless @found;

	return @found ? @found : $no_match eq 'all' ? @records : ();
}

sub distance {
	my ($lat1, $lon1, $lat2, $lon2) = map { $_ * atan2(1, 1) / 45 } @_;
	my $a = sin(($lat2 - $lat1) / 2)**2 + cos($lat1) * cos($lat2) * sin(($lon2 - $lon1) / 2)**2;
	return 2 * atan2(sqrt $a, sqrt(1 - $a));
}

sub nearest {
	my ($client, @records) = @_;
	my %at;

	return @records unless defined $client->[1];
	for (@records) {
		my $place = $NETWORKS{"$_->{ip}/32"} // [];
		$at{ $_->{ip} } = distance(@$client[1, 2], @$place[1, 2]) if defined $place->[1];
	}
	my ($least) = sort { $a <=> $b } values %at;
	return @records unless defined $least;
	return grep { defined $at{ $_->{ip} } && $at{ $_->{ip} } - $least < 1e-9 } @records;
}

# The addresses that a client gets, sorted.
sub model {
	my ($set, $client, $no_match) = @_;
	my $geo = $set->{filter}{geo_filter};
	my @left = @{ $set->{records} };

	@left = step($no_match, 'asn', $client->[3], @left) if $geo =~ /^asn/;
	@left = step($no_match, 'country', $client->[0], @left) if $geo =~ /country$/;
	@left = nearest($client, @left) if $geo eq 'location';
	my %seen;
	return join ' ', sort grep { !$seen{$_}++ } map { $_->{ip} } @left;
}

# ---- asking ----

my %sockets;

# From one address, over UDP: rcode and addresses, sorted.
sub ask_from {
	my ($m, $from, $name, $type) = @_;
	my $socket = $sockets{$m}{$from} //= IO::Socket::INET->new(Proto => 'udp', LocalAddr => $from,
		PeerAddr => $m->{address}, PeerPort => $m->{port}) // die "$from: $!\n";

	for (1 .. 3) {
		$socket->send(encode_query($name, $type // 'A'));
		next unless IO::Select->new($socket)->can_read(5 * slow()) && defined $socket->recv(my $wire, 4096);
		my $answer = Martlet::Answer->new($wire);
		return ($answer, join ' ', sort map { inet_ntop(AF_INET, $_->[4]) } grep { $_->[1] == 1 } @{ $answer->{answer} });
	}
	return;
}

sub addresses { return (ask_from(@_))[1] // 'no answer' }

# ---- the data ----

sub random_set {
	my @geo = qw(country asn asn+country location);
	my $lists = sub { my @all = @_; return (undef, [], $all[rand @all], [@all[0 .. rand @all]])[rand 4] };

	return {
		ttl => 60, filter => { geo_filter => $geo[rand @geo] },
		records => [map {
			my ($country, $asn) = ($lists->('DE', 'US', '', 'JP'), $lists->(64496, 0, 64499, 64497));
			{ ip => '192.0.2.' . (1 + int rand 6), (defined $country ? (country => $country) : ()),
				(defined $asn ? (asn => $asn) : ()) };
		} 1 .. 1 + rand 5],
	};
}

my @sets = map { random_set() } 1 .. 60;
my $by_country = { filter => { geo_filter => 'country' }, records => [
	{ ip => '192.0.2.1', country => 'de' }, { ip => '192.0.2.2', country => ['US', 'JP'] }, { ip => '192.0.2.3', country => [''] }] };
my $no_default = { filter => { geo_filter => 'country' }, records => [
	{ ip => '192.0.2.1', country => 'DE' }, { ip => '192.0.2.2', country => 'US' }] };
my $near = { filter => { geo_filter => 'location' }, records => [map { { ip => "192.0.2.$_" } } 1 .. 3] };
my $redis = Martlet::Redis->new(notify => 'KA');
my $key = 'redins:zones:z.test.';
$redis->cmd('SADD', 'redins:zones', 'z.test.');
$redis->cmd('SET', "$key:config", '{"soa":{"serial":7}}');
$redis->cmd('HSET', $key, '@' => '{"ns":{"records":[{"host":"ns.z.test."}]}}', by => $json->encode({ a => $by_country }),
	only => $json->encode({ a => $no_default }), near => $json->encode({ a => $near }), map { ("s$_" => $json->encode({ a => $sets[$_] })) } 0 .. $#sets);

my %config = (redis => $redis->settings, workers => { count => 2 }, geoip => { country_db => $country_db, asn_db => $asn_db });
my $m = Martlet->new(config => \%config);
$m->expect_log(qr/no file here is named/);
ok($m->wait_log(qr/reading all zones from Redis.*generation \d+ is served/s, 20), 'Redis is read and served') or diag($m->log);

sub fit {
	my ($no_match, $what) = @_;
	my $wrong = 0;

	for my $i (0 .. $#sets) {
		for my $client (sort keys %CLIENTS) {
			my ($got, $want) = (addresses($m, $client, "s$i.z.test"), model($sets[$i], $CLIENTS{$client}, $no_match));
			next if $got eq $want || $wrong++ > 3;
			diag("$client: got '$got', want '$want': " . $json->encode($sets[$i]));
		}
	}
	is($wrong, 0, $what);
	return;
}

subtest 'random RRsets, clients everywhere' => sub {
	fit('all', 'as the model says');
	is(addresses($m, '127.0.1.1', 'by.z.test'), '192.0.2.1', 'Germany');
	is(addresses($m, '127.0.3.1', 'by.z.test'), '192.0.2.2', 'Japan');
	is(addresses($m, '127.0.3.200', 'by.z.test'), '192.0.2.3', 'outside a network of 25 bits: the default');
	is(addresses($m, '127.0.5.1', 'by.z.test'), '192.0.2.3', 'nowhere: the default');
	is(addresses($m, '127.0.4.1', 'only.z.test'), '192.0.2.1 192.0.2.2', 'no match and no default: all');
	my ($exit, $out) = $m->ctl('export', 'z.test');
	my ($line) = grep { /^; by/ } map { @{ $_->{records} } } @{ $out->{export} };
	is($line, '; by.z.test. IN A is steered: count multi, order none, geo_filter country: '
		. '192.0.2.1 country DE, 192.0.2.2 country US|JP, 192.0.2.3 country default', 'export');
};

subtest 'over TCP' => sub {
	my $socket = IO::Socket::INET->new(Proto => 'tcp', LocalAddr => '127.0.2.1', PeerAddr => $m->{address}, PeerPort => $m->{port});
	$m->tcp_write($socket, encode_query('by.z.test', 'A'));
	my $r = Martlet::Answer->new($m->tcp_read($socket));
	is_deeply([$r->text('answer')], ['by.z.test. 3600 A 192.0.2.2'], 'the client of the connection');
};

subtest 'steer.no_match' => sub {
	$m->write_config({ steer => { no_match => 'none' } });
	my ($exit) = $m->ctl('reload');
	is($exit, 0, 'none');
	ok(poll(5, sub { addresses($m, '127.0.4.1', 'only.z.test') eq '' }), 'no match and no default: none');
	my ($r) = ask_from($m, '127.0.4.1', 'only.z.test');
	is_deeply([$r->rcode, $r->types('authority')], ['NOERROR', 'SOA'], 'which is NODATA');
	fit('none', 'as the model says');
	$m->write_config({ steer => { no_match => 'all' } });
	$m->ctl('reload');
	ok(poll(5, sub { addresses($m, '127.0.4.1', 'only.z.test') ne '' }), 'all, again');
};

subtest 'a client of IPv6' => sub {
	my $free = IO::Socket::IP->new(Proto => 'udp', LocalAddr => '::1', LocalPort => $m->{port});
	plan skip_all => 'no IPv6 here, or the port is in use' unless $free;
	close $free;
	$m->write_config({ listen => [map { { address => $_, port => 0 + $m->{port} } } $m->{address}, '::1'] });
	$m->restart;
	my $socket = IO::Socket::IP->new(Proto => 'udp', PeerAddr => '::1', PeerPort => $m->{port});
	$socket->send(encode_query('by.z.test', 'A'));
	ok(IO::Select->new($socket)->can_read(10 * slow()) && defined $socket->recv(my $wire, 4096), 'answered');
	is_deeply([Martlet::Answer->new($wire)->text('answer')], ['by.z.test. 3600 A 192.0.2.2'], 'by its country');
};

sub problems { return join "\n", @{ $m->ctl('status')->{problems} } }

subtest 'databases change' => sub {
	is(problems(), '', 'no problem');
	write_db($country_db, { %NETWORKS, '127.0.4.0/24' => ['DE'] });
	ok(poll(10, sub { addresses($m, '127.0.4.1', 'by.z.test') eq '192.0.2.1' }), 'a rename is seen by itself');
	write_db($country_db, { %NETWORKS, '127.0.4.0/24' => ['US'] }, record_size => 24);
	my ($exit) = $m->ctl('reload');
	is($exit, 0, 'reload');
	is(addresses($m, "127.0.4.$_", 'by.z.test'), '192.0.2.2', 'returns when each worker has it') for 1 .. 8;
	is(scalar(() = glob $m->state_dir . '/geoip/*'), 2, 'no copy is left over');
	is(addresses($m, '127.0.1.1', 'near.z.test'), '192.0.2.1', 'the record in France is nearest to Germany');
	write_db($country_db, { %NETWORKS, '192.0.2.1/32' => ['AU', -33.9, 151.2], '192.0.2.3/32' => ['DE', 52.5, 13.4], '127.0.4.0/24' => ['US'] });
	$m->ctl('reload');
	is(addresses($m, '127.0.1.1', 'near.z.test'), '192.0.2.3', "records' own places are looked up anew");
};

subtest 'databases that are none' => sub {
	my $whole = read_file($country_db);
	my @bad = (
		['cut in half', substr($whole, 0, length($whole) / 2), qr/no whole database/],
		['cut at its end', substr($whole, 0, -9), qr/./],
		['empty', '', qr/no whole database/],
		['something else', "no database\n" x 1000, qr/no whole database/],
		['a damaged tree', ("\xff" x 200) . substr($whole, 200), qr/is damaged/],
		['of another kind', read_file($asn_db), qr/without any country/],
	);
	$m->expect_log(qr/geoip\.country_db/);
	for (@bad) {
		my ($what, $octets, $reason) = @$_;
		# in place: what is mapped would be gone
		write_file($country_db, $octets);
		my ($exit, $out) = $m->ctl('reload');
		is($exit, 0, "$what: reload does what it can");
		like("@{ $out->{notices} }", $reason, 'and tells');
		like(problems(), qr/geoip\.country_db: \Q$country_db\E .*$reason.*: the one before it stays in use/, 'status, too');
		my ($error, @more) = @{ $m->ctl('errors')->{errors} };
		is_deeply([@$error{qw(zone source line state)}, scalar @more], [undef, $country_db, undef, 'stale', 0], 'and errors');
		like($error->{reason}, qr/^geoip\.country_db: .*$reason/, 'with the reason');
		is(addresses($m, '127.0.4.1', 'by.z.test'), '192.0.2.2', 'the old one is in use');
	}
	unlink $country_db;
	ok(poll(10, sub { problems() =~ /No such file/ }), 'one that is gone is told');
	$m->restart;
	is(addresses($m, '127.0.4.1', 'by.z.test'), '192.0.2.2', 'the old one is in use after a restart');
	like(problems(), qr/No such file/, 'which is told too');
	write_file($country_db, $whole);
	ok(poll(10, sub { problems() eq '' }), 'mended');
	is(addresses($m, '127.0.4.1', 'by.z.test'), '192.0.2.2', 'and the same');
};

subtest 'workers come and go' => sub {
	my $restarts = $m->counters->{restarts};
	$m->expect_log(qr/worker \d+/);
	kill 'KILL', map { $_->{pid} } @{ $m->ctl('workers')->{workers} };
	ok(poll(10, sub { ($m->counters->{restarts} // 0) >= $restarts + 2 }), 'started again');
	my %seen = map { addresses($m, "127.0.4.$_", 'by.z.test') => 1 } 1 .. 40;
	is_deeply([keys %seen], ['192.0.2.2'], 'no answer without the databases');
};

subtest 'without databases' => sub {
	$m->write_config({ geoip => { country_db => '', asn_db => $asn_db } });
	$m->ctl('reload');
	ok(poll(10, sub { addresses($m, '127.0.4.1', 'by.z.test') eq '192.0.2.1 192.0.2.2 192.0.2.3' }), 'nothing is chosen by country');
	is_deeply([map { s{.*/}{}r } glob $m->state_dir . '/geoip/*'], [map { s{.*/}{}r } glob $m->state_dir . '/geoip/asn-*'],
		'the copy is removed');
};

$m->stop;
done_testing();
