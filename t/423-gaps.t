#!/usr/bin/perl
# Whatever Redis does, answers stay right and complete: a client asks for all names every
# 100 ms throughout, and what is served in the end is what Redis has.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Link;
use Martlet::Process qw(poll);
use Martlet::Redis;
use Martlet::States qw(all_have all_names all_zones becomes fill follows is_as_redis is_following
	next_value source state_of stop_watch value watch);
use Martlet::Zones qw(sync_pid);
use Test::More;
use Time::HiRes qw(sleep);

Martlet::Redis::need();

# children are to die of their signals, whatever a sanitizer would make of them
$ENV{ASAN_OPTIONS} = join ':', 'handle_segv=0:handle_sigbus=0:handle_abort=0', $ENV{ASAN_OPTIONS} // ();

sub gaps { my ($m) = @_; return $m->ctl('stats')->{redis_gaps} }
sub held { my ($m) = @_; return scalar @{ $m->ctl('held')->{held} } }

# a script that does not end can be killed after lua-time-limit, and takes a CPU until then
my $redis = Martlet::Redis->new(notify => 'KA', config => { 'lua-time-limit' => 1000 });
my ($zone) = all_zones();
my $now = fill($redis);

subtest 'the link is cut while 1,000 changes are written' => sub {
	my $link = Martlet::Link->new($redis);
	my $m = follows(address => $link->where);

	becomes($m, $now, 'all is served');
	my $watch = watch($m);
	$link->cut;
	ok(poll(5, sub { !source($m)->{connected} }), 'the loss is told');
	is(($m->ctl_text('ready'))[0], 0, 'ready all the same');
	for my $i (1 .. 1000) {
		my ($z, $n) = ((all_zones())[$i % 4], 'n' . (1 + $i % 5));
		$redis->multi(sub {
			my ($r) = @_;
			$r->cmd('HSET', "redins:zones:$z", $n, next_value());
			$r->xadd_change($z => [$n]);
		});
	}
	ok(all_have($m, $now), 'what is served stays as it was');
	$link->mend;
	is_as_redis($m, $redis, 'when it is mended');
	becomes($m, $now = fill($redis), 'and it is followed');
	$link->stall;
	ok(poll(10, sub { !source($m)->{connected} }), 'a link that hangs is given up');
	$now = fill($redis);
	$link->flow;
	becomes($m, $now, 'and found again');
	is_as_redis($m, $redis, 'in the end');
	stop_watch($watch, 'link cut and stalled');
	$m->stop;
};

subtest 'the connection for notifications hangs alone' => sub {
	my $link = Martlet::Link->new($redis);
	my $m = follows(address => $link->where, stream => '');

	becomes($m, $now, 'all is served');
	my $watch = watch($m);
	my $connects = $m->ctl('stats')->{redis_connects};
	$link->hang_events;
	becomes($m, $now = fill($redis), 'what nobody told of is served');
	ok(poll(15, sub { $m->ctl('stats')->{redis_connects} > $connects }), 'it is given up');
	like($m->log, qr/no reply to PING where notifications come/, 'and named');
	becomes($m, $now = fill($redis), 'the next one tells again');
	stop_watch($watch, 'notifications hang');
	$m->stop;
};

subtest 'the stream is trimmed behind what was read' => sub {
	my $link = Martlet::Link->new($redis);
	my $m = follows(address => $link->where, notifications => \0);

	$redis->xadd_change($zone => ['n1']);
	becomes($m, $now, 'all is served');
	my ($watch, $gaps) = (watch($m), gaps($m));
	$link->cut;
	ok(poll(5, sub { !source($m)->{connected} }), 'the link is cut');
	$now = fill($redis);
	$redis->xadd_change($_ => [map {"n$_"} 1 .. 5]) for all_zones();
	$redis->cmd(qw(XTRIM martlet:changes MAXLEN 0));
	$link->mend;
	becomes($m, $now, 'what lost entries named is served');
	cmp_ok(gaps($m), '>', $gaps, 'the gap is counted');
	like($m->log, qr/the change stream was trimmed behind the last entry read/, 'and named');
	$now = fill($redis);
	$redis->xadd_change($_ => [map {"n$_"} 1 .. 5]) for all_zones();
	becomes($m, $now, 'the stream is followed again');
	is_as_redis($m, $redis, 'in the end');
	stop_watch($watch, 'stream trimmed');
	$m->stop;
};

