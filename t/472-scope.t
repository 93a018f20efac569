#!/usr/bin/perl
# The scope of an answer (RFC 7871) holds: whoever is in it gets the same answer, whatever
# records are chosen by.  A cache in between may answer for a server then.
#
# MARTLET_SETS: how many random RRsets (60); MARTLET_CLIENTS: clients of each (20).

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp qw(tempdir);
use IO::Select;
use JSON::PP ();
use Martlet;
use Martlet::Answer;
use Martlet::Geo qw(need_writer write_db);
use Martlet::Process qw(poll slow);
use Martlet::Redis;
use Martlet::Wire qw(encode_query);
use Socket qw(AF_INET AF_INET6 inet_ntop inet_pton);
use Test::More;

Martlet::Redis::need();
need_writer();

my $seed = $ENV{MARTLET_SEED} // time & 0xffffff;
srand $seed;
diag("MARTLET_SEED=$seed");

my $SETS = $ENV{MARTLET_SETS} // 60;
my $CLIENTS = $ENV{MARTLET_CLIENTS} // 20;
my $NEAR = 4;
my $BATCH = 50;
my $json = JSON::PP->new->canonical;
my $dir = tempdir(CLEANUP => 1);

# ---- networks ----

# A few first octets, so that networks and clients meet; private ones among them.
sub random_bits {
	my ($is_v6) = @_;
	my @heads = $is_v6 ? ('20010db8', '20010db9', '2a00', 'fd00', '') : ('c000', 'c0a8', '0a', '08', 'cb00', '');
	my $bits = unpack 'B*', pack 'H*', $heads[rand @heads];

	$bits .= int rand 2 while length $bits < ($is_v6 ? 128 : 32);
	return $bits;
}

sub text_of { return inet_ntop(length $_[0] == 32 ? AF_INET : AF_INET6, pack 'B*', $_[0]) }

sub random_network {
	my $bits = random_bits(rand 3 < 1);
	my $len = 1 + int rand length $bits;

	return text_of(substr($bits, 0, $len) . '0' x (length($bits) - $len)) . "/$len";
}

my @countries = ('DE', 'US', 'JP', 'FR');
my (%places, %asns);
for (1 .. 150) {
	my $network = random_network();
	next if $network =~ m{^(?:::|2002)};
	$places{$network} = [$countries[rand @countries], -80 + int rand 160, -170 + int rand 340];
	$asns{ random_network() =~ s{^(?:::|2002).*}{192.0.2.0/24}r } = 64496 + int rand 3;
}
write_db("$dir/city.mmdb", { %places, map { ("198.51.100.$_/32" => ['DE', 20 * $_, 30 * $_]) } 1 .. 4 });
write_db("$dir/asn.mmdb", \%asns, type => 'asn');

# ---- RRsets ----

sub some { my ($share, $name, $value) = @_; return rand 1 < $share ? ($name => $value) : () }

sub random_set {
	my $with_subnets = rand 2 < 1;
	my @geo = ('none', 'country', 'asn', 'asn+country', 'location');
	my @records = map {
		{
			ip => "198.51.100.$_", some(0.5, country => [$countries[rand @countries], rand 2 < 1 ? '' : ()]),
			some(0.4, asn => 64496 + int rand 3), some(0.3, weight => 1 + int rand 9), some(0.1, fallback => JSON::PP::true),
			some($with_subnets ? 0.6 : 0, subnet => [map { random_network() } 1 .. 1 + rand 4]),
		}
	} 1 .. 2 + rand 5;
	my $sticky = rand 3 < 1;

	return { ttl => 60, records => \@records, filter => { geo_filter => $geo[rand @geo], ($sticky ? (sticky => JSON::PP::true) : ()),
		some(0.3, count => 'single'), some(0.2, first => 2), ($sticky ? some(0.5, order => 'weighted') : ()) } };
}

my @sets = map { random_set() } 1 .. $SETS;

# ---- asking ----

sub option_of {
	my ($bits, $len) = @_;
	my $octets = int(($len + 7) / 8);
	return pack 'n n/a*', 8, pack 'n C C a*', (length $bits == 32 ? 1 : 2), $len, 0,
	  substr pack('B*', substr($bits, 0, $len) . '0' x (length($bits) - $len)), 0, $octets;
}

