#!/usr/bin/perl
# Health checks from the record to the answer, with servers that go up, down, are slow and lie;
# who follows what another one has found; and what is held when all seem to fail at once.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Socket::IP;
use JSON::PP ();
use Martlet;
use Martlet::Process qw(find_program free_port poll read_file slow);
use Martlet::Redis;
use Martlet::RedisZones;
use Martlet::Targets;
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(time);

Martlet::Redis::need();

my $json = JSON::PP->new->canonical;
my $targets = Martlet::Targets->new;
my $redis = Martlet::Redis->new;
$redis->client->cmd(qw(CONFIG SET notify-keyspace-events KA));
my $has_v6 = 0 + !!IO::Socket::IP->new(LocalHost => '::1', Listen => 1);

# ---- targets: one port, an address for each way to behave ----

my $port = $targets->listen('good');
my %modes = (
	'code 500' => 0, 'code 404' => 0, garbage => 0, hangup => 0, headers => 0, slow => 0, drip => 0,
	refuse => 0, redirect => 1, flood => 1,
);
my ($last, %at) = (10);
for my $mode (sort keys %modes) {
	my $address = '127.0.0.' . ++$last;
	my $name = $mode =~ s/ //r;

	$targets->listen($name, address => $address, port => $port, mode => $mode);
	$at{$name} = { address => $address, is_up => $modes{$mode} };
}
$targets->listen('body', address => '127.0.0.40', port => $port, mode => 'body it is all well here');
$targets->listen('once', address => '127.0.0.41', port => $port);
$targets->listen('moving', address => '127.0.0.42', port => $port);
$targets->listen('alone', address => '127.0.0.43', port => $port);
$targets->listen('leaving', address => '127.0.0.44', port => $port);
$targets->listen('denied', address => '127.0.0.45', port => $port);
$targets->listen('wrong', address => '127.0.0.46', port => $port, mode => 'body nothing');
$targets->listen('endless', address => '127.0.0.47', port => $port, mode => 'flood');
my $proxy = $targets->listen('proxy');
my $port6 = $has_v6 ? $targets->listen('v6', address => '::1') : 0;

# an HTTPS server with a certificate of its own making
my $tls_port = 0 + free_port();
my $dir = $redis->dir;
system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=tls.hc.test"
	. " -addext subjectAltName=DNS:tls.hc.test"
	. " -keyout $dir/key.pem -out $dir/cert.pem 2>/dev/null") == 0 or die "openssl\n";
my $tls_pid = fork // die "fork: $!\n";
if (!$tls_pid) {
	open STDIN, '<', '/dev/null';
	open STDOUT, '>', '/dev/null';
	open STDERR, '>', '/dev/null';
	no warnings "exec";
	exec 'openssl', 's_server', '-accept', "127.0.0.1:$tls_port", '-cert', "$dir/cert.pem", '-key', "$dir/key.pem",
	  '-www';
	POSIX::_exit(1);
}
END { local $?; if ($tls_pid) { kill 'KILL', $tls_pid; waitpid $tls_pid, 0 } }

# ---- zones ----

sub rrset {
	my ($check, @addresses) = @_;
	return { ttl => 1, health_check => { enable => \1, timeout => 300, %$check },
		records => [map { { ip => $_ } } @addresses] };
}

my @http = (protocol => 'http', port => $port);
my %labels = (
	'@' => { ns => { ttl => 60, records => [{ host => 'ns.hc.test.' }] } },
	good => { a => rrset({ @http, uri => '/is?it=well' }, '127.0.0.1') },
	'*.wild' => { a => rrset({ @http, uri => '/wild' }, '127.0.0.1') },
	body => { a => rrset({ @http, body => 'all well' }, '127.0.0.40', '127.0.0.46', '127.0.0.47') },
	codes => { a => rrset({ @http, codes => [204, '400-404'] }, $at{code404}{address}, '127.0.0.1') },
	moving => { a => rrset({ @http }, '127.0.0.1', '127.0.0.42') },
	alone => { a => rrset({ @http, policy => 'closed' }, '127.0.0.43') },
	leaving => { a => rrset({ @http }, '127.0.0.44') },
	denied => { a => rrset({ @http }, '127.0.0.45') },
	tls => { a => rrset({ protocol => 'https', port => $tls_port, body => 's_server' }, '127.0.0.1') },
	tlsgood => { a => rrset({ protocol => 'https', port => $tls_port, body => 's_server', verify => \1,
		host => 'tls.hc.test', policy => 'closed' }, '127.0.0.1') },
	tlsbad => { a => rrset({ protocol => 'https', port => $tls_port, body => 's_server', verify => \1,
		policy => 'closed' }, '127.0.0.1') },
	tcp => { a => rrset({ protocol => 'tcp', port => $port }, '127.0.0.1', $at{refuse}{address}) },
	ping => { a => rrset({ protocol => 'ping' }, '127.0.0.1') },
	nowhere => { a => rrset({ protocol => 'gopher' }, '127.0.0.99') },
	(map { $_ => { a => rrset({ @http }, '127.0.0.1', $at{$_}{address}) } } keys %at),
	(map { ("x$_" => { a => rrset({ @http, policy => 'closed' }, "127.0.0.6$_") }) } 0 .. 5),
	(map { ("n$_" => { a => rrset({ protocol => 'tcp', port => $port }, '127.0.0.41') }) } 1 .. 20),
	($has_v6 ? (six => { aaaa => rrset({ protocol => 'http', port => $port6 }, '::1') }) : ()),
);
my $zones = Martlet::RedisZones->new;
$zones->load($redis, { 'hc.test' => { config => { soa => {} }, labels => \%labels } });

