#!/usr/bin/perl
# What a query costs, beside other servers: `make bench`.
#
# One worker of each server on the first CPU, the client on the second, closed loop (see
# t/lib/BenchFlood.pm).  All servers of a table are up at once and take turns run by run, so
# that a slow spell of the machine hits all of them; the best run is the one to compare.
# `echo` does nothing but receive and send: the ratio to it is what carries from machine to
# machine.  CPU time is that of all threads of a server and of the kernel thread that
# delivers for it; instructions are user ones, where perf can count them.
#
# BENCH_SETS, BENCH_LOADS, BENCH_SERVERS (names, separated by commas), BENCH_ROUNDS (5),
# BENCH_SECONDS (1) choose.

use strict;
use warnings;
use feature 'state';

use FindBin qw($Bin);
use lib "$Bin/../lib";

use BenchFlood qw(best cpu_ns delivers flood host median server_cpu stay_on tree);
use BenchServer;
use BenchZones;
use File::Temp ();
use Martlet;
use Martlet::Peer;
use Martlet::Process qw(find_program read_file);

my $rounds  = $ENV{BENCH_ROUNDS}  // 5;
my $seconds = $ENV{BENCH_SECONDS} // 1;
my @servers = split /,/, $ENV{BENCH_SERVERS} // 'echo,martlet,gdnsd,nsd,knot';
my @sets    = split /,/, $ENV{BENCH_SETS} // join ',', @BenchZones::SETS;
my @loads   = split /,/, $ENV{BENCH_LOADS} // join ',', @BenchZones::LOADS;

my %start = (
	echo => sub { BenchServer->new('echo') },
	martlet => sub {
		my ($set) = @_;
		return Martlet->new(zone_files => $set->{dir}, config => {
			workers => { count => 1, cpus => [server_cpu()] }, log => { level => 'warning' },
			zones => { dir => $set->{dir} }, dns => { rcvbuf_kb => 4096 } });
	},
	gdnsd => sub { BenchServer->new('gdnsd', %{ $_[0] }) },
	nsd => sub { Martlet::Peer->new('nsd', zone_files => $_[0]{zones}) },
	knot => sub { Martlet::Peer->new('knot', zone_files => $_[0]{zones}) },
);
my %program = (knot => 'knotd', echo => "$Martlet::BUILD/t/bench/echo", martlet => Martlet::martletd());

sub is_here {
	my ($name) = @_;
	my $program = $program{$name} // $name;
	return $program =~ m{/} ? -x $program : find_program($program);
}

