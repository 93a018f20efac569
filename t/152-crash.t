#!/usr/bin/perl
# sync and the whole server killed at random moments of reloads: only whole states are
# served, all the time.  A sync that keeps dying is started again after a pause, so few
# rounds are enough here; make soak asks for more: MARTLET_CRASHES=40.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll);
use Martlet::Zones qw(zone address_of serial_of generation sync_pid);
use Test::More;
use Time::HiRes qw(sleep);

my $seed = $ENV{MARTLET_SEED} // time;
srand $seed;
diag "MARTLET_SEED=$seed";

# two zones that always change together
my $m = Martlet->new(zones => { 'a.test' => zone(1), 'b.test' => zone(1) });
$m->expect_log(qr/sync/, qr/half done/);
my $serial = 1;

# What a client may see: the same serial everywhere in one generation, the old or new.
sub is_whole {
	my ($what) = @_;
	my %seen;
	my $generation = generation($m);
	$seen{ serial_of($m, $_) }++ for qw(a.test b.test);
	return 1 if $generation != generation($m);
	my ($only) = keys %seen;
	return ok(keys %seen == 1 && ($only == $serial || $only == $serial - 1), "$what: $only");
}

sub start_reload {
	$serial++;
	$m->write_zone($_, zone($serial)) for qw(a.test b.test);
	kill 'HUP', $m->pid;
	return;
}

my $rounds = $ENV{MARTLET_CRASHES} // 3;

for my $round (1 .. $rounds) {
	my $pid = sync_pid($m);
	start_reload();
	sleep rand 0.03;
	kill 'KILL', $pid;
	like(serial_of($m, 'a.test'), qr/^\d+$/, "round $round: served while sync is away");
	ok(poll(10, sub { my $new = sync_pid($m); $new && $new != $pid }),
		"round $round: sync is back");
	ok(poll(10, sub { serial_of($m, 'a.test') eq $serial }), "round $round: caught up");
	is_whole("round $round");
}

for my $round (1 .. 2 + $rounds) {
	start_reload();
	sleep rand 0.03;
	$m->kill_now;
	$m->start;
	ok(poll(10, sub { serial_of($m, 'a.test') eq $serial }),
		"round $round: started again and caught up");
	is_whole("round $round: after a crash");
	# an old generation is called so, too, while it is removed
	ok(poll(10, sub { my @half = glob $m->state_dir . '/generations/*.tmp'; !@half }),
		"round $round: nothing half built is left");
}
$m->stop;
done_testing;
