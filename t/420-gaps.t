#!/usr/bin/perl
# Whatever Redis does, answers stay right and complete: a client asks for all names every
# 100 ms throughout, and what is served in the end is what Redis has.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Link;
use Martlet::Process qw(poll read_file write_file);
use Martlet::Redis;
use Martlet::Sentinel;
use Martlet::Zones qw(sync_pid);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

Martlet::Redis::need();

my $ZONES = 4;
my $NAMES = 5;
my @expected = (qr/^warning: sync: /);

sub zone_name { return "z$_[0].example." }

sub value {
	my ($ip) = @_;
	return qq({"a":{"ttl":5,"records":[{"ip":"$ip"}]}});
}

# Everything, all addresses alike.
sub fill {
	my ($redis, $ip) = @_;

	for my $z (1 .. $ZONES) {
		my $zone = zone_name($z);
		$redis->multi(sub {
			my ($r) = @_;
			$r->cmd('SADD', 'redins:zones', $zone);
			$r->cmd('SET', "redins:zones:$zone:config", '{"soa":{"ttl":5}}');
			$r->cmd('HSET', "redins:zones:$zone", '@',
				'{"ns":{"ttl":5,"records":[{"host":"ns.example.net."}]}}');
			$r->cmd('HSET', "redins:zones:$zone", "n$_", value($ip)) for 1 .. $NAMES;
		});
	}
	return;
}

sub all_names {
	return map { my $z = $_; map { "n$_." . zone_name($z) } 1 .. $NAMES } 1 .. $ZONES;
}

sub address_of {
	my ($m, $name) = @_;
	my $r = $m->ask($name, 'A');
	return $r->rcode unless $r->rcode eq 'NOERROR';
	my ($text) = $r->text('answer');
	return $text && $text =~ / A (\S+)$/ ? $1 : 'nothing';
}

# Ask for all names every 100 ms from a process of its own; what is no address goes into
# a file.  Give it to stop_watch.
sub watch {
	my ($m) = @_;
	my $path = "$m->{dir}/watch";
	my $parent = $$;
	my $pid = fork // die "fork: $!\n";

	return { pid => $pid, path => $path } if $pid;
	my ($stop, $asked, @bad) = (0, 0);
	$SIG{TERM} = sub { $stop = 1 };
	while (!$stop && getppid() == $parent) {
		for my $name (all_names()) {
			my $got = eval { address_of($m, $name) } // 'no reply';
			$asked++;
			push @bad, "$name: $got" if $got !~ /^[0-9.]+$/;
		}
		sleep 0.1;
	}
	write_file($path, join "\n", "asked $asked", @bad);
	POSIX::_exit(0);
}

