# The zones that t/bench/steady.c asks, in any number of states: each record carries the
# number of its state, so that an answer from two states shows.
package SteadyZone;

use strict;
use warnings;

use Exporter qw(import);
use IO::Handle;
use JSON::PP ();
use Martlet;
use Test::More ();

our @EXPORT_OK = qw(steady_zones steady_start steady_end steady_lost);

# Both zones in state `number`, 1 .. 65535; with `extra` more names, to make them big.
sub steady_zones {
	my ($number, $extra) = @_;
	my $address = join '.', 10, $number >> 16, $number >> 8 & 255, $number & 255;
	my $head = "\$TTL 60\n@ IN SOA ns hostmaster $number 3600 600 86400 60\n@ IN NS ns\n"
	  . "ns IN A 192.0.2.1\n";
	my %zones = (
		'steady.test' => $head
		  . join('', map {"gen IN TXT \"g=$number $_\"\n"} 1 .. 4)
		  . "mx IN MX $number host\nhost IN A $address\n"
		  . "alias IN CNAME v$number\nv$number IN A $address\n"
		  . "cross IN CNAME v$number.other.test.\n*.wild IN TXT \"g=$number\"\n",
		'other.test' => $head . "v$number IN A $address\n",
	);
	$zones{'steady.test'} .= join '', map {"n$_ IN A 192.0.2.2\n"} 1 .. $extra // 0;
	return \%zones;
}

# Start the load: a handle for steady_end.
sub steady_start {
	my ($server, $rate, $seconds, $sockets) = @_;
	my $program = "$Martlet::BUILD/t/bench/steady";
	my $pid = open my $output, '-|', $program, $server->port, $rate, $seconds, $sockets // 32;

	die "$program: $!\n" unless $pid;
	return { pid => $pid, output => $output };
}

# End the load when it has not ended by itself (`now`), and read its figures.
sub steady_end {
	my ($steady, $now) = @_;

	kill 'TERM', $steady->{pid} if $now;
	my $line = readline $steady->{output};
	close $steady->{output};
	die "steady ended without figures\n" unless defined $line;
	return JSON::PP->new->decode($line);
}

# Those that the server has lost: not what the kernel drops before it while a busy machine lets no
# worker run.
sub steady_lost {
	my ($figures, $counters) = @_;
	my $dropped = $counters->{udp_socket_drops};

	Test::More::note("$figures->{lost} lost, $figures->{late} late, $dropped dropped before the server");
	return $figures->{lost} > $dropped ? $figures->{lost} - $dropped : 0;
}

1;
