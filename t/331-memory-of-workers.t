#!/usr/bin/perl
# Memory does not grow with workers: what is served is mapped once and shared, whatever
# its size, and a worker's own memory is small and of one size.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use List::Util qw(sum);
use Martlet;
use Martlet::Process qw(children_of poll read_file);
use SteadyZone qw(steady_zones);
use Test::More;

plan(skip_all => 'sanitizers and valgrind have memory of their own')
  if $ENV{VALGRIND} || $ENV{MARTLET_SANITIZED};

my $names = $ENV{MARTLET_NAMES} // 100_000;

# What a process uses, in KiB: its share of all (PSS), what is its own and no file's
# (Anonymous), and all that it has mapped in memory (RSS).
sub memory_of {
	my ($pid) = @_;
	my %memory = read_file("/proc/$pid/smaps_rollup") =~ /^(Pss|Rss|Anonymous): +(\d+) kB/gm;
	return \%memory;
}

# A server's memory: of all its processes together, and the largest worker's own.
sub measure {
	my ($workers, $extra) = @_;
	my $m = Martlet->new(
		zones => steady_zones(1, $extra), config => { workers => { count => $workers } });
	# in all workers
	ok(poll(10, sub { $workers == grep { $_->{state} eq 'serving' } $m->workers }),
		"$workers workers serve $extra names");
	is($m->ask('gen.steady.test', 'TXT')->rcode, 'NOERROR', 'and answer');
	my @children = children_of($m->pid);
	my @workers = map { $_->[1] } grep { $_->[0] =~ /^worker/ } @children;
	is(scalar @workers, $workers, 'as many processes');
	my $dir = $m->state_dir . '/current';
	my $stored = 0;
	$stored += (-s "$dir/$_") >> 10 for qw(data.mdb index);
	# who builds and verifies the store has it mapped, too, for a while
	ok(poll(10, sub { sum(map { memory_of($_)->{Pss} } @workers) > $stored }),
		'what is stored is shared by them alone');
	my @all = map { memory_of($_) } $m->pid, map { $_->[1] } @children;
	my @own = sort { $a <=> $b } map { memory_of($_)->{Anonymous} } @workers;
	my $pss = sum(map { $_->{Pss} } @all);
	my $rss = memory_of($workers[0])->{Rss};
	note("$workers workers, $stored KiB stored: $pss KiB in all, RSS $rss and own "
		. "$own[-1] KiB of a worker");
	$m->stop;
	return { all => $pss, own => $own[-1], rss => $rss, stored => $stored };
}

my %small = map { $_ => measure($_, 0) } 1, 4;
my %large = map { $_ => measure($_, $names) } 1, 2, 4;

cmp_ok($large{1}{stored}, '>', 10 * $small{1}{stored} + 4096, 'the large store is one');
cmp_ok($large{4}{rss}, '>', $large{4}{stored} / 2, 'and mapped by each worker');
for my $workers (2, 4) {
	my $more = ($large{$workers}{all} - $large{1}{all}) / ($workers - 1);
	cmp_ok($more, '<', 1024, sprintf 'each of %d workers more costs %d KiB in all',
		$workers - 1, $more);
}
cmp_ok($large{4}{own}, '<', $small{4}{own} + 1024, 'a worker\'s own memory is no larger with it');
cmp_ok($large{4}{own}, '<', $large{1}{own} + 1024, 'nor with more workers');
cmp_ok($large{4}{own}, '<', 16384, "$large{4}{own} KiB of its own");

done_testing();
