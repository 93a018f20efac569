#!/usr/bin/perl
# Every fuzz target over its corpus: all inputs that once mattered, no fuzzer needed.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Test::More;

chdir $Martlet::ROOT or die "$Martlet::ROOT: $!\n";
for my $source (sort glob 't/fuzz/*.c') {
	my ($name) = $source =~ m{([^/]+)\.c$};
	next if $name eq 'replay';
	my $target = "$Martlet::BUILD/t/fuzz/$name";
	my $corpus = "t/fuzz/corpus/$name";
	my $inputs = () = glob "$corpus/*";

	ok($inputs > 0, "$corpus has inputs");
	open my $output, '-|', "$target $corpus 2>&1" or die "$target: $!\n";
	my @lines = <$output>;
	close $output;
	my $passed = grep { /^ok / } @lines;
	is($?, 0, "$name ends well") or diag(@lines > 20 ? @lines[-20 .. -1] : @lines);
	is($passed, $inputs, "$name takes each input of its corpus");
}

done_testing();