subtest 'the server hangs, dies, comes back empty' => sub {
	my $m = follows(%{ $redis->settings });

	becomes($m, $now, 'all is served');
	$redis->kill_now;
	ok(poll(10, sub { !source($m)->{connected} }), 'a dead server is given up');
	$m->restart;
	ok(all_have($m, $now), 'a restart without Redis serves all');
	my $watch = watch($m);
	$redis->start;
	$now = fill($redis);
	becomes($m, $now, 'and follows it when it is there');
	$redis->hang;
	ok(poll(10, sub { !source($m)->{connected} }), 'a hung server is given up');
	$redis->go_on;
	ok(is_following($m), 'and followed when it goes on');
	$redis->kill_now;
	ok(poll(10, sub { !source($m)->{connected} }), 'a dead one too');
	ok(all_have($m, $now), 'all is served');
	$redis->start;
	ok(poll(15, sub { source($m)->{connected} && held($m) }), 'an empty server is held');
	isnt(($m->ctl_text('status'))[0], 0, 'and a problem');
	becomes($m, $now = fill($redis), 'what it is filled with is served');
	is_as_redis($m, $redis, 'filled');
	$redis->cmd('FLUSHALL');
	ok(poll(15, sub { held($m) }), 'FLUSHALL is held');
	becomes($m, $now = fill($redis), 'and healed by writing all again');
	is_as_redis($m, $redis, 'in the end');
	ok(poll(15, sub { !held($m) && ($m->ctl('status'))[0] == 0 }), 'nothing is held then, and status is well')
	  or diag($m->log, explain($m->ctl('held')), explain($m->ctl('status')));
	stop_watch($watch, 'hung, dead, empty');
	$m->stop;
};

subtest 'what is gone stays gone' => sub {
	my $own = Martlet::Redis->new(notify => 'KA');
	my $m = follows(%{ $own->settings(shrink_guard => 1) });
	my $last = (all_zones())[-1];
	$m->expect_log(qr/sync .*died after/);
	my $is_gone = sub { $m->ask("n1.$zone", 'A')->rcode eq 'NXDOMAIN' && $m->ask("n1.$last", 'A')->rcode eq 'REFUSED' };

	becomes($m, fill($own), 'all is served');
	$own->cmd('HDEL', "redins:zones:$zone", 'n1');
	$own->multi(sub { my ($r) = @_; $r->cmd('SREM', 'redins:zones', $last); $r->cmd('DEL', "redins:zones:$last"); });
	ok(poll(10, $is_gone), 'a name and a zone are removed');
	$own->kill_now;
	my $sync = sync_pid($m);
	kill 'KILL', $sync;
	ok(poll(10, sub { sync_pid($m) != $sync && $m->ctl('status') }), 'sync is started again, and reads the overlay through');
	ok($is_gone->(), 'they are still gone');
	$m->restart;
	ok($is_gone->(), 'after a restart without Redis, too');
	unlike($m->log, qr/damaged/, 'nothing is taken for damaged');
	$m->stop;
};

