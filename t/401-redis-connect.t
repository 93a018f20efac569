#!/usr/bin/perl
# Ways to a Redis, and what is said when there is none.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Socket::INET;
use Martlet;
use Martlet::Process qw(children_of free_port poll read_file write_file);
use Martlet::Redis;
use Martlet::Sentinel;
use Martlet::Zones qw(serial_of sync_pid zone);
use Test::More;
use Time::HiRes qw(time);

Martlet::Redis::need();

my @rules = rules_of_manual();

# The rights that the manual asks for, as arguments of ACL SETUSER.
sub rules_of_manual {
	my $manual = read_file("$Bin/../man/martlet-redis.7");
	my ($rules) = $manual =~ /^user martlet on >\S+ (.*?)^\.Ed$/ms or die "no user in the manual\n";
	return split ' ', $rules;
}

sub fill {
	my ($redis, %opt) = @_;
	my $client = $redis->client;

	$client->cmd('SELECT', $opt{db}) if $opt{db};
	$client->cmd('SADD', 'redins:zones', 'z.test.');
	$client->cmd('HSET', 'redins:zones:z.test.', '@', '{"a":{"records":[{"ip":"192.0.2.1"}]}}');
	$client->cmd('SELECT', 0) if $opt{db};
	return;
}

# What a build says with this group `redis`: exit code and stderr.
sub build {
	my (%redis) = @_;
	my $m = Martlet->new(start => 0, config => { redis => { enable => \1, timeout_ms => 400, %redis } });

	$m->{port} = 1;
	$m->write_config;
	my ($exit) = $m->ctl_text('-c', $m->config_path, 'build', "$m->{dir}/built");
	return ($exit, $m->{ctl_stderr});
}

sub builds {
	my ($what, %redis) = @_;
	my ($exit, $said) = build(%redis);

	is($exit, 0, $what) or diag($said);
	return;
}

sub refuses {
	my ($what, $want, %redis) = @_;
	my ($exit, $said) = build(%redis);

	is($exit, 1, $what);
	like($said, $want, 'and says why');
	unlike($said, qr/s3cret/, 'without a password');
	return;
}

subtest 'without a server' => sub {
	refuses('nobody listens', qr/^error: Redis 127\.0\.0\.1:1: cannot connect: Connection refused$/m,
		address => '127.0.0.1:1');
	refuses('no such socket', qr/Redis \/nowhere\/sock: cannot connect: No such file/, address => '/nowhere/sock');
	refuses('no such host', qr/Redis nohost\.invalid:6379: the host cannot be looked up/,
		address => 'nohost.invalid:6379');
};

# Name servers that are dead keep whoever asks the resolver waiting; sync does not wait.
subtest 'a resolver that does not answer' => sub {
	my $silent = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.53.53.53', LocalPort => 53)
	  or plan(skip_all => 'port 53 cannot be bound here');
	my @through = qw(unshare -m sh -c);
	my $m = Martlet->new(start => 0, zones => { 'z.test' => zone(1) }, config => { redis =>
		{ enable => \1, address => 'redis.z.test:6379', timeout_ms => 600_000, reconcile_s => 1 } });
	my $resolv = write_file($m->dir . '/resolv.conf', "nameserver 127.53.53.53\noptions timeout:30 attempts:5\n");
	push @through, "mount --bind $resolv /etc/resolv.conf && exec \"\$@\"", 'sh';
	system(@through, 'true') == 0 or plan(skip_all => 'no file can be mounted here');

	$m->{arg}{through} = \@through;
	$m->start;
	ok(poll(10, sub { grep { $_->[0] eq 'lookup' } children_of(sync_pid($m)) }), 'the host is looked up');
	my $begun = time;
	for my $serial (2 .. 4) {
		$m->write_zone('z.test', zone($serial));
		is(($m->ctl('reload'))[0], 0, 'a reload meanwhile');
		is(serial_of($m, 'z.test'), $serial, 'is served');
	}
	cmp_ok(time - $begun, '<', 60, 'at once');
	ok((grep { $_->[0] eq 'lookup' } children_of(sync_pid($m))), 'it is still looked up');
	my $status = $m->ctl('status');
	is($status->{source}{state}, 'connecting', 'as status says');
	$m->stop;
};

subtest 'socket, database, IPv4 by name' => sub {
	my $redis = Martlet::Redis->new(unix => 1);
	fill($redis, db => 3);
	builds('a Unix socket and database 3', address => $redis->where, db => 3);
	refuses('a database that is none', qr/SELECT: ERR DB index is out of range; redis\.db names no database/,
		address => $redis->where, db => 99);

	$redis = Martlet::Redis->new;
	fill($redis);
	builds('localhost', address => "localhost:$redis->{port}");
};

