#!/usr/bin/perl
# Replies that no Redis should send, at every command that is sent to it: nothing crashes,
# hangs or grows, answers stay right, and when replies are right again all goes on.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Meddler;
use Martlet::Process qw(poll read_file slow);
use Martlet::Redis;
use Martlet::Zones qw(address_of sync_pid);
use Test::More;
use Time::HiRes qw(sleep time);

Martlet::Redis::need();

my $TIMEOUT_MS = 300;
my $ZONES = 12;
my $seed = $ENV{MARTLET_SEED} // time & 0xffff;
diag("MARTLET_SEED=$seed");

my $redis = Martlet::Redis->new(notify => 'KA');
my $meddler = Martlet::Meddler->new($redis, seed => $seed);
my $serial = 0;

sub zone_name { return "z$_[0].test." }

sub value { return qq({"a":{"ttl":5,"records":[{"ip":"$_[0]"}]}}) }

sub add_zone {
	my ($zone, $ip) = @_;
	$redis->multi(sub {
		my ($r) = @_;
		$r->cmd('SADD', 'redins:zones', $zone);
		$r->cmd('SET', "redins:zones:$zone:config", '{"soa":{"ttl":5}}');
		$r->cmd('HSET', "redins:zones:$zone", '@', '{"ns":{"ttl":5,"records":[{"host":"ns.test."}]}}');
		$r->cmd('HSET', "redins:zones:$zone", "n$_", value($ip)) for 1 .. 5;
		$r->cmd('HSET', "redins:zones:$zone", 'www', value($ip));
	});
	return;
}

# A change by an event and one by an entry, of zones of their own; where it is to be seen.
sub change {
	my $ip = '192.0.2.' . (1 + ++$serial % 250);
	$redis->cmd('HSET', 'redins:zones:events.test.', 'www', value($ip));
	$redis->multi(sub {
		my ($r) = @_;
		$r->cmd('HSET', 'redins:zones:stream.test.', 'www', value($ip));
		$r->xadd_change('stream.test.' => ['www']);
	});
	return $ip;
}

add_zone(zone_name($_), '192.0.2.251') for 1 .. $ZONES;
add_zone($_, '192.0.2.251') for qw(events.test. stream.test.);
# what is read stays right, and so would be served whatever it says
my $m = Martlet->new(config => { redis => { enable => \1, address => $meddler->where, timeout_ms => $TIMEOUT_MS,
	shrink_guard => 0.01, shrink_min => 1, reconcile_s => 5 } });
$m->expect_log(qr/^warning: sync: /, qr/^error: sync: the change stream/);

sub is_settled {
	my ($ip) = @_;
	return address_of($m, 'events.test.') eq $ip && address_of($m, 'stream.test.') eq $ip;
}