subtest 'the server comes back with an older dump' => sub {
	my $dumped = Martlet::Redis->new(notify => 'KA', persistence => 'rdb');
	my $old = fill($dumped);
	$dumped->xadd_change($zone => ['n1']);
	my $m = follows(%{ $dumped->settings });

	becomes($m, $old, 'all is served');
	my $watch = watch($m, may_go_back => 1);
	$dumped->cmd('SAVE');
	my $new = fill($dumped);
	$dumped->cmd('HSET', "redins:zones:$zone", 'late', next_value());
	$dumped->xadd_change($zone => ['late', map {"n$_"} 1 .. 5]);
	becomes($m, $new, 'what is written behind the dump is served');
	ok(poll(10, sub { state_of($m, "late.$zone") =~ /^\d+$/ }), 'all of it');
	my $gaps = gaps($m);
	$dumped->kill_now;
	ok(poll(10, sub { !source($m)->{connected} }), 'the server dies');
	ok(all_have($m, $new), 'all is served');
	$dumped->start;
	becomes($m, $old, 'the older data are served as they are');
	ok(poll(10, sub { state_of($m, "late.$zone") eq 'NXDOMAIN' }), 'without what was lost');
	cmp_ok(gaps($m), '>', $gaps, 'the gap is counted');
	is_as_redis($m, $dumped, 'in the end');
	stop_watch($watch, 'older dump');
	$m->stop;
	$dumped->stop;
};

subtest 'slow consumer' => sub {
	my $m = follows(%{ $redis->settings });

	becomes($m, $now, 'all is served');
	my ($watch, $connects) = (watch($m), $m->ctl('stats')->{redis_connects});
	$redis->cmd(qw(CONFIG SET client-output-buffer-limit), 'pubsub 1024 1024 1');
	kill 'STOP', sync_pid($m);
	# how much the sockets take is the system's business
	for (1 .. 100) {
		for (1 .. 100) {
			$redis->pipeline(map { ['HSET', "redins:zones:$_", 'extra', next_value()] } (all_zones()) x 5);
		}
		last unless $redis->cmd(qw(CLIENT LIST TYPE pubsub)) =~ /\S/;
	}
	is($redis->cmd(qw(CLIENT LIST TYPE pubsub)), '', 'Redis has hung up');
	$now = fill($redis);
	kill 'CONT', sync_pid($m);
	becomes($m, $now, 'events that overflow are made good by comparing');
	ok(poll(10, sub { $m->ctl('stats')->{redis_connects} > $connects }), 'over a new connection');
	$redis->cmd(qw(CONFIG SET client-output-buffer-limit), 'pubsub 33554432 8388608 60');
	becomes($m, $now = fill($redis), 'and it goes on');
	is_as_redis($m, $redis, 'in the end');
	stop_watch($watch, 'slow consumer');
	$m->stop;
};

