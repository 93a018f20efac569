#!/usr/bin/perl
# The tests' own tools for Redis: servers, replicas, Sentinel, cut links; zones in both
# schemas; and the model, which must agree with NSD.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Link;
use Martlet::Model;
use Martlet::Peer;
use Martlet::Process qw(poll);
use Martlet::Redis;
use Martlet::RedisZones qw(zone_records zone_text bulk_name bulk_address bulk_zone);
use Martlet::Sentinel;
use Test::More;
use Time::HiRes qw(time);

Martlet::Redis::need();

# Whether `code` dies with a reason that matches.
sub refused {
	my ($code, $why, $what) = @_;
	eval { $code->() };
	return like($@, $why, $what);
}

my $redis = Martlet::Redis->new(
	notify => 'KA', requirepass => 'p w"', users => { reader => ['>secret', '~*', '&*', '+@read'] });
is($redis->cmd('SET', 'a', "x\r\ny\xff"), 'OK', 'a command');
is($redis->cmd('GET', 'a'), "x\r\ny\xff", 'octets come back as they were');
is($redis->cmd('GET', 'b'), undef, 'null is undef');
my @replies = $redis->pipeline((['INCR', 'n']) x 1200, ['LPUSH', 'a', 1]);
is($replies[1199], 1200, 'a long pipeline');
like($replies[1200]{text}, qr/^WRONGTYPE/, 'an error in it is one reply');
refused(sub { $redis->cmd('LPUSH', 'a', 1) }, qr/Redis: LPUSH: WRONGTYPE/, 'of a command: it dies');
my $id = ($redis->multi(sub {
	my ($tx) = @_;
	$tx->cmd('HSET', 'h', 'f', 'v');
	$tx->xadd_change('example.com' => ['www', ':config', '*.a'], 'example.net.' => [], undef, undef);
}))[1];
is_deeply($redis->cmd('XRANGE', 'martlet:changes', '-', '+'),
	[[$id, [qw(zone example.com. label www config 1 label *.a zone example.net. zones 1)]]],
	'MULTI with a change');
refused(sub { $redis->multi(sub { $_[0]->cmd('NOSUCH') }) }, qr/unknown command/, 'MULTI that is refused');
my $reader = $redis->new_client(username => 'reader', password => 'secret');
is($reader->cmd('GET', 'n'), 1200, 'an ACL user reads');
refused(sub { $reader->cmd('SET', 'n', 1) }, qr/NOPERM/, 'and does not write');
my $listener = $redis->new_client;
$listener->cmd('PSUBSCRIBE', '__keyspace@0__:*');
$redis->cmd('SET', 'c', 1);
is_deeply($listener->reply, ['pmessage', '__keyspace@0__:*', '__keyspace@0__:c', 'set'], 'notifications');

my $replica = $redis->replica;
is($replica->cmd('GET', 'n'), 1200, 'a replica follows');
my $sentinel = Martlet::Sentinel->new(master => $redis);
$redis->kill_now;
ok($sentinel->wait_master($replica), 'Sentinel promotes it when its primary is killed');
is($replica->cmd('SET', 'n', 1), 'OK', 'and it can be written');
$sentinel->stop;
$_->stop for $replica, $redis;

my $kept = Martlet::Redis->new(unix => 1, persistence => 'aof', maxmemory => '50mb', policy => 'allkeys-lru');
$kept->cmd('SET', 'k', 'v');
$kept->kill_now;
$kept->start;
is($kept->cmd('GET', 'k'), 'v', 'on a Unix socket, what was written is there after a kill');
$kept->kill_now;
$kept->forget;
$kept->start;
is($kept->cmd('DBSIZE'), 0, 'or is not');

my $link = Martlet::Link->new($kept);
my $far = Martlet::Resp->new($link->where);
is($far->cmd('PING'), 'PONG', 'a link passes on');
$link->stall;
$far->send_cmd('PING');
refused(sub { $far->reply(0.2) }, qr/does not reply/, 'a stalled one does not');
$link->flow;
is($far->reply, 'PONG', 'and goes on');
$link->cut;
refused(sub { $far->cmd('PING') }, qr/hung up|connection/, 'a cut one ends');
refused(sub { Martlet::Resp->new($link->where) }, qr/refused/, 'and refuses');
$link->mend;
is(Martlet::Resp->new($link->where)->cmd('PING'), 'PONG', 'until it is mended');
$kept->hang;
my $waiting = $kept->new_client;
$waiting->send_cmd('PING');
refused(sub { $waiting->reply(0.2) }, qr/does not reply/, 'a hung server takes connections and says nothing');
$kept->go_on;
is($waiting->reply, 'PONG', 'until it goes on');

