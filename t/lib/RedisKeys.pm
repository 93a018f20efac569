package RedisKeys;
# Keys of zones as redins has them in Redis: made by BIND's dnssec-keygen.

use strict;
use warnings;

use Exporter qw(import);
use Martlet::Process qw(find_program read_file);

our @EXPORT_OK = qw(keygen key_strings public_of);

# A key of the zone; returns the path of its files without suffix.
sub keygen {
	my ($dir, $zone, @how) = @_;
	open my $pipe, '-|', find_program('dnssec-keygen'), '-q', '-K', $dir, @how, $zone
	  or die "dnssec-keygen: $!\n";
	my $name = join '', <$pipe>;
	close $pipe or die "dnssec-keygen: $name\n";
	chomp $name;
	return "$dir/$name";
}

# (part of the name => value): "zsk:pub" and "zsk:priv"; %how: escaped => 1 for line ends
# that are written as two characters.
sub key_strings {
	my ($role, $path, %how) = @_;
	my ($public, $private) = map { read_file("$path.$_") } qw(key private);

	$public =~ s/^;.*\n//mg;
	$private =~ s/^(?:Created|Publish|Activate):.*\n//mg;
	s/\n/\\n/g for $how{escaped} ? ($public, $private) : ();
	return ("$role:pub" => $public, "$role:priv" => $private);
}

sub public_of {
	my ($path) = @_;
	my ($line) = grep { !/^;/ } split /\n/, read_file("$path.key");
	return Net::DNS::RR->new($line);
}

1;
