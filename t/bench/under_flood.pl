#!/usr/bin/perl
# What the other zones see while one of 1,000 is flooded with random names: part of
# `make bench`.
#
# One worker on the first CPU, both senders on the second: the flood at a lower priority, and
# those whose latencies are taken before all others where that is allowed (SCHED_FIFO): else
# what delays them is mostly the sender of the flood, on their CPU.  First as many random
# names as are answered in a closed loop, then shares of that at a constant rate, beside
# BENCH_RATE (2000) queries a second for the other zones.  The highest rate of which nothing
# is lost is what the worker can still receive.  Memory is that of all processes (RssAnon and
# RssShmem), as it grows from the quiet run on.
#
# Last that rate, the highest share at which the socket's queue lost nothing, for BENCH_LONG
# (60) seconds.
#
# BENCH_SECONDS (3) each, BENCH_SHARES in percent (50,80,90,100,120).

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/../lib";

use BenchFlood qw(from_client host server_cpu stay_on);
use FloodBed;
use FloodTool;
use Martlet;
use Martlet::Process qw(find_program);

my $seconds = $ENV{BENCH_SECONDS} // 3;
my $rate = $ENV{BENCH_RATE} // 2000;
my $long = $ENV{BENCH_LONG} // 60;
my @shares = split /,/, $ENV{BENCH_SHARES} // '50,80,90,100,120';

stay_on('server');
my $bed = FloodBed->new(config => { workers => { count => 1, cpus => [server_cpu()] },
		dns => { rcvbuf_kb => 4096 } });
stay_on('all');
my $m = $bed->{m};

sub start_flood {
	local @FloodTool::through = from_client('nice', '-n', 10);
	return $bed->flood(@_);
}

my @first = find_program('chrt') && system('chrt -f 1 true 2>/dev/null') == 0 ? ('chrt', '-f', 1) : ();

sub others {
	local @FloodTool::through = from_client(@first);
	return $bed->others($seconds, $rate, @_);
}

# The quietest of three runs.
sub quiet {
	my @runs = sort { $a->{latency_us}{p99} <=> $b->{latency_us}{p99} } map { others() } 1 .. 3;
	return $runs[0];
}

my ($calm, $before);

sub row {
	my ($name, $others, $flood, $counted) = @_;
	printf "%-14s %8s %9s %8s %9.3f %7.0f %7.0f %6.1f %9d\n", $name,
	  $flood ? map({ sprintf '%.0f', $_ } $flood->{answered_qps}, $flood->{lost}) : ('-', '-'),
	  $counted ? ($counted->{isolation_shed_absent} // 0) : '-',
	  100 * $others->{answered} / $others->{sent}, @{ $others->{latency_us} }{qw(p50 p99)},
	  $others->{latency_us}{p99} / $calm->{latency_us}{p99}, $bed->memory_kb - $before;
	return;
}

sub flooded {
	my ($name, @args) = @_;
	my ($flood, $others);
	my $counted = $m->counted(sub {
			my $load = start_flood($seconds + 0.5, @args);
			$others = others();
			$flood = FloodTool::flood_end($load) });
	row($name, $others, $flood, $counted);
	return ($flood, $counted->{udp_socket_drops} // 0);
}

$| = 1;
printf "%s, %g s each, %d q/s for the others, sent %s\n", host(), $seconds, $rate,
  @first ? 'before all else on that CPU' : 'without real-time priority';
printf "%-14s %8s %9s %8s %9s %7s %7s %6s %9s\n", 'flood', 'answered', 'lost', 'shed', 'others %', 'p50 us',
  'p99 us', 'ratio', 'more KiB';
$m->counters;
others();
$before = $bed->memory_kb;
$calm = quiet();
row('none', $calm);
my ($most) = flooded('closed loop', '-c', 4);
my $highest = 0;
for my $share (@shares) {
	my (undef, $drops) = flooded("$share %", '-Q', $most->{answered_qps} * $share / 100);
	$highest = $share if !$drops && $share > $highest;
}
if ($long && $highest) {
	$seconds = $long;
	flooded("$highest %, $long s", '-Q', $most->{answered_qps} * $highest / 100);
}
$m->stop;
