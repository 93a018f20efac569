#!/usr/bin/perl
# The static probes: those that the manual names are in the program, with as many arguments,
# and its examples work.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp ();
use Martlet;
use Martlet::Process qw(find_program poll read_file);
use POSIX ();
use Test::More;

plan skip_all => 'readelf is not installed' unless find_program('readelf');
my $notes = `readelf -W -n '@{[ Martlet::martletd() ]}'`;
my %found;

while ($notes =~ /Provider: (\w+)\s+Name: (\w+)\s.*?Arguments: ([^\n]*)/gs) {
	my ($provider, $name, @args) = ($1, $2, split ' ', $3);
	next if $provider ne 'martlet'; # the C library, linked statically, has some too
	$found{$name}{ scalar @args } = 1;
}
plan skip_all => 'built without sys/sdt.h' unless %found;

my $page = read_file("$Bin/../man/martlet-probes.7");
my %told;
$told{$1} = { scalar(split /,/, $2) => 1 } while $page =~ /^\.It Nm (\w+) Ns Pq Ar (.*)$/mg;
is_deeply(\%found, \%told, 'martlet-probes(7) has all of them, and no others');

# those that the examples look at
my @used = $page =~ /martlet:(\w+)/g;
cmp_ok(scalar @used, '>', 4, 'examples');
ok($told{$_}, "an example looks at $_, which is there") for @used;

# The examples, as a reader would type them: a line of .Dl, or what stands in a display.
sub examples {
	my ($text) = $page =~ /^\.Sh EXAMPLES\n(.*?)^\.Sh /ms;
	$text =~ s/\\\(dq/"/g;
	return ($text =~ /^\.Dl (bpftrace .*)$/mg, $text =~ /^(bpftrace (?:(?!^\.).*\n)+)/mg);
}

SKIP: {
	skip 'in its long form, as root, where bpftrace is installed', 1
	  if !$ENV{MARTLET_SOAK} || $> != 0 || !find_program('bpftrace');
	my $begins = `timeout 20 bpftrace -e 'BEGIN { printf("begun"); exit(); }' 2>&1`;
	skip "bpftrace does not work here: $begins", 1 if $begins !~ /begun/;
	my $m = Martlet->new(zones => { 'example.com' => "\@ 3600 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n" },
		config => { workers => { count => 1 } });
	local $ENV{D} = Martlet::martletd();
	local $ENV{P} = ($m->workers)[0]{pid};
	my @examples = examples();
	is(scalar @examples, 5, 'examples for bpftrace');
	my @running = map { my $out = File::Temp->new;
		my $pid = fork // die "fork: $!\n";
		if (!$pid) {
			open STDOUT, '>', "$out";
			open STDERR, '>&', \*STDOUT;
			exec 'sh', '-c', "exec timeout -s INT 60 $_" or POSIX::_exit(127);
		}
		{ pid => $pid, out => $out } } @examples;
	ok(poll(40, sub { @running == grep { read_file("$_->{out}") =~ /Attaching \d/ } @running }), 'all are attached');
	# asked for a while, that intervals end
	poll(3, sub { $m->ask('ns.example.com', 'A') for 1 .. 20; 0 });
	kill 'INT', map { $_->{pid} } @running;
	waitpid $_->{pid}, 0 for @running;
	for my $i (0 .. $#running) {
		my $text = read_file("$running[$i]{out}");
		like($text, qr/^\@\w*(?:\[[\w.]+\])?: *(?:\d|\n[\[(])/m, 'shows something: ' . $examples[$i] =~ s/\s+/ /gr) or diag($text);
	}
	$m->stop;
}
done_testing();
