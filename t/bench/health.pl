#!/usr/bin/perl
# What health checks cost: CPU time of the prober, with so many targets of each kind (5,000 of
# TCP, 5,000 of plain HTTP) at an interval of 10 s, and the latency of queries meanwhile.
#
#	perl t/bench/health.pl [TARGETS [SECONDS]]

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/../lib";

use Martlet;
use Martlet::Process qw(free_port poll);
use Martlet::Redis;
use Martlet::RedisZones;
use POSIX ();
use Time::HiRes qw(sleep time);

my ($count, $seconds) = ($ARGV[0] // 10000, $ARGV[1] // 20);
my $port = 0 + free_port();
my $pid = fork // die "fork: $!\n";
if (!$pid) {
	no warnings 'exec';
	exec 'nice', '-n', 10, "$Martlet::BUILD/t/bench/http_targets", $port; # they are elsewhere otherwise
	POSIX::_exit(1);
}
END { local $?; if ($pid) { kill 'KILL', $pid; waitpid $pid, 0 } }

my %labels = ('@' => { ns => { ttl => 60, records => [{ host => 'ns.hc.test.' }] } });
for my $i (0 .. $count - 1) {
	my $ip = sprintf '127.%d.%d.%d', 1 + ($i >> 16), $i >> 8 & 255, $i & 255;
	$labels{"h$i"} = { a => { ttl => 5, records => [{ ip => $ip }],
		health_check => { enable => \1, protocol => $i % 2 ? 'tcp' : 'http', port => $port } } };
}
my $redis = Martlet::Redis->new;
my $zones = Martlet::RedisZones->new;
$zones->load($redis, { 'hc.test' => { config => { soa => {} }, labels => \%labels } });
my $m = Martlet->new(config => { redis => $redis->settings($zones->settings),
	health => { enable => \1, deny => [] } });
# a Redis as it comes, and gone before the server
$m->expect_log(qr{notify-keyspace-events}, qr{has closed the connection});
sub health { return (($m->ctl('status'))[1])->{health} }
poll(30, sub { health()->{up} >= $count }) or die 'not all are up: ' . health()->{up} . "\n";

sub cpu_s {
	my ($process) = @_;
	open my $in, '<', "/proc/$process/stat" or die "$process: $!\n";
	my @fields = split ' ', <$in> =~ s/^.*[)] //r;
	return ($fields[11] + $fields[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub p99_us {
	my @took;
	for (1 .. 2000) {
		my $begun = time;
		$m->ask('h1.hc.test', 'A');
		push @took, time - $begun;
		sleep 0.001;
	}
	return (sort { $a <=> $b } @took)[1980] * 1e6;
}

my $prober = health()->{pid};
my ($cpu, $probes, $begun) = (cpu_s($prober), health()->{probes}, time);
sleep $seconds;
my $took = time - $begun;
$probes = health()->{probes} - $probes;
printf "%d targets, half TCP, half HTTP: %.0f probes/s, %.1f %% of a core, %.0f us a probe\n", $count, $probes / $took,
  100 * (cpu_s($prober) - $cpu) / $took, 1e6 * (cpu_s($prober) - $cpu) / $probes;
my $during = p99_us();
kill 'STOP', $prober;
my $quiet = p99_us();
kill 'CONT', $prober;
printf "p99 of a query: %.0f us while they are probed, %.0f us without\n", $during, $quiet;
