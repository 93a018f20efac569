package SignedZone;
# A zone with every kind of answer that can be proved, with a signed and an unsigned child
# beside it, and what a validator must make of each.

use strict;
use warnings;

use Exporter qw(import);
use Martlet::Peer;
use Martlet::Process qw(find_program read_file write_file);
use Martlet::Wire qw(type_number);

our @EXPORT_OK = qw($ORIGIN @CASES parent_text child_text dnskey_of write_anchor delv bad_signatures);

our $ORIGIN = 'example.test';

# Make the key that a zone is signed with again: its DNSKEY stands in the signed text.
sub dnskey_of {
	my ($origin, $text) = @_;
	my ($rdata) = $text =~ /^\Q$origin\E\.\s+\d+\s+IN\s+DNSKEY\s+(257 .*)$/m;
	return Net::DNS::RR->new("$origin. 300 IN DNSKEY $rdata");
}

sub child_text {
	my ($origin) = @_;
	return "$origin. 300 IN SOA ns.$origin. h.$origin. 1 3600 600 86400 60\n"
	  . "$origin. 300 IN NS ns.$origin.\nns.$origin. 300 IN A 192.0.2.1\n"
	  . "www.$origin. 300 IN A 192.0.2.2\n";
}

# The zone's text, given the DS record of its signed child.
sub parent_text {
	my ($ds) = @_;
	return <<"END" . "$ds\n";
$ORIGIN. 300 IN SOA ns.$ORIGIN. h.$ORIGIN. 1 3600 600 86400 60
$ORIGIN. 300 IN NS ns.$ORIGIN.
ns.$ORIGIN. 300 IN A 192.0.2.1
www.$ORIGIN. 300 IN A 192.0.2.2
www.$ORIGIN. 300 IN MX 10 mail.$ORIGIN.
mail.$ORIGIN. 300 IN AAAA 2001:db8::25
svc.$ORIGIN. 300 IN HTTPS 1 b.$ORIGIN.
svc.$ORIGIN. 300 IN HTTPS 1 C.$ORIGIN.
alias.$ORIGIN. 300 IN CNAME www.$ORIGIN.
gone.$ORIGIN. 300 IN CNAME nowhere.$ORIGIN.
toplain.$ORIGIN. 300 IN CNAME www.plain.$ORIGIN.
tosecure.$ORIGIN. 300 IN CNAME www.secure.$ORIGIN.
*.wild.$ORIGIN. 300 IN A 192.0.2.3
*.wildalias.$ORIGIN. 300 IN CNAME www.$ORIGIN.
below.*.emptywild.$ORIGIN. 300 IN A 192.0.2.4
host.a.b.ent.$ORIGIN. 300 IN A 192.0.2.5
moved.$ORIGIN. 300 IN DNAME b.ent.$ORIGIN.
wildmoved.$ORIGIN. 300 IN DNAME wild.$ORIGIN.
secure.$ORIGIN. 300 IN NS ns.secure.$ORIGIN.
ns.secure.$ORIGIN. 300 IN A 192.0.2.1
plain.$ORIGIN. 300 IN NS ns.plain.$ORIGIN.
ns.plain.$ORIGIN. 300 IN A 192.0.2.1
odd\\000\\255.$ORIGIN. 300 IN TXT "odd"
END
}

my $GOOD = 'fully validated';
my $NODATA = 'nxrrset, negative response, fully validated';
my $NXDOMAIN = 'nxdomain, negative response, fully validated';
my $OPEN = 'unsigned answer';
# Title, name, type, verdict; and the verdict with opt-out, where an expanded wildcard
# counts as insecure (RFC 5155, section 9.2).
our @CASES = (
	['positive', 'www', 'A', $GOOD],
	['another type', 'www', 'MX', $GOOD],
	['targets that keep their case', 'svc', 'HTTPS', $GOOD],
	['at the apex', '', 'SOA', $GOOD],
	['the keys', '', 'DNSKEY', $GOOD],
	['odd octets', 'odd\000\255', 'TXT', $GOOD],
	['NODATA', 'www', 'TXT', $NODATA],
	['NODATA at the apex', '', 'TXT', $NODATA],
	['NXDOMAIN', 'nowhere', 'A', $NXDOMAIN],
	['NXDOMAIN, deep', 'a.b.c.nowhere', 'A', $NXDOMAIN],
	['NXDOMAIN before all names', '\000', 'A', $NXDOMAIN],
	['NXDOMAIN behind all names', 'zzzz', 'A', $NXDOMAIN],
	['NXDOMAIN below a name', 'x.www', 'A', $NXDOMAIN],
	['empty non-terminal', 'ent', 'A', $NODATA],
	['empty non-terminal, lower', 'a.b.ent', 'A', $NODATA],
	['NXDOMAIN beside an empty non-terminal', 'x.b.ent', 'A', $NXDOMAIN],
	['wildcard', 'x.wild', 'A', $GOOD, $OPEN],
	['wildcard, deep', 'z.y.x.wild', 'A', $GOOD, $OPEN],
	['the wildcard itself', '*.wild', 'A', $GOOD],
	['wildcard NODATA', 'x.wild', 'TXT', $NODATA],
	['wildcard itself, NODATA', '*.wild', 'TXT', $NODATA],
	['empty wildcard', 'x.emptywild', 'A', $NODATA],
	['CNAME', 'alias', 'A', $GOOD],
	['CNAME, NODATA behind it', 'alias', 'TXT', "nxrrset, $GOOD"],
	['CNAME, NXDOMAIN behind it', 'gone', 'A', "nxdomain, $GOOD"],
	['CNAME from a wildcard', 'x.wildalias', 'A', $GOOD, "$OPEN, $GOOD"],
	['CNAME into a signed child', 'tosecure', 'A', $GOOD],
	['any type', 'www', 'ANY', $GOOD],
	['any type of a wildcard', 'any.wild', 'ANY', $GOOD, $OPEN],
	['any type of an alias', 'alias', 'ANY', $GOOD],
	['any type of a wildcard alias', 'any.wildalias', 'ANY', $GOOD, $OPEN],
	['any type where there is none', 'any.emptywild', 'ANY', $NODATA],
	['DNAME', 'host.a.moved', 'A', $GOOD],
	['DNAME, NXDOMAIN behind it', 'nope.moved', 'A', "nxdomain, $GOOD"],
	['DNAME to a wildcard', 'x.wildmoved', 'A', $GOOD, "$GOOD, $OPEN"],
	['DS of a signed child', 'secure', 'DS', $GOOD],
	['no DS at an unsigned cut', 'plain', 'DS', $NODATA],
	['in a signed child', 'www.secure', 'A', $GOOD],
	['NXDOMAIN in a signed child', 'nope.secure', 'A', $NXDOMAIN],
	['in an unsigned child', 'www.plain', 'A', $OPEN],
	['CNAME into an unsigned child', 'toplain', 'A', "$GOOD, $OPEN"],
);

