# A thousand zones of ten records of which one is flooded: the bed of t/335 and of
# t/bench/under_flood.pl.
#
#	my $bed = FloodBed->new(config => {...});	# ->{m} is the Martlet
#	my $r = $bed->others($seconds, $rate, @more);	# names that exist in all zones but one
#	my $load = $bed->flood($seconds, @more);	# random names below the one, meanwhile
#	my $kb = $bed->memory_kb;	# of all processes: RssAnon and RssShmem
package FloodBed;

use strict;
use warnings;

use List::Util qw(sum0);
use Martlet;
use FloodTool ();
use Martlet::Process qw(children_of read_file write_file);

use constant { ZONES => 1000, FLOODED => 'z500.test' };

sub _zone {
	my ($last) = @_;
	return join '', map {"$_\n"} '$TTL 300', '@ SOA ns h 1 3600 600 86400 60', '@ NS ns',
	  'ns A 10.1.0.1', '@ MX 10 mail', 'mail A 10.1.0.2', "www A 10.2.0.$last",
	  'www AAAA 2001:db8::1', 'text TXT "a text"', 'alias CNAME www', '*.wild A 10.1.0.3';
}

sub new {
	my ($class, %arg) = @_;
	my %zones = map { ("z$_.test" => _zone($_ % 250)) } 0 .. ZONES - 1;
	my $self = bless { m => Martlet->new(%arg, zones => \%zones) }, $class;
	my @lines;

	for my $origin (sort grep { $_ ne FLOODED } keys %zones) {
		push @lines, map {"$_->[0]$origin $_->[1]\n"} ['www.', 'A'], ['', 'MX'], ['text.', 'TXT'],
		  ['alias.', 'AAAA'], ['a.wild.', 'A'];
	}
	$self->{queries} = write_file("$self->{m}{dir}/queries", @lines[map { $_ * 7 % @lines } 0 .. $#lines]);
	return $self;
}

sub others_start {
	my ($self, $seconds, $rate, @more) = @_;
	return FloodTool::flood_start('-p', $self->{m}->port, '-d', $self->{queries}, '-l', $seconds,
		'-Q', $rate, '--give-up', 0, @more);
}

sub others { return FloodTool::flood_end(others_start(@_)) }

sub flood {
	my ($self, $seconds, @more) = @_;
	return FloodTool::flood_start('-p', $self->{m}->port, '-r', FLOODED, '-l', $seconds, @more);
}

sub processes {
	my ($self) = @_;
	return $self->{m}->pid, map { $_->[1] } children_of($self->{m}->pid);
}

# What belongs to the processes and is no file; shared memory counts in each that uses it.
sub memory_kb {
	my ($self) = @_;
	return sum0(map { read_file("/proc/$_/status") =~ /^Rss(?:Anon|Shmem):\s+(\d+) kB/gm } $self->processes);
}

1;
