#!/usr/bin/perl
# EDNS Client Subnet (RFC 7871): whose place an answer is for, and for how many clients it
# holds.

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
use Socket qw(AF_INET AF_INET6 inet_pton);
use Test::More;

Martlet::Redis::need();
need_writer();

my $seed = $ENV{MARTLET_SEED} // time & 0xffffff;
srand $seed;
diag("MARTLET_SEED=$seed");

my $json = JSON::PP->new->canonical;
my $dir = tempdir(CLEANUP => 1);

write_db("$dir/country.mmdb", {
	'203.0.112.0/22' => ['DE', 52, 13], '203.0.116.0/24' => ['US', 40, -74], '203.0.117.0/28' => ['JP', 35, 139],
	'2001:db8:1::/48' => ['DE', 52, 13], '2001:db9::/36' => ['US', 40, -74], '127.0.0.0/8' => ['JP', 35, 139],
	'10.0.0.0/8' => ['DE'], 'fe80::/10' => ['DE'], '192.0.2.1/32' => ['DE', 51, 12], '192.0.2.2/32' => ['US', 41, -70],
});
write_db("$dir/asn.mmdb", { '203.0.112.0/20' => 64496, '203.0.116.128/25' => 64497 }, type => 'asn');

my @records = (
	{ ip => '192.0.2.1', country => 'DE', asn => 64496 }, { ip => '192.0.2.2', country => 'US', asn => 64497 },
	{ ip => '192.0.2.3', country => 'JP', asn => 1 }, { ip => '192.0.2.4' });
my %labels = map { my $word = $_; ($word =~ s/\+/-/r => { a => { ttl => 60, filter => { geo_filter => $word }, records => \@records } }) }
  qw(country asn asn+country location);
$labels{rr} = { a => { filter => { order => 'rr', count => 'single' }, records => \@records } };
$labels{plain} = { a => { records => [$records[0]] } };
$labels{alias} = { cname => { host => 'country.z.test.' } };
$labels{many} = { a => { filter => { geo_filter => 'country' }, records => [map { { ip => "198.51.100.$_" } } 1 .. 200] } };
$labels{sub} = { ns => { records => [{ host => 'ns.sub.z.test.' }] } };
$labels{'ns.sub'} = $labels{country};
$labels{'@'} = { ns => { records => [{ host => 'ns.z.test.' }] }, mx => { records => [{ host => 'country.z.test.', preference => 1 }] } };

my $redis = Martlet::Redis->new(notify => 'KA');
$redis->cmd('SADD', 'redins:zones', 'z.test.');
$redis->cmd('SET', 'redins:zones:z.test.:config', '{"soa":{"serial":7}}');
$redis->cmd('HSET', 'redins:zones:z.test.', map { ($_ => $json->encode($labels{$_})) } keys %labels);

my $m = Martlet->new(config => { redis => $redis->settings, dns => { identity => 'me' },
	geoip => { country_db => "$dir/country.mmdb", asn_db => "$dir/asn.mmdb" } });
$m->expect_log(qr/no file here is named/);
ok($m->wait_log(qr/reading all zones from Redis.*generation \d+ is served/s, 20), 'Redis is read and served') or diag($m->log);

# The option for "203.0.113.0/24".
sub subnet {
	my ($address, $len) = split m{/}, $_[0];
	my $is_v6 = $address =~ /:/;
	my $bits = unpack 'B*', inet_pton($is_v6 ? AF_INET6 : AF_INET, $address);
	return pack 'n n/a*', 8, pack 'n C C a*', ($is_v6 ? 2 : 1), $len, 0,
	  substr pack('B*', substr($bits, 0, $len) . '0' x 8), 0, int(($len + 7) / 8);
}