# Trust a key; returns the path for delv.
sub write_anchor {
	my ($m, $key) = @_;
	return write_file($m->dir . '/anchor', sprintf
		"trust-anchors { \"%s.\" static-key %d %d %d \"%s\"; };\n", $ORIGIN, $key->flags,
		$key->protocol, $key->algorithm, $key->key);
}

# A resolver in front of $m that trusts what is in the file; it is started anew when that changes.
sub _resolver {
	my ($m, $anchor) = @_;
	my $key = join ' ', $m->port, read_file($anchor);
	my $kept = $m->{resolver};

	if (!$kept || $kept->{key} ne $key) {
		$kept = $m->{resolver} = { key => $key,
			named => Martlet::Peer->new('named', behind => $m, anchor_file => $anchor) };
		delete $kept->{named}{behind};
	}
	return $kept->{named};
}

# delv's words for an answer that such a resolver has found secure as a whole, else nothing.
sub _resolved {
	my ($m, $anchor, $name, $type) = @_;
	my $answer = _resolver($m, $anchor)->ask($name, $type, rd => 1, do => 1, tcp => 1) // return;
	my $is_found = grep { $type eq 'ANY' || $_->[1] == type_number($type) } @{ $answer->{answer} };

	return unless $answer->{ad} && $answer->rcode =~ /^(?:NOERROR|NXDOMAIN)$/;
	return (join(', ', ($is_found ? () : $answer->rcode eq 'NXDOMAIN' ? 'nxdomain' : 'nxrrset'),
			(@{ $answer->{answer} } ? () : 'negative response'), 'fully validated'), $answer->dump);
}

# What delv says; its text for diagnostics.  It is a process of 30 ms, and a resolver of the
# same validator is one of 140: who asks for more than a few answers has those from it, and
# from delv only what is not secure.
sub delv {
	my ($m, $anchor, $name, $type) = @_;
	if ($m->{delv_asked}++ >= 4 && Martlet::Peer::program('named')) {
		my @resolved = _resolved($m, $anchor, $name, $type);
		return @resolved if @resolved;
	}
	my @command = (find_program('delv'), '@' . $m->address, '-p', $m->port, '-a', $anchor,
		"+root=$ORIGIN", $name, $type);
	open my $output, '-|', '/bin/sh', '-c', 'exec "$@" 2>&1', 'sh', @command or die "delv: $!\n";
	my $text = join '', <$output>;
	close $output;
	my @verdicts = $text =~ /^;(?:; resolution failed: ncache)? (.*(?:nx|validated|unsigned answer).*)$/mg;
	return (join(', ', @verdicts), $text);
}

# Signatures of a response that do not verify; RRsets that should have one and have none.
sub bad_signatures {
	my ($answer, $keys) = @_;
	my (%sets, @bad);

	for my $section (qw(answer authority additional)) {
		for my $rr ($answer->packet->$section) {
			next if $rr->type eq 'OPT';
			my $type = $rr->type eq 'RRSIG' ? $rr->typecovered : $rr->type;
			my $set = $sets{"$section " . lc($rr->owner) . " $type"} //= {};
			push @{ $set->{ $rr->type eq 'RRSIG' ? 'sigs' : 'rrs' } }, $rr;
		}
	}
	my @dnames = map { lc $_->[0] } grep { $_->[1] == 39 } @{ $answer->{answer} };
	for my $name (sort keys %sets) {
		my ($section, $owner, $type) = split / /, $name;
		my $set = $sets{$name};
		# not signed: NS at a cut, glue, the CNAME made from a DNAME, unsigned zones
		next if $owner =~ /(?:^|\.)plain\.\Q$ORIGIN\E\.?$/ && $type ne 'NSEC';
		next if $type eq 'NS' && $section eq 'authority';
		next if $section eq 'additional' && !$set->{sigs};
		next if $type eq 'CNAME' && @dnames;
		push @bad, "$name has no signature" unless $set->{sigs};
		for my $sig (@{ $set->{sigs} // [] }) {
			my $key = $keys->{ lc $sig->signame };
			push @bad, "$name: " . ($key ? $sig->vrfyerrstr : 'no key')
			  unless $key && $sig->verify($set->{rrs}, $key);
		}
	}
	return @bad;
}

1;
