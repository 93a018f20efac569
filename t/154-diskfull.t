#!/usr/bin/perl
# Little room, and none: old data is served, the error names the remedy, earlier
# generations go first, and room is all it takes.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll);
use Martlet::Zones qw(zone serial_of generation);
use Test::More;

# about 1 MB in a generation
sub large { return zone($_[0], join '', map { "host$_ A 192.0.2.1\n" } 1 .. 10000) }

my $m = Martlet->new(start => 0, zones => { 'a.test' => zone(1) });
my $state = $m->state_dir;

mkdir $state;
plan skip_all => 'needs root and mount' if $> != 0;

sub mount {
	my ($size) = @_;
	return system("mount -t tmpfs -o size=$size tmpfs $state 2>/dev/null") == 0;
}

mount('4m') or plan skip_all => 'no file system can be mounted here';
$m->expect_log(qr/space|room|MB are free/);
$m->start;
is(serial_of($m, 'a.test'), 1, 'it serves with less free than the default reserve');
$m->write_zone('a.test', zone(2));
is(($m->ctl('reload'))[0], 0, 'and takes over small changes');
my $generation = generation($m);

# Fill the disk until no more than `left` KiB are free.
sub fill {
	my ($left) = @_;
	my $free = sub { (split ' ', (`df -k $state`)[1])[3] };

	open my $ballast, '>', "$state/ballast" or die;
	for (my $n = $free->() - $left; $n > 0; $n -= 4) {
		syswrite $ballast, "\0" x 4096 or last;
	}
	close $ballast;
	return;
}

fill(0);

$m->write_zone('a.test', large(3));
my ($exit, $json) = $m->ctl('reload');
is($exit, 1, 'reload fails');
like($json->{error}, qr/make room/, 'and names the remedy');
is(serial_of($m, 'a.test'), 2, 'the old data is served');
is(generation($m), $generation, 'from the same generation');
($exit) = $m->ctl('status');
is($exit, 1, 'status is an alarm');
is(($m->ctl('ready'))[0], 0, 'it serves');
$m->restart;
is(serial_of($m, 'a.test'), 2, 'after a restart on the full disk too');

# from a version that had no watch list, whose locks lie in a map
$m->stop;
system('rm', '-rf', "$state/watch");
unlink "$state/ballast" or die;
fill(0);
$m->start;
is(serial_of($m, 'a.test'), 2, 'after a start without a watch list too');
like($m->log, qr{/watch cannot be made: .*make room}, 'which is told, with the remedy');
unlike($m->log, qr/sync \(pid \d+\) died/, 'nobody dies of it');

unlink "$state/ballast" or die;
ok(poll(20, sub { -s "$state/watch/data.mdb" }), 'it is made when there is room') if $ENV{MARTLET_SOAK};
($exit, $json) = $m->ctl('reload');
is($exit, 0, 'with room again reload succeeds');
is(serial_of($m, 'a.test'), 3, 'and the new data is served');
($exit) = $m->ctl('status');
is($exit, 0, 'the alarm is over');

# generations that are kept make room for new ones
system("mount -o remount,size=12m $state") == 0 or die;
$m->write_config({ generations => { keep => 100, reserve_mb => 0 } });
for my $serial (4 .. 19) {
	$m->write_zone('a.test', large($serial));
	($exit, $json) = $m->ctl('reload');
	last if $exit != 0;
}
is($exit, 0, 'more generations than there is room for') or diag($json->{error});
is(serial_of($m, 'a.test'), 19, 'the last one is served');
$json = $m->ctl('generations');
my $count = @{ $json->{generations} };
cmp_ok($count, '<', 16, "fewer are kept than generations.keep: $count");
cmp_ok($count, '>=', 2, 'but one to go back to');
is(($m->ctl('status'))[0], 0, 'nothing to complain of');

# the reserve: 100 MB are the quarter that a file system gives at most, 3 MB
$m->write_config({ generations => { reserve_mb => 100 } });
is(($m->ctl('reload'))[0], 0, 'the reserve is raised');
ok(poll(10, sub { 2 == @{ $m->ctl('generations')->{generations} } }), 'what can go goes');
fill(3800);
$m->write_zone('a.test', large(20));
($exit, $json) = $m->ctl('reload');
is($exit, 1, 'a generation that would not leave a quarter is refused');
like($json->{error}, qr/generations\.reserve_mb: make room there, or lower/, 'with the remedy');
is(serial_of($m, 'a.test'), 19, 'the old data is served');
like($m->ctl('status')->{problems}[0], qr/reserve_mb/, 'status tells');
$m->write_config({ generations => { reserve_mb => 2 } });
is(($m->ctl('reload'))[0], 0, 'with a smaller reserve it is taken');
is(serial_of($m, 'a.test'), 20, 'and served');
is(($m->ctl('status'))[0], 0, 'the alarm is over');

# swap: the reserve holds for what comes from outside, too
{
	my $built = $m->dir . '/built';
	is(($m->ctl_text('-c', $m->config_path, 'build', $built))[0], 0, 'build');
	$m->write_config({ generations => { reserve_mb => 100, keep => 1 } });
	is(($m->ctl('reload'))[0], 0, 'the reserve is raised');
	ok(poll(10, sub { 2 >= @{ $m->ctl('generations')->{generations} } }), 'what can go goes');
	$generation = generation($m);
	fill(3800);
	($exit, $json) = $m->ctl('swap', $built);
	is($exit, 1, 'swap is refused');
	like($json->{error}, qr/generations\.reserve_mb: make room there, or lower/, 'with the remedy');
	is(generation($m), $generation, 'nothing has changed');
	unlink "$state/ballast" or die;
	is(($m->ctl('swap', $built))[0], 0, 'with room it is taken');
	is(($m->ctl('resume'))[0], 0, 'resume');
	is(($m->ctl('status'))[0], 0, 'all is well');
}

# nothing is served yet: better little room than no answers
$m->stop;
system("rm -rf $state/*");
$m->write_config({ generations => { reserve_mb => 1000 } });
delete $m->{stopped};
$m->start;
is(serial_of($m, 'a.test'), 20, 'a first start does not ask for the reserve');
$m->stop;

END {
	my $status = $?;
	$m->stop if $m && $m->pid;
	system("umount $state 2>/dev/null") if $state && $> == 0;
	$? = $status;
}
done_testing;
