#!/usr/bin/perl
# The same random zones and questions to martletd, NSD, Knot and BIND; every second set of
# zones is signed by ldns-signzone, the others by dnssec-signzone.  Where an answer
# differs and no rule of Martlet::Compare explains it, the test fails and prints the seed.
#
# MARTLET_SEED, MARTLET_ROUNDS, MARTLET_QUERIES and MARTLET_NAMES choose other and
# longer runs; make soak takes the time as its seed.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Compare;
use Martlet::Peer;
use Test::More;
use ZoneGen;

Martlet::Peer::need(qw(nsd knot bind dnssec-signzone ldns-signzone));

my $first   = $ENV{MARTLET_SEED}    // 1;
my $rounds  = $ENV{MARTLET_ROUNDS}  // 2;
my $queries = $ENV{MARTLET_QUERIES} // 1200;
my $names    = $ENV{MARTLET_NAMES}   // 60;
my $udp_size = 1232;

my @KINDS = (
	['unsigned'],
	['NSEC', nsec => 1],
	['NSEC3', nsec3 => 1],
	['NSEC3 with salt and opt-out', nsec3 => 1, optout => 1, salt => 'abcd', iterations => 3],
);
my (%used, $asked);

# The first few lines of each query that went wrong.
sub report {
	my ($name, $wrong) = @_;
	my $shown = 0;

	for my $query (@$wrong) {
		last if $shown++ == 5;
		my ($text, @lines) = @$query;
		splice @lines, 8 if @lines > 8;
		diag(join "\n  ", "$name: $text", map { substr $_, 0, 300 } @lines);
	}
	return;
}

sub compare_round {
	my ($seed, $kind, @how) = @_;
	my $ldns = @how && $seed % 2 == 0;
	my $gen = ZoneGen->new(seed => $seed, names => $names,
		$ldns ? (labels => ZoneGen::labels_for_ldns()) : ());
	my $zones = @how ? $gen->signed(@how, ldns => $ldns) : $gen->zones;
	my %peers = map { $_ => Martlet::Peer->new($_, zones => $zones) } qw(nsd knot bind);
	my $ours = Martlet->new(zones => $zones, config => { dns => { udp_size => $udp_size } });
	# random targets are often aliases or without an address
	$ours->expect_log(qr/^warning: (?:sync|builder): .*[.]zone:\d+: the target /,
		qr/^warning: (?:sync|builder): and \d+ more warnings/);
	my $compare = Martlet::Compare->new(
		ours => $ours, peers => \%peers, origins => [$gen->origins], signed => scalar @how,
		hidden => sub { $gen->hidden(@_) }, exists => sub { $gen->exists_name(@_) },
		udp_size => $udp_size);
	my (@wrong, @wrong_udp);
	my $number = 0;

	for my $query ($gen->queries($queries)) {
		my $do = @how && $number % 4 != 0;
		my $size = (0, 512, 800, 1232, 4096)[$number++ % 5];
		my @lines = eval { $compare->check(@$query, tcp => 1, do => $do, edns => $size || 4096) };
		push @lines, $@ if $@;
		push @wrong, ["@$query" . ($do ? ' with DO' : ''), @lines] if @lines;

		@lines = eval { $compare->check_udp(@$query, do => $do && $size > 0, edns => $size) };
		push @lines, $@ if $@;
		push @wrong_udp, ["@$query over UDP, $size", @lines] if @lines;
	}
	my $name = "seed $seed, $kind" . ($ldns ? ' by ldns-signzone' : '');
	is(scalar @wrong, 0, "$name: no unexplained difference in $compare->{asked} answers")
	  or report($name, \@wrong);
	is(scalar @wrong_udp, 0, "$name: over UDP the same, or TC") or report($name, \@wrong_udp);
	is($compare->{asked}, $number, "$name: all were asked");
	$used{$_} += $compare->{used}{$_} for keys %{ $compare->{used} };
	$asked += $compare->{asked};
	$ours->stop;
	return;
}

for my $seed ($first .. $first + $rounds - 1) {
	compare_round($seed, @$_) for @KINDS;
}

diag("$asked answers compared from seed $first on" . ($ENV{MARTLET_VERBOSE} ? "; accepted differences:" : ""));
for my $rule (@Martlet::Compare::RULES) {
	my $count = $used{ $rule->{name} } // 0;
	diag("  $count $rule->{name}: $rule->{why} ($rule->{rfc})") if $count && $ENV{MARTLET_VERBOSE};
}

done_testing();
