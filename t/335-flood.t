#!/usr/bin/perl
# A flood of random names below one of 1,000 zones, as fast as the workers answer: no memory
# grows, the other zones keep their answers, and nothing is lost in silence.
#
# make soak floods for a minute: MARTLET_FLOOD_SECONDS=60.  How late the others' answers
# come is measured by t/bench/under_flood.pl.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use FloodBed;
use FloodTool;
use Martlet;
use Test::More;

my $seconds = $ENV{MARTLET_FLOOD_SECONDS} // 3;
my $rate = $ENV{MARTLET_RATE} // 500;
my $bed = FloodBed->new(config => { dns => { rcvbuf_kb => 4096 } });
my $m = $bed->{m};

# a client waits longer than a busy machine takes
my @patient = ('-t', 5);
my $quiet = $bed->others(1, $rate, @patient);
is($quiet->{answered}, $quiet->{sent}, 'all zones answer before');
$m->counters;

my $before = $bed->memory_kb;
my ($flood, $others);
my $counted = $m->counted(sub {
		my $load = $bed->flood($seconds + 1, @patient);
		$others = $bed->others($seconds, $rate, @patient);
		$flood = FloodTool::flood_end($load) });
my $grown = $bed->memory_kb - $before;

note(sprintf 'random names: %d a second, %d lost; others: %d of %d, p99 %.1f ms, before %.1f ms; %d KiB more',
	$flood->{answered_qps}, $flood->{lost}, $others->{answered}, $others->{sent},
	map({ $_->{latency_us}{p99} / 1000 } $others, $quiet), $grown);
cmp_ok($flood->{answered}, '>', 10 * $others->{sent}, 'it is a flood');
is($flood->{rcodes}{NXDOMAIN}, $flood->{answered}, 'of names that do not exist');
cmp_ok($others->{answered}, '>=', 0.99 * $others->{sent}, 'the other zones keep their answers');
is($others->{with_answer}, $others->{answered}, 'which are whole');
$counted->{$_} //= 0 for qw(udp_socket_drops isolation_shed_absent isolation_shed_existing);
is($counted->{udp_queries} + $counted->{udp_socket_drops}, $flood->{sent} + $others->{sent},
	'each query is received, or counted as dropped');
is($counted->{udp_responses} + $counted->{isolation_shed_absent} + $counted->{isolation_shed_existing},
	$counted->{udp_queries}, 'and answered, or counted as shed');

SKIP: {
	skip 'sanitizers and valgrind have memory of their own', 1
	  if $ENV{VALGRIND} || $ENV{MARTLET_SANITIZED};
	cmp_ok($grown, '<', 1024, "private and shared memory of all processes grew by $grown KiB");
}

$m->stop;
done_testing();
