# What a server must answer, worked out slowly and plainly from lists of records: the
# reference for tests whose data changes.  RFC 1034, section 4.3.2; without DNSSEC.
#
#	my $model = Martlet::Model->new;
#	$model->set_zone('example.com', zone_records('example.com', $data));
#	is($model->differs($m->ask($name, $type), $name, $type), '', ...);
#
# Names are absolute, in lower case, without escaped dots; data is text as in zone files.
package Martlet::Model;

use strict;
use warnings;

use Martlet::Answer;
use Martlet::Wire qw(rdata_canonical type_number);

sub new { return bless { zones => {} }, $_[0] }

sub _absolute { return lc $_[0] =~ s/\.?$/./r }

sub _parent { return $_[0] =~ s/^[^.]+\.//r }

# Give the zone these records and no others.  Each: [owner, TTL, type, text of the data].
sub set_zone {
	my ($self, $origin, @records) = @_;
	my $apex = _absolute($origin);
	my %names = ($apex => {});

	for my $record (@records) {
		my ($owner, $ttl, $type, $data) = @$record;
		my $rrset = $names{ _absolute($owner) }{ uc $type } //= { ttl => $ttl, data => {} };
		$rrset->{data}{ canonical_data($type, $data) } = 1;
		# empty non-terminals
		for (my $name = _absolute($owner); $name ne $apex; $name = _parent($name)) {
			$names{$name} //= {};
		}
	}
	$self->{zones}{$apex} = { apex => $apex, names => \%names };
	return;
}

sub remove_zone {
	my ($self, $origin) = @_;
	delete $self->{zones}{ _absolute($origin) };
	return;
}

# The data as Martlet::Answer writes it.
my %canonical;

sub canonical_data {
	my ($type, $data) = @_;
	require Net::DNS;

	return $canonical{"$type $data"} //= do {
		my $rr = Net::DNS::RR->new("x. 0 IN $type $data");
		my $wire = $rr->encode;
		# owner, type, class, TTL, length
		my $rdata = substr $wire, 3 + 10;
		Martlet::Answer::rdata_text(type_number($type), rdata_canonical(type_number($type), $rdata));
	};
}

sub _lines {
	my ($owner, $type, $rrset) = @_;
	return map {"$owner $rrset->{ttl} $type $_"} keys %{ $rrset->{data} };
}

# The deepest zone that the name is in; at a child's apex, DS is the parent's.
sub _find_zone {
	my ($self, $name, $type) = @_;
	my $zones = $self->{zones};
	my $at = $type eq 'DS' && $zones->{$name} && $name ne '.' ? _parent($name) : $name;

	for ($at ||= '.'; ; $at = _parent($at) || '.') {
		return $zones->{$at} if $zones->{$at};
		last if $at eq '.';
	}
	return $zones->{$name};
}

# From the apex down to the name, the name itself last.
sub _way_down {
	my ($zone, $name) = @_;
	my @way = ($name);

	unshift @way, _parent($way[0]) || '.' while $way[0] ne $zone->{apex};
	return @way;
}

sub _negative {
	my ($zone, $rcode, $answer) = @_;
	my $soa = $zone->{names}{ $zone->{apex} }{SOA};
	my ($minimum) = map { (split ' ')[-1] } keys %{ $soa->{data} };
	my $ttl = $minimum < $soa->{ttl} ? $minimum : $soa->{ttl};

	return $rcode, _lines($zone->{apex}, 'SOA', { %$soa, ttl => $ttl });
}

# Where the name leads inside a zone: (how, node, owner): "cut", "dname", "node", "none".
sub _descend {
	my ($zone, $name, $type) = @_;
	my $names = $zone->{names};
	my $encloser;

	for my $at (_way_down($zone, $name)) {
		my $node = $names->{$at} or last;
		return 'cut', $node, $at
		  if $at ne $zone->{apex} && $node->{NS} && !($at eq $name && $type eq 'DS');
		return 'dname', $node, $at if $node->{DNAME} && $at ne $name;
		return 'node', $node, $name if $at eq $name;
		$encloser = $at;
	}
	my $wildcard = $names->{ $encloser eq '.' ? '*.' : "*.$encloser" };
	return $wildcard ? ('node', $wildcard, $name) : ('none');
}

# The answer as a hash: rcode, aa, answer and authority (lines, sorted).
sub expect {
	my ($self, $qname, $type) = @_;
	my ($name, $rcode, $aa, %seen, @answer, @authority) = (_absolute($qname), 'NOERROR', 0);

	$type = uc $type;
	while (!$seen{$name}++) {
		my $zone = $self->_find_zone($name, $type);
		# the end of a chain may be somebody else's
		if (!$zone) {
			$rcode = 'REFUSED' if keys %seen == 1;
			last;
		}
		my ($how, $node, $owner) = _descend($zone, $name, $type);
		if ($how eq 'cut') {
			push @authority, _lines($owner, 'NS', $node->{NS});
			last;
		}
		$aa = 1;
		if ($how eq 'none') {
			($rcode, @authority) = _negative($zone, 'NXDOMAIN');
			last;
		}
		if ($how eq 'dname') {
			push @answer, _lines($owner, 'DNAME', $node->{DNAME});
			my ($target) = keys %{ $node->{DNAME}{data} };
			my $new = substr($name, 0, -length $owner) . $target;
			push @answer, "$name $node->{DNAME}{ttl} CNAME $new";
			last if $type eq 'CNAME';
			$name = $new;
			next;
		}
		if ($node->{$type}) {
			push @answer, _lines($owner, $type, $node->{$type});
			last;
		}
		if (!$node->{CNAME}) {
			($rcode, @authority) = _negative($zone, 'NOERROR');
			last;
		}
		push @answer, _lines($owner, 'CNAME', $node->{CNAME});
		($name) = keys %{ $node->{CNAME}{data} };
	}
	return { rcode => $rcode, aa => $aa, answer => [sort @answer], authority => [sort @authority] };
}

# An answer, or what `expect` says of one, as one line to compare.
sub line {
	my ($said) = @_;
	return 'no answer' unless $said;
	$said = { rcode => $said->rcode, aa => $said->aa ? 1 : 0,
		map { $_ => [$said->text($_)] } qw(answer authority) }
	  if ref $said ne 'HASH';
	return join '; ', @$said{qw(rcode aa)}, map { join ', ', @{ $said->{$_} } } qw(answer authority);
}

# What is wrong with a Martlet::Answer (or undef, when none came); '' for nothing.
sub differs {
	my ($self, $answer, $name, $type) = @_;
	my ($have, $want) = (line($answer), line($self->expect($name, $type)));
	return $have eq $want ? '' : "is [$have], not [$want]";
}

1;
