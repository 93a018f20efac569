#!/usr/bin/perl
# The comparison with other servers must see what is wrong: here the "ours" is NSD with
# a zone that was spoilt on purpose, and proofs lose one record after the other.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet::Compare;
use Martlet::Peer;
use Martlet::Wire qw(name_to_wire);
use Test::More;
use ZoneGen;

Martlet::Peer::need(qw(nsd knot bind dnssec-signzone));

my $zone = <<'END';
$ORIGIN z.test.
@ 300 IN SOA ns h 1 3600 600 86400 60
@ 300 IN NS ns
ns 300 IN A 192.0.2.1
www 300 IN A 192.0.2.2
www 300 IN A 192.0.2.3
mx 300 IN MX 5 mail.elsewhere.invalid.
alias 300 IN CNAME www
*.wild 300 IN TXT "x"
a.ent 300 IN A 192.0.2.4
cut 300 IN NS ns.cut
cut 300 IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.cut 300 IN A 192.0.2.5
moved 300 IN DNAME ent
sub.moved2 300 IN TXT "y"
END

sub compare {
	my ($ours, $peers, $signed) = @_;
	return Martlet::Compare->new(ours => $ours, peers => $peers, origins => ['z.test'], signed => $signed);
}

my %peers = map { $_ => Martlet::Peer->new($_, zones => { 'z.test' => $zone }) } qw(knot bind);

# What was spoilt, how, and the query that must show it.
my @SPOILT = (
	['nothing', sub { }, undef],
	['a TTL', sub { s/^www 300/www 301/mg }, ['www.z.test', 'A']],
	['a record fewer', sub { s/^www .*2\.3\n//m }, ['www.z.test', 'A']],
	['other rdata', sub { s/MX 5/MX 6/ }, ['mx.z.test', 'MX']],
	['another target', sub { s/CNAME www/CNAME a.ent/ }, ['alias.z.test', 'A']],
	['a type fewer', sub { s/^mx .*\n/mx 300 IN TXT "x"\n/m }, ['mx.z.test', 'MX']],
	['a name fewer', sub { s/^a\.ent.*\n//m }, ['ent.z.test', 'A']],
	['a wildcard fewer', sub { s/^\*\.wild.*\n//m }, ['x.wild.z.test', 'TXT']],
	['no cut', sub { s/^cut .*\n//mg }, ['ns.cut.z.test', 'A']],
	['no glue', sub { s/^ns\.cut .*\n//m }, ['x.cut.z.test', 'A']],
	['no DS', sub { s/^cut .* DS .*\n//m }, ['cut.z.test', 'DS']],
	['another MINIMUM', sub { s/86400 60/86400 61/ }, ['nope.z.test', 'A']],
	['another DNAME', sub { s/DNAME ent/DNAME wild/ }, ['a.moved.z.test', 'A']],
);
for my $spoilt (@SPOILT) {
	my ($what, $change, $query) = @$spoilt;
	local $_ = $zone;
	$change->();
	my $ours = Martlet::Peer->new('nsd', zones => { 'z.test' => $_ });
	my $compare = compare($ours, \%peers, 0);
	my @names = map {"$_.z.test"} qw(www mx alias x.wild ent a.ent x.cut cut nope a.moved ns.cut);
	my @found;
	for my $name (@names) {
		for my $type (qw(A MX TXT DS)) {
			push @found, "$name $type" if $compare->check($name, $type, tcp => 1);
		}
	}
	if ($query) {
		ok((grep { $_ eq "@$query" } @found), "$what: found by @$query");
	} else {
		is_deeply(\@found, [], 'unspoilt, nothing is found');
	}
	$ours->stop;
}

# Every record of a minimal proof is missed when it is taken out.
for my $kind (['NSEC'], ['NSEC3', nsec3 => 1], ['NSEC3 with opt-out', nsec3 => 1, optout => 1]) {
	my ($title, @how) = @$kind;
	my $signed = ZoneGen::sign_zone('z.test', $zone, @how);
	my %one = (knot => Martlet::Peer->new('knot', zones => { 'z.test' => $signed }));
	my $compare = compare(undef, \%one, 1);
	my ($proofs, @unmissed, @incomplete) = (0);

	for my $query (['nope.z.test', 'A'], ['x.y.nope.z.test', 'A'], ['www.z.test', 'TXT'], ['ent.z.test', 'A'],
		['x.wild.z.test', 'TXT'], ['x.wild.z.test', 'A'], ['z.test', 'TXT'], ['x.www.z.test', 'A'],
		['nope.moved.z.test', 'A'], ['sub.z.test', 'DS']) {
		my ($name, $type) = @$query;
		my $wire = name_to_wire($name);
		my $answer = $one{knot}->ask($name, $type, do => 1, tcp => 1);
		my $why = $compare->unproved($answer, $wire, $type);
		push @incomplete, "$name $type: $why" if defined $why;
		my @all = @{ $answer->{authority} };
		for my $record (grep { $_->[1] == 47 || $_->[1] == 50 } @all) {
			$proofs++;
			local $answer->{authority} = [grep { $_ != $record } @all];
			push @unmissed, "$name $type" unless defined $compare->unproved($answer, $wire, $type);
		}
	}
	is_deeply(\@incomplete, [], "$title: whole proofs are found whole");
	is_deeply(\@unmissed, [], "$title: each of $proofs records is missed when it is taken out");
	cmp_ok($proofs, '>', 10, "$title: there were records to take out");
	$_->stop for values %one;
}

done_testing();
