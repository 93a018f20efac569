#!/usr/bin/perl
# An overlay so damaged that LMDB takes down who reads it: sync, and with it the start of
# the server, comes through, and what changed is read again.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll);
use Martlet::Redis;
use Martlet::Zones qw(address_of sync_pid);
use Test::More;

Martlet::Redis::need();
plan skip_all => 'a sanitizer takes the crash for ours' if $Martlet::BUILD =~ /asan/;

my $redis = Martlet::Redis->new(notify => 'KA');
my $change = 0;

sub value { return qq({"a":{"ttl":5,"records":[{"ip":"192.0.2.$_[0]"}]}}) }

sub add_zones {
	for my $zone (map { "z$_.test." } 1 .. 5) {
		$redis->multi(sub {
			my ($r) = @_;
			$r->cmd('SADD', 'redins:zones', $zone);
			$r->cmd('SET', "redins:zones:$zone:config", '{}');
			$r->cmd('HSET', "redins:zones:$zone", '@', '{"ns":{"records":[{"host":"ns.test."}]}}');
			$r->cmd('HSET', "redins:zones:$zone", 'www', value(1));
		});
	}
	return;
}

# All zones, again and again: pages come, and some are free again.
sub change_all {
	$change++;
	for my $label ('www', map { "n$_" } 1 .. 10) {
		$redis->cmd('HSET', "redins:zones:z$_.test.", $label, value($change)) for 1 .. 5;
	}
	return;
}

my $m = Martlet->new(config => { redis => { enable => \1, %{ $redis->settings } } });
$m->expect_log(qr/^warning: sync: /, qr/^(?:warning|error): .*(?:sync|worker \d+) .*died after/,
	qr/^error: sync: the overlay of generation \d+ is damaged/, qr/^error: sync: .*worker \d+ .*(?:not ready|killed)/);

sub is_served {
	my ($number) = @_;
	return !grep { (eval { address_of($m, "z$_.test.") } // '') ne "192.0.2.$number" } 1 .. 5;
}

sub has_changes { return poll(10, sub { is_served($change) }) }

# Each page behind LMDB's two heads says that its entries lie beyond the file.
sub damage {
	my ($path) = glob $m->state_dir . '/generations/*/overlay/data.mdb' or die "no overlay\n";

	open my $file, '+<:raw', $path or die "$path: $!\n";
	my $pages = (-s $file) / 4096;
	for my $page (2 .. $pages - 1) {
		seek $file, 4096 * $page + 16, 0;
		print {$file} "\xff" x 400;
	}
	close $file or die "$path: $!\n";
	return;
}

add_zones();
ok(poll(20, sub { is_served(1) }), 'all is served');
change_all() for 1 .. 3;
ok(has_changes(), 'and changes');
$m->stop;
damage();
ok(eval { $m->restart; 1 }, 'it starts with a damaged overlay') or diag($@);
ok(has_changes(), 'and serves the changes');
# which one depends on the pages that happened to be there
like($m->log, qr/sync .*died after|the overlay of generation \d+ is damaged/,
	'although sync died of it, or was told by LMDB');
my $sync = sync_pid($m);

# while it is served; sync dies of something else, and is asked to write on
change_all() for 1 .. 3;
ok(has_changes(), 'changes go on');
is(sync_pid($m), $sync, 'by the same process');
damage();
kill 'KILL', $sync;
ok(poll(10, sub { sync_pid($m) != $sync }), 'sync is started again');
change_all();
ok(has_changes(), 'an overlay that was damaged while it was served is replaced');
$m->stop;

# without Redis the sealed state is better than none
$redis->stop;
damage();
ok(eval { $m->restart; 1 }, 'it starts without Redis, too') or diag($@);
ok(poll(10, sub { (eval { address_of($m, 'z1.test.') } // '') =~ /^192/ }), 'and serves what was sealed');
$m->stop;

done_testing;
