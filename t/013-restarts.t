#!/usr/bin/perl
# Children that die or hang: what a client sees, and what the operator does.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Select;
use IO::Socket::INET;
use Martlet;
use Martlet::Control;
use Martlet::Process qw(children_of find_program poll read_file slow);
use Martlet::Wire qw(encode_query);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

# children are to die of their signals, whatever a sanitizer would make of them
$ENV{ASAN_OPTIONS} = join ':', 'handle_segv=0:handle_sigbus=0:handle_abort=0', $ENV{ASAN_OPTIONS} // ();

my $ZONE = "\@ 3600 IN SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n";
my $m = Martlet->new(zones => { 'example.com' => $ZONE });

sub control {
	my (@args) = @_;
	my ($status, $json) = Martlet::Control::ask($m->control_socket, @args);
	return wantarray ? ($status, $json) : $json;
}
sub workers { return @{ control('workers')->{workers} } }
sub serving { return poll(20, sub { 2 == grep { $_->{state} eq 'serving' } workers() }) }

# Queries from `count` ports, so that each worker gets some.
sub send_queries {
	my ($count) = @_;
	return map {
		my $socket = IO::Socket::INET->new(Proto => 'udp', PeerAddr => $m->address,
			PeerPort => $m->port) or die "socket: $!\n";
		$socket->send(encode_query('ns.example.com', 'A', id => $_));
		$socket;
	} 1 .. $count;
}

sub count_answers {
	my ($seconds, @sockets) = @_;
	my $end = time + $seconds * slow();
	my $answers = 0;
	for my $socket (@sockets) {
		my $left = $end - time;
		next unless IO::Select->new($socket)->can_read($left > 0 ? $left : 0);
		$answers++ if defined $socket->recv(my $octets, 4096);
	}
	return $answers;
}