# Does the answer fit the load?  returns the share, in percent.
sub right {
	my ($load, $r) = @_;
	my %right = (
		hit => $r->{with_answer},
		nx => $r->{rcodes}{NXDOMAIN} // 0,
		nodata => ($r->{rcodes}{NOERROR} // 0) - $r->{with_answer},
		mixed => ($r->{rcodes}{NOERROR} // 0) + ($r->{rcodes}{NXDOMAIN} // 0),
	);
	return $r->{answered} ? 100 * $right{$load} / $r->{answered} : 0;
}

sub measure {
	my ($server, $load, $queries) = @_;
	my @pids = (tree($server->pid), delivers());
	my $before = cpu_ns(@pids);
	my $r = flood($server, $queries, $seconds);
	my $spent = cpu_ns(@pids) - $before;

	return { us => $r->{answered} ? $spent / 1e3 / $r->{answered} : 9e9,
		kqps => $r->{answered} / $r->{seconds} / 1e3, lost => $r->{lost}, right => right($load, $r),
		map { $_ => sprintf '%.0f', $r->{latency_us}{$_} } qw(p50 p99) };
}

# The program that counts instructions; undef where there is none, or no counter.
sub counts_instructions {
	state $perf = do {
		my $found = find_program('perf');
		my $text = $found ? `$found stat -x, -e instructions:u true 2>&1` : '';
		$text =~ /^\d+,.*instructions/m ? $found : undef;
	};
	return $perf;
}

# User instructions a query; undef where they cannot be counted.
sub instructions {
	my ($server, $queries) = @_;
	my $perf = counts_instructions() or return;
	my $out = File::Temp->new;
	my $pids = join ',', tree($server->pid);
	my $pid = fork // return;

	if (!$pid) {
		open STDERR, '>', '/dev/null';
		exec $perf, qw(stat -x; -e instructions:u -o), "$out", '-p', $pids, 'sleep', $seconds + 1
		  or POSIX::_exit(127);
	}
	select undef, undef, undef, 0.3;
	my $r = flood($server, $queries, $seconds);
	waitpid $pid, 0;
	# "<not supported>" where the machine shows no counters
	my ($count) = read_file("$out") =~ /^(\d+);.*instructions/m;
	return $count && $r->{answered} ? $count / $r->{answered} : undef;
}

my (@columns, %ratio);

sub table {
	my ($set, $load, $up) = @_;
	my %runs;

	for my $round (1 .. $rounds) {
		push @{ $runs{$_} }, measure($up->{$_}, $load, $set->{queries}{$load})
		  for grep { $up->{$_} } @servers;
	}
	printf "\n%s, %s\n", $set->{name}, $load;
	printf "%-8s %9s %9s %8s %8s %9s %11s %7s %6s\n", 'server', 'us CPU/q', '(median)', 'to echo',
	  'kqps', 'instr/q', 'p50/p99 us', 'right %', 'lost';
	my $floor = $runs{echo} ? best('us', @{ $runs{echo} })->{us} : undef;
	push @columns, "$set->{name} $load";
	for my $name (grep { $runs{$_} } @servers) {
		my @all = @{ $runs{$name} };
		my $best = best('us', @all);
		my $instructions = instructions($up->{$name}, $set->{queries}{$load});
		my ($lost) = sort { $b <=> $a } map { $_->{lost} } @all;
		$ratio{$name}{"$set->{name} $load"} = $best->{us} / $floor if $floor;
		printf "%-8s %9.3f %9.3f %8s %8.0f %9s %11s %7s %6d\n", $name, $best->{us},
		  median(map { $_->{us} } @all), $floor ? sprintf('%.2f', $best->{us} / $floor) : '-',
		  (sort { $b <=> $a } map { $_->{kqps} } @all)[0],
		  defined $instructions ? sprintf('%.0f', $instructions) : '-', "$best->{p50}/$best->{p99}",
		  $name eq 'echo' ? '-' : sprintf('%.2f', $best->{right}), $lost;
	}
	return;
}

my @absent = grep { !is_here($_) } @servers;
print "not installed: @absent\n" if @absent;
@servers = grep { is_here($_) } @servers;
$| = 1;
my $begun = time;

printf "%s, best of %d runs of %g s\n", host(), $rounds, $seconds;
printf "about %.0f minutes; BENCH_ROUNDS=1 is shorter, BENCH_SETS, BENCH_LOADS and BENCH_SERVERS choose\n",
  1 + @sets * (20 + @loads * @servers * ($rounds * ($seconds + 0.1) +
	(counts_instructions() ? $seconds + 1 : 0))) / 60;

for my $name (@sets) {
	my $tmp = File::Temp->newdir('martlet-bench-XXXXXX', TMPDIR => 1);
	my $set = BenchZones::make($name, $tmp->dirname);
	my %up;

	printf "\n== %s: %d zones, %d records\n", $name, scalar keys %{ $set->{zones} }, $set->{records};
	stay_on('server');
	for my $server (@servers) {
		$up{$server} = eval { $start{$server}->($set) } or print "$server does not start: $@";
	}
	stay_on('all');
	table($set, $_, \%up) for @loads;
	$_->stop for grep { defined } values %up;
}

# All ratios at a glance.
if (%ratio) {
	print "\nCPU time a query as a ratio to echo\n";
	printf "%-22s%s\n", 'set, load', join '', map { sprintf '%9s', $_ } grep { $ratio{$_} } @servers;
	for my $column (@columns) {
		printf "%-22s%s\n", $column, join '', map {
			defined $ratio{$_}{$column} ? sprintf('%9.2f', $ratio{$_}{$column}) : sprintf('%9s', '-') }
		  grep { $ratio{$_} } @servers;
	}
}
printf "\ntook %d s\n", time - $begun;
