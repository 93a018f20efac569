#!/usr/bin/perl
# What signed answers and denials cost, beside unsigned answers of the same length: part of
# `make bench`.
#
# Zones of BENCH_SIGNED (1000,1000000) names with an address each, signed by algorithm 13 with
# NSEC and with NSEC3; all queries have DO, those for names that do not exist fall anywhere
# into the chain.  The unsigned answer is a TXT, of as many names, at most 200,000: that is as
# cold.  One worker on the first CPU, the client on the second; servers take turns, the best of BENCH_ROUNDS (5) runs of
# BENCH_SECONDS (1) is told: CPU time of server and kernel for a query, and the ratio.
# Signing 1 M names takes a minute or two.  `redins` is how many times as many queries that makes
# as redins, which signs each answer, had answered on one core of such a machine by the same
# method: its CPU time for a query over ours.
#
# Then one of 20 addresses by weight, signed, beside the same from a zone that is not signed:
# the first 14 are signed ahead, the others, half of the answers, stand in the cache of what is
# signed on demand.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/../lib";

use BenchFlood qw(cpu_ns delivers from_client host server_cpu stay_on tree);
use File::Temp ();
use JSON::PP ();
use FloodTool;
use Martlet;
use Martlet::Process qw(find_program write_file);

use constant { QUERIES => 50_000, TEXTS => 200_000, ORIGIN => 'names.example', TEXT_ORIGIN => 'texts.example',
	ANSWER_FIXED => 12 + 4 + 12 + 11, STEERED => 1000, STEERED_BOUND => 1.3, WARM_MAX => 30 };

my @sizes = split /,/, $ENV{BENCH_SIGNED} // '1000,1000000';
my $rounds = $ENV{BENCH_ROUNDS} // 5;
my $seconds = $ENV{BENCH_SECONDS} // 1;
my $head = "\$TTL 3600\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n";

sub host_name { return sprintf 'h%08d', $_[0] }

my %question = (
	hit => sub { host_name(int rand $_[0]) . '.' . ORIGIN . ' A' },
	NODATA => sub { host_name(int rand $_[0]) . '.' . ORIGIN . ' SRV' },
	NXDOMAIN => sub { host_name(int rand $_[0]) . sprintf('-%02d.', rand 100) . ORIGIN . ' A' },
);
# us of redins's fastest generation; what it denies it says to be NODATA
my %redins_us = (hit => 30, NXDOMAIN => 50);
# As the design asks for
my %bound = (hit => [1.15, 1.15], NODATA => [1.3, 1.6], NXDOMAIN => [1.3, 1.6]);

