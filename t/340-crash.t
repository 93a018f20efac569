#!/usr/bin/perl
# Killed in the middle of anything, the store opens, and what is served is one whole
# state: the master with all its children at any moment of a reload or swap, and sync
# alone under a running server.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll read_file);
use SteadyZone qw(steady_zones);
use Test::More;
use Time::HiRes qw(sleep time);

my $crashes = $ENV{MARTLET_CRASHES} // 8;
my $names   = 20000;
my $state   = 1;

my $m = Martlet->new(
	zones => steady_zones($state, $names),
	config => { generations => { reserve_mb => 1 } });

sub write_state {
	my $zones = steady_zones(++$state, $names);
	$m->write_zone($_, $zones->{$_}) for keys %$zones;
	return;
}

# The number of the state that all parts of some answers agree on; 0 when they do not.
sub served {
	my %seen;
	my $name = 'n' . int(1 + rand $names) . '.steady.test';
	for my $answer (map { $m->ask(@$_) } ['gen.steady.test', 'TXT'], ['cross.steady.test', 'A'],
		[$name, 'A'], ['mx.steady.test', 'MX']) {
		return 0 unless $answer && $answer->rcode eq 'NOERROR';
		my @numbers = map { /g=(\d+) / || /CNAME v(\d+)/ || /MX (\d+)/ ? $1 : () } $answer->text('answer');
		$seen{$_} = 1 for @numbers;
	}
	my @states = keys %seen;
	return @states == 1 ? $states[0] : 0;
}

sub leftovers { return my @left = glob $m->state_dir . '/generations/*.tmp' }

# How long a reload takes here, so that the crashes spread over all of it.
write_state();
my $before = time;
my ($exit) = $m->ctl('reload');
is($exit, 0, 'a reload');
my $reload_s = time - $before;

for my $n (1 .. $crashes) {
	my $old = $state;
	write_state();
	kill 'HUP', $m->pid;
	sleep $reload_s * 1.2 * ($n - 0.5) / $crashes;
	$m->kill_now;
	ok(-l $m->state_dir . '/current', "crash $n: there is a current generation");
	$m->start;
	ok(poll(10, sub { served() == $state }), "crash $n: the last state of the files is served")
	  or diag("served: " . served() . ", not $state; before $old");
	ok(poll(5, sub { !leftovers() }), "crash $n: nothing half-built is left");
}

# With a chosen generation, that one is served again, not the files'.
write_state();
my $dir = $m->dir . '/build';
is(($m->ctl_text('-c', $m->config_path, 'build', $dir))[0], 0, 'build')
  or diag($m->{ctl_stderr});
my $chosen = $state;
write_state();
is(($m->ctl('reload'))[0], 0, 'reload');
is(($m->ctl('swap', $dir))[0], 0, 'swap');
$m->kill_now;
$m->start;
is(served(), $chosen, 'what was chosen stays across a crash');
is(($m->ctl('resume'))[0], 0, 'resume');
is(served(), $state, 'and ends with resume');

# The name of a process; the pid of the one called `name`.
sub child {
	my ($name) = @_;
	for my $path (glob '/proc/[0-9]*/stat') {
		my ($pid, $comm, $parent) = read_file($path) =~ /^(\d+) \((.*)\) \S (\d+)/s or next;
		return $pid if $parent == $m->pid && $comm eq $name;
	}
	return 0;
}

$m->expect_log(qr/^(?:warning|error): master: sync .*killed by signal 9/);
for my $n (1 .. 3) {
	my $sync = child('sync');
	write_state();
	kill 'HUP', $m->pid;
	sleep $reload_s * $n / 4;
	kill 'KILL', $sync;
	isnt(served(), 0, "sync killed $n: workers go on");
	ok(poll(10, sub { my $pid = child('sync'); $pid && $pid != $sync }),
		"sync killed $n: another is there");
	is(($m->ctl('reload'))[0], 0, "sync killed $n: a reload succeeds") or diag($m->{ctl_text});
	is(served(), $state, "sync killed $n: and serves the last state");
	ok(poll(5, sub { !leftovers() }), "sync killed $n: nothing half-built is left");
}
$m->stop;
done_testing();
