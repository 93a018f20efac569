# Databases in MaxMind's format, written for tests.
package Martlet::Geo;

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

our @EXPORT_OK = qw(need_reader need_writer write_db);

my %TYPES = (
	country => 'utf8_string', iso_code => 'utf8_string', location => 'map', latitude => 'double', longitude => 'double',
	continent => 'map', code => 'utf8_string', subdivisions => ['array', 'map'],
	autonomous_system_number => 'uint32', name => 'utf8_string',
);

sub need_writer {
	plan skip_all => 'needs libmaxmind-db-writer-perl' unless eval { require MaxMind::DB::Writer::Tree; 1 };
	return;
}

sub need_reader {
	plan skip_all => 'needs libmaxmind-db-reader-perl' unless eval { require MaxMind::DB::Reader; 1 };
	return;
}

# Write $path, through a rename: network => [country, latitude, longitude, continent, region] or, with
# type => 'asn', network => number; undef: an entry that says nothing.  alias => 1: what stands
# for IPv4 elsewhere (2002::/16, ::ffff:0:0/96) says the same.
sub write_db {
	my ($path, $networks, %opt) = @_;
	my $is_asn = ($opt{type} // '') eq 'asn';
	my $tree = MaxMind::DB::Writer::Tree->new(
		ip_version => $opt{ip_version} // 6, record_size => $opt{record_size} // 28,
		database_type => $opt{database_type} // ($is_asn ? 'Test-ASN' : 'Test-City'), languages => ['en'],
		description => { en => 'a test' }, map_key_type_callback => sub { $_[0] eq 'country' ? 'map' : $TYPES{ $_[0] } },
		remove_reserved_networks => 0, alias_ipv6_to_ipv4 => $opt{alias} // 0);

	for my $network (sort keys %$networks) {
		my $data = $networks->{$network};
		my $entry = !defined $data ? { name => 'nowhere' }
		  : $is_asn ? { autonomous_system_number => $data }
		  : { (defined $data->[0] ? (country => { iso_code => $data->[0] }) : ()),
			(defined $data->[1] ? (location => { latitude => $data->[1], longitude => $data->[2] }) : ()),
			(defined $data->[3] ? (continent => { code => $data->[3] }) : ()),
			(defined $data->[4] ? (subdivisions => [{ iso_code => $data->[4] }]) : ()) };
		$tree->insert_network($network, $entry);
	}
	open my $out, '>', "$path.new" or die "$path.new: $!\n";
	binmode $out;
	$tree->write_tree($out);
	close $out or die "$path.new: $!\n";
	rename "$path.new", $path or die "$path: $!\n";
	return;
}

1;