subtest 'passwords and rights' => sub {
	my $redis = Martlet::Redis->new(requirepass => 's3cret', users => {
		martlet => ['>s3cret2', @rules], poor => ['>s3cret3', '~*', '+get', '+info'] });
	fill($redis);
	my @at = (address => $redis->where);
	builds('the right password', @at, password => 's3cret');
	refuses('none', qr/NOAUTH Authentication required\.; set redis\.password/, @at);
	refuses('a wrong one', qr/AUTH: WRONGPASS .*; redis\.username and redis\.password/, @at, password => 's3cret-not');
	builds('the user of the manual', @at, username => 'martlet', password => 's3cret2');
	refuses('a user without rights', qr/NOPERM .*; the user lacks a right: martlet-redis\(7\)/, @at,
		username => 'poor', password => 's3cret3');
	$redis->cmd('SADD', 'z42:zones', 'z.test.');
	$redis->cmd('SADD', 'z42:zones:z.test.:labels', '@');
	$redis->cmd('SET', 'z42:zones:z.test.:labels:@:a', '{"records":[{"ip":"192.0.2.1"}]}');
	$redis->cmd(qw(ACL SETUSER martlet %R~z42:zones* +scan));
	builds('the same for z42', @at, username => 'martlet', password => 's3cret2', schema => 'z42');
	my $file = "$redis->{dir}/password";
	write_file($file, "s3cret\n");
	chmod 0600, $file;
	builds('a password in a file', @at, password_file => $file);
	write_file($file, "s3cret-not\n");
	refuses('a wrong one there', qr/WRONGPASS/, @at, password_file => $file);
	refuses('no such file', qr/password_file: .*No such file/, @at, password_file => "$file.not");

	$redis = Martlet::Redis->new;
	refuses('a password that nobody wants', qr/AUTH: ERR .*; the server has no password: remove redis\.password/,
		address => $redis->where, password => 's3cret');
};

subtest 'a cluster' => sub {
	my $redis = Martlet::Redis->new(config => { 'cluster-enabled' => 'yes' });
	refuses('is refused', qr/it is part of a Redis Cluster, which is not supported/, address => $redis->where);
};

subtest 'a server that hangs, and what is no Redis' => sub {
	my $redis = Martlet::Redis->new;
	fill($redis);
	$redis->hang;
	my $begun = time;
	refuses('hung', qr/connected, but no reply in 400 ms/, address => $redis->where);
	cmp_ok(time - $begun, '<', 5, 'within its time');
	$redis->go_on;
	my $m = Martlet->new(zones => { 'z.test' => "\@ 300 SOA ns h 1 2 3 4 5\n\@ 300 NS ns.other.test.\n" });
	refuses('a name server', qr/Redis 127\.0\.0\.\d+:\d+: /, address => "$m->{address}:$m->{port}");
	$m->stop;
};

