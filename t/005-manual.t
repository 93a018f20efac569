#!/usr/bin/perl
# The manual: well-formed, and it knows every command and every counter.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(read_file);
use Test::More;

my $root = "$Bin/..";

sub is_installed { return grep { -x "$_/mandoc" } split /:/, $ENV{PATH} // '' }

sub lint {
	my ($path) = @_;
	open my $pipe, '-|', 'mandoc', '-Tlint', '-Werror', $path or die "mandoc: $!\n";
	my @found = <$pipe>;
	close $pipe;
	ok($? == 0 && !@found, "$path: mandoc finds no error") or diag(@found);
}

my @pages = map { "$root/man/$_" } qw(martletd.8 martlet.conf.5 martletctl.8);

for my $page (@pages) {
SKIP: {
		skip 'mandoc is not installed', 1 unless is_installed();
		lint($page);
	}
}

# the entries of the lists, by macro: ".It Cm stats Op ..." is Cm stats
my %entries;
my $text = read_file($pages[2]);
$entries{$1}{$2}++ while $text =~ /^\.It (Cm|Li) (\S+)/mg;

my @counters = read_file("$root/shm/stats_table.h") =~ /\bX\((\w+),/g;
cmp_ok(scalar @counters, '>', 30, 'counters are found in their table');
is($entries{Li}{$_}, 1, "martletctl(8) has the counter $_") for @counters;
is_deeply([ sort keys %{ $entries{Li} } ], [ sort @counters ],
	'martletctl(8) has no other counters');

my $ctl = Martlet::martletctl();
my @commands = `'$ctl' -h` =~ /^  ([a-z]+) .* /mg;
cmp_ok(scalar @commands, '>', 10, 'martletctl -h lists commands');
is($entries{Cm}{$_}, 1, "martletctl(8) has the command $_") for @commands;
is_deeply([ sort keys %{ $entries{Cm} } ], [ sort @commands ],
	'martletctl(8) has no other commands');

done_testing();
