# DNS messages for tests: building queries octet by octet (wrong ones too), and a strict
# and fast decoder that refuses whatever does not parse to the last octet.
package Martlet::Wire;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(encode_query decode name_to_wire name_to_text type_number type_name
  rcode_name rdata_canonical %TYPE);

our %TYPE = (
	A => 1, NS => 2, MD => 3, MF => 4, CNAME => 5, SOA => 6, MB => 7, MG => 8, MR => 9,
	NULL => 10, WKS => 11, PTR => 12, HINFO => 13, MINFO => 14, MX => 15, TXT => 16,
	RP => 17, AFSDB => 18, RT => 21, SIG => 24, KEY => 25, PX => 26, AAAA => 28,
	LOC => 29, NXT => 30, SRV => 33, NAPTR => 35, KX => 36, CERT => 37, DNAME => 39,
	OPT => 41, APL => 42, DS => 43, SSHFP => 44, RRSIG => 46, NSEC => 47, DNSKEY => 48,
	NSEC3 => 50, NSEC3PARAM => 51, TLSA => 52, CDS => 59, CDNSKEY => 60, ZONEMD => 63,
	SVCB => 64, HTTPS => 65, SPF => 99, TSIG => 250, IXFR => 251, AXFR => 252,
	ANY => 255, URI => 256, CAA => 257,
);
my %TYPE_NAME = reverse %TYPE;
my @RCODE = qw(NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET
  NOTAUTH NOTZONE);
$RCODE[16] = 'BADVERS';

# Names inside rdata, as [octets before them, names, octets behind them] (undef: any).
# Compressed ones (RFC 1035; receivers take them in SRV and a few more, RFC 3597,
# section 4) are expanded; all are lower-cased for the canonical form (RFC 4034,
# section 6.2, with RFC 6840, section 5.1: not in NSEC).
my %RDATA_NAMES = (
	2 => [0, 1], 3 => [0, 1], 4 => [0, 1], 5 => [0, 1], 6 => [0, 2], 7 => [0, 1],
	8 => [0, 1], 9 => [0, 1], 12 => [0, 1], 14 => [0, 2], 15 => [2, 1], 17 => [0, 2],
	18 => [2, 1], 21 => [2, 1], 26 => [2, 2], 33 => [6, 1], 35 => [4, 1], 36 => [2, 1], 39 => [0, 1],
	64 => [2, 1], 65 => [2, 1],
);
my %MAY_COMPRESS = map { $_ => 1 } 2 .. 9, 12, 14, 15, 17, 18, 21, 26, 33;

sub type_number {
	my ($type) = @_;

	return $TYPE{ uc $type } if exists $TYPE{ uc $type };
	return $1 if $type =~ /^(?:TYPE)?(\d+)$/i;
	die "unknown type $type\n";
}

