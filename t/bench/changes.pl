#!/usr/bin/perl
# What a query costs while zones change in Redis: part of `make bench`.
#
#	perl t/bench/changes.pl [ZONES [RECORDS [RATE]]]
#
# ZONES (100,000) zones of RECORDS (10) records are read from a redis-server of its own and
# asked for at random, first as they are, then while RATE (1,000) labels a second of random
# zones change, each with an entry of the change stream.  CPU time is that of the one worker
# and of the kernel thread that delivers for it, as a ratio to `echo`, turn by turn; see
# t/bench/compare.pl.  `cost` is that ratio over the one without changes.  Redis, the writer
# and sync share the CPUs with both.
#
# BENCH_LOADS (hit,nx), BENCH_ROUNDS (5), BENCH_SECONDS (1) choose.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/../lib";

use BenchFlood qw(best cpu_ns delivers flood host server_cpu stay_on);
use BenchServer;
use Martlet;
use Martlet::Process qw(find_program poll);
use Martlet::Redis;
use POSIX ();
use Time::HiRes qw(sleep time);

use constant { QUERIES => 50_000, TICK_S => 0.005, AHEAD => 500 };

my ($zones, $records, $rate) = @ARGV;
$zones   //= 100_000;
$records //= 10;
$rate    //= 1000;
my @loads   = split /,/, $ENV{BENCH_LOADS} // 'hit,nx';
my $rounds  = $ENV{BENCH_ROUNDS}  // 5;
my $seconds = $ENV{BENCH_SECONDS} // 1;

sub key { return "redins:zones:z$_[0].bulk.test." }

sub address { return sprintf '{"a":{"ttl":300,"records":[{"ip":"%s"}]}}', join '.', 10, unpack 'x C3', pack 'N', $_[0] }

# Each zone has an NS, and addresses at w2, w3, ...
sub fill {
	my ($redis) = @_;
	my $client = $redis->new_client;
	my $ns = '{"ns":{"ttl":300,"records":[{"host":"ns.test."}]}}';

	for (my $first = 0; $first < $zones; $first += AHEAD) {
		my @some = grep { $_ < $zones } $first .. $first + AHEAD - 1;
		$client->pipeline(map {
			my $n = $_;
			['SADD', 'redins:zones', "z$n.bulk.test."],
			['SET', key($n) . ':config', '{"soa":{"ttl":300}}'],
			['HSET', key($n), '@', $ns, map { ("w$_", address($n + $_)) } 2 .. $records - 1] } @some);
	}
	return;
}

sub write_queries {
	my ($dir, $load) = @_;
	my $path = "$dir/$load.txt";

	open my $out, '>', $path or die "$path: $!\n";
	for (1 .. QUERIES) {
		my $label = $load eq 'hit' ? 'w' . (2 + int rand $records - 2)
		  : 'zz-' . join '', map { chr 97 + rand 26 } 1 .. 12;
		printf {$out} "%s.z%d.bulk.test A\n", $label, int rand $zones;
	}
	close $out or die "$path: $!\n";
	return $path;
}

# `rate` changes a second, evenly, until it is killed; a process of its own.
sub start_writer {
	my ($redis) = @_;
	my $pid = fork // die "fork: $!\n";

	return $pid if $pid;
	my $client = $redis->new_client;
	my ($sent, $begun) = (0, time);
	while (getppid() != 1) {
		my $due = int((time - $begun) * $rate) + 1;
		my @sets;
		for (; $sent < $due; $sent++) {
			my ($n, $label) = (int rand $zones, 'w' . (2 + int rand $records - 2));
			push @sets, ['MULTI'], ['HSET', key($n), $label, address($sent)],
			  ['XADD', 'martlet:changes', '*', 'zone', "z$n.bulk.test.", 'label', $label], ['EXEC'];
		}
		$client->pipeline(@sets) if @sets;
		sleep TICK_S;
	}
	POSIX::_exit(0);
}

sub stop_writer {
	my ($pid) = @_;
	kill 'KILL', $pid;
	waitpid $pid, 0;
	return;
}

sub measure {
	my ($server, $queries, @pids) = @_;
	my $before = cpu_ns(@pids, delivers());
	my $r = flood($server, $queries, $seconds);
	my $spent = cpu_ns(@pids, delivers()) - $before;

	return { us => $r->{answered} ? $spent / 1e3 / $r->{answered} : 9e9,
		right => $r->{answered} ? 100 * (($r->{rcodes}{NXDOMAIN} // 0) + $r->{with_answer}) / $r->{answered} : 0,
		lost => $r->{lost} };
}

my (%up, %path, %calm);

sub row {
	my ($load) = @_;
	my $entries = $up{martlet}->counters->{redis_entries};
	my $begun = time;
	my (@echo, @martlet);

	for (1 .. $rounds) {
		push @echo, measure($up{echo}, $path{$load}, $up{echo}->pid);
		push @martlet, measure($up{martlet}, $path{$load}, map { $_->{pid} } $up{martlet}->workers);
	}
	my ($echo, $martlet) = (best('us', @echo), best('us', @martlet));
	my $took = time - $begun;
	my $applied = $up{martlet}->counters->{redis_entries} - $entries;
	my $ratio = $martlet->{us} / $echo->{us};
	$calm{$load} //= $ratio;
	printf "%-5s %9.0f %9d %9.3f %9.3f %8.2f %8.2f %8.2f %5d\n", $load,
	  $applied / $took, $up{martlet}->ctl('status')->{overlay_records},
	  $echo->{us}, $martlet->{us}, $ratio, $ratio / $calm{$load}, $martlet->{right}, $martlet->{lost};
	return;
}

$| = 1;
if (!find_program('redis-server')) {
	print "not installed: redis-server\n";
	exit 0;
}
my $redis = Martlet::Redis->new;
fill($redis);
stay_on('server');
$up{echo} = BenchServer->new('echo');
stay_on('all');
$up{martlet} = Martlet->new(config => {
	workers => { count => 1, cpus => [server_cpu()] }, log => { level => 'warning' },
	dns => { rcvbuf_kb => 4096 }, redis => $redis->settings(notifications => \0) });
my $last = sprintf 'w%d.z%d.bulk.test', $records - 1, $zones - 1;
poll(60, sub { my $reply = $up{martlet}->ask($last, 'A'); $reply && $reply->rcode eq 'NOERROR' })
  or die "the zones are not served\n";
$path{$_} = write_queries($up{martlet}->dir, $_) for @loads;

printf "%s, best of %d runs of %g s; %d zones of %d records\n", host(), $rounds, $seconds, $zones, $records;
printf "%-5s %9s %9s %9s %9s %8s %8s %8s %5s\n", 'load', 'changes/s', 'overlay', 'echo us', 'us CPU/q',
  'to echo', 'cost', 'right %', 'lost';
row($_) for @loads;
my $writer = start_writer($redis);
row($_) for @loads;
stop_writer($writer);
$_->stop for @up{qw(martlet echo)}, $redis;
