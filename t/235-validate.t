#!/usr/bin/perl
# Signed answers of every kind through a validator: BIND's delv must find each one whole,
# and Net::DNS::SEC every signature right.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Peer;
use SignedZone qw($ORIGIN @CASES parent_text child_text dnskey_of write_anchor delv bad_signatures);
use Test::More;
use ZoneGen;

Martlet::Peer::need(qw(delv dnssec-signzone));
Martlet::Peer::need_sec();

sub zones {
	my (@how) = @_;
	my %zones = (
		"secure.$ORIGIN" => ZoneGen::sign_zone("secure.$ORIGIN", child_text("secure.$ORIGIN"), @how),
		"plain.$ORIGIN" => child_text("plain.$ORIGIN"),
	);
	my $key = dnskey_of("secure.$ORIGIN", $zones{"secure.$ORIGIN"});
	my $ds = Net::DNS::RR::DS->create($key, digtype => 'SHA256');
	$zones{$ORIGIN} = ZoneGen::sign_zone($ORIGIN, parent_text($ds->plain), @how);
	return \%zones;
}

for my $kind (['NSEC'], ['NSEC3', nsec3 => 1, salt => 'abcd', iterations => 5],
	['NSEC3 with opt-out', nsec3 => 1, optout => 1]) {
	my ($title, @how) = @$kind;
	my $zones = zones(@how);
	my $m = Martlet->new(zones => $zones);
	my %keys = map { $_ => dnskey_of($_, $zones->{$_}) } $ORIGIN, "secure.$ORIGIN";
	my $key = $keys{$ORIGIN};
	my $anchor = write_anchor($m, $key);

	for my $case (@CASES) {
		my ($what, $prefix, $type, $want, $optout) = @$case;
		my $name = $prefix eq '' ? $ORIGIN : "$prefix.$ORIGIN";
		my $query = "$title: $what: $name $type";
		my ($verdict, $text) = delv($m, $anchor, $name, $type);
		$want = $optout if defined $optout && $title =~ /opt-out/;
		is($verdict, $want, $query) or diag($text);

		my $answer = $m->ask($name, $type, do => 1, tcp => 1);
		is_deeply([bad_signatures($answer, \%keys)], [], "$query: signatures")
		  or diag($answer->dump);
		my $plain = $m->ask($name, $type, edns => 1232);
		my @dnssec = grep { $_->[1] =~ /^(?:46|47|50)$/ } map { @{ $plain->{$_} } }
		  qw(answer authority additional);
		is(scalar @dnssec, 0, "$query: no DNSSEC without DO");
	}
	$m->stop;
}

done_testing();
