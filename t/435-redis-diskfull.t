#!/usr/bin/perl
# Live changes while the disk is full: what is served stays, status names the remedy, and
# once there is room all that was written meanwhile is served.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll);
use Martlet::Redis;
use Martlet::RedisZones qw(bulk_name bulk_zone);
use Test::More;

Martlet::Redis::need();

my $redis = Martlet::Redis->new(unix => 1, notify => 'KA');
my $schema = Martlet::RedisZones->new;
$schema->load_bulk($redis, 0, 50, 20);

my $m = Martlet->new(start => 0, config => {
	redis => $redis->settings, generations => { reserve_mb => 1 } });
my $state = $m->state_dir;

mkdir $state;
plan(skip_all => 'needs root and mount') if $> != 0;
system("mount -t tmpfs -o size=16m tmpfs $state 2>/dev/null") == 0
  or plan(skip_all => 'no file system can be mounted here');

# Any number of new addresses in one change set: 20 names in each of 50 zones.
my $round = 0;
sub change_all {
	$round++;
	for my $number (0 .. 49) {
		my $zone = bulk_name($number);
		$redis->multi(sub {
			my ($tx) = @_;
			for my $label (map {"w$_"} 1 .. 18) {
				my %rrset = (ttl => 60, records => [map { { ip => "10.9.$round.$_" } } 1 .. 30]);
				$tx->cmd(@$_) for $schema->set_label($zone, $label, { a => \%rrset });
			}
			$tx->xadd_change($zone => [map {"w$_"} 1 .. 18]);
		});
	}
	return;
}

# Which round the last zone is served from; 0 for the first state.
sub served {
	my $answer = $m->ask('w18.' . bulk_name(49), 'A', edns => 4096) or return -1;
	my ($first) = $answer->text('answer');
	return ($first // '') =~ / 10[.]9[.](\d+)[.]/ ? $1 : $answer->rcode eq 'NOERROR' ? 0 : -1;
}

sub problems { return join '; ', @{ $m->ctl('status')->{problems} } }

$m->expect_log(qr/sync/);
$m->start;
ok(poll(10, sub { served() == 0 }), 'what Redis holds is served');
change_all();
ok(poll(10, sub { served() == 1 }), 'changes are');

system "head -c 16m /dev/zero > $state/ballast 2>/dev/null";
for (1 .. 40) {
	change_all();
	last if poll(0.3, sub { problems() =~ /full|space|room/ });
}
like(problems(), qr/full|space|room/, "the disk is full after $round rounds: status says so");
my $kept = served();
cmp_ok($kept, '>=', 1, "old data is served, of round $kept");
change_all();
is(served(), $kept, 'and goes on to be');
is(($m->ctl('ready'))[0], 0, 'it is ready');

unlink "$state/ballast";
my $freed = time;
ok(poll(30, sub { served() == $round }), 'with room again all is served')
  or diag("served: " . served() . " of $round; " . problems());
note(sprintf '%d s after there was room', time - $freed);
ok(poll(10, sub { problems() eq '' }), 'and status is well') or diag(problems());
$m->stop;
done_testing();

END {
	my $status = $?;
	$m->stop if $m && $m->pid;
	system("umount $state 2>/dev/null") if $state && $> == 0;
	$? = $status;
}