# zones in both schemas
my %rr = (ttl => 300);
my $zones = {
	'example.com' => {
		config => { soa => { serial => 9, ns => 'ns1.example.com', mbox => 'h@example.com', minttl => 100 } },
		labels => {
			'@' => { ns => { %rr, records => [{ host => 'ns1.example.com.' }, { host => 'ns2' }] },
				mx => { %rr, records => [{ host => 'mx1.example.com', preference => 10 }] } },
			ns1 => { a => { ttl => 99999, records => [{ ip => '192.0.2.1' }] } },
			www => { a => { %rr, records => [{ ip => '192.0.2.2', weight => 3 }, { ip => '192.0.2.3' }] },
				aaaa => { records => [{ ip => '2001:DB8:0::2' }, { ip => '' }] } },
			alias => { cname => { %rr, host => 'www.example.com' }, a => { records => [] } },
			chain => { cname => { %rr, host => 'Nothing.Example.com.' } },
			away => { cname => { %rr, host => 'www.sub.example.com.' } },
			out => { cname => { %rr, host => 'www.example.org.' } },
			t => { txt => { %rr, records => [{ text => 'a "b" \\; \\200' }, { text => 'x' x 300 }] } },
			'_sip._tcp' => { srv => { %rr, records => [{ target => 'www', priority => 1, weight => 2, port => 3 }] } },
			c => { caa => { %rr, records => [{ tag => 'issue', value => 'ca.example.net', flag => 0 }] } },
			_tlsa => { tlsa => { %rr, records => [{ usage => 1, selector => 1, matching_type => 1,
				certificate => '1CFC98' }] } },
			'*.wild' => { txt => { %rr, records => [{ text => 'wild' }] } },
			'deep.er.ent' => { a => { %rr, records => [{ ip => '192.0.2.4' }] } },
			sub => { ns => { %rr, records => [{ host => 'ns1.example.com.' }] },
				ds => { %rr, records => [{ key_tag => 57855, algorithm => 5, digest_type => 1,
					digest => 'B6DCD485719ADCA18E5F3D48A2331627FDD3636B' }] } },
			moved => { DNAME => { %rr, rdata => ['www.wild.example.com.'] } },
			gone => { DNAME => { %rr, rdata => ['example.com.'] } },
			svc => { HTTPS => { %rr, rdata => ['1 . alpn=h2'] } },
		} },
	'1.0.10.in-addr.arpa' => { labels => {
		'@' => { ns => { %rr, records => [{ host => 'ns1.example.com.' }] } },
		1 => { ptr => { %rr, domain => 'localhost' } } } },
};
for my $name (qw(redins z42)) {
	my $schema = Martlet::RedisZones->new(schema => $name, prefix => 'p_', suffix => '_s');
	$kept->cmd('FLUSHALL');
	$schema->load($kept, $zones);
	is($kept->cmd('SCARD', "p_$name:zones_s"), 2, "$name: zones are listed");
	my $www = $name eq 'redins' ? $kept->cmd('HGET', 'p_redins:zones:example.com._s', 'www')
	  : $kept->cmd('GET', 'p_z42:zones:example.com.:labels:www:a_s');
	like($www, qr/"ip":"192\.0\.2\.2","weight":3/, "$name: a label is there");
	$kept->pipeline($schema->remove_label('example.com', 'www', $zones->{'example.com'}{labels}{www}));
	is_deeply([grep {/www/} @{ $kept->cmd('KEYS', '*') },
		@{ $name eq 'redins' ? $kept->cmd('HKEYS', 'p_redins:zones:example.com._s') : [] }], [],
		"$name: a label is removed");
	$kept->pipeline(map { $schema->remove_zone($_, $zones->{$_}) } keys %$zones);
	is($kept->cmd('DBSIZE'), 0, "$name: zones are removed, and nothing is left");
}

# the model, and servers with the same records
my $model = Martlet::Model->new;
$model->set_zone($_, zone_records($_, $zones->{$_})) for keys %$zones;
my @questions = (['www.example.org', 'A']);
for my $zone (sort keys %$zones) {
	my @owners = map { $_ eq '@' ? $zone : "$_.$zone" } sort keys %{ $zones->{$zone}{labels} };
	push @owners, map {"$_.$zone"} qw(nothing er.ent ent x.wild a.b.wild wild x.www a.moved a.sub.gone
	  www.gone nothing.gone x.sub);
	for my $type (qw(A AAAA NS MX TXT CNAME SOA DS SRV HTTPS DNAME CAA TLSA PTR)) {
		push @questions, map { [$_, $type] } @owners;
	}
}
my %texts = map { $_ => zone_text($_, $zones->{$_}) } keys %$zones;
my @servers = (['martlet', Martlet->new(zones => \%texts)]);
push @servers, ['NSD', Martlet::Peer->new('nsd', zones => \%texts)] if Martlet::Peer::program('nsd');
for my $server (@servers) {
	my ($name, $asked) = @$server;
	my @wrong;
	for my $question (@questions) {
		my $wrong = $model->differs($asked->ask(@$question), @$question);
		push @wrong, "@$question: $wrong" if $wrong;
	}
	is_deeply(\@wrong, [], scalar(@questions) . " questions answered by the model as by $name");
}
$model->remove_zone('example.com');
is($model->expect('www.example.com', 'A')->{rcode}, 'REFUSED', 'a removed zone is refused');

# bulk
for my $name (qw(redins z42)) {
	my $schema = Martlet::RedisZones->new(schema => $name);
	my $check = Martlet::Redis->new(unix => 1);
	$schema->load_bulk($kept, 5, 2000, 10);
	is($kept->cmd('SCARD', "$name:zones"), 2000, "$name: zones in bulk");
	$schema->load($check, { bulk_name(1234) => bulk_zone(1234, 10) });
	my @keys = grep { !/zones$/ } @{ $check->cmd('KEYS', '*') };
	my $digest = sub { $_[0]->cmd('DEBUG', 'DIGEST-VALUE', sort @keys) };
	is_deeply($digest->($kept), $digest->($check), "$name: one of them is as if written by itself");
}
is(bulk_address(123456), '10.112.134.156', 'the address in a bulk zone');

done_testing();