# returns the response, and "scope N" with the option that came back, "" without.
sub ask {
	my ($name, $option, %opt) = @_;
	my $r = Martlet::Answer->new(scalar $m->exchange(encode_query("$name.z.test", $opt{type} // 'A', edns => 1232, options => $option), %opt));
	my $back = '';

	for (@{ $r->{edns}{options} // [] }) {
		my ($code, $data) = @$_;
		$back = sprintf 'scope %d', unpack 'x3 C', $data if $code == 8;
		is(substr($data, 0, 3) . substr($data, 4), substr($option, 4, 3) . substr($option, 8, -4 + length $data), 'the subnet goes back as it came')
		  if $code == 8;
	}
	return ($r, $back);
}

sub is_for {
	my ($name, $subnet, $want, $scope, %opt) = @_;
	my ($r, $back) = ask($name, subnet($subnet), %opt);
	my @last = map { /A 192\.0\.2\.(\d)$/ ? $1 : () } $r->text($opt{section} // 'answer');

	is("@last, $back", "$want, scope $scope", "$name for $subnet");
	return;
}

subtest 'whose place, and scope' => sub {
	is_for('country', '203.0.113.0/24', 1, 22);
	is_for('country', '203.0.116.0/24', 2, 24);
	is_for('country', '203.0.117.0/24', 3, 28);
	is_for('country', '203.0.117.16/28', 4, 28);
	is_for('country', '203.0.116.7/32', 2, 24);
	is_for('asn', '203.0.113.0/24', 1, 22);
	is_for('asn', '203.0.116.128/25', 2, 25);
	is_for('asn-country', '203.0.116.128/25', 2, 25);
	is_for('asn-country', '203.0.113.0/24', 1, 22);
	is_for('location', '203.0.116.0/24', 2, 24);
	is_for('country', '2001:db8:1::/48', 1, 48);
	is_for('country', '2001:db9:0:3::/64', 2, 36);
	is_for('country', '203.0.116.0/24', 2, 24, tcp => 1);
	is_for('alias', '203.0.116.0/24', 2, 24);
};

subtest 'nobody and nowhere' => sub {
	is_for('country', "$_->[0]", 4, $_->[1])
	  for ['10.1.2.0/24', 8], ['127.0.0.1/32', 8], ['192.168.7.0/24', 16], ['172.16.0.0/16', 12], ['169.254.0.0/16', 16],
	  ['fe80::/64', 10], ['fd00::/48', 7], ['203.0.116.0/0', 0], ['2001:db8:1::/0', 0];
	my ($r, $back) = ask('country', pack 'n n/a*', 8, pack 'n C C', 0, 0, 0);
	is($back, 'scope 0', 'family 0');
	is_deeply([$r->text('answer')], ['country.z.test. 60 A 192.0.2.4'], 'the default');
	($r) = ask('country', '');
	is_deeply([$r->text('answer')], ['country.z.test. 60 A 192.0.2.3'], 'without a subnet: the sender, who is in Japan here');
	is_deeply($r->{edns}{options}, [], 'and none comes back');
};

subtest 'scope 0' => sub {
	for my $name (qw(plain rr nothing)) {
		my (undef, $back) = ask($name, subnet('203.0.116.0/24'));
		is($back, 'scope 0', $name);
	}
	my (undef, $back) = ask('country', subnet('203.0.116.0/24'), type => 'AAAA');
	is($back, 'scope 0', 'NODATA');
};

# Where a referral leads the resolver goes itself, whoever its client is (section 7.4); this one
# is in Japan.
subtest 'a referral' => sub {
	is_for('x.sub', '203.0.116.0/24', 3, 0, section => 'additional');
	is_for('x.sub', '10.0.0.0/8', 3, 0, section => 'additional');
};

subtest 'beside answers of all kinds' => sub {
	my $option = subnet('203.0.116.0/24');
	my $back = sub {
		my $r = Martlet::Answer->new(shift);
		return ($r, map { unpack 'x3 C', $_->[1] } grep { $_->[0] == 8 } @{ $r->{edns}{options} // [] });
	};
	my %asked = (REFUSED => encode_query('elsewhere.test', 'A', edns => 1232, options => $option),
		NXDOMAIN => encode_query('no.such.name.z.test', 'A', edns => 1232, options => $option),
		NOTIMP => encode_query('country.z.test', 'A', edns => 1232, options => $option, opcode => 3));
	for my $rcode (sort keys %asked) {
		my ($r, @scopes) = $back->($m->exchange($asked{$rcode}) // '');
		is_deeply([$r->rcode, @scopes], [$rcode, 0], $rcode);
	}
	my ($r, @scopes) = $back->($m->exchange(encode_query('many.z.test', 'A', edns => 1232, options => $option)));
	is_deeply([$r->tc, @scopes], [1, 24], 'truncated');
	is_for('many', '203.0.116.0/24', '', 24, tcp => 1);
	($r, @scopes) = $back->($m->exchange(encode_query('country.z.test', 'A', edns => 1232, options => $option . subnet('203.0.113.0/24'))));
	is_deeply([map({ /(\d)$/ } $r->text('answer')), @scopes], [2, 24], 'two of them: the first counts');
};

# Whatever arrives together: each client gets what it gets alone.
subtest 'many clients at once' => sub {
	my @names = qw(country asn asn-country location plain alias many nothing x.sub);
	my @subnets = (undef, '', 'bad', '203.0.113.0/24', '203.0.116.0/24', '203.0.117.16/28', '203.0.117.0/25', '2001:db8:1::/48', '2001:db9::/40',
		'10.0.0.0/8', '203.0.116.0/0', '192.0.2.0/24');
	my @queries = map {
		my ($subnet, $name) = ($subnets[rand @subnets], $names[rand @names]);
		my $option = !$subnet ? '' : $subnet eq 'bad' ? pack('n n/a*', 8, 'x') : subnet($subnet);
		encode_query("$name.z.test", 'A', id => $_, edns => (defined $subnet ? 1232 : 0), options => $option, do => rand 2 < 1)
	} 1 .. 400;
	my @alone = map { scalar $m->exchange($_) } @queries;
	my ($socket, $tcp) = ($m->udp_socket, $m->tcp_socket);
	my $wrong = 0;

	for my $burst (0 .. 7) {
		my %want = map { (unpack('n', $alone[$_]) => $alone[$_]) } my @some = map { 50 * $burst + $_ } 0 .. 49;
		$socket->send($queries[$_]) for @some;
		for (@some) {
			last unless IO::Select->new($socket)->can_read(10 * slow()) && defined $socket->recv(my $wire, 4096);
			$wrong++ unless $wire eq delete $want{ unpack 'n', $wire };
		}
		is(scalar keys %want, 0, 'all answered');
	}
	is($wrong, 0, 'as alone');
	my @alone_tcp = map { scalar $m->exchange($_, tcp => 1) } @queries[0 .. 99];
	$m->tcp_write($tcp, @queries[0 .. 99]);
	is(scalar(grep { $m->tcp_read($tcp) ne $alone_tcp[$_] } 0 .. 99), 0, 'over one connection, too');
};

subtest 'malformed' => sub {
	my $good = pack 'n C C a*', 1, 24, 0, "\xcb\0\x74";
	my %bad = ('a scope' => pack('n C C a*', 1, 24, 24, "\xcb\0\x74"), 'too many bits' => pack('n C C a*', 1, 33, 0, "\xcb\0\x74\0\0"),
		'an octet short' => substr($good, 0, -1), 'an octet long' => $good . "\0", 'another family' => pack('n C C a*', 9, 24, 0, "\xcb\0\x74"),
		'bits behind the prefix' => pack('n C C a*', 1, 23, 0, "\xcb\0\x75"), 'nothing' => '');
	for my $what (sort keys %bad) {
		my ($r, $back) = ask('country', pack 'n n/a*', 8, $bad{$what});
		is($r->rcode . $back . @{ $r->{answer} }, 'FORMERR0', $what);
	}
	my ($r) = ask('plain', pack 'n n/a*', 8, '');
	is($r->rcode, 'FORMERR', 'for what is not steered, too');
};

subtest 'beside NSID' => sub {
	my ($r, $back) = ask('country', subnet('203.0.116.0/24') . pack 'n n', 3, 0);
	is($back, 'scope 24', 'the subnet');
	is_deeply([map { $_->[1] } grep { $_->[0] == 3 } @{ $r->{edns}{options} }], ['me'], 'and the identity');
};

subtest 'geoip.ecs = false' => sub {
	$m->write_config({ geoip => { ecs => \0 } });
	is(($m->ctl('reload'))[0], 0, 'reload');
	my ($r, $back);
	ok(poll(5, sub { ($r, $back) = ask('country', subnet('203.0.116.0/24')); $back eq '' }), 'no subnet comes back');
	is_deeply([$r->text('answer')], ['country.z.test. 60 A 192.0.2.3'], 'the sender counts');
	($r) = ask('country', pack 'n n/a*', 8, 'x');
	is($r->rcode, 'NOERROR', 'it is not looked at');
	$m->write_config({ geoip => { ecs => \1 } });
	$m->ctl('reload');
	ok(poll(5, sub { (ask('country', subnet('203.0.116.0/24')))[1] eq 'scope 24' }), 'and back');
};

subtest 'without databases' => sub {
	$m->write_config({ geoip => { country_db => '', asn_db => '' } });
	$m->ctl('reload');
	ok(poll(10, sub { (ask('country', subnet('203.0.116.0/24')))[1] eq 'scope 0' }), 'scope 0');
};

$m->stop;
done_testing();
