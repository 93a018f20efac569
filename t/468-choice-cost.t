#!/usr/bin/perl
# What choosing among records costs in user instructions, counted by callgrind: bounds that
# no change may cross unseen.  A build that is slower as a whole may be slower here.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(find_program);
use Test::More;

# The core's cost of 8 plain addresses at -O2, and what 8 may cost more that are chosen from,
# by ASN, country and weight: for a client seen before, and for one that was not.
use constant { ROUNDS => 20, BATCH => 64, PLAIN => 503, MORE_HIT => 400, MORE_MISS => 2500 };

my $valgrind = find_program('valgrind') or plan skip_all => 'needs valgrind';
my $steered = "$Martlet::BUILD/t/bench/steered";
plan skip_all => 'a build with sanitizers' if `ldd $steered` =~ /lib[au]b?san/;

sub instructions {
	my ($load) = @_;
	my $text = `$valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=answer_batch $steered $load @{[ROUNDS]} 2>&1`;
	return $text =~ /Collected : (\d+)/ ? $1 / ROUNDS / BATCH : die "valgrind: $text\n";
}

my $plain = instructions('plain');
my $scale = $plain > PLAIN ? $plain / PLAIN : 1;

for (['weighted-hit', MORE_HIT], ['weighted-miss', MORE_MISS]) {
	my ($load, $most) = @$_;
	my $more = instructions($load) - $plain;

	cmp_ok($more, '<=', $most * $scale, sprintf '%s: %.0f more than %.0f', $load, $more, $plain);
}
done_testing();
