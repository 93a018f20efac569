#!/usr/bin/perl
# A validating Unbound in front of us: every kind of answer, and names that do not exist in a
# zone of some hundreds, for each kind of denial, signed here and elsewhere.  Nothing is bogus,
# and what can be proved is.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Peer;
use Martlet::Process qw(find_program read_file write_file);
use SignedZone qw($ORIGIN @CASES parent_text child_text dnskey_of);
use Test::More;
use ZoneGen;

Martlet::Peer::need(qw(unbound dnssec-signzone dnssec-keygen));
Martlet::Peer::need_sec();

use constant { HOSTS => 300, STRANGERS => 60 };

my $SECURE = "secure.$ORIGIN";
my $PLAIN = "plain.$ORIGIN";
srand($ENV{MARTLET_SEED} // 1);

# The zone's text with many hosts.
sub parent {
	my ($ds) = @_;
	return parent_text($ds->plain) . join '', map { sprintf "h%03d.$ORIGIN. 300 IN A 192.0.2.9\n", $_ } 1 .. HOSTS;
}

sub ds_of { return Net::DNS::RR::DS->create($_[0], digtype => 'SHA256') }

# Signed by dnssec-signzone.  returns the server and the key to trust.
sub signed_elsewhere {
	my (@how) = @_;
	my %zones = ($SECURE => ZoneGen::sign_zone($SECURE, child_text($SECURE), @how), $PLAIN => child_text($PLAIN));

	$zones{$ORIGIN} = ZoneGen::sign_zone($ORIGIN, parent(ds_of(dnskey_of($SECURE, $zones{$SECURE}))), @how);
	return (Martlet->new(zones => \%zones), dnskey_of($ORIGIN, $zones{$ORIGIN}));
}

sub make_key {
	my ($dir, $zone) = @_;

	system(find_program('dnssec-keygen'), '-q', '-K', $dir, '-a', 'ECDSAP256SHA256', '-f', 'KSK', $zone) == 0
	  or die "dnssec-keygen: status $?\n";
	my ($path) = glob "$dir/K$zone.*.key";
	my ($line) = grep { !/^;/ } split /\n/, read_file($path);
	return Net::DNS::RR->new($line);
}

# The same by ourselves.
sub signed_here {
	my ($denial) = @_;
	my $m = Martlet->new(start => 0);
	my ($keys, $files) = map { $m->dir . "/$_" } qw(keys files);

	mkdir $_ or die "$_: $!\n" for $keys, $files;
	open my $quiet, '>&', \*STDOUT or die;
	open STDOUT, '>', '/dev/null' or die;
	my %key = map { $_ => make_key($keys, $_) } $ORIGIN, $SECURE;
	open STDOUT, '>&', $quiet or die;
	my %text = ($ORIGIN => parent(ds_of($key{$SECURE})), $SECURE => child_text($SECURE));
	$m->{arg}{config} = {
		zones => { files => [map { { origin => "$_.", file => write_file("$files/$_", $text{$_}), sign => \1 } } sort keys %text] },
		dnssec => { key_dir => $keys, denial => $denial },
	};
	$m->write_zone($PLAIN, child_text($PLAIN));
	$m->start;
	return ($m, $key{$ORIGIN});
}

# What Unbound makes of delv's verdict: RCODE, and whether it is proved.  It takes names that
# opt-out may hide for unproved (RFC 5155, section 9.2).
sub wanted {
	my ($verdict, $is_optout) = @_;
	my $rcode = $verdict =~ /nxdomain/ ? 'NXDOMAIN' : 'NOERROR';
	my $proved = $verdict !~ /unsigned/;

	$proved = undef if $is_optout && $verdict =~ /nxdomain|nxrrset/;
	return ($rcode, $proved);
}

sub check {
	my ($unbound, $title, $name, $type, $rcode, $proved) = @_;
	my $answer = $unbound->ask($name, $type, rd => 1, do => 1, tcp => 1, seconds => 20);
	my $got = $answer ? $answer->rcode . ($answer->flags =~ /\bad\b/ ? ' proved' : '') : 'nothing';

	$got =~ s/ proved// unless defined $proved;
	is($got, $rcode . ($proved ? ' proved' : ''), "$title: $name $type")
	  or diag($answer ? $answer->dump : '', join "\n", grep { /validation|bogus/ } split /\n/, $unbound->log);
	return;
}

for my $kind (
	['NSEC3 with salt, signed elsewhere', sub { signed_elsewhere(nsec3 => 1, salt => 'abcd', iterations => 5) }],
	['NSEC', sub { signed_here('nsec') }],
	['NSEC3', sub { signed_here('nsec3') }],
	['opt-out', sub { signed_here('optout') }],
) {
	my ($title, $make) = @$kind;
	my ($m, $key) = $make->();
	my $is_optout = $title eq 'opt-out';
	my $unbound = Martlet::Peer->new('unbound', behind => $m, origins => [$ORIGIN, $SECURE, $PLAIN],
		anchors => [sprintf '%s. 300 IN DNSKEY %d %d %d %s', $ORIGIN, $key->flags, $key->protocol, $key->algorithm,
			$key->key =~ s/\s+//gr]);

	for my $case (@CASES) {
		my ($what, $prefix, $type, $want, $optout) = @$case;
		$want = $optout if defined $optout && $is_optout;
		check($unbound, "$title: $what", $prefix eq '' ? $ORIGIN : "$prefix.$ORIGIN", $type, wanted($want, $is_optout));
	}
	for my $i (1 .. STRANGERS) {
		my $stranger = join '', map { chr 97 + rand 26 } 1 .. 1 + rand 6;
		my $host = sprintf 'h%03d', 1 + rand HOSTS;
		my ($name, $rcode) = @{ (["zz$stranger", 'NXDOMAIN'], ["$host-$stranger", 'NXDOMAIN'],
			["$stranger.$host", 'NXDOMAIN'], [$host, 'NOERROR'])[$i % 4] };
		check($unbound, "$title: one of many", "$name.$ORIGIN", $i % 4 == 3 ? 'TXT' : 'A', $rcode, $is_optout ? undef : 1);
	}
	unlike($unbound->log, qr/bogus/i, "$title: nothing is bogus");
	$unbound->stop;
	$m->stop;
}

done_testing();