sub make_keys {
	my ($dir) = @_;
	my @keygen = (find_program('dnssec-keygen') // die("dnssec-keygen is missing\n"), '-q', '-K', $dir, '-a', 13);

	mkdir $dir;
	system("@keygen $_ @{[ORIGIN]} >/dev/null") == 0 or die "dnssec-keygen: status $?\n" for '-f KSK', '';
	return;
}

# The names of a zone, signed and sealed by martletctl.
sub build {
	my ($dir, $size, $denial) = @_;

	mkdir $dir;
	make_keys("$dir/keys");
	open my $zone, '>', "$dir/zone" or die "$dir/zone: $!\n";
	print $zone $head;
	printf $zone "%s A 10.%d.%d.%d\n", host_name($_), $_ >> 16 & 255, $_ >> 8 & 255, $_ & 255 for 0 .. $size - 1;
	close $zone or die "$dir/zone: $!\n";
	my $config = write_file("$dir/martlet.conf", <<"END");
user = ""; state_dir = "$dir/state";
zones = { files = ( { origin = "@{[ORIGIN]}."; file = "$dir/zone"; sign = true; } ); };
dnssec = { key_dir = "$dir/keys"; denial = "$denial"; };
END
	system("@{[Martlet::martletctl()]} -c $config build $dir/generation >/dev/null 2>&1") == 0
	  or die "$dir: it cannot be built\n";
	return "$dir/generation";
}

sub serve {
	my ($generation, $keys, %zones) = @_;
	stay_on('server');
	my $m = Martlet->new(zones => \%zones, config => { $keys ? (dnssec => { key_dir => $keys }) : (),
		workers => { count => 1, cpus => [server_cpu()] }, log => { level => 'error' }, dns => { rcvbuf_kb => 4096 } });
	die "swap: $m->{ctl_stderr}\n" if $generation && ($m->ctl('swap', $generation))[0];
	stay_on('all');
	return $m;
}

# Names of which one of 20 addresses is drawn for each query.
# keys  signed by them; undef: not signed
sub serve_steered {
	my ($keys) = @_;
	my @records = map { { ip => "192.0.2.$_", weight => $_ } } 1 .. 20;
	my %labels = map { (host_name($_) => { a => { ttl => 3600, filter => { order => 'weighted', count => 'single' },
		records => \@records } }) } 0 .. STEERED - 1;

	$labels{'@config'} = { dnssec => JSON::PP::true } if $keys;
	stay_on('server');
	my $m = Martlet->new(start => 0, config => {
		workers => { count => 1, cpus => [server_cpu()] }, log => { level => 'error' }, dns => { rcvbuf_kb => 4096 },
		$keys ? (dnssec => { key_dir => $keys, steered_rate => 1_000_000 }) : () });
	$m->write_zone(ORIGIN, $head);
	(my $path = $m->zone_path(ORIGIN)) =~ s/zone$/json/;
	write_file($path, JSON::PP->new->encode(\%labels));
	$m->start;
	stay_on('all');
	return $m;
}

sub queries {
	my ($dir, $load, $size) = @_;
	srand 1;
	return write_file("$dir/$load.txt", join '', map { $question{$load}->($size) . "\n" } 1 .. QUERIES);
}

# Octets of the longest answer of some.
sub answer_len {
	my ($m, $load, $size) = @_;
	my @lens = sort { $b <=> $a } map { $m->ask((split / /, $question{$load}->($size)), do => 1, edns => 1232)->len } 1 .. 20;
	return $lens[0];
}

# Character-strings that fill so many octets.
sub strings {
	my ($len) = @_;
	my @strings;
	while ($len > 0) {
		my $take = $len > 256 ? 255 : $len;
		push @strings, '"' . 'x' x ($take - 1) . '"';
		$len -= $take;
	}
	return "@strings";
}

# A zone of texts whose answers are so long, and its queries.
sub texts {
	my ($dir, $len, $size) = @_;
	my $count = $size < TEXTS ? $size : TEXTS;
	my $origin = "t$len." . TEXT_ORIGIN;
	my $name_len = length("h00000000.$origin") + 2;
	my $text = strings($len - ANSWER_FIXED - $name_len);

	return ($origin, $head . join('', map { host_name($_) . " TXT $text\n" } 0 .. $count - 1),
		write_file("$dir/t$len.txt", join '', map { host_name(int rand $count) . ".$origin TXT\n" } 1 .. QUERIES));
}

sub measure {
	my ($m, $queries) = @_;
	my @pids = (tree($m->pid), delivers());
	my $before = cpu_ns(@pids);
	local @FloodTool::through = from_client();
	my $r = FloodTool::flood('-p', $m->port, '-d', $queries, '-D', '-l', $seconds, '-c', 4, '-t', 0.5, '--spin');
	return $r->{answered} ? (cpu_ns(@pids) - $before) / 1e3 / $r->{answered} : 9e9;
}

sub table {
	my ($size, $denial, $dir) = @_;
	my $signed = serve(build($dir, $size, $denial), "$dir/keys");
	my %len = map { $_ => answer_len($signed, $_, $size) } keys %question;
	my %texts = map { $_ => [texts($dir, $len{$_}, $size)] } keys %len;
	my $plain = serve(undef, undef, map { @{ $texts{$_} }[0, 1] } keys %texts);

	for my $load (qw(hit NODATA NXDOMAIN)) {
		my $queries = queries($dir, $load, $size);
		my ($best, $best_plain) = (9e9, 9e9);
		for (1 .. $rounds) {
			my ($us, $us_plain) = (measure($signed, $queries), measure($plain, $texts{$load}[2]));
			$best = $us if $us < $best;
			$best_plain = $us_plain if $us_plain < $best_plain;
		}
		printf "%9d %-6s %-9s %6d %9.3f %9.3f %6.2f %6.2f %6s\n", $size, $denial, $load, $len{$load}, $best, $best_plain,
		  $best / $best_plain, $bound{$load}[$denial eq 'nsec3'],
		  $redins_us{$load} ? sprintf '%.1f', $redins_us{$load} / $best : '';
	}
	$_->stop for $signed, $plain;
	return;
}

sub steered_row {
	my ($dir) = @_;
	make_keys("$dir/keys");
	my @servers = map { serve_steered($_) } "$dir/keys", undef;
	my $queries = queries($dir, 'hit', STEERED);
	my @best = (9e9, 9e9);

	my $before = -1;
	for (1 .. WARM_MAX) { # until all that can be drawn is signed
		my $now = $servers[0]->counters->{steered_stand_ins};
		last if $now == $before;
		$before = $now;
		measure($_, $queries) for @servers;
	}
	for (1 .. $rounds) {
		for my $i (0, 1) {
			my $us = measure($servers[$i], $queries);
			$best[$i] = $us if $us < $best[$i];
		}
	}
	printf "%-26s %6d %9.3f %9.3f %6.2f %6.2f\n", 'one of 20 by weight', answer_len($servers[0], 'hit', STEERED), @best,
	  $best[0] / $best[1], STEERED_BOUND;
	printf "of these, not signed as yet: %d\n", $servers[0]->counters->{steered_stand_ins} - $before;
	$_->stop for @servers;
	return;
}

$| = 1;
printf "%s, best of %d runs of %g s\n", host(), $rounds, $seconds;
printf "%9s %-6s %-9s %6s %9s %9s %6s %6s %6s\n", 'names', 'denial', 'load', 'octets', 'us CPU/q', 'a TXT', 'ratio', 'bound',
  'redins';
for my $size (@sizes) {
	for my $denial (qw(nsec nsec3)) {
		my $tmp = File::Temp->newdir('martlet-bench-XXXXXX', TMPDIR => 1);
		table($size, $denial, $tmp->dirname);
	}
}
{
	my $tmp = File::Temp->newdir('martlet-bench-XXXXXX', TMPDIR => 1);
	printf "\n%-26s %6s %9s %9s %6s %6s\n", 'steered', 'octets', 'us CPU/q', 'unsigned', 'ratio', 'bound';
	steered_row($tmp->dirname);
}
