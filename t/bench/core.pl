#!/usr/bin/perl
# What the answering core costs alone, without sockets: part of `make bench`.
#
# Time is that of answer_batch, the best of BENCH_ROUNDS (5) runs; `to 1,000` is its ratio
# to a zone of 1,000 names.  User instructions are counted by the machine, else by
# valgrind's callgrind where that is installed.  BENCH_CORE names the sets, separated by
# commas; names-10000000 takes a minute and 4 GB of memory and disk.
#
# Then what choosing among 8 records costs (t/bench/steered.c), against an RRset of 8 that is
# plain; BENCH_STEERED names the loads, none when it is empty.

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
my $steered = "$Martlet::BUILD/t/bench/steered";
my @loads = split /,/, $ENV{BENCH_STEERED} // 'plain,none-hit,rr-hit,rr-miss,weighted-hit,weighted-miss,weighted-ecs,all-hit,'
  . 'plain-aaaa,weighted-aaaa,nearest-hit,nearest-miss,weighted-signed';
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

sub run_program { return JSON::PP->new->decode(scalar `$_[0] $_[1] 2>/dev/null`) }

# Of a program that answers so many batches: as it has counted them, or by callgrind.
sub instructions {
	my ($program, $counted) = @_;
	return $counted if $counted > 0;
	return unless $valgrind;
	my $text = `$valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=answer_batch $program @{[COUNTED]} 2>&1`;
	return $text =~ /Collected : (\d+)/ ? $1 / COUNTED / BATCH : undef;
}

sub row {
	my ($set, $load, $generation) = @_;
	my $program = "$core $generation $set->{queries}{$load}";
	my ($best) = sort { $a->{ns_per_query} <=> $b->{ns_per_query} }
	  map { run_program($program, TIMED) } 1 .. $rounds;
	my $instructions = instructions($program, $best->{instructions_per_query});

	$thousand{$load} //= $best->{ns_per_query} if $set->{name} eq 'names-1000';
	printf "%-15s %-7s %9d %6.0f %9s %8s\n", $set->{name}, $load, $set->{records}, $best->{ns_per_query},
	  $set->{name} =~ /^names/ && $thousand{$load}
	  ? sprintf('%.2f', $best->{ns_per_query} / $thousand{$load}) : '-',
	  defined $instructions ? sprintf('%.0f', $instructions) : '-';
	return;
}

sub steered_row {
	my ($load, $plain) = @_;
	my ($best) = sort { $a->{ns_per_query} <=> $b->{ns_per_query} }
	  map { run_program("$steered $load", TIMED) } 1 .. $rounds;
	my $instructions = instructions("$steered $load", $best->{instructions_per_query});

	printf "%-15s %6.0f %8s %8s\n", $load, $best->{ns_per_query},
	  map { defined $_ ? sprintf '%.0f', $_ : '-' } $instructions,
	  defined $plain && defined $instructions ? $instructions - $plain : undef;
	return $instructions;
}

# What a query is limited by, or comes with: t/bench/with_limits.h.
my @with = (
	['nothing', ''],
	['cookies are looked at, as by default', 'cookies'],
	['client and response limits, known clients', 'cookies,client,rrl'],
	['the same, every client a new one', 'cookies,client,rrl,random'],
	['a cookie of the client alone', 'cookies,new'],
	['a valid cookie', 'cookies,valid'],
);

sub with_row {
	my ($set, $generation, $what, $with) = @_;
	local $ENV{BENCH_WITH} = $with;
	my @figures;

	for my $load (qw(hit nx)) {
		my $program = "$core $generation $set->{queries}{$load}";
		my ($best) = sort { $a->{ns_per_query} <=> $b->{ns_per_query} }
		  map { run_program($program, TIMED) } 1 .. $rounds;
		push @figures, $best->{ns_per_query}, instructions($program, $best->{instructions_per_query}) // 0;
	}
	printf "%-42s %6.0f %8.0f %6.0f %8.0f\n", $what, @figures;
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

if (@loads) {
	my %plain;

	printf "\n%-15s %6s %8s %8s\n", 'steered', 'ns/q', 'instr/q', 'more';
	for my $load (@loads) {
		my ($aaaa) = $load =~ /(-aaaa)?$/;
		my $count = steered_row($load, $plain{ $aaaa // '' });
		$plain{ $aaaa // '' } = $count if $load =~ /^plain/;
	}
}

{
	my $tmp = File::Temp->newdir('martlet-bench-XXXXXX', TMPDIR => 1);
	my $set = BenchZones::make('names-1000', $tmp->dirname);
	my $generation = build($set, $tmp->dirname);

	printf "\n%-42s %6s %8s %6s %8s\n", 'names-1000, with', 'hit ns', 'instr', 'nx ns', 'instr';
	with_row($set, $generation, @$_) for @with;
}