sub following { return ($m->ctl('status')->{source}{state} // '') eq 'following' }

ok(poll(20, sub { address_of($m, zone_name($ZONES)) eq '192.0.2.251' && following() }), 'all is served')
  or BAIL_OUT($m->log);
my $first = change();
ok(poll(10, sub { is_settled($first) }), 'and changes');
my $sync = sync_pid($m);

sub memory_kb { return read_file("/proc/$_[0]/status") =~ /^RssAnon:\s+(\d+)/m ? $1 : 0 }

# A control request is not kept longer than Redis may take for one reply, and some.
sub answers_in_time {
	my $begun = time;
	my ($exit) = $m->ctl_text('status');
	return time - $begun < 10 * slow() && $exit != -1;
}

sub unserved_zones { return grep { address_of($m, zone_name($_)) ne '192.0.2.251' } 1 .. $ZONES }

# With these replies to this command for a while.
sub meddle {
	my ($command, $raw, $what) = @_;
	my $before = $meddler->hits;

	$meddler->replace($command, $raw);
	$meddler->hang_up if $command =~ /^(?:INFO|CONFIG|PSUBSCRIBE|SUBSCRIBE)$/;
	$redis->cmd('SADD', 'redins:zones', 'unwritten.test.') if $command eq 'SSCAN';
	# a zone that is held for an earlier lie is read whole until it is well again
	my $was_hit = poll(5, sub { change(); sleep 0.01; $meddler->hits > $before });
	sleep 0.02;
	my @wrong = unserved_zones();
	my $is_in_time = answers_in_time();
	$redis->cmd('SREM', 'redins:zones', 'unwritten.test.') if $command eq 'SSCAN';
	$meddler->let_be;
	ok($was_hit && !@wrong && $is_in_time, "$command: $what")
	  or diag('hit: ', $was_hit ? 1 : 0, ", in time: $is_in_time, wrong: @wrong\n", substr $m->log, -2000);
	return;
}

my %bad = (
	'an error' => "-ERR no\r\n",
	'LOADING' => "-LOADING Redis is loading the dataset in memory\r\n",
	'MASTERDOWN' => "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
	'OOM' => "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
	'NOPERM' => "-NOPERM this user has no permissions to run this command\r\n",
	'MOVED' => "-MOVED 3999 127.0.0.1:6381\r\n",
	'nothing' => "\$-1\r\n",
	'no list' => "*-1\r\n",
	'an empty list' => "*0\r\n",
	'lists in lists' => "*2\r\n*2\r\n*1\r\n:1\r\n*0\r\n*1\r\n*1\r\n*1\r\n\$-1\r\n",
	'a number' => ":-9223372036854775808\r\n",
	'a list of numbers' => "*3\r\n:9223372036854775807\r\n:1\r\n:1\r\n",
	'a text' => "\$7\r\n\0\e[31m\xff\r\n",
	'a list that does not end' => "*2147483647\r\n",
	'a text that does not end' => "\$1000000\r\nabc",
	'garbage' => "HTTP/1.1 400 Bad Request\r\n\r\n",
	'a line that does not end' => '+' . 'x' x 100_000,
);

my @kinds = sort keys %bad;
# all of them take four minutes; else some, others each time
my $at = $seed;
sub kinds_for {
	my ($count) = @_;
	return @kinds if $ENV{MARTLET_HOSTILE};
	return map { $kinds[$at++ % @kinds] } 1 .. $count;
}

sub meddle_with {
	my ($what, $count, @commands) = @_;
	subtest $what => sub {
		for my $command (@commands) {
			meddle($command, $bad{$_}, $_) for kinds_for($count);
		}
	};
	return;
}

meddle_with('the first commands', 1, qw(INFO CONFIG PSUBSCRIBE SUBSCRIBE));
meddle_with('once a second', 1, qw(TIME SCARD XINFO XRANGE));
meddle_with('changes', 2, qw(XREAD MULTI SSCAN));
meddle('XREAD', $bad{'a list that does not end'}, 'a list that does not end');
ok($m->wait_log(qr/no whole reply to XREAD/, 10), 'is waited for no longer than it may take');
meddle_with('a reading', 6, 'EXEC');
meddle_with('parts of a reading', 2, qw(SISMEMBER EXISTS HGETALL HMGET GET));

# all is well again, whatever was said before
sub heals {
	my ($what) = @_;
	my $ip = change();

	ok(poll(20, sub { following() && is_settled($ip) && !unserved_zones() && !@{ $m->ctl('held')->{held} } }),
		"$what: all is as in Redis") or diag(substr $m->log, -4000);
	is(sync_pid($m), $sync, 'by the same process');
	return;
}
heals('right replies');

# then whatever comes to mind, at any place of any reply
my $before_kb = memory_kb($sync);
for my $round (1 .. ($ENV{MARTLET_HOSTILE} ? 20 : 3)) {
	my $until = time + 3;
	my $hits = $meddler->hits;

	$meddler->at_random(0.02 * 3 ** ($round % 3));
	while (time < $until) {
		change();
		$redis->cmd($round % 2 ? 'SADD' : 'SREM', 'redins:zones', 'unwritten.test.');
		sleep 0.01;
	}
	ok(answers_in_time(), "round $round: it answers");
	$meddler->let_be;
	cmp_ok($meddler->hits, '>', $hits, 'replies were changed');
	heals("round $round");
}
$redis->cmd('SREM', 'redins:zones', 'unwritten.test.');
heals('at last');
SKIP: {
	skip 'memory is a sanitizer\'s', 1 if $Martlet::BUILD =~ /asan/;
	cmp_ok(memory_kb($sync), '<', $before_kb + 40_000, 'without growing');
}
$m->stop;
$meddler->stop;
$redis->stop;

done_testing();
