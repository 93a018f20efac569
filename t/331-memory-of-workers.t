#!/usr/bin/perl
# Memory does not grow with workers: what is served is mapped once and shared, whatever
# its size, and a worker's own memory is small and of one size.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use List::Util qw(max min sum);
use Martlet;
use Martlet::Process qw(children_of poll read_file);
use SteadyZone qw(steady_zones);
use Test::More;

plan(skip_all => 'sanitizers and valgrind have memory of their own')
  if $ENV{VALGRIND} || $ENV{MARTLET_SANITIZED};

my $names = $ENV{MARTLET_NAMES} // 100_000;

# What a worker has in memory, in KiB.  Of the store: all that it has mapped (rss), and its
# share of that (pss).  Of the rest: what no other process has (own).  Whoever else maps a
# file at this moment can only lower a share, so that none of the bounds depends on it.
sub memory_of {
	my ($pid, $store) = @_;
	my ($path, %memory) = ('', map { $_ => 0 } qw(rss pss own));

	for my $line (split /\n/, read_file("/proc/$pid/smaps")) {
		if ($line =~ m{^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)}) {
			$path = $1;
		} elsif (index($path, $store) == 0) {
			$memory{ lc $1 } += $2 if $line =~ /^(Rss|Pss): +(\d+) kB/;
		} else {
			$memory{own} += $1 if $line =~ /^Private_(?:Clean|Dirty): +(\d+) kB/;
		}
	}
	return \%memory;
}

# The store's size; what workers have of it, by the smallest and in all; the largest one's own.
sub measure {
	my ($workers, $extra) = @_;
	my $m = Martlet->new(
		zones => steady_zones(1, $extra), config => { workers => { count => $workers } });
	# in all workers
	ok(poll(10, sub { $workers == grep { $_->{state} eq 'serving' } $m->workers }),
		"$workers workers serve $extra names");
	is($m->ask('gen.steady.test', 'TXT')->rcode, 'NOERROR', 'and answer');
	my @workers = map { $_->[1] } grep { $_->[0] =~ /^worker/ } children_of($m->pid);
	is(scalar @workers, $workers, 'as many processes');
	my $dir = $m->state_dir;
	my $stored = 0;
	$stored += (-s "$dir/current/$_") >> 10 for qw(data.mdb index);
	my @memory = map { memory_of($_, "$dir/generations/") } @workers;
	my %all = (stored => $stored,
		mapped => min(map { $_->{rss} } @memory),
		share => sum(map { $_->{pss} } @memory),
		own => max(map { $_->{own} } @memory));
	note("$workers workers: " . join ', ', map {"$_ $all{$_} KiB"} sort keys %all);
	$m->stop;
	return \%all;
}

my %small = map { $_ => measure($_, 0) } 1, 4;
my %large = map { $_ => measure($_, $names) } 1, 2, 4;

cmp_ok($large{1}{stored}, '>', 10 * $small{1}{stored} + 4096, 'the large store is one');
for my $workers (1, 2, 4) {
	my $this = $large{$workers};
	cmp_ok($this->{mapped}, '>', $this->{stored} / 2, "each of $workers workers has it mapped");
	# a page more or less a file and a worker
	cmp_ok($this->{share}, '<=', $this->{stored} + 64, 'and all together once');
	cmp_ok($this->{own}, '<', 2048, "each more costs $this->{own} KiB");
	cmp_ok($this->{own}, '<', $small{4}{own} + 512, 'whatever is served');
}

done_testing();