sub stop_watch {
	my ($watch, $what) = @_;

	kill 'TERM', $watch->{pid};
	waitpid $watch->{pid}, 0;
	my ($asked, @bad) = split /\n/, read_file($watch->{path});
	ok(!@bad && $asked =~ /[1-9]/, "$what: every answer is right ($asked)")
	  or diag(join "\n", @bad[0 .. ($#bad < 9 ? $#bad : 9)]);
	return;
}

# Does all that is served carry this address?
sub all_have {
	my ($m, $ip) = @_;
	for my $name (all_names()) {
		return 0 unless address_of($m, $name) eq $ip;
	}
	return 1;
}

sub becomes {
	my ($m, $ip, $what) = @_;
	return ok(poll(10, sub { all_have($m, $ip) }), $what) || diag($m->log);
}

sub start {
	my (%redis) = @_;
	my $m = Martlet->new(config => { redis => { enable => \1, timeout_ms => 500, %redis } });
	$m->expect_log(@expected);
	return $m;
}

sub source { my ($m) = @_; return $m->ctl('status')->{source} }

sub is_following {
	my ($m) = @_;
	return poll(10, sub { (source($m)->{state} // '') eq 'following' });
}

my $redis = Martlet::Redis->new(notify => 'KA');
fill($redis, '192.0.2.1');

subtest 'the link is cut while 1,000 changes are written' => sub {
	my $link = Martlet::Link->new($redis);
	my $m = start(address => $link->where);

	becomes($m, '192.0.2.1', 'all is served');
	my $watch = watch($m);
	$link->cut;
	ok(poll(5, sub { !source($m)->{connected} }), 'the loss is told');
	is(($m->ctl_text('ready'))[0], 0, 'ready all the same');
	for my $i (1 .. 1000) {
		my ($z, $n) = (zone_name(1 + $i % $ZONES), 'n' . (1 + $i % $NAMES));
		my $ip = $i > 900 ? '192.0.2.2' : "198.51.100." . $i % 250;
		$redis->multi(sub {
			my ($r) = @_;
			$r->cmd('HSET', "redins:zones:$z", $n, value($ip));
			$r->xadd_change($z => [$n]);
		});
	}
	fill($redis, '192.0.2.2');
	ok(all_have($m, '192.0.2.1'), 'what is served stays as it was');
	$link->mend;
	becomes($m, '192.0.2.2', 'what was written meanwhile is served');
	$link->stall;
	ok(poll(10, sub { !source($m)->{connected} }), 'a link that hangs is given up');
	fill($redis, '192.0.2.1');
	$link->flow;
	becomes($m, '192.0.2.1', 'and found again');
	stop_watch($watch, 'link cut and stalled');
	$m->stop;
};

subtest 'the server hangs, dies, comes back empty' => sub {
	my $m = start(%{ $redis->settings });

	becomes($m, '192.0.2.1', 'all is served');
	$redis->kill_now;
	ok(poll(10, sub { !source($m)->{connected} }), 'a dead server is given up');
	$m->restart;
	ok(all_have($m, '192.0.2.1'), 'a restart without Redis serves all');
	$redis->start;
	fill($redis, '192.0.2.1');
	ok(is_following($m), 'and follows it when it is there');
	my $watch = watch($m);
	$redis->hang;
	ok(poll(10, sub { !source($m)->{connected} }), 'a hung server is given up');
	$redis->go_on;
	ok(is_following($m), 'and followed when it goes on');
	$redis->kill_now;
	ok(poll(10, sub { !source($m)->{connected} }), 'a dead one too');
	ok(all_have($m, '192.0.2.1'), 'all is served');
	$redis->start;
	ok(poll(15, sub { source($m)->{connected} && @{ $m->ctl('held')->{held} } }),
		'an empty server is held');
	isnt(($m->ctl_text('status'))[0], 0, 'and a problem');
	fill($redis, '192.0.2.3');
	becomes($m, '192.0.2.3', 'what it is filled with is served');
	ok(poll(10, sub { !@{ $m->ctl('held')->{held} } }), 'nothing is held');
	$redis->cmd('FLUSHALL');
	ok(poll(15, sub { @{ $m->ctl('held')->{held} } }), 'FLUSHALL is held') or diag($m->log, explain $m->ctl('status'), explain $m->ctl('zones'));
	fill($redis, '192.0.2.1');
	becomes($m, '192.0.2.1', 'and healed by writing all again');
	stop_watch($watch, 'hung, dead, empty');
	$m->stop;
};

subtest 'slow consumer' => sub {
	my $m = start(%{ $redis->settings });

	becomes($m, '192.0.2.1', 'all is served');
	my $watch = watch($m);
	$redis->cmd(qw(CONFIG SET client-output-buffer-limit), 'pubsub 1024 1024 1');
	for my $i (1 .. 300) {
		$redis->pipeline(map { ['HSET', 'redins:zones:' . zone_name($_), 'extra', value("198.51.100." . $i % 250)] }
			(1 .. $ZONES) x 5);
	}
	fill($redis, '192.0.2.4');
	becomes($m, '192.0.2.4', 'events that overflow are made good by comparing');
	$redis->cmd(qw(CONFIG SET client-output-buffer-limit), 'pubsub 33554432 8388608 60');
	fill($redis, '192.0.2.1');
	becomes($m, '192.0.2.1', 'and it goes on');
	stop_watch($watch, 'slow consumer');
	$m->stop;
};

subtest 'a wrong password' => sub {
	my $m = start(%{ $redis->settings });

	becomes($m, '192.0.2.1', 'all is served');
	my $watch = watch($m);
	$redis->cmd(qw(CONFIG SET requirepass secret));
	$redis->{requirepass} = 'secret';
	$redis->cmd(qw(CLIENT KILL TYPE normal SKIPME yes));
	ok(poll(10, sub { my $s = source($m); !$s->{connected} && ($s->{last_error} // '') =~ /password|NOAUTH/i }),
		'the missing password is told') or diag(explain source($m));
	$redis->cmd(qw(CONFIG SET requirepass), '');
	delete $redis->{requirepass};
	ok(is_following($m), 'it is followed again');
	stop_watch($watch, 'wrong password');
	$m->stop;
};

subtest 'a script that is killed half-way' => sub {
	my $m = start(%{ $redis->settings });
	my $zone = zone_name(1);

	becomes($m, '192.0.2.1', 'all is served');
	my $watch = watch($m);
	# it has not written yet, so that it can be killed; Redis is busy meanwhile
	my $script = "redis.call('HGET', KEYS[1], '\@') while true do end "
	  . "redis.call('DEL', KEYS[1])";
	$redis->new_client->send_cmd('EVAL', $script, 1, "redins:zones:$zone");
	sleep 0.3;
	ok(poll(30, sub { eval { $redis->new_client(seconds => 1)->cmd('SCRIPT', 'KILL'); 1 } }), 'a script is killed');
	ok(poll(30, sub { eval { $redis->new_client(seconds => 1)->cmd('DBSIZE'); 1 } }), 'and over');
	fill($redis, '192.0.2.5');
	becomes($m, '192.0.2.5', 'all is served afterwards');
	fill($redis, '192.0.2.1');
	becomes($m, '192.0.2.1', 'and followed');
	stop_watch($watch, 'script killed');
	$m->stop;
};

subtest 'expiry and eviction' => sub {
	my $m = start(%{ $redis->settings });
	my $zone = zone_name(2);

	becomes($m, '192.0.2.1', 'all is served');
	my $watch = watch($m);
	$redis->cmd('PEXPIRE', "redins:zones:$zone", 1);
	ok(poll(10, sub { @{ $m->ctl('held')->{held} } }), 'a zone that expires is held');
	ok(all_have($m, '192.0.2.1'), 'and served');
	fill($redis, '192.0.2.1');
	ok(poll(10, sub { !@{ $m->ctl('held')->{held} } }), 'it is held no more when it is back');
	$redis->cmd(qw(CONFIG SET maxmemory-policy allkeys-random));
	$redis->cmd(qw(CONFIG SET maxmemory 1));
	eval { $redis->cmd('SET', 'other', 'x') };
	$redis->cmd(qw(CONFIG SET maxmemory 0));
	ok(poll(15, sub { @{ $m->ctl('held')->{held} } }), 'zones that are evicted are held');
	ok(all_have($m, '192.0.2.1'), 'and served');
	fill($redis, '192.0.2.6');
	becomes($m, '192.0.2.6', 'what is written again is served');
	ok(poll(10, sub { !@{ $m->ctl('held')->{held} } }), 'and held no more');
	fill($redis, '192.0.2.1');
	stop_watch($watch, 'expiry and eviction');
	$m->stop;
};

subtest 'sync is killed' => sub {
	my $m = start(%{ $redis->settings });

	fill($redis, '192.0.2.1');
	becomes($m, '192.0.2.1', 'all is served');
	my $watch = watch($m);
	kill 'KILL', sync_pid($m);
	$redis->multi(sub {
		my ($r) = @_;
		$r->cmd('HSET', 'redins:zones:' . zone_name(1), 'late', value('192.0.2.9'));
		$r->xadd_change(zone_name(1) => ['late']);
	});
	ok(poll(10, sub { address_of($m, 'late.' . zone_name(1)) eq '192.0.2.9' }),
		'what was written meanwhile is served');
	ok(is_following($m), 'it is followed');
	stop_watch($watch, 'sync killed');
	$m->expect_log(qr/sync/);
	$m->stop;
};

$redis->stop;

subtest 'a Sentinel promotes an empty replica, and an older one' => sub {
	my $primary = Martlet::Redis->new(notify => 'KA');
	my $replica = $primary->replica;
	my $sentinel = Martlet::Sentinel->new(master => $primary);

	fill($primary, '192.0.2.1');
	$primary->xadd_change(zone_name(1) => ['n1']);
	my $m = start(sentinel => { master => 'mymaster', nodes => [$sentinel->where] });
	becomes($m, '192.0.2.1', 'all is served');
	my $watch = watch($m);
	# the replica has lost everything when it is needed
	$replica->follow(undef);
	$replica->cmd('FLUSHALL');
	$replica->cmd('CONFIG', 'SET', 'replica-priority', 1);
	$replica->cmd('REPLICAOF', $primary->{address}, 1);
	$primary->kill_now;
	$replica->cmd(qw(REPLICAOF NO ONE));
	SKIP: {
		skip 'the Sentinel does not promote it', 3
		  unless poll(20, sub { eval { $sentinel->master_where } eq $replica->where });
		ok(poll(20, sub { @{ $m->ctl('held')->{held} } }), 'an empty replica is held');
		ok(all_have($m, '192.0.2.1'), 'all is served');
		fill($replica, '192.0.2.2');
		becomes($m, '192.0.2.2', 'until it is filled again');
	}
	stop_watch($watch, 'failover');
	$m->stop;
	$_->stop for $sentinel, $replica;
};

subtest 'a replica that is read, with its primary away' => sub {
	my $primary = Martlet::Redis->new(notify => 'KA');
	my $replica = $primary->replica;

	fill($primary, '192.0.2.1');
	$replica->wait_replica;
	my $m = start(%{ $replica->settings });
	becomes($m, '192.0.2.1', 'a replica is read');
	my $watch = watch($m);
	$primary->xadd_change(zone_name(1) => ['n1']);
	fill($primary, '192.0.2.2');
	becomes($m, '192.0.2.2', 'and followed');
	$primary->hang;
	ok(all_have($m, '192.0.2.2'), 'its primary hangs') or diag(map { "$_ " . address_of($m, $_) . "\n" } all_names());
	$primary->go_on;
	$primary->cmd(qw(DEBUG CHANGE-REPL-ID));
	$primary->cmd(qw(CLIENT KILL TYPE replica));
	fill($primary, '192.0.2.3');
	becomes($m, '192.0.2.3', 'and gives it all anew');
	$primary->multi(sub {
		my ($r) = @_;
		$r->cmd('HSET', 'redins:zones:' . zone_name(1), 'more', value('192.0.2.9'));
		$r->xadd_change(zone_name(1) => ['more']);
	});
	ok(poll(10, sub { address_of($m, 'more.' . zone_name(1)) eq '192.0.2.9' }), 'an entry of the stream');
	stop_watch($watch, 'replica');
	$m->stop;
	$_->stop for $replica, $primary;
};

done_testing;