subtest 'a wrong password' => sub {
	my $m = follows(%{ $redis->settings });

	becomes($m, $now, 'all is served');
	my $watch = watch($m);
	$redis->cmd(qw(CONFIG SET requirepass secret));
	$redis->{requirepass} = 'secret';
	$redis->cmd(qw(CLIENT KILL TYPE normal SKIPME yes));
	ok(poll(10, sub { my $s = source($m); !$s->{connected} && ($s->{last_error} // '') =~ /NOAUTH.*password/ }),
		'a missing password is told');
	$m->write_config({ redis => { password => 'not that' } });
	is(($m->ctl('reload'))[0], 0, 'a reload with another one');
	ok(poll(10, sub { (source($m)->{last_error} // '') =~ /WRONGPASS.*redis[.]password/ }), 'a wrong one is told');
	$now = fill($redis);
	$m->write_config({ redis => { password => 'secret' } });
	is(($m->ctl('reload'))[0], 0, 'the right one');
	becomes($m, $now, 'it is followed again');
	$redis->cmd(qw(CONFIG SET requirepass), '');
	delete $redis->{requirepass};
	is_as_redis($m, $redis, 'in the end');
	stop_watch($watch, 'wrong password');
	$m->expect_log(qr/redis[.]password: everybody/);
	$m->stop;
};

subtest 'a script that is killed half-way' => sub {
	my $m = follows(%{ $redis->settings });

	becomes($m, $now, 'all is served');
	my $watch = watch($m);
	# it has not written yet, so that it can be killed; Redis is busy meanwhile
	my $script = "redis.call('HGET', KEYS[1], '\@') while true do end redis.call('DEL', KEYS[1])";
	$redis->new_client->send_cmd('EVAL', $script, 1, "redins:zones:$zone");
	ok(poll(10, sub { !source($m)->{connected} }), 'nothing can be read while it runs');
	ok(poll(30, sub { eval { $redis->new_client(seconds => 1)->cmd('SCRIPT', 'KILL'); 1 } }), 'a script is killed');
	ok(poll(30, sub { eval { $redis->new_client(seconds => 1)->cmd('DBSIZE'); 1 } }), 'and over');
	becomes($m, $now = fill($redis), 'all is served afterwards');
	# one that fails half-way leaves what it wrote, and no entry in the stream
	my $half = "redis.call('HSET', KEYS[1], 'n1', ARGV[1]) error('half') redis.call('XADD', 'martlet:changes', '*', 'zone', 'x')";
	my $value = next_value();
	ok(!eval { $redis->cmd('EVAL', $half, 1, "redins:zones:$zone", $value); 1 }, 'another one fails half-way');
	ok(poll(10, sub { my $n = state_of($m, "n1.$zone"); $n =~ /^\d+$/ && value($n) eq $value }), 'what it wrote is served');
	is_as_redis($m, $redis, 'in the end');
	$now = fill($redis);
	becomes($m, $now, 'and it is followed');
	stop_watch($watch, 'script killed');
	$m->stop;
};

subtest 'expiry and eviction' => sub {
	my $m = follows(%{ $redis->settings });

	becomes($m, $now, 'all is served');
	my $watch = watch($m);
	$redis->cmd('PEXPIRE', "redins:zones:$zone", 1);
	ok(poll(10, sub { held($m) }), 'a zone that expires is held');
	ok(all_have($m, $now), 'and served');
	becomes($m, $now = fill($redis), 'it is back');
	is_as_redis($m, $redis, 'after expiry');
	$redis->cmd('PEXPIRE', "redins:zones:$zone:config", 1);
	ok(poll(10, sub { held($m) }), 'a config that expires is held');
	is_as_redis($m, $redis, 'after that') if ok(($now = fill($redis)), 'it is back');
	$redis->cmd(qw(RENAME redins:zones aside));
	ok(poll(10, sub { held($m) }), 'all zones leave the list: held');
	ok(all_have($m, $now), 'and served');
	$redis->cmd(qw(RENAME aside redins:zones));
	is_as_redis($m, $redis, 'when they are listed again');
	$redis->cmd(qw(CONFIG SET maxmemory-policy allkeys-random));
	$redis->cmd(qw(CONFIG SET maxmemory 1));
	eval { $redis->cmd('SET', 'other', 'x') };
	$redis->cmd(qw(CONFIG SET maxmemory 0));
	ok(poll(15, sub { held($m) }), 'zones that are evicted are held');
	ok(all_have($m, $now), 'and served');
	becomes($m, $now = fill($redis), 'what is written again is served');
	is_as_redis($m, $redis, 'in the end');
	stop_watch($watch, 'expiry and eviction');
	$m->stop;
};

subtest 'sync is killed' => sub {
	my $m = follows(%{ $redis->settings });

	becomes($m, $now, 'all is served');
	my $watch = watch($m);
	for my $signal (qw(KILL SEGV ABRT)) {
		my $pid = sync_pid($m);
		kill $signal, $pid;
		my $value = next_value();
		$redis->multi(sub {
			my ($r) = @_;
			$r->cmd('HSET', "redins:zones:$zone", 'late', $value);
			$r->xadd_change($zone => ['late']);
		});
		ok(poll(10, sub { my $n = state_of($m, "late.$zone"); $n =~ /^\d+$/ && value($n) eq $value }),
			"SIG$signal: what was written meanwhile is served");
		isnt(sync_pid($m), $pid, 'by another sync');
	}
	is_as_redis($m, $redis, 'in the end');
	stop_watch($watch, 'sync killed');
	$m->expect_log(qr/sync/);
	$m->stop;
};

$redis->cmd('HDEL', "redins:zones:$zone", 'late');
$redis->cmd('HDEL', "redins:zones:$_", 'extra') for all_zones();
$now = fill($redis);

subtest 'keys of a wrong type' => sub {
	my $m = follows(%{ $redis->settings });
	my $told = sub { my ($want) = @_; return poll(10, sub { grep { "$_->{source} $_->{reason}" =~ $want } @{ $m->ctl('errors')->{errors} } }) };
	my $lines = sub { return scalar(() = $m->log =~ /WRONGTYPE/g) };

	becomes($m, $now, 'all is served');
	my $watch = watch($m);
	for my $key ("redins:zones:$zone", "redins:zones:$zone:config") {
		$redis->multi(sub { my ($r) = @_; $r->cmd('RENAME', $key, 'aside'); $r->cmd('RPUSH', $key, 'x') });
		ok($told->(qr/\Q$key\E.*WRONGTYPE/), "$key: errors names it") or diag(explain $m->ctl('errors'), $m->log);
		ok(all_have($m, $now), 'all is served');
		$redis->multi(sub { my ($r) = @_; $r->cmd('DEL', $key); $r->cmd('RENAME', 'aside', $key) });
		is_as_redis($m, $redis, 'mended');
	}
	$redis->multi(sub { my ($r) = @_; $r->cmd(qw(RENAME redins:zones aside)); $r->cmd(qw(SET redins:zones x)) });
	ok(poll(10, sub { "@{ $m->ctl('status')->{problems} }" =~ /key redins:zones: .*WRONGTYPE/ }), 'the list of zones: a problem')
	  or diag(explain $m->ctl('status'));
	my ($before, $connects) = ($lines->(), $m->ctl('stats')->{redis_connects});
	ok(poll(10, sub { $m->ctl('stats')->{redis_connects} > $connects + 2 }), 'it is looked at again and again');
	is($lines->(), $before, 'and told once');
	ok(all_have($m, $now), 'all is served');
	$redis->multi(sub { my ($r) = @_; $r->cmd(qw(DEL redins:zones)); $r->cmd(qw(RENAME aside redins:zones)) });
	is_as_redis($m, $redis, 'mended');
	$redis->multi(sub { my ($r) = @_; $r->cmd(qw(DEL martlet:changes)); $r->cmd(qw(SET martlet:changes x)) });
	ok(poll(10, sub { "@{ $m->ctl('status')->{problems} }" =~ /martlet:changes/ }), 'the stream: a problem');
	becomes($m, $now = fill($redis), 'events go on');
	$redis->cmd(qw(DEL martlet:changes));
	$redis->xadd_change($zone => ['n1']);
	is_as_redis($m, $redis, 'in the end');
	stop_watch($watch, 'wrong types');
	$m->expect_log(qr/the change stream .*WRONGTYPE/);
	$m->stop;
};

subtest 'a config that cannot be served' => sub {
	my $m = follows(%{ $redis->settings });
	my $key = "redins:zones:$zone:config";
	my %reason = ('{"soa":{"ttl":5},"dnssec":true}' => qr/has no key: `martletctl keys generate/,
		'{"soa":' => qr/\Q$key\E: /);

	becomes($m, $now, 'all is served');
	my $watch = watch($m);
	for my $config (sort keys %reason) {
		$redis->cmd('SET', $key, $config);
		ok(poll(10, sub { grep { $_->{zone} eq $zone && $_->{reason} =~ $reason{$config} } @{ $m->ctl('errors')->{errors} } }),
			"$config: errors says what to do") or diag(explain $m->ctl('errors'));
		like("@{ $m->ctl('status')->{problems} }", qr/1 zone is served from older data.*`martletctl errors`/, 'status leads there');
		ok(all_have($m, $now), 'all is served as it was');
		becomes($m, $now = fill($redis), 'a good one again');
		is_as_redis($m, $redis, 'in the end');
	}
	stop_watch($watch, 'bad configs');
	$m->stop;
};

subtest 'notifications off, or too few' => sub {
	my $problem = sub { my ($m) = @_; return "@{ $m->ctl('status')->{problems} }" =~ /cure at \S+:\d+: redis-cli (CONFIG SET notify-keyspace-events (\S+))/ ? $1 : '' };

	$redis->cmd(qw(CONFIG SET notify-keyspace-events Kg));
	my $m = follows(%{ $redis->settings });
	ok(poll(10, sub { $problem->($m) }), 'too few at the start: a problem shows the cure');
	becomes($m, $now, 'all is served');
	my $watch = watch($m);
	my ($begun, $digests) = (time, $m->ctl('stats')->{redis_digests});
	# only a comparison finds it: none of these commands is told of
	$redis->cmd('HSET', "redins:zones:$_", 'quiet', next_value()) for all_zones();
	becomes($m, $now = fill($redis), 'changes that nothing tells of are found');
	ok(poll(10, sub { state_of($m, "quiet.$zone") =~ /^\d+$/ }), 'all of them');
	my ($seconds, $count) = (time - $begun + 1, $m->ctl('stats')->{redis_digests} - $digests);
	cmp_ok($count, '<=', all_zones() * ($seconds / 5 + 2), "zones are compared at most once in 5 s: $count in $seconds s");
	like(source($m)->{oldest_digest_s} // '', qr/^\d+$/, 'status has the age of the oldest comparison');
	$redis->cmd(split ' ', $problem->($m));
	ok(poll(10, sub { !$problem->($m) }), 'the line that is shown cures it');
	becomes($m, $now = fill($redis), 'changes are heard of');
	$redis->cmd(qw(CONFIG SET notify-keyspace-events), '');
	ok(poll(10, sub { $problem->($m) }), 'turned off while running: a problem');
	becomes($m, $now = fill($redis), 'changes are found');
	$redis->cmd(split ' ', $problem->($m));
	is_as_redis($m, $redis, 'in the end');
	stop_watch($watch, 'without notifications');
	$m->stop;
};

$redis->stop;

subtest 'a replica that is read, with its primary away' => sub {
	my $primary = Martlet::Redis->new(notify => 'KA');
	my $replica = $primary->replica;

	$now = fill($primary);
	$replica->wait_replica;
	my $m = follows(%{ $replica->settings });
	becomes($m, $now, 'a replica is read, which takes no writes');
	my $watch = watch($m);
	$primary->xadd_change($zone => ['n1']);
	becomes($m, $now = fill($primary), 'and followed');
	$primary->hang;
	ok(all_have($m, $now), 'its primary hangs');
	$primary->go_on;
	$primary->cmd(qw(DEBUG CHANGE-REPL-ID));
	$primary->cmd(qw(CLIENT KILL TYPE replica));
	becomes($m, $now = fill($primary), 'and gives it all anew');
	my $value = next_value();
	$primary->multi(sub {
		my ($r) = @_;
		$r->cmd('HSET', "redins:zones:$zone", 'more', $value);
		$r->xadd_change($zone => ['more']);
	});
	ok(poll(10, sub { my $n = state_of($m, "more.$zone"); $n =~ /^\d+$/ && value($n) eq $value }), 'an entry of the stream');
	$primary->kill_now;
	ok(poll(10, sub { "@{ $m->ctl('status')->{problems} }" =~ /replica that has lost its primary/ }), 'its primary dies: a problem');
	ok(all_have($m, $now), 'all is served');
	$replica->follow(undef);
	becomes($m, $now = fill($replica), 'it is made a primary');
	is_as_redis($m, $replica, 'in the end');
	stop_watch($watch, 'replica');
	$m->stop;
	$_->stop for $replica, $primary;
};

done_testing;