subtest 'Sentinel' => sub {
	my $redis = Martlet::Redis->new;
	fill($redis);
	my $sentinel = Martlet::Sentinel->new(master => $redis, name => 'zones', replicas => 0);
	my $dead = '127.0.0.1:' . free_port();
	builds('the second one answers', sentinel => { master => 'zones', nodes => [$dead, $sentinel->where] });
	refuses('a master that it does not know', qr/knows no master "other" \(redis\.sentinel\.master\)/,
		sentinel => { master => 'other', nodes => [$sentinel->where] });
	refuses('none that answers', qr/cannot connect/, sentinel => { master => 'zones', nodes => [$dead] });
	my @both = ('127.0.0.1:' . $redis->port, $sentinel->where);
	builds('the first one is none', sentinel => { master => 'zones', nodes => \@both });
	my $closed = Martlet::Sentinel->new(master => $redis, name => 'zones', replicas => 0, requirepass => 's3cret4');
	my %at = (master => 'zones', nodes => [$closed->where]);
	builds('a Sentinel with a password', sentinel => { %at, password => 's3cret4' });
	my $file = write_file("$redis->{dir}/sentinel-password", "s3cret4\n");
	chmod 0600, $file;
	builds('that stands in a file', sentinel => { %at, password_file => $file });
	builds('with its user', sentinel => { %at, username => 'default', password => 's3cret4' });
	refuses('none is given', qr/Redis \S+: this Sentinel says "NOAUTH .*redis\.sentinel\.password/, sentinel => \%at);
	refuses('a wrong one', qr/"WRONGPASS .*redis\.sentinel\.password/, sentinel => { %at, password => 's3cret' });
	refuses('one that nobody wants', qr/any password configured.*redis\.sentinel\.password/,
		sentinel => { %at, nodes => [$sentinel->where], password => 's3cret' });
	builds('the next one wants none', sentinel => { %at, nodes => [$closed->where, $sentinel->where] });
	$redis->cmd('REPLICAOF', '127.0.0.1', '1');
	refuses('a primary that is none', qr/calls it the primary of "zones", and it is none/,
		sentinel => { master => 'zones', nodes => [$sentinel->where] });
};

subtest 'a first start without it' => sub {
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $m = Martlet->new(start => 0, config => { zones => undef,
		redis => { enable => \1, address => '127.0.0.1:1', timeout_ms => 400 } });

	fill($redis);
	$m->{port} = free_port();
	$m->write_config;
	$m->expect_log(qr/^warning: sync: Redis 127\.0\.0\.1:1: cannot connect|z\.test\.: no NS at the top/);
	$m->_spawn(Martlet::martletd(), '-f', '-c', $m->config_path);
	ok(poll(20, sub { (($m->ctl('status'))[1] // {})->{pid} }), 'it runs');
	is(($m->ctl('ready'))[0], 1, 'and serves nothing');
	my ($exit, $json) = $m->ctl('reload');
	is($exit, 1, 'a reload fails');
	like($json->{error}, qr/nothing is served yet: .*Redis.*`martletctl status` says why/, 'and says so');
	is(($m->ctl('ready'))[0], 1, 'no empty generation is served in its stead');
	like($m->ctl('status')->{source}{last_error}, qr/127\.0\.0\.1:1: cannot connect: Connection refused/, 'status says why');
	$m->write_config({ redis => { address => $redis->where } });
	($exit, $json) = $m->ctl('reload');
	is($exit, 0, 'with the right address it succeeds') or diag($json->{error});
	is($json->{zones}, 1, 'once the zones are served');
	is($m->ask('z.test', 'A')->rcode, 'NOERROR', 'they are');
	is(($m->ctl('ready'))[0], 0, 'and the server is ready');
	is_deeply([grep { !/^DNS cookies/ } @{ $m->ctl('status')->{notices} }], [], 'there is nothing to be said');

	# one that has other keys
	my $other = Martlet->new(config => { zones => undef,
		redis => { enable => \1, address => $redis->where, prefix => 'redins_' } });
	like($other->ctl('status')->{notices}[0],
		qr/^no zones are served: .* under the key "redins_redins:zones": see redis\.prefix/,
		'a prefix that is none: status names the key');
	is(($other->ctl('rollback', 1))[0], 0, 'an empty generation is chosen');
	is($other->ctl('status')->{notices}[0], 'no zones are served: the chosen generation has none',
		'which has nothing to do with Redis');
	$other->stop;
	$m->stop;

	# in the background, somebody waits for it
	$m = Martlet->new(start => 0, config => { zones => undef, log => { target => './m.log' },
		redis => { enable => \1, address => '127.0.0.1:1', timeout_ms => 400 } });
	$m->{port} = free_port();
	$m->{may_fail} = 1;
	$m->write_config;
	$m->_spawn(Martlet::martletd(), '-c', $m->config_path);
	ok(poll(20, sub { $m->log =~ /waits for its first zones: .*127\.0\.0\.1:1: cannot connect/ }), 'is told why');
	my $pid = $m->ctl('status')->{pid};
	isnt($pid, $m->pid, 'and is not the server');
	kill 'INT', $m->pid;
	ok(poll(20, sub { !kill 0, $pid }), 'Ctrl-C ends both');
};

subtest 'turned off' => sub {
	my $redis = Martlet::Redis->new(notify => '');
	fill($redis);
	my $m = Martlet->new(zones => { 'a.test' => zone(1) },
		config => { redis => { enable => \1, address => $redis->where } });
	$m->expect_log(qr/notif/, qr/no NS at the top/);
	ok(poll(10, sub { @{ $m->ctl('status')->{problems} } }), 'there is a problem');
	$m->write_config({ redis => { enable => \0 } });
	is(($m->ctl('reload'))[0], 0, 'no Redis from now on');
	ok(poll(10, sub { !@{ $m->ctl('status')->{problems} } }), 'and no problem')
	  or diag(explain $m->ctl('status'));
	my $source = $m->ctl('status')->{source};
	is_deeply([sort keys %$source], [qw(connected cursor kind last_error staleness_s)], 'status speaks of files');
	is($source->{kind}, 'files', 'alone');
	is($m->ask('a.test', 'SOA')->rcode, 'NOERROR', 'they are served');
	is($m->ask('z.test', 'A')->rcode, 'REFUSED', 'what came from Redis is not');
	is($m->counters->{redis_zones}, 0, 'nor counted');
	$m->stop;
};

done_testing();