# killed with queries in its queue
{
	is(count_answers(5, send_queries(20)), 20, 'all is well');
	my $before = control('stats');
	my @old = workers();
	$m->expect_log(qr/warning: master: worker \d \(pid \d+\) died after .*started again/);
	kill 'STOP', map { $_->{pid} } @old;
	my @sockets = send_queries(40);
	kill 'KILL', map { $_->{pid} } @old;
	is(count_answers(5, @sockets), 40, 'what waited for killed workers is answered by the next');
	like($m->log, qr/worker 0 \(pid $old[0]{pid}\) died after \d+\.\d s: killed by signal 9/,
		'the log has pid, age and signal');
	ok(serving(), 'both serve again');
	my @new = workers();
	isnt($new[$_]{pid}, $old[$_]{pid}, "worker $_ is another process") for 0, 1;
	is($new[$_]{restarts}, 1, "worker $_ counts it") for 0, 1;
	is($new[$_]{cpu}, $old[$_]{cpu}, "worker $_ is on its CPU") for 0, 1;
	my $after = control('stats');
	is(scalar(grep { ($after->{$_} // 0) < ($before->{$_} // 0) } grep { !ref $before->{$_} && !/latency|tcp_open/ }
		keys %$before),
		0, 'no counter has stepped back');
	cmp_ok($after->{udp_queries}, '>=', $before->{udp_queries} + 40, 'and the sum goes on');
	is($after->{restarts}, $before->{restarts} + 2, 'restarts are counted');
}

# crashes
for my $signal ([SEGV => 'Segmentation fault'], [ABRT => 'Aborted'], [BUS => 'Bus error']) {
	my ($worker) = workers();
	my $pid = $worker->{pid};
	$m->expect_log(qr/worker 0 \(pid \d+\) died after/);
	# quick deaths in a row make it back off
	ok(poll(20, sub { (workers())[0]{uptime_s} >= 1 }), 'a worker has run for a while');
	kill 'STOP', $pid;
	my @sockets = send_queries(20);
	kill $signal->[0], $pid;
	kill 'CONT', $pid;
	is(count_answers(5, @sockets), 20, "one dies by SIG$signal->[0]: what waited for it is answered");
	ok($m->wait_log(qr/worker 0 \(pid $pid\) died after \d+\.\d s: killed by signal \d+ \($signal->[1]\)/), 'the log names the signal');
	ok(serving(), 'it serves again');
}

# hangs: the loop stands still while queries wait
{
	my ($worker) = workers();
	$m->expect_log(qr/error: master: worker 0 \(pid \d+\) has stood still/);
	kill 'STOP', $worker->{pid};
	my $begun = time;
	my @sockets = send_queries(20);
	is(count_answers(6, @sockets), 20, 'queries for a worker that hangs are answered late');
	cmp_ok(time - $begun, '>', 1.9, 'after it has stood still for 2 s');
	like($m->log, qr/has stood still for 2\.\d s while queries wait: killed/, 'as the log says');
	like($m->log, qr/killed; it was in \S+, syscall .+, kernel stack \S/, 'and where it stood');
	is(control('stats')->{hung_workers}, 1, 'and the counter');
	ok(serving(), 'it serves again');
}

# gets no CPU, which another process would not get either; takes a CPU for some seconds
SKIP: {
	skip 'MARTLET_SOAK is not set', 5 unless $ENV{MARTLET_SOAK};
	skip 'needs root and chrt', 5 if $> != 0 || !find_program('chrt');
	my ($worker) = workers();
	my $before = control('stats');
	$m->expect_log(qr/warning: master: worker 0 \(pid \d+\) has had no CPU time for \d/);
	my @hogs = map { my $pid = fork // die "fork: $!\n";
		if (!$pid) { setpriority 0, 0, -20; 1 while getppid != 1; POSIX::_exit(0) }
		system('taskset', '-pc', $worker->{cpu}, $pid);
		$pid } 1 .. 3;
	is(system('chrt', '-i', '-p', 0, $worker->{pid}), 0, 'a worker comes last on its CPU');
	my @sockets = send_queries(20);
	ok(poll(15, sub { control('stats')->{starved_processes} > $before->{starved_processes} }), 'starved: it is told');
	is(count_answers(0.1, @sockets) < 20 && control('stats')->{hung_workers}, $before->{hung_workers}, 'not killed');
	kill 'KILL', @hogs;
	waitpid $_, 0 for @hogs;
	is((workers())[0]{pid}, $worker->{pid}, 'it lives on');
	system('chrt', '-o', '-p', 0, $worker->{pid});
	cmp_ok(count_answers(5, @sockets), '>', 0, 'and answers');
}

# dies at once, again and again: backs off, and its neighbour serves its sockets
{
	$m->expect_log(qr/error: master: worker 1 \(pid \d+\) died .*\d times in a row/);
	my $state = '';
	my $last = 0;
	ok(poll(30, sub {
		my $worker = (workers())[1];
		$state = $worker->{state};
		kill 'KILL', $last = $worker->{pid} if $worker->{pid} && $worker->{pid} != $last;
		$state eq 'backoff';
	}), 'three quick deaths in a row: it backs off');
	is((workers())[1]{pid}, undef, 'no process');
	my ($status, $json) = control('status');
	is($status, 1, 'status is an alarm');
	like("@{ $json->{problems} }", qr/worker 1 died 3 times in a row/, 'that says why');
	is((control('ready'))[0], 0, 'but the server is ready');
	is(count_answers(3, send_queries(40)), 40, 'all queries are answered by its neighbour');
	my $tcp = grep { $m->ask('ns.example.com', 'A', tcp => 1) } 1 .. 10;
	is($tcp, 10, 'over TCP too');
	ok(serving(), 'it is tried again, and serves');
	is((control('status'))[0], 0, 'the alarm is over');
	like($m->log, qr/started again in 1\.0 s; a neighbour serves its sockets/, 'the log says so');
}

# all of them: the last one does not wait long
{
	$m->expect_log(qr/died .*\d times in a row/);
	my %killed;
	ok(poll(30, sub {
		for my $worker (workers()) {
			kill 'KILL', $worker->{pid} if $worker->{pid} && !$killed{ $worker->{pid} }++;
		}
		$m->log =~ /no other worker runs/;
	}), 'quick deaths of all workers');
	like($m->log, qr/started again in 0\.1 s; no other worker runs/, 'one is tried at once');
	is(count_answers(3, send_queries(40)), 40, 'and serves all sockets');
	ok(serving(), 'until all serve again');
}

# sync
{
	my ($sync) = map { $_->[1] } grep { $_->[0] eq 'sync' } children_of($m->pid);
	ok($sync, 'sync runs');
	$m->expect_log(qr/warning: master: sync \(pid \d+\) died/);
	$m->write_zone('example.com', "$ZONE\nnew A 192.0.2.2\n");
	kill 'STOP', $sync;
	my $peer = Martlet::Control->new($m->control_socket);
	my $other = Martlet::Control->new($m->control_socket);
	$peer->request('reload');
	$other->request('rollback');
	ok(!poll(0.05, sub { $peer->is_answered || $other->is_answered }), 'two requests wait for it');
	my $told = qr/sync \(pid $sync\) has stood still for \d+ s, .*`kill -KILL $sync`/;
	ok(poll(10, sub { "@{ control('status')->{problems} }" =~ $told }), 'hung: status tells, and the cure');
	is($m->ask('example.com', 'SOA')->rcode, 'NOERROR', 'clients see nothing');
	is((control('ready'))[0], 0, 'nor does ready');
	kill 'KILL', $sync;
	is($m->ask('example.com', 'SOA')->rcode, 'NOERROR', 'killed: clients see nothing');
	is(($peer->reply)[0], 0, 'a reload is done by the next one');
	my ($status, $json) = $other->reply;
	is($status, 1, 'a rollback is not done twice');
	like($json->{error}, qr/sync ended while it worked on this/, 'and told so');
	is($m->ask('new.example.com', 'A')->rcode, 'NOERROR', 'and served');
	like($m->log, qr/sync \(pid $sync\) died after .*started again/, 'the log says so');
	is((control('status'))[0], 0, 'and all is well');
	for my $signal ([SEGV => 'Segmentation fault'], [ABRT => 'Aborted']) {
		my ($pid) = map { $_->[1] } grep { $_->[0] eq 'sync' } children_of($m->pid);
		kill $signal->[0], $pid;
		ok(poll(10, sub { $m->log =~ /sync \(pid $pid\) died after .*: killed by signal \d+ \($signal->[1]\)/ }),
			"sync dies by SIG$signal->[0]: the log names the signal");
		is((control('reload'))[0], 0, 'another one works');
	}
}

# a clerk: killed, crashed, hung with a peer that goes away
{
	my $clerk = sub { my ($c) = map { $_->[1] } grep { $_->[0] eq 'clerk' } children_of($m->pid); return $c };
	my $large = "$ZONE\n" . join '', map { "n$_ TXT \"@{[ 'x' x 200 ]}\"\n" } 1 .. 5000;
	$m->write_zone('large.test', $large);
	is((control('reload'))[0], 0, 'a large zone');
	$m->expect_log(qr/clerk \(pid \d+\) died/);
	for my $signal (qw(KILL SEGV)) {
		my $peer = Martlet::Control->new($m->control_socket);
		$peer->request('export', 'large.test');
		my $pid = poll(10, $clerk);
		kill $signal, $pid;
		ok($m->wait_log(qr/clerk \(pid $pid\) died: killed by signal/), "a clerk dies by SIG$signal: told");
		is(($peer->reply)[0] // 1, 1, 'its peer hears of a failure');
	}
	my $peer = Martlet::Control->new($m->control_socket);
	$peer->request('export', 'large.test');
	my $pid = poll(10, $clerk);
	kill 'STOP', $pid;
	is((control('errors'))[0], 0, 'one hangs: others work');
	undef $peer;
	ok(poll(10, sub { !kill 0, $pid }), 'it is ended when its peer goes');
	is((control('zones', 'large.test'))[0], 0, 'all is well');
	$m->remove_zone('large.test');
	is((control('reload'))[0], 0, 'the zone goes again');
}

# the master
{
	my @children = map { $_->[1] } children_of($m->pid);
	is(scalar @children, 4, 'four children');
	is_deeply([ sort map { read_file("/proc/$_/cmdline") =~ /([^\0]*)/ } @children ],
		[ map { "martletd: $_" } 'signer', 'sync', 'worker 0', 'worker 1' ], 'ps shows which is which');
	kill 'STOP', @children[0, 1];
	kill 'KILL', $m->pid;
	ok(poll(5, sub { !grep { kill 0, $_ } @children }), 'killed: all children end, those that hang too');
	poll(5, sub { !$m->running });
	$m->start;
	is($m->ask('new.example.com', 'A')->rcode, 'NOERROR', 'a new one serves the same');
	$m->stop;
}

done_testing();
