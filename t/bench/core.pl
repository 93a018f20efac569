#!/usr/bin/perl
# What the answering core costs alone, without sockets: part of `make bench`.
#
# Time is that of answer_batch, the best of BENCH_ROUNDS (5) runs; `to 1,000` is its ratio
# to a zone of 1,000 names.  User instructions are counted by the machine, else by
# valgrind's callgrind where that is installed.  BENCH_CORE names the sets, separated by
# commas; names-10000000 takes a minute and 4 GB of memory and disk.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/../lib";

use BenchZones;
use File::Temp ();
use JSON::PP ();
use Martlet;
use Martlet::Process qw(find_program write_file);

use constant { BATCH => 64, TIMED => 4000, COUNTED => 400 };

my @sets = split /,/, $ENV{BENCH_CORE} // 'names-1000,names-1000000,small,medium,many';
my $rounds = $ENV{BENCH_ROUNDS} // 5;
my $core = "$Martlet::BUILD/t/bench/core";
my $valgrind = find_program('valgrind');
my %thousand;

# A sealed generation of the set.
sub build {
	my ($set, $dir) = @_;
	my $config = write_file("$dir/martlet.conf",
		qq(user = ""; state_dir = "$dir"; zones = { dir = "$set->{dir}"; };\n));

	system("$Martlet::BUILD/martletctl -c $config build $dir/generation >/dev/null") == 0
	  or die "$set->{name} cannot be built\n";
	return "$dir/generation";
}

sub run_core { return JSON::PP->new->decode(scalar `$core $_[0] $_[1] $_[2] 2>/dev/null`) }

sub instructions {
	my ($generation, $queries, $counted) = @_;
	return $counted if $counted > 0;
	return unless $valgrind;
	my $text = `$valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=answer_batch $core $generation $queries @{[COUNTED]} 2>&1`;
	return $text =~ /Collected : (\d+)/ ? $1 / COUNTED / BATCH : undef;
}

sub row {
	my ($set, $load, $generation) = @_;
	my $queries = $set->{queries}{$load};
	my ($best) = sort { $a->{ns_per_query} <=> $b->{ns_per_query} }
	  map { run_core($generation, $queries, TIMED) } 1 .. $rounds;
	my $instructions = instructions($generation, $queries, $best->{instructions_per_query});

	$thousand{$load} //= $best->{ns_per_query} if $set->{name} eq 'names-1000';
	printf "%-15s %-7s %9d %6.0f %9s %8s\n", $set->{name}, $load, $set->{records}, $best->{ns_per_query},
	  $set->{name} =~ /^names/ && $thousand{$load}
	  ? sprintf('%.2f', $best->{ns_per_query} / $thousand{$load}) : '-',
	  defined $instructions ? sprintf('%.0f', $instructions) : '-';
	return;
}

$| = 1;
printf "%-15s %-7s %9s %6s %9s %8s\n", 'set', 'load', 'records', 'ns/q', 'to 1,000', 'instr/q';
for my $name (@sets) {
	my $tmp = File::Temp->newdir('martlet-bench-XXXXXX', TMPDIR => 1);
	my $set = BenchZones::make($name, $tmp->dirname);
	my $generation = build($set, $tmp->dirname);

	row($set, $_, $generation) for qw(hit nx nodata);
}
