#!/usr/bin/perl
# A full disk: old data is served, the error names the remedy, and room is all it takes.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Zones qw(zone serial_of generation);
use Test::More;

my $m = Martlet->new(start => 0, zones => { 'a.test' => zone(1) });
my $state = $m->state_dir;

mkdir $state;
plan skip_all => 'needs root and mount' if $> != 0;
system("mount -t tmpfs -o size=4m tmpfs $state 2>/dev/null") == 0
  or plan skip_all => 'no file system can be mounted here';
$m->expect_log(qr/space|room|MB are free/);
$m->start;
is(serial_of($m, 'a.test'), 1, 'it serves');
my $generation = generation($m);

open my $ballast, '>', "$state/ballast" or die;
my $block = "\0" x 4096;
1 while syswrite $ballast, $block;
close $ballast;

$m->write_zone('a.test', zone(2));
my ($exit, $json) = $m->ctl('reload');
is($exit, 1, 'reload fails');
like($json->{error}, qr/make room|lower generations/, 'and names the remedy') ;
is(serial_of($m, 'a.test'), 1, 'the old data is served');
is(generation($m), $generation, 'from the same generation');
($exit) = $m->ctl('status');
is($exit, 1, 'status is an alarm');
is(($m->ctl('ready'))[0], 0, 'it serves');
$m->restart;
is(serial_of($m, 'a.test'), 1, 'after a restart on the full disk too');

unlink "$state/ballast" or die;
($exit, $json) = $m->ctl('reload');
is($exit, 0, 'with room again reload succeeds');
is(serial_of($m, 'a.test'), 2, 'and the new data is served');
($exit) = $m->ctl('status');
is($exit, 0, 'the alarm is over');
$m->stop;

END {
	my $status = $?;
	$m->stop if $m && $m->pid;
	system("umount $state 2>/dev/null") if $state && $> == 0;
	$? = $status;
}
done_testing;
