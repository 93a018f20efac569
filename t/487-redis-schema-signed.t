#!/usr/bin/perl
# What redins and z42 keep, once more with "dnssec": true: the tests of their schemas on the
# same data, where each answer must be as before, and with DO must verify (SignedRedis.pm).

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet::Geo qw(need_writer);
use Martlet::Peer;
use Martlet::Process qw(read_file);
use Martlet::Redis;
use File::Temp qw(tempdir);
use Test::More;

Martlet::Redis::need();
Martlet::Peer::need('dnssec-keygen');
need_writer();
Martlet::Peer::need_sec();

# Without the subtests that are about zones that lack keys, or come from files, too.
my $SCHEMA = '^(?!zones that cannot be served|files and Redis)';
my @CASES = (
	['400-redis-load', 'nsec', 'the listing|bad values', 50],
	['462-ecs', 'nsec3', '', 30],
);
my @ALL = (
	(map { my $denial = $_; (
		['400-redis-load', $denial, $SCHEMA, 90], ['462-ecs', $denial, '', 30], ['469-redins-words', $denial, '', 100],
		['474-steered-members', $denial, '', 300], ['430-redis-random', $denial, '', 1000] ) } qw(nsec nsec3 optout)),
	['440-compaction', 'nsec', '', 10_000], ['460-steered', 'nsec3', '', 10_000], ['463-health', 'optout', '', 300],
);
my $dir = tempdir(CLEANUP => 1);

for my $case ($ENV{MARTLET_SOAK} ? @ALL : @CASES) {
	my ($file, $denial, $subtests, $least) = @$case;
	local @ENV{qw(MARTLET_DENIAL MARTLET_SUBTESTS)} = ($denial, $subtests);
	my $status = system "$^X -I$Bin/lib -MSignedRedis $Bin/$file.t >$dir/out 2>&1";
	my $out = read_file("$dir/out");
	is($status, 0, "$file, signed, $denial") or diag($out);
	cmp_ok($out =~ /^# (\d+) answers were checked/m ? $1 : 0, '>=', $least, "$file, $denial: answers were checked with DO");
}
done_testing();
