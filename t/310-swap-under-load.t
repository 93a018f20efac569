#!/usr/bin/perl
# Swaps, reloads and rollbacks under a steady load lose no query, and no answer is made
# from two states of the data.
#
# make soak asks for the full form: MARTLET_RATE=20000 MARTLET_SWAPS=60 MARTLET_RELOADS=60.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use SteadyZone qw(steady_zones steady_start steady_end steady_lost);
use Test::More;
use Time::HiRes qw(time);

my $rate    = $ENV{MARTLET_RATE}    // 5000;
my $swaps   = $ENV{MARTLET_SWAPS}   // 6;
my $reloads = $ENV{MARTLET_RELOADS} // 6;

my $state = 1;
my $m = Martlet->new(
	zones => steady_zones($state, 2000),
	config => { dns => { rcvbuf_kb => 4096 }, generations => { reserve_mb => 1 } });

sub write_state {
	my $zones = steady_zones(++$state, 2000);
	$m->write_zone($_, $zones->{$_}) for keys %$zones;
	return;
}

# The state that is served, by a fresh question.
sub served {
	my ($first) = $m->ask('gen.steady.test', 'TXT')->text('answer');
	return $first =~ /g=(\d+) / ? $1 : 0;
}

# Whether the command succeeds and returns with its state served.
sub command {
	my ($want, @args) = @_;
	my ($exit, $json) = $m->ctl(@args);
	return 1 if $exit == 0 && served() == $want;
	diag("@args: exit $exit, state " . served() . ", not $want: $m->{ctl_text}$m->{ctl_stderr}");
	return 0;
}

my $load = steady_start($m, $rate, 3600);

my ($reloaded, $swapped, $rolled_back) = (0, 0, 0);
for (1 .. $reloads) {
	write_state();
	$reloaded += command($state, 'reload');
}
is($reloaded, $reloads, "$reloads reloads, each served when it returns");

for my $n (1 .. $swaps) {
	write_state();
	my $dir = $m->dir . "/build-$n";
	my ($exit) = $m->ctl_text('-c', $m->config_path, 'build', $dir);
	is($exit, 0, "build $n") or diag($m->{ctl_stderr});
	$swapped += command($state, 'swap', $dir);
	# back to the one before, and by its number to this one again
	next if $n % 3;
	$rolled_back += command($state - 1, 'rollback');
	$rolled_back += command($state, 'swap', $dir);
}
is($swapped, $swaps, "$swaps swaps, each served when it returns");
is($rolled_back, 2 * int($swaps / 3), 'rollbacks in between');

write_state();
my ($exit) = $m->ctl('reload');
is($exit, 1, 'reload is refused while a chosen generation is served');
ok(command($state, 'resume'), 'resume catches up with the zone files');

my $figures = steady_end($load, 1);
cmp_ok($figures->{sent}, '>', 0, "$figures->{sent} queries at $figures->{qps} a second");
my $counters = $m->counters;
is(steady_lost($figures, $counters), 0, 'no query was lost');
is($figures->{wrong}, 0, 'no answer was wrong or made from two states');
is($figures->{state_max}, $state, 'the last state was seen by the load');
cmp_ok($figures->{states_seen}, '>=', $reloads + $swaps, 'and those before it');
note("answered within $figures->{p99_ms} ms (99 %), $figures->{max_ms} ms at most");

is($counters->{store_damage}, 0, 'no damage was met');
$m->stop;
done_testing();
