# Zones and queries for benchmarks, the same ones each time.
#
#	my $set = BenchZones::make('many', $dir);
#	# $set->{zones}: origin => path; $set->{queries}{hit}: path; $set->{probe}: name
#
# small: one zone of 10 names; medium: one of 100,000 records; many: 10,000 zones of 10
# records; names-N: one zone of N names with an address each.  Loads: hit (names and types that exist), nx (random names that do not),
# nodata (types that a name lacks), mixed (80 % hit, 15 % nx, 5 % referrals).
package BenchZones;

use strict;
use warnings;

our @SETS  = qw(small medium many);
our @LOADS = qw(hit nx nodata mixed);

use constant { MEDIUM_RECORDS => 100_000, MANY_ZONES => 10_000, QUERIES => 50_000 };

sub _v4 { return join '.', 10, map { $_[0] >> $_ & 255 } 16, 8, 0 }
sub _v6 { return sprintf '2001:db8::%x:%x', $_[0] >> 16, $_[0] & 0xffff }

sub _zone {
	my ($origin) = @_;
	return { origin => $origin, lines => [], hits => [], referrals => [], names => [] };
}

# Records of one name; each of its types is a query that hits.
sub _name {
	my ($zone, $label, %rdata) = @_;
	my $name = $label eq '@' ? $zone->{origin} : "$label.$zone->{origin}";

	for my $type (sort keys %rdata) {
		push @{ $zone->{lines} }, "$label $type $rdata{$type}";
		push @{ $zone->{hits} }, "$name $type" unless $label =~ /\*/;
	}
	push @{ $zone->{names} }, $name unless $label =~ /\*/ || $rdata{CNAME};
	return;
}

sub _cut {
	my ($zone, $label, $n) = @_;
	push @{ $zone->{lines} }, "$label NS ns.$label", "ns.$label A " . _v4($n);
	push @{ $zone->{referrals} }, "host.$label.$zone->{origin} A";
	return;
}

sub _small {
	my $zone = _zone('example.com');
	_name($zone, '@', A => _v4(1), AAAA => _v6(1), MX => '10 mail', TXT => '"v=spf1 mx -all"');
	my $n = 10;
	_name($zone, $_, A => _v4($n), AAAA => _v6($n++)) for qw(ns1 ns2 www mail ftp);
	_name($zone, 'text', TXT => '"a text of moderate length, as it is found in the wild"');
	_name($zone, 'alias', CNAME => 'www');
	_name($zone, '*.wild', A => _v4(99));
	push @{ $zone->{hits} }, 'a.wild.example.com A';
	_cut($zone, 'sub', 200);
	return $zone;
}

sub _medium {
	my $zone = _zone('medium.example');
	_name($zone, $_, A => _v4(ord)) for qw(ns1 ns2 mail);
	_cut($zone, sprintf('sub%05d', $_), $_) for 1 .. MEDIUM_RECORDS / 200;
	for (my $n = 0; @{ $zone->{lines} } < MEDIUM_RECORDS; $n++) {
		_name($zone, sprintf('h%06d', $n), A => _v4($n), AAAA => _v6($n),
			MX => '10 mail', TXT => "\"host $n\"");
	}
	return $zone;
}

sub _one_of_many {
	my ($n) = @_;
	my $zone = _zone(sprintf 'z%06d.example', $n);
	_name($zone, '@', A => _v4($n), AAAA => _v6($n), MX => '10 ns1', TXT => "\"zone $n\"");
	_name($zone, 'ns1', A => _v4($n + 1));
	_name($zone, 'www', CNAME => '@');
	_name($zone, '*.wild', A => _v4($n + 2));
	push @{ $zone->{hits} }, "a.wild.$zone->{origin} A";
	_cut($zone, 'sub', $n);
	return $zone;
}

# What stands in memory are the names that are asked for; `more` writes the others.
sub _names {
	my ($count) = @_;
	my $zone = _zone('names.example');
	my $line = sub { sprintf 'h%08d A %s', $_[0], _v4($_[0]) };
	my @asked = $count <= QUERIES ? 0 .. $count - 1
	  : do { my %seen; $seen{ int rand $count } = 1 for 1 .. QUERIES; sort { $a <=> $b } keys %seen };

	for my $n (@asked) {
		my $name = sprintf 'h%08d.names.example', $n;
		push @{ $zone->{hits} }, "$name A";
		push @{ $zone->{names} }, $name;
	}
	_name($zone, 'ns1', A => _v4(1));
	_cut($zone, 'sub', 1);
	$zone->{more} = [$count, $line];
	return $zone;
}

sub _put {
	my ($path, $more, @lines) = @_;
	open my $out, '>', $path or die "$path: $!\n";
	print $out map { "$_\n" } @lines;
	if ($more) {
		print $out $more->[1]->($_), "\n" for 0 .. $more->[0] - 1;
	}
	close $out or die "$path: $!\n";
	return $path;
}

sub _queries {
	my ($load, $zones) = @_;
	my $pick = sub { return $_[0][rand @{ $_[0] }] };
	my %one = (
		hit => sub { $pick->($pick->($zones)->{hits}) },
		nodata => sub { $pick->($pick->($zones)->{names}) . ' ' . $pick->([qw(SRV CAA HTTPS)]) },
		referral => sub { $pick->($pick->($zones)->{referrals}) },
	);
	$one{nx} = sub {
		my $fresh = join '', map { chr 97 + rand 26 } 1 .. 12;
		return "zz-$fresh." . $pick->($zones)->{origin} . ' A';
	};
	$one{mixed} = sub {
		my $x = rand;
		return $one{ $x < 0.8 ? 'hit' : $x < 0.95 ? 'nx' : 'referral' }->();
	};
	return map { $one{$load}->() } 1 .. QUERIES;
}

sub make {
	my ($name, $dir) = @_;
	srand 1;
	my @zones = $name eq 'small' ? _small() : $name eq 'medium' ? _medium()
	  : $name =~ /^names-(\d+)$/ ? _names($1) : map { _one_of_many($_) } 0 .. MANY_ZONES - 1;
	my %set = (name => $name, records => 0);

	mkdir $_ for $dir, "$dir/zones";
	for my $zone (@zones) {
		$set{zones}{ $zone->{origin} } = _put("$dir/zones/$zone->{origin}.zone", $zone->{more},
			'$TTL 3600', '@ SOA ns1 hostmaster 1 7200 3600 1209600 300', '@ NS ns1',
			@{ $zone->{lines} });
		$set{records} += 2 + @{ $zone->{lines} } + ($zone->{more} ? $zone->{more}[0] : 0);
	}
	srand 1;
	$set{queries}{$_} = _put("$dir/$_.txt", undef, _queries($_, \@zones)) for @LOADS;
	$set{last} = $zones[-1]{origin};
	$set{dir} = "$dir/zones";
	return \%set;
}

1;
