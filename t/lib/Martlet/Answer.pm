# One decoded response, with what tests want to know of it.
package Martlet::Answer;

use strict;
use warnings;

use Martlet::Wire qw(decode name_to_text rcode_name type_name rdata_canonical);

# Dies with the reason when the message does not parse.
sub new {
	my ($class, $wire) = @_;
	return bless decode($wire), $class;
}

sub wire  { return $_[0]{wire} }
sub len   { return length $_[0]{wire} }
sub rcode { return rcode_name($_[0]{rcode}) }
sub aa    { return $_[0]{aa} }
sub tc    { return $_[0]{tc} }

# The flags that are set, as "qr aa rd".
sub flags {
	my ($self) = @_;
	return join ' ', grep { $self->{$_} } qw(qr aa tc rd ra z ad cd);
}

# The same message for Net::DNS.
sub packet {
	my ($self) = @_;
	require Net::DNS;
	return $self->{packet} //= Net::DNS::Packet->new(\$self->{wire});
}

# Rdata in its canonical form as these tests write it.
sub rdata_text {
	my ($type, $rdata) = @_;

	if ($type == 1 && length $rdata == 4) { return join '.', unpack 'C4', $rdata }
	require Net::DNS;
	my $text = eval {
		my $wire = pack 'C n2 N n/a*', 0, $type, 1, 0, $rdata;
		my ($rr) = Net::DNS::RR->decode(\$wire);
		my @token = $rr->token;
		splice @token, 0, 4;
		join ' ', grep { !/^[()]$|^;|\n/ } @token;
	};
	return $text if defined $text && $text !~ /[\n\t]/;
	return sprintf '\\# %d %s', length $rdata, unpack 'H*', $rdata;
}

# Records of a section ("answer", "authority", "additional") in zone-file text: owner,
# TTL, type, rdata; sorted, all names in lower case.
sub text {
	my ($self, $section) = @_;

	return sort map {
		my ($owner, $type, $class, $ttl, $rdata) = @$_;
		join ' ', lc name_to_text($owner), $ttl, type_name($type),
		  rdata_text($type, rdata_canonical($type, $rdata))
	} @{ $self->{$section} };
}

# The same without TTLs: shorter to write where they do not matter.
sub brief {
	my ($self, $section) = @_;
	return map { s/^(\S+) \d+ /$1 /r } $self->text($section);
}

# Types of a section, sorted, each once: "NSEC RRSIG SOA".
sub types {
	my ($self, $section) = @_;
	my %seen = map { type_name($_->[1]) => 1 } @{ $self->{$section} };
	return join ' ', sort keys %seen;
}

# The whole as text for diagnostics.
sub dump {
	my ($self) = @_;
	my $text = sprintf "%s; flags %s; %d octets\n", $self->rcode, $self->flags, $self->len;

	for my $question (@{ $self->{question} }) {
		$text .= sprintf ";%s %s\n", name_to_text($question->[0]), type_name($question->[1]);
	}
	for my $section (qw(answer authority additional)) {
		$text .= join '', "$section:\n", map {"\t$_\n"} $self->text($section);
	}
	my $edns = $self->{edns};
	$text .= sprintf "edns: version %d, do %d, size %d, options %s\n",
	  $edns->{version}, $edns->{do}, $edns->{size},
	  join ' ', map {"$_->[0]:" . unpack 'H*', $_->[1]} @{ $edns->{options} }
	  if $edns;
	return $text;
}

1;
