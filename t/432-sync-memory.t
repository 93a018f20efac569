#!/usr/bin/perl
# Zones that come and go, and values that cannot be used, in a stream without an end: sync
# does not grow by them.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll read_file);
use Martlet::Redis;
use Martlet::Zones qw(address_of sync_pid);
use Test::More;
use Time::HiRes qw(time);

Martlet::Redis::need();

my $seed = $ENV{MARTLET_SEED} // time & 0xffff;
diag("MARTLET_SEED=$seed");
srand $seed;

# A sanitizer keeps what is freed for a while, and would be measured itself.
plan skip_all => 'memory is a sanitizer\'s' if $Martlet::BUILD =~ /asan/;

my $redis = Martlet::Redis->new(notify => 'KA');
my $m = Martlet->new(config => { redis => { enable => \1, %{ $redis->settings }, shrink_guard => 1 } });
$m->expect_log(qr/^warning: (?:sync|builder): /);

sub value { return qq({"a":{"ttl":5,"records":[{"ip":"$_[0]"}]}}) }

my @bad = ('{', '[]', '"x"', '{"a":1}', '{"a":{"records":[{"ip":"x"}]}}', '[' x 3000, "\0\xff", '',
	'{"a":{"ttl":-1,"records":[]},"mx":{"records":[{"host":"' . 'a' x 300 . '"}]}}',
	'{"txt":{"records":[{"text":"' . 'x' x 100_000 . '"}]}}', '{"TYPE999":{"rdata":["\\# 1"]}}');

# A few zones come, with some good and some bad values, and others go; half of the changes
# are told by the stream.
sub churn {
	my ($number) = @_;
	my $zone = 'z' . $number % 500 . '.test.';
	my $old = 'z' . ($number + 250) % 500 . '.test.';

	$redis->multi(sub {
		my ($r) = @_;
		$r->cmd('SADD', 'redins:zones', $zone);
		$r->cmd('SET', "redins:zones:$zone:config", $number % 7 ? '{"soa":{"ttl":5}}' : $bad[rand @bad]);
		$r->cmd('HSET', "redins:zones:$zone", '@', '{"ns":{"ttl":5,"records":[{"host":"ns.test."}]}}');
		$r->cmd('HSET', "redins:zones:$zone", "n$_", rand() < 0.5 ? value("192.0.2.$_") : $bad[rand @bad]) for 1 .. 8;
		$r->cmd('HSET', "redins:zones:$zone", "\xffodd$number", value('192.0.2.1'));
		$r->cmd('DEL', "redins:zones:$old", "redins:zones:$old:config");
		$r->cmd('SREM', 'redins:zones', $old);
		$r->xadd_change($zone => [], $old => [], undef, undef) if $number % 2;
		$r->cmd('XTRIM', 'martlet:changes', 'MAXLEN', 1000) if $number % 100 == 0;
	});
	return;
}

sub serves {
	my ($number) = @_;
	$redis->multi(sub {
		my ($r) = @_;
		$r->cmd('SADD', 'redins:zones', 'probe.test.');
		$r->cmd('HSET', 'redins:zones:probe.test.', 'www', value('192.0.2.' . $number % 250));
	});
	return poll(20, sub { address_of($m, 'probe.test.') eq '192.0.2.' . $number % 250 });
}

sub memory_kb { return read_file("/proc/$_[0]/status") =~ /^RssAnon:\s+(\d+)/m ? $1 : 0 }

my ($count, $half) = (0, $ENV{MARTLET_SOAK} ? 50 : 6);
my @kb;
my $sync = sync_pid($m);

sub half {
	for (1 .. $half) {
		churn(++$count) for 1 .. 500;
		ok(serves(scalar @kb), "$count changes are served");
		push @kb, memory_kb($sync);
	}
	return;
}

# A buffer that becomes as large as the largest set that came is a step, and what is freed below
# one that stays does not come back. Which is the largest set depends on how busy the machine is:
# after as many rounds again there are fewer steps. A leak grows by each round, however many: by
# 1 MB when a change leaves 2 KB.
sub has_grown { return grep({ $kb[$_] > $kb[$_ - 1] + 1000 } @kb - $half .. $#kb) > $half / 2 }

half();
half();
half() while has_grown() && @kb < 6 * $half;
is(sync_pid($m), $sync, 'by the same process');
ok(!has_grown(), "without growing: @kb kB");
# more than all buffers ever are
cmp_ok($kb[-1], '<', 100_000, 'and small');
$m->stop;
$redis->stop;

done_testing;
