#!/usr/bin/perl
# The static probes: those that the manual names are in the program, with as many arguments.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(find_program read_file);
use Test::More;

plan skip_all => 'readelf is not installed' unless find_program('readelf');
my $notes = `readelf -W -n '@{[ Martlet::martletd() ]}'`;
my %found;

while ($notes =~ /Provider: (\w+)\s+Name: (\w+)\s.*?Arguments: ([^\n]*)/gs) {
	my ($provider, $name, @args) = ($1, $2, split ' ', $3);
	next if $provider ne 'martlet'; # the C library, linked statically, has some too
	$found{$name}{ scalar @args } = 1;
}
plan skip_all => 'built without sys/sdt.h' unless %found;

my $page = read_file("$Bin/../man/martlet-probes.7");
my %told;
$told{$1} = { scalar(split /,/, $2) => 1 } while $page =~ /^\.It Nm (\w+) Ns Pq Ar (.*)$/mg;
is_deeply(\%found, \%told, 'martlet-probes(7) has all of them, and no others');

# those that the examples look at
my @used = $page =~ /martlet:(\w+)/g;
cmp_ok(scalar @used, '>', 4, 'examples');
ok($told{$_}, "an example looks at $_, which is there") for @used;
done_testing();
