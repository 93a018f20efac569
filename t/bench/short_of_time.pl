#!/usr/bin/perl
# One of 101 zones is asked for three times what can be answered, where an answer, but not
# what is received, takes BENCH_ANSWER_US (5) longer (t/slow/): what the others get, with
# isolation and without.  Part of `make bench`.
#
# One worker on the first CPU, all senders on the second.  BENCH_SECONDS (5) each.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/../lib";

use BenchFlood qw(from_client host server_cpu stay_on);
use FloodTool;
use Martlet;
use Martlet::Process qw(write_file);

use constant { ZONES => 100, OTHERS => 1000, OVER => 3 };

my $seconds = $ENV{BENCH_SECONDS} // 5;
$ENV{MARTLET_ANSWER_NS} = 1000 * ($ENV{BENCH_ANSWER_US} // 5);

my $zone = "\@ 3600 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\n";
stay_on('server');
my $m = Martlet->new(program => 't/slow/martletd', zones => { map { ("z$_.test" => $zone) } 0 .. ZONES },
	config => { workers => { count => 1, cpus => [server_cpu()] }, dns => { rcvbuf_kb => 4096 } });
stay_on('all');
my $others = write_file("$m->{dir}/others", map {"www.z$_.test A\nno.z$_.test A\n"} 1 .. ZONES);

sub start {
	my ($through, @args) = @_;
	local @FloodTool::through = from_client(@$through);
	return FloodTool::flood_start('-p', $m->port, '--give-up', 0, @args);
}

sub row {
	my ($name, $rate) = @_;
	my ($flood, $rest);
	my $counted = $m->counted(sub {
			my $load = start(['nice', '-n', 10], '-r', 'z0.test', '-Q', $rate, '-l', $seconds + 0.5);
			$rest = FloodTool::flood_end(start([], '-d', $others, '-Q', OTHERS, '-l', $seconds));
			$flood = FloodTool::flood_end($load) });
	printf "%-18s %9.0f %9.0f %9d %9d %9.2f\n", $name, $flood->{sent} / ($seconds + 0.5),
	  $flood->{answered} / ($seconds + 0.5), $counted->{isolation_shed_absent} // 0,
	  $counted->{udp_socket_drops} // 0, 100 * $rest->{answered} / $rest->{sent};
	return;
}

$| = 1;
my $most = FloodTool::flood_end(start([], '-r', 'z0.test', '-c', 4, '-l', 2));
my $rate = int OVER * $most->{answered_qps};
printf "%s, %g s each, %.0f q/s can be answered, %d for the others\n", host(), $seconds, $most->{answered_qps}, OTHERS;
printf "%-18s %9s %9s %9s %9s %9s\n", '', 'sent /s', 'answered', 'shed', 'drops', 'others %';
row('isolation', $rate);
$m->write_config({ limit => { isolation => \0 } });
die "the configuration is not taken\n" if ($m->ctl('reload'))[0];
row('without isolation', $rate);
$m->stop;
