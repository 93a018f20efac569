#!/usr/bin/perl
# Memory does not grow: queries over UDP and TCP, broken ones too, reloads, control
# requests, for a while; then each process is as big as it was soon after the start.
#
# make soak asks for ten minutes: MARTLET_LOAD_SECONDS=600.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(read_file);
use Martlet::Wire qw(encode_query);
use SteadyZone qw(steady_zones steady_start steady_end steady_lost);
use Test::More;
use Time::HiRes qw(time);

plan(skip_all => 'sanitizers and valgrind keep freed memory')
  if $ENV{VALGRIND} || $ENV{MARTLET_SANITIZED};

my $seconds = $ENV{MARTLET_LOAD_SECONDS} // 6;
my $rate    = $ENV{MARTLET_RATE} // 3000;

my $m = Martlet->new(
	zones => steady_zones(1, 5000),
	config => { dns => { rcvbuf_kb => 4096 }, tcp => { clients => 50, idle_ms => 1000 },
		generations => { reserve_mb => 1 } });

# Memory that belongs to the process alone, in KiB: maps of files do not count.
sub private_kb {
	my ($pid) = @_;
	my $total = 0;
	$total += $_ for read_file("/proc/$pid/smaps_rollup") =~ /^Anonymous: +(\d+) kB/gm;
	return $total;
}

sub processes {
	my $master = $m->pid;
	my @pids = ($master);
	for my $path (glob '/proc/[0-9]*/stat') {
		my ($pid, $parent) = read_file($path) =~ /^(\d+) \(.*\) \S (\d+)/s or next;
		push @pids, $pid if $parent == $master;
	}
	return sort { $a <=> $b } @pids;
}

my $state = 1;
my $number = 0;

# A bit of everything that costs memory somewhere.
sub mixed_load {
	my ($until) = @_;

	while (time < $until) {
		my $zones = steady_zones(++$state % 60000 + 1, 5000);
		$m->write_zone($_, $zones->{$_}) for keys %$zones;
		$m->ctl('reload');
		$m->ctl($_) for qw(status workers stats zones errors generations);
		my @sockets = map { $m->tcp_socket } 1 .. 20;
		for my $socket (@sockets) {
			my $query = encode_query('gen.steady.test', 'TXT', id => ++$number & 65535);
			$m->tcp_write($socket, ($query) x 3, substr $query, 0, $number % 30);
		}
		$m->tcp_read($_, 2) for @sockets;
		my $udp = $m->udp_socket;
		send $udp, join('', map { chr int rand 256 } 1 .. 10 + int rand 500), 0 for 1 .. 50;
	}
	return;
}

my $load = steady_start($m, $rate, 3600);
mixed_load(time + ($seconds > 60 ? 20 : 3));
my @pids   = processes();
my %before = map { $_ => private_kb($_) } @pids;
my $start  = $state;
mixed_load(time + $seconds / 2);
my %middle = map { $_ => private_kb($_) } @pids;
mixed_load(time + $seconds / 2);
my %after = map { $_ => private_kb($_) } @pids;
my $figures = steady_end($load, 1);

is(scalar @pids, 5, 'master, sync, signer and two workers');
for my $pid (@pids) {
	my $grown = $after{$pid} - $before{$pid};
	my ($name) = read_file("/proc/$pid/comm") =~ /(.*)/;
	# what the allocator keeps of a reload, in one arena a thread, comes and goes; a leak
	# of a reload's data would be megabytes after a few of them
	my $slack = $name eq 'sync' ? 4096 : 1024;
	cmp_ok($grown, '<=', $slack, "$name grew by $grown KiB from $before{$pid}");
	# whatever has its uses once, for the most connections at a time, say, is there by half
	my $later = $after{$pid} - $middle{$pid};
	cmp_ok($later, '<=', $slack / 4, "$name grew by $later KiB in the second half");
}
cmp_ok($state - $start, '>', 0, 'reloads meanwhile: ' . ($state - $start));
is(steady_lost($figures, $m->counters), 0, "none of $figures->{sent} queries lost");
is($figures->{wrong}, 0, 'none wrong');
my @generations = glob $m->state_dir . '/generations/*';
cmp_ok(scalar @generations, '<=', 12, scalar(@generations) . ' generations are kept');
$m->stop;
done_testing();
