#!/usr/bin/perl
# Workers killed with SIGKILL under load: at most the batch in hand is lost each time,
# what waited in the sockets is answered by the next worker, counters never step back.
#
# make soak asks for the full form: MARTLET_RATE=20000 MARTLET_KILLS=20.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll);
use Martlet::Wire qw(encode_query);
use SteadyZone qw(steady_zones steady_start steady_end);
use Test::More;

my $rate  = $ENV{MARTLET_RATE}  // 5000;
my $kills = $ENV{MARTLET_KILLS} // 3;
my $batch = 64;

# the third within a second each is an error, and backs off: the neighbour serves
my $DEATH = qr/^(?:warning|error): master: worker \d+ .*killed by signal 9/;

# Counters of `now` that are below those of `before`.
sub stepped_back {
	my ($before, $now) = @_;
	# levels and percentiles go up and down
	return grep { !/^tcp_open$|^latency_/ && ($before->{$_} // '') =~ /^\d+$/
		&& $now->{$_} < $before->{$_} } sort keys %$before;
}

# Kill worker `id`; wait until another process serves in its place.
sub kill_worker {
	my ($m, $id) = @_;
	my ($worker) = grep { $_->{id} == $id } $m->workers;
	my ($pid, $restarts) = @$worker{qw(pid restarts)};

	kill 'KILL', $pid;
	return poll(5, sub {
		my ($now) = grep { $_->{id} == $id } $m->workers;
		return $now->{pid} && $now->{pid} != $pid && $now->{restarts} == $restarts + 1;
	});
}

{
	my $m = Martlet->new(zones => steady_zones(1), config => { dns => { rcvbuf_kb => 4096 } });
	my $load = steady_start($m, $rate, 3600);
	my $before = $m->counters;
	my ($restarted, @back) = (0);

	$m->expect_log($DEATH);
	for my $n (1 .. $kills) {
		# let some load pass before each
		my $seen = $m->counters->{udp_queries};
		poll(10, sub { $m->counters->{udp_queries} > $seen + $rate / 4 });
		$restarted++ if kill_worker($m, $n % 2);
		my $zones = steady_zones($n + 1);
		$m->write_zone($_, $zones->{$_}) for keys %$zones;
		my ($exit) = $m->ctl('reload');
		is($exit, 0, "kill $n: a reload behind it succeeds");
		my $now = $m->counters;
		push @back, stepped_back($before, $now);
		$before = $now;
	}
	is($restarted, $kills, "$kills workers killed, another in the place of each");
	is_deeply(\@back, [], 'no counter stepped back');
	my $figures = steady_end($load, 1);
	cmp_ok($figures->{lost}, '<=', $batch * $kills,
		"$figures->{lost} of $figures->{sent} queries lost, a batch each time at most");
	is($figures->{wrong}, 0, 'no answer was wrong');
	my $total = 0;
	$total += $_->{restarts} for $m->workers;
	is($total, $kills, 'restarts are counted');
	# answers may be lost with the worker, their counts with them; not much else
	my $counters = $m->counters;
	cmp_ok($counters->{udp_queries}, '>=', $figures->{answered} - $batch * $kills,
		'queries are counted across restarts');
	$m->stop;
}

# One worker that is stopped first, so that what waits in its sockets is known.
{
	my $m = Martlet->new(
		zones => steady_zones(7),
		config => { workers => { count => 1 }, dns => { rcvbuf_kb => 4096 } });
	my ($worker) = $m->workers;
	my (@udp, @tcp);

	$m->expect_log($DEATH);
	kill 'STOP', $worker->{pid};
	for my $id (1 .. 50) {
		my $socket = $m->udp_socket;
		send $socket, encode_query('gen.steady.test', 'TXT', id => $id), 0;
		push @udp, $socket;
	}
	for my $id (1 .. 5) {
		my $socket = $m->tcp_socket;
		$m->tcp_write($socket, encode_query('gen.steady.test', 'TXT', id => $id));
		push @tcp, $socket;
	}
	kill 'KILL', $worker->{pid};
	my $answers = 0;
	for my $socket (@udp) {
		my $response;
		next unless Martlet::Ask::_readable($socket, Time::HiRes::time() + 10);
		recv $socket, $response, 65535, 0;
		my $answer = Martlet::Answer->new($response);
		$answers++ if ($answer->text('answer'))[0] =~ /g=7 1/;
	}
	is($answers, 50, 'all 50 queries that waited are answered by the next worker');
	my $streams = grep { defined $m->tcp_read($_) } @tcp;
	is($streams, 5, 'and all 5 TCP connections');
	$m->stop;
}

done_testing();
