#!/usr/bin/perl
# A worker that hangs while a generation is published is killed; the swap goes on.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll);
use Martlet::Zones qw(zone serial_of);
use Test::More;
use Time::HiRes qw(time);

my $m = Martlet->new(zones => { 'a.test' => zone(1) });
$m->expect_log(qr/did not open generation/, qr/killed by signal 9/);
my ($worker) = $m->workers;

kill 'STOP', $worker->{pid};
$m->write_zone('a.test', zone(2));
my $begun = time;
my ($exit, $json) = $m->ctl('reload');
is($exit, 0, 'reload while a worker hangs');
cmp_ok(time - $begun, '>', 1, 'waits for it');
ok($m->wait_log(qr/worker 0, pid $worker->{pid}, did not open/), 'then kills it');
ok(poll(10, sub {
	my ($now) = $m->workers;
	return $now->{pid} && $now->{pid} != $worker->{pid} && $now->{state} eq 'serving';
}), 'the master starts another one');
ok(poll(10, sub { my ($now) = $m->workers; $now->{generation} == $json->{generation} }),
	'which serves the new generation');
is(serial_of($m, 'a.test'), 2, 'as all do') for 1 .. 8;
$m->stop;
done_testing;