# Ask for each [name, bits of an address, prefix length], many at a time.  returns for each
# [records, scope].
sub ask_all {
	my ($m, @asked) = @_;
	my $socket = $m->udp_socket;
	my @back;

	for (my $at = 0; $at < @asked; $at += $BATCH) {
		my $last = $at + $BATCH > @asked ? $#asked : $at + $BATCH - 1;
		$socket->send(encode_query("$asked[$_][0].z.test", 'A', id => $_, edns => 4096, options => option_of(@{ $asked[$_] }[1, 2]))) for $at .. $last;
		for ($at .. $last) {
			return @back unless IO::Select->new($socket)->can_read(10 * slow()) && defined $socket->recv(my $wire, 4096);
			my $r = Martlet::Answer->new($wire);
			my ($ecs) = grep { $_->[0] == 8 } @{ $r->{edns}{options} };
			$back[unpack 'n', $wire] = [join(' ', map { inet_ntop(AF_INET, $_->[4]) } grep { $_->[1] == 1 } @{ $r->{answer} }), unpack 'x3 C', $ecs->[1]];
		}
	}
	return @back;
}

# ---- the daemon ----

my $redis = Martlet::Redis->new(notify => 'KA');
$redis->cmd('SADD', 'redins:zones', 'z.test.');
$redis->cmd('HSET', 'redins:zones:z.test.', '@' => '{"ns":{"records":[{"host":"ns.example.net."}]}}',
	map { ("s$_" => $json->encode({ a => $sets[$_] }), "c$_" => $json->encode({ cname => { host => "s$_.z.test." } }),
		"n$_" => $json->encode({ aname => { location => "s$_.z.test." } })) } 0 .. $#sets);
my $m = Martlet->new(config => { redis => $redis->settings, workers => { count => 1 },
	geoip => { country_db => "$dir/city.mmdb", asn_db => "$dir/asn.mmdb" } });
$m->expect_log(qr/no file here is named/);
ok($m->wait_log(qr/reading all zones from Redis.*generation \d+ is served/s, 20), 'Redis is read and served') or diag($m->log);

# Each client of each RRset; of IPv4 with all its bits, of IPv6 with what resolvers send.
my @first = map {
	my $set = $_;
	map { my $bits = random_bits(rand 3 < 1); [(qw(s s s n c))[rand 5] . $set, $bits, length $bits == 32 ? 32 : (48, 56, 128)[rand 3]] } 1 .. $CLIENTS
} 0 .. $#sets;
my @answers = ask_all($m, @first);
is(scalar @answers, scalar @first, 'all are answered');

# Others in the scope of each: at its ends, and anywhere.
my (@others, @of, %scopes);
for my $at (0 .. $#first) {
	my ($name, $bits, $len) = @{ $first[$at] };
	my $scope = $answers[$at][1];
	my $behind = length($bits) - $scope;

	# what the server was told of; a scope may be longer
	substr($bits, $len) = '0' x (length($bits) - $len);
	$scopes{$scope}++;
	for my $n (1 .. $NEAR) {
		my $rest = $n == 1 ? 0 x $behind : $n == 2 ? 1 x $behind : join '', map { int rand 2 } 1 .. $behind;
		push @others, [$name, substr($bits, 0, $scope) . $rest, length $bits];
		push @of, $at;
	}
}
my @again = ask_all($m, @others);
my @wrong;
for my $n (0 .. $#others) {
	my ($answer, $scope) = @{ $answers[$of[$n]] };
	next if $again[$n][0] eq $answer;
	my ($name, $bits, $len) = @{ $first[$of[$n]] };
	push @wrong, sprintf '%s for %s/%d: %s, scope %d, but %s gets %s: %s', $name, text_of($bits), $len, $answer, $scope,
	  text_of($others[$n][1]), $again[$n][0], $json->encode($sets[$name =~ /(\d+)/]);
}
is(scalar @wrong, 0, scalar(@others) . ' in the scope of another, scopes of ' . keys(%scopes) . ' lengths')
  or diag(join "\n", @wrong[0 .. ($#wrong < 5 ? $#wrong : 5)]);
cmp_ok(scalar keys %scopes, '>', 20, 'scopes of many lengths');

$m->stop;
done_testing();
