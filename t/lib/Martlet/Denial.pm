# Does a response prove what it says?  A checker of NSEC and NSEC3 proofs, written from
# the resolver's side (RFC 4035, section 5.4; RFC 5155, section 8), so that it shares
# no thought with the server.  Signatures are not its business.
package Martlet::Denial;

use strict;
use warnings;

use Digest::SHA qw(sha1);
use Exporter qw(import);
use Martlet::Wire qw(name_to_text);

our @EXPORT_OK = qw(unproved labels_of is_below nsec3_hash);

# Labels of a name in wire form, lower-cased, first label first.
sub labels_of {
	my ($wire) = @_;
	my ($at, @labels) = (0);

	while (my $len = ord substr $wire, $at, 1) {
		push @labels, lc substr $wire, $at + 1, $len;
		$at += 1 + $len;
	}
	return @labels;
}

sub _wire { return pack('(C/a*)*', @_) . "\0" }

# At or below.
sub is_below {
	my ($wire, $ancestor) = map { lc } @_;

	$wire = substr $wire, 1 + ord $wire while length $wire > length $ancestor;
	return $wire eq $ancestor;
}

# Canonical order (RFC 4034, section 6.1).
sub _compare {
	my @one = reverse labels_of($_[0]);
	my @two = reverse labels_of($_[1]);

	while (@one && @two) {
		my $order = shift(@one) cmp shift @two;
		return $order if $order;
	}
	return @one <=> @two;
}

sub _bitmap {
	my ($bits) = @_;
	my %types;

	while (length $bits > 2) {
		my ($window, $len) = unpack 'C2', $bits;
		my $block = substr $bits, 2, $len;
		for my $bit (0 .. 8 * $len - 1) {
			$types{ 256 * $window + $bit } = 1
			  if ord(substr $block, $bit >> 3, 1) & 0x80 >> ($bit & 7);
		}
		$bits = substr $bits, 2 + $len;
	}
	return \%types;
}

sub nsec3_hash {
	my ($wire, $salt, $iterations) = @_;
	my $hash = sha1(lc($wire) . $salt);
	$hash = sha1($hash . $salt) for 1 .. $iterations;
	return $hash;
}

# RFC 4648, section 7: base32 with extended hex alphabet, lower case, without padding.
sub _base32 {
	my ($octets) = @_;
	my $text = pack 'B*', unpack('B*', $octets) =~ s/(.{5})/000$1/gr;
	return $text =~ tr/\0-\37/0-9a-v/r;
}

# All denial records of the authority section, taken apart.
sub _records {
	my ($answer) = @_;
	my (@nsec, @nsec3);

	for my $record (@{ $answer->{authority} }) {
		my ($owner, $type, undef, undef, $rdata) = @$record;
		if ($type == 47) {
			my $at = 0;
			$at += 1 + ord substr $rdata, $at, 1 while ord substr $rdata, $at, 1;
			push @nsec, { owner => lc $owner, next => lc substr($rdata, 0, $at + 1),
				types => _bitmap(substr $rdata, $at + 1) };
		} elsif ($type == 50) {
			my (undef, $flags, $iterations, $salt, $next) = unpack 'C C n C/a C/a', $rdata;
			my @labels = labels_of($owner);
			my $bits = substr $rdata, 4 + 1 + length($salt) + 1 + length($next);
			push @nsec3, { hash => shift @labels, zone => _wire(@labels),
				optout => $flags & 1, iterations => $iterations, salt => $salt,
				next => _base32($next), types => _bitmap($bits) };
		}
	}
	return \@nsec, \@nsec3;
}

# ---- NSEC ----

sub _nsec_match {
	my ($nsec, $name) = @_;
	my ($found) = grep { $_->{owner} eq lc $name } @$nsec;
	return $found;
}

# The NSEC that covers the name; the last of a zone points back to the apex.
sub _nsec_cover {
	my ($nsec, $name, $apex) = @_;
	my ($found) = grep {
		_compare($_->{owner}, $name) < 0
		  && (_compare($name, $_->{next}) < 0 || $_->{next} eq $apex)
		  # names below a cut or a DNAME are not the zone's to deny
		  && !(is_below($name, $_->{owner}) && ($_->{types}{39}
			|| ($_->{types}{2} && !$_->{types}{6})))
	} grep { is_below($_->{owner}, $apex) } @$nsec;
	return $found;
}

# The closest encloser that a covering NSEC shows.
sub _nsec_encloser {
	my ($cover, $name) = @_;
	my @best;

	for my $other ($cover->{owner}, $cover->{next}) {
		my @a = reverse labels_of($name);
		my @b = reverse labels_of($other);
		my @common;
		while (@a && @b && $a[0] eq $b[0]) { push @common, shift @a; shift @b }
		@best = @common if @common > @best;
	}
	return _wire(reverse @best);
}

sub _nsec_nxdomain {
	my ($nsec, $name, $apex) = @_;
	my $cover = _nsec_cover($nsec, $name, $apex) or return 'no NSEC covers the name';
	return 'the name is an empty non-terminal' if is_below($cover->{next}, $name);
	my $wildcard = "\1*" . _nsec_encloser($cover, $name);
	return 'no NSEC covers the wildcard ' . name_to_text($wildcard)
	  unless _nsec_cover($nsec, $wildcard, $apex);
	return;
}

sub _lacks {
	my ($record, $type, $at_apex) = @_;
	return "the type is in its bitmap" if $record->{types}{$type};
	return "CNAME is in its bitmap" if $record->{types}{5};
	# a parent's record at a cut says nothing but about DS (RFC 6840, section 4.1)
	return "it stands on the wrong side of a cut"
	  if $type != 43 && $record->{types}{2} && !$record->{types}{6};
	# unless the server has no parent zone to ask (RFC 4035, section 3.1.4.1)
	return "it stands on the child's side of the cut"
	  if $type == 43 && $record->{types}{6} && !$at_apex;
	return;
}

