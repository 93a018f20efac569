#!/usr/bin/perl
# From the start of martletd to its first right answer: from zone files, and again from the
# sealed generation, with a warm page cache.
#
#	perl t/bench/start.pl [ZONES [RECORDS]]
#
# ZONES (10,000) files of RECORDS (10) records each.  A question for the last name goes out
# each millisecond until one is answered; what came before is answered, too, in order.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/../lib";

use IO::Select;
use List::Util qw(min);
use Martlet;
use Martlet::Wire qw(encode_query);
use POSIX      ();
use Time::HiRes qw(sleep time);

my ($zones, $records) = @ARGV;
$zones   //= 10000;
$records //= 10;
my $RESTARTS = 5;

sub origin { return sprintf 'zone%07d.example', $_[0] }

# Line by line: a large process takes long to fork, and that would be measured.
sub write_zones {
	my ($m) = @_;

	for my $number (1 .. $zones) {
		open my $out, '>', $m->zone_path(origin($number)) or die "zone file: $!\n";
		print {$out} "\$TTL 3600\n\@ SOA ns.test. host.test. 1 7200 3600 1209600 300\n\@ NS ns.test.\n";
		printf {$out} "h%08d A 10.%d.%d.%d\n", $_, unpack 'x C3', pack 'N', $_ for 2 .. $records - 1;
		close $out or die "zone file: $!\n";
	}
	return;
}

# Milliseconds from exec to the first right answer.
sub start_ms {
	my ($m) = @_;
	my $query = encode_query(sprintf('h%08d.%s', $records - 1, origin($zones)), 'A', id => 7);
	my $socket = $m->udp_socket;
	my $select = IO::Select->new($socket);
	my $begun = time;
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		open STDOUT, '>>', $m->log_path or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT     or POSIX::_exit(126);
		exec Martlet::martletd(), '-f', '-c', $m->config_path or POSIX::_exit(127);
	}
	$m->_adopt($pid);
	while (1) {
		# refused while nobody listens
		send $socket, $query, 0;
		next unless $select->can_read(0.001);
		my $response;
		next unless defined recv $socket, $response, 65535, 0;
		my ($flags, undef, $answers) = unpack 'x2 n3', $response;
		return 1000 * (time - $begun) if ($flags & 15) == 0 && $answers == 1;
		die "rcode " . ($flags & 15) . " for the last name\n" if ($flags & 15) != 2;
	} continue {
		die "martletd has ended:\n" . $m->log unless $m->running;
		sleep 0.01 if time > $begun + 1;
	}
}

my $m = Martlet->new(start => 0);
$m->{port} = Martlet::Process::free_port();
$m->write_config;
write_zones($m);
printf "%d zones of %d records\n", $zones, $records;
printf "%10.1f ms from start to the first right answer, from text\n", start_ms($m);
# it may go on with writing what is served already
Martlet::Process::poll(60, sub { -l $m->state_dir . '/current' });
my $stored = 0;
$stored += -s for glob $m->state_dir . '/current/*';
printf "%10.1f octets a record on disk\n", $stored / ($zones * $records);
my @again;
for (1 .. $RESTARTS) {
	$m->stop;
	delete $m->{stopped};
	push @again, start_ms($m);
}
printf "%10.1f ms from the generation, the best of %d (%s)\n", min(@again), $RESTARTS,
  join ' ', map { sprintf '%.0f', $_ } @again;
$m->stop;