# ---- asking ----

sub addresses {
	my ($m, $name, $type) = @_;
	my @rrs = map { $_->type eq 'AAAA' ? $_->address_short : $_->address } $m->ask("$name.hc.test", $type // 'A')->packet->answer;
	return join ' ', sort @rrs;
}

sub becomes {
	my ($m, $name, $want, $seconds) = @_;
	my $got;

	ok(poll($seconds, sub { ($got = addresses($m, $name)) eq $want }), "$name: '$want'")
	  or diag("'$got'");
	return;
}

# Has explain seen the only record of a name to be up?
sub is_up {
	my ($m, $name) = @_;
	my ($exit, $json) = $m->ctl('explain', "$name.hc.test", 'A');
	return $json->{explain} && JSON::PP->new->encode($json->{explain}) =~ /"health":"up"/;
}

sub health { return (($_[0]->ctl('status'))[1])->{health} }

sub waits_for {
	my ($m, $what, $want, $seconds) = @_;
	my $health;

	ok(poll($seconds, sub { ($health = health($m))->{$what} == $want }), "$what is $want")
	  or diag($json->encode($health));
	return;
}

# ---- who probes ----

local $ENV{http_proxy} = "http://127.0.0.1:$proxy/";
local $ENV{https_proxy} = $ENV{http_proxy};
local $ENV{ALL_PROXY} = $ENV{http_proxy};
my %health = (enable => \1, interval_s => 1, target_rate => 0, deny => [], mass_guard => 1, ca_file => "$dir/cert.pem",
	redis => { address => $redis->where, prefix => 'st_', suffix => '_st' });
my $m = Martlet->new(config => { redis => $redis->settings($zones->settings), health => { %health } });
$m->expect_log(qr/ is down: |more targets went down|prober .* died|ICMP|"gopher" is no protocol/);
ok(poll(10, sub { addresses($m, "good") ne "" }), "zones are served") or BAIL_OUT($m->log . $m->ask("good.hc.test", "A")->dump);
my $all = 45 + $has_v6;
waits_for($m, 'targets', $all, 5);
for my $name (sort keys %at) {
	becomes($m, $name, join(' ', sort '127.0.0.1', $at{$name}{is_up} ? $at{$name}{address} : ()), 8);
}
becomes($m, 'body', '127.0.0.40', 5);
becomes($m, 'codes', $at{code404}{address}, 5);
becomes($m, 'tcp', '127.0.0.1', 5);
becomes($m, 'tls', '127.0.0.1', 1);
becomes($m, 'tlsbad', '', 8);
ok(poll(8, sub { is_up($m, 'tlsgood') }), 'a certificate that is trusted, for the name that is asked');
becomes($m, 'nowhere', '127.0.0.99', 1);
is(addresses($m, 'six', 'AAAA'), '::1', 'IPv6') if $has_v6;
like(($targets->hits('v6'))[1], qr{^HEAD / HTTP/1[.]1\nHost: six[.]hc[.]test:$port6\n}, 'IPv6 is probed') if $has_v6;
like(($targets->hits('body'))[1], qr{^GET / HTTP/1[.]1\nHost: body[.]hc[.]test:$port\n}, 'a body is asked for by GET');
like(($targets->hits('moving'))[1], qr{^HEAD / HTTP/1[.]1\nHost: moving[.]hc[.]test:$port\n}, 'HEAD, Host without final dot');
is($targets->hits('proxy'), 0, 'no proxy is asked');

# one probe of a target, whoever has it
{
	my ($before, $begun) = (scalar $targets->hits('once'), time());

	ok(poll(10, sub { $targets->hits('once') >= $before + 2 }), 'probes go on');
	my $probes = $targets->hits('once') - $before;
	cmp_ok($probes, '<=', 2 + (time() - $begun) * 1.2, "$probes probes for twenty names");
}

# from failure to the first answer without it
{
	my $bound = 3 * 1 + 0.3 + 0.05;
	my $failed = $targets->mode(alone => 'refuse');
	$targets->mode(moving => 'slow');

	ok(poll(20, sub { addresses($m, 'alone') eq '' }), 'one that fails is left out');
	my $took = time() - $failed;
	cmp_ok($took, '<=', $bound + 0.5 * slow(), sprintf 'after %.2f s, %.2f are granted', $took, $bound);
	becomes($m, 'moving', '127.0.0.1', 5);
	$targets->mode($_ => 'ok') for qw(alone moving);
	becomes($m, 'alone', '127.0.0.43', 5);
	becomes($m, 'moving', '127.0.0.1 127.0.0.42', 8);
}

# status keys, with expiry
{
	my $key = 'st_redins:healthcheck:good.hc.test.:127.0.0.1_st';
	my $value;

	ok(poll(5, sub { ($value = $redis->client->cmd(GET => $key)) =~ /"status":3/ }), 'a status key');
	like($value, qr/^[{]"protocol":"http","uri":"\/is[?]it=well","port":$port,"status":3,"lastcheck":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.]\d+Z","timeout":300,"up_count":3,"down_count":-3,"enable":true,"domain_uuid":""[}]$/,
		'as redins writes it');
	my $expiry = $redis->client->cmd(PTTL => $key);
	ok($expiry > 0 && $expiry <= 3000, "it expires: $expiry ms");
}

# a prober that dies leaves what is known
{
	$targets->mode(alone => 'refuse');
	becomes($m, 'alone', '', 6);
	my $health = health($m);
	kill 'KILL', $health->{pid};
	is(addresses($m, 'alone'), '', 'what is down stays so') for 1 .. 20;
	waits_for($m, 'restarts', 1, 5);
	is(addresses($m, 'alone'), '', 'also with the next one');
	becomes($m, 'moving', '127.0.0.1 127.0.0.42', 5); # a probe may be late on a busy machine
	ok(poll(5, sub { health($m)->{probes} > $health->{probes} + 5 }), 'it probes');
}

# probes end with their record
{
	my $client = $redis->client;
	$client->cmd(@$_) for $zones->remove_label('hc.test', 'leaving', $labels{leaving});
	waits_for($m, 'targets', $all - 1, 5);
	my ($before, $others) = map { scalar $targets->hits($_) } qw(leaving good);
	ok(poll(8, sub { $targets->hits('good') >= $others + 3 }), 'others are probed');
	cmp_ok($targets->hits('leaving'), '<=', $before + 1, 'one that left is not');
}

# health.deny, set by a reload; in IPv6 too
{
	my $label = { aaaa => rrset({ @http }, '::ffff:127.0.0.45', '64:ff9b::7f00:2d', '2002:7f00:2d::1') };
	my $client = $redis->client;

	$client->cmd(@$_) for $zones->set_label('hc.test', 'mapped', $label);
	$m->write_config({ health => { deny => ['127.0.0.45/32', '192.0.2.1'] } });
	is(($m->ctl('reload'))[0], 0, 'a reload with health.deny');
	ok(poll(10, sub { health($m)->{denied} >= 2 }), 'targets are denied') or diag($json->encode(health($m)));
	my ($before, $others) = map { scalar $targets->hits($_) } qw(denied good);
	ok(poll(8, sub { $targets->hits('good') >= $others + 2 }), 'others are probed');
	is($targets->hits('denied'), $before, 'they are not');
	is(addresses($m, 'denied'), '127.0.0.45', 'and unknown, not down');
}
is((($m->ctl('stats'))[1])->{health_status_keys} > 0, 1, 'figures in stats');
$m->stop;

# ---- who follows ----

{
	my $f = Martlet->new(config => { redis => $redis->settings($zones->settings),
		health => { %health, role => 'follow' } });
	$f->expect_log(qr/"gopher" is no protocol/);
	my $hits = scalar $targets->hits("good");
	my $at = sub { strftime('%Y-%m-%dT%H:%M:%S.123456789Z', gmtime(time() + $_[0])) };
	my @bad = (
		{ status => -3, lastcheck => $at->(-60) }, { status => -3, lastcheck => $at->(3600) },
		{ status => -3 }, { status => 'down', lastcheck => $at->(0) }, '{"status":-3,', '[1]',
	);
	my $set = sub {
		my ($i, $value) = @_;
		my $key = "st_redins:healthcheck:x$i.hc.test.:127.0.0.6${i}_st";
		$redis->client->cmd(SET => $key, ref $value ? $json->encode($value) : $value);
		return;
	};
	my $down = sub { scalar grep { addresses($f, "x$_") eq '' } 0 .. $#bad };

	ok(poll(10, sub { addresses($f, 'good') ne '' }), 'zones are served');
	ok(poll(10, sub {
		$set->($_, { status => -3, lastcheck => $at->(0), up_count => 3, down_count => -3 }) for 0 .. $#bad;
		$down->() == @bad }), 'down by their keys');
	$set->($_, $bad[$_]) for 0 .. $#bad;
	ok(poll(5, sub { $down->() == 0 }), 'stale, of the future, without a time, malformed: unknown')
	  or diag(join ' ', map { addresses($f, "x$_") eq '' ? "x$_" : () } 0 .. $#bad);
	is(health($f)->{role}, 'follow', 'its role');
	is($targets->hits('good'), $hits, 'who follows probes nothing');
	$f->stop;
}

# ---- without the right to send ICMP ----

SKIP: {
	my ($low, $high) = split ' ', read_file('/proc/sys/net/ipv4/ping_group_range');
	my $setpriv = find_program('setpriv');

	skip 'needs root, setpriv, and a kernel that allows echoes to nobody', 4 if $> != 0 || !$setpriv || $low <= $high;
	my $few = Martlet::RedisZones->new(prefix => 'ic_');
	$few->load($redis, { 'hc.test' => { config => { soa => {} }, labels => { '@' => $labels{'@'},
		ping => { a => rrset({ protocol => 'icmp', policy => 'closed' }, '127.0.0.1') } } } });
	my $i = Martlet->new(config => { redis => $redis->settings($few->settings), health => { %health } },
		through => [$setpriv, '--bounding-set=-net_raw']);
	waits_for($i, 'targets', 1, 10);
	ok(poll(10, sub { (($i->ctl('stats'))[1])->{health_unsent} >= 2 }), 'probes cannot be sent');
	is(health($i)->{unknown}, 1, 'the target is unknown');
	is(addresses($i, 'ping'), '127.0.0.1', 'and not down');
	$i->stop;
}

# ---- turned on by a reload: sockets for ICMP are there from the start ----

SKIP: {
	skip 'needs root', 4 if $> != 0;
	my $few = Martlet::RedisZones->new(prefix => 'il_');
	$few->load($redis, { 'hc.test' => { config => { soa => {} }, labels => { '@' => $labels{'@'},
		ping => { a => rrset({ protocol => 'icmp', policy => 'closed' }, '127.0.0.1') } } } });
	my $l = Martlet->new(config => { redis => $redis->settings($few->settings),
		health => { %health, enable => \0 } });
	is(health($l)->{targets}, 0, 'nothing is probed');
	$l->write_config({ health => { %health } });
	is(($l->ctl('reload'))[0], 0, 'until a reload says so');
	waits_for($l, 'up', 1, 10);
	$l->stop;
}

# ---- the mass guard ----

{
	my $many = Martlet::RedisZones->new(prefix => 'mg_');
	my $crowd = $targets->listen('crowd', address => '0.0.0.0');
	my %crowd = map { ("c$_" => { a => rrset({ protocol => 'tcp', port => $crowd, policy => 'closed' }, "127.0.1.$_") }) }
	  1 .. 25;

	$many->load($redis, { 'hc.test' => { config => { soa => {} }, labels => { '@' => $labels{'@'}, %crowd } } });
	my $g = Martlet->new(config => { redis => $redis->settings($many->settings),
		health => { enable => \1, interval_s => 1, deny => [] } });
	$g->expect_log(qr/ is down: |more targets|more than 50 %|"gopher" is no protocol/);
	waits_for($g, 'up', 25, 10);
	ok(poll(8, sub { health($g)->{probes} > 50 }), 'all are well');
	$targets->mode(crowd => 'refuse');
	waits_for($g, 'mass_guard', 1, 8);
	ok(poll(8, sub { health($g)->{held} == 25 }), 'all are held') or diag($json->encode(health($g)));
	my $probes = health($g)->{probes};
	ok(poll(12, sub { health($g)->{probes} > $probes + 30 }), 'they are probed on');
	is(scalar(grep { addresses($g, "c$_") eq "127.0.1.$_" } 1 .. 25), 25, 'and answered');
	like((($g->ctl('status'))[1])->{problems}[0], qr/mass_guard/, 'status says so');
	$targets->mode(crowd => 'ok');
	waits_for($g, 'mass_guard', 0, 8);
	waits_for($g, 'held', 0, 8);
	$g->stop;
}

done_testing();