sub _nsec_nodata {
	my ($nsec, $name, $type, $apex) = @_;
	my $match = _nsec_match($nsec, $name);
	return _lacks($match, $type, $name eq $apex) if $match;

	my $cover = _nsec_cover($nsec, $name, $apex) or return 'no NSEC matches or covers the name';
	return if is_below($cover->{next}, $name);	# an empty non-terminal
	my $wildcard = "\1*" . _nsec_encloser($cover, $name);
	$match = _nsec_match($nsec, $wildcard);
	return _lacks($match, $type) if $match;
	$cover = _nsec_cover($nsec, $wildcard, $apex) or return 'nothing about the wildcard';
	return if is_below($cover->{next}, $wildcard);	# an empty wildcard
	return 'the wildcard does not exist, so neither does the name';
}

# ---- NSEC3 ----

sub _hash { my ($nsec3, $name) = @_;
	return _base32(nsec3_hash($name, $nsec3->[0]{salt}, $nsec3->[0]{iterations})) }

sub _nsec3_match {
	my ($nsec3, $name) = @_;
	my $hash = _hash($nsec3, $name);
	my ($found) = grep { $_->{hash} eq $hash } @$nsec3;
	return $found;
}

sub _nsec3_cover {
	my ($nsec3, $name) = @_;
	my $hash = _hash($nsec3, $name);
	my ($found) = grep {
		my ($from, $to) = ($_->{hash}, $_->{next});
		$from lt $to ? $from lt $hash && $hash lt $to : $hash gt $from || $hash lt $to;
	} @$nsec3;
	return $found;
}

# The closest encloser that is proved, and the next closer name's covering record.
sub _nsec3_encloser {
	my ($nsec3, $name, $apex) = @_;
	my @labels = labels_of($name);
	my $next_closer;

	while (@labels >= labels_of($apex)) {
		my $match = _nsec3_match($nsec3, _wire(@labels));
		if ($match) {
			return if $match->{types}{39} || ($match->{types}{2} && !$match->{types}{6});
			return _wire(@labels), $next_closer && _nsec3_cover($nsec3, $next_closer);
		}
		$next_closer = _wire(@labels);
		shift @labels;
	}
	return;
}

sub _nsec3_nxdomain {
	my ($nsec3, $name, $apex) = @_;
	my ($encloser, $cover) = _nsec3_encloser($nsec3, $name, $apex);
	return 'no closest encloser is proved' unless defined $encloser;
	return 'no NSEC3 covers the next closer name' unless $cover;
	return if _nsec3_cover($nsec3, "\1*$encloser");
	# below an empty non-terminal that only unsigned cuts make, nothing can be proved:
	# the wildcard of the encloser that can be proved may well exist (RFC 5155, section 6)
	return if $cover->{optout} && _nsec3_match($nsec3, "\1*$encloser");
	return 'no NSEC3 covers the wildcard';
}

sub _nsec3_nodata {
	my ($nsec3, $name, $type, $apex) = @_;
	my $match = _nsec3_match($nsec3, $name);
	return _lacks($match, $type, $name eq $apex) if $match;

	my ($encloser, $cover) = _nsec3_encloser($nsec3, $name, $apex);
	return 'no closest encloser is proved' unless defined $encloser;
	return 'no NSEC3 covers the next closer name' unless $cover;
	$match = _nsec3_match($nsec3, "\1*$encloser");
	return _lacks($match, $type) if $match;
	# an unsigned cut, or an empty non-terminal above such ones, in an opt-out span
	return if $cover->{optout};
	return 'nothing about the wildcard';
}

# ---- responses ----

# What the response of a signed zone fails to prove; undef when all is well.
# `name` (wire form) is where the chain of aliases ended, `apex` its zone's.
# %kind: rcode, referral (wire form of the cut), secure (the referral has DS), expanded
# (list of [owner, labels of the signature] of records that came from a wildcard).
sub unproved {
	my ($answer, $name, $type, $apex, %kind) = @_;
	my ($nsec, $nsec3) = _records($answer);
	$name = lc $name;

	return 'NSEC and NSEC3 together' if @$nsec && @$nsec3 && !$kind{mixed};
	for my $expanded (@{ $kind{expanded} // [] }) {
		my ($owner, $labels, $zone) = @$expanded;
		my @labels = labels_of($owner);
		my $next_closer = _wire(@labels[@labels - $labels - 1 .. $#labels]);
		my @of_zone = grep { $_->{zone} eq lc $zone } @$nsec3;
		return 'no proof that ' . name_to_text($owner) . ' comes from a wildcard'
		  unless _nsec_cover($nsec, lc $owner, lc $zone)
		  || (@of_zone && _nsec3_cover(\@of_zone, $next_closer));
	}
	return unless $kind{negative} || defined $kind{referral};
	my @own = grep { $_->{zone} eq $apex } @$nsec3;
	return 'no denial at all' unless @$nsec || @own || $kind{secure};
	if (defined $kind{referral}) {
		return if $kind{secure};
		return @own ? _nsec3_nodata(\@own, $kind{referral}, 43, $apex)
		  : _nsec_nodata($nsec, $kind{referral}, 43, $apex);
	}
	if ($kind{negative} eq 'nxdomain') {
		return @own ? _nsec3_nxdomain(\@own, $name, $apex)
		  : _nsec_nxdomain($nsec, $name, $apex);
	}
	return @own ? _nsec3_nodata(\@own, $name, $type, $apex)
	  : _nsec_nodata($nsec, $name, $type, $apex);
}

1;