sub type_name  { return $TYPE_NAME{ $_[0] } // "TYPE$_[0]" }
sub rcode_name { return $RCODE[ $_[0] ]     // "RCODE$_[0]" }

# Presentation form, with \. and \DDD, to wire form.  The origin's dot may be left out.
sub name_to_wire {
	my ($text) = @_;
	my $wire = '';
	my $label = '';

	return "\0" if $text eq '.' || $text eq '';
	while ($text =~ /\G(?:\\(\d{3})|\\(.)|([^.\\]+)|(\.))/gcs) {
		if (defined $1)    { $label .= chr $1 }
		elsif (defined $2) { $label .= $2 }
		elsif (defined $3) { $label .= $3 }
		else {
			$wire .= pack 'C/a*', $label;
			$label = '';
		}
	}
	$wire .= pack 'C/a*', $label if length $label;
	return "$wire\0";
}

sub name_to_text {
	my ($wire) = @_;
	my ($at, $text) = (0, '');

	while (my $len = ord substr $wire, $at, 1) {
		my $label = substr $wire, $at + 1, $len;
		$label =~ s/([^!-~])|(["\$().;@\\])/
			defined $1 ? sprintf '\\%03d', ord $1 : "\\$2"/gex;
		$text .= "$label.";
		$at += 1 + $len;
	}
	return $text eq '' ? '.' : $text;
}

# A query.  %opt: id, flags (the 16 bits), opcode, rd, cd, class, edns (offered size, 0 or
# undef for none), do, version, options (wire), extra (octets behind all).
# `name` is text, or wire form when given as a reference.
sub encode_query {
	my ($name, $type, %opt) = @_;
	my $flags = $opt{flags} // (($opt{opcode} // 0) << 11 | ($opt{rd} ? 0x100 : 0) |
	      ($opt{cd} ? 0x10 : 0));
	my $edns = $opt{edns} // ($opt{do} ? 1232 : 0);
	my $message = pack 'n6', $opt{id} // int rand 65536, $flags, 1, 0, 0, $edns ? 1 : 0;

	$message .= ref $name ? $$name : name_to_wire($name);
	$message .= pack 'n2', type_number($type), $opt{class} // 1;
	if ($edns) {
		my $options = $opt{options} // '';
		my $bits = $opt{edns_flags} // ($opt{do} ? 0x8000 : 0);
		$message .= pack 'C n n C C n n/a*', 0, 41, $edns, 0, $opt{version} // 0, $bits,
		  $options;
	}
	return $message . ($opt{extra} // '');
}

# The name at $_[1], expanded; $_[1] moves behind it.  Pointers must point backwards; where
# those of this message led is in %$seen.
sub _take_name {
	my ($message, undef, $seen) = @_;
	my $at = $_[1];
	my $name = '';

	while (1) {
		die "name runs over the end\n" if $at >= length $$message;
		my $len = ord substr $$message, $at, 1;
		if ($len >= 0xc0) {
			die "pointer runs over the end\n" if $at + 2 > length $$message;
			my $to = unpack('n', substr $$message, $at, 2) & 0x3fff;
			die "pointer to $to does not point backwards\n" if $to >= $_[1];
			die "pointer into the header\n" if $to < 12;
			$name .= $seen->{$to} //= _take_name($message, my $from = $to, $seen);
			die "name over 255 octets\n" if length $name > 255;
			$at += 2;
			last;
		}
		die "bad label type $len\n" if $len > 63;
		$name .= substr $$message, $at, $len + 1;
		$at += $len + 1;
		die "name runs over the end\n" if $at > length $$message;
		die "name over 255 octets\n" if length $name > 255;
		last if $len == 0;
	}
	$_[1] = $at;
	return $name;
}

sub _take_rdata {
	my ($message, $type, $at, $len, $seen) = @_;
	my $end = $at + $len;

	my $shape = $MAY_COMPRESS{$type} && $len && $RDATA_NAMES{$type};
	return substr $$message, $at, $len unless $shape;
	my $rdata = substr $$message, $at, $shape->[0];
	$at += $shape->[0];
	for (1 .. $shape->[1]) {
		$rdata .= _take_name($message, $at, $seen);
		die "name runs over its rdata\n" if $at > $end;
	}
	return $rdata . substr $$message, $at, $end - $at;
}

# Rdata with its names in lower case.
sub rdata_canonical {
	my ($type, $rdata) = @_;
	my $shape = $RDATA_NAMES{$type} or return $rdata;
	my $at = $shape->[0];

	# NAPTR: three character-strings stand before the name
	$at += 1 + ord substr $rdata, $at, 1 for 1 .. ($type == 35 ? 3 : 0);

	for (1 .. $shape->[1]) {
		while ($at < length $rdata) {
			my $len = ord substr $rdata, $at, 1;
			substr($rdata, $at + 1, $len) = lc substr $rdata, $at + 1, $len;
			$at += 1 + $len;
			last if !$len;
		}
	}
	return $rdata;
}

# Take a message apart; dies with the reason when it does not parse to the end.
# RRs are [owner (as sent), type, class, TTL, rdata (names expanded)].  OPT stands apart.
sub decode {
	my ($message) = @_;
	die "shorter than a header\n" if length $message < 12;
	my ($id, $flags, @count) = unpack 'n6', $message;
	my $at = 12;
	my %seen;
	my %m = (
		wire => $message,
		id => $id,
		flags => $flags,
		qr => $flags >> 15,
		opcode => $flags >> 11 & 15,
		aa => $flags >> 10 & 1,
		tc => $flags >> 9 & 1,
		rd => $flags >> 8 & 1,
		ra => $flags >> 7 & 1,
		z => $flags >> 6 & 1,
		ad => $flags >> 5 & 1,
		cd => $flags >> 4 & 1,
		rcode => $flags & 15,
		question => [],
	);

	for (1 .. $count[0]) {
		my $name = _take_name(\$message, $at, \%seen);
		die "question runs over the end\n" if $at + 4 > length $message;
		push @{ $m{question} }, [$name, unpack 'n2', substr $message, $at, 4];
		$at += 4;
	}
	for my $section (qw(answer authority additional)) {
		shift @count;
		$m{$section} = [];
		for (1 .. $count[0]) {
			my $name = _take_name(\$message, $at, \%seen);
			die "record runs over the end\n" if $at + 10 > length $message;
			my ($type, $class, $ttl, $len) = unpack 'n2 N n', substr $message, $at, 10;
			$at += 10;
			die "rdata runs over the end\n" if $at + $len > length $message;
			if ($type == 41) {
				die "OPT outside the additional section\n" if $section ne 'additional';
				die "two OPT records\n" if $m{edns};
				die "OPT with an owner\n" if $name ne "\0";
				$m{edns} = {
					size => $class,
					version => $ttl >> 16 & 255,
					do => $ttl >> 15 & 1,
					flags => $ttl & 0xffff,
					options => _options(substr $message, $at, $len),
				};
				$m{rcode} |= $ttl >> 24 << 4;
			} else {
				push @{ $m{$section} },
				  [$name, $type, $class, $ttl, _take_rdata(\$message, $type, $at, $len, \%seen)];
			}
			$at += $len;
		}
	}
	die length($message) - $at . " octets behind the message\n" if $at != length $message;
	return \%m;
}

sub _options {
	my ($rdata) = @_;
	my @options;

	while (length $rdata) {
		die "EDNS option cut short\n" if length $rdata < 4;
		my ($code, $len) = unpack 'n2', $rdata;
		die "EDNS option runs over the end\n" if 4 + $len > length $rdata;
		push @options, [$code, substr $rdata, 4, $len];
		$rdata = substr $rdata, 4 + $len;
	}
	return \@options;
}

1;
