#!/usr/bin/perl
# The manual: well-formed, and it knows every command and every counter.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(read_file);
use Test::More;

my $root = "$Bin/..";

sub is_installed { return grep { -x "$_/mandoc" } split /:/, $ENV{PATH} // '' }

sub lint {
	my ($path) = @_;
	open my $pipe, '-|', 'mandoc', '-Tlint', '-Werror', $path or die "mandoc: $!\n";
	my @found = <$pipe>;
	close $pipe;
	ok($? == 0 && !@found, "$path: mandoc finds no error") or diag(@found);
}

my @pages = map { "$root/man/$_" } qw(martletd.8 martlet.conf.5 martletctl.8 martlet-redis.7 martlet-flood.8 martlet-probes.7);

for my $page (@pages) {
SKIP: {
		skip 'mandoc is not installed', 1 unless is_installed();
		lint($page);
	}
}

# the entries of the lists, by macro: ".It Cm stats Op ..." is Cm stats
my %entries;
my $text = read_file($pages[2]);
$entries{$1}{$2}++ while $text =~ /^\.It (Cm|Li) (\S+)/mg;

my @counters = map { read_file("$root/shm/$_") =~ /\bX\((\w+), *(?:COUNTER|GAUGE),/g }
	qw(stats_table.h region_source.h);
push @counters, map { "query_log_$_" } read_file("$root/shm/region_query_log.h") =~ /\bX\((\w+), *(?:COUNTER|GAUGE),/g;
push @counters, map { "health_$_" } read_file("$root/shm/region_health.h") =~ /\bX\((\w+), *(?:COUNTER|GAUGE),/g;
push @counters, map { "http_$_" } read_file("$root/shm/region_report.h") =~ /\bX\((\w+), *(?:COUNTER|GAUGE),/g;
push @counters, map { "signer_$_" } read_file("$root/shm/region_signer.h") =~ /\bX\((\w+), *(?:COUNTER|GAUGE),/g;
push @counters, map { "resolver_$_" } read_file("$root/shm/region_resolver.h") =~ /\bX\((\w+), *(?:COUNTER|GAUGE),/g;
cmp_ok(scalar @counters, '>', 30, 'counters are found in their table');
is($entries{Li}{$_}, 1, "martletctl(8) has the counter $_") for @counters;
my @stages = read_file("$root/shm/stages.h") =~ /\bX\(\w+, *"(\w+)"/g;
is($entries{Li}{$_}, 1, "martletctl(8) has the stage $_") for @stages;
is_deeply([ sort keys %{ $entries{Li} } ], [ sort @counters, @stages ],
	'martletctl(8) has no other counters or stages');

my $ctl = Martlet::martletctl();
my @commands = `'$ctl' -h` =~ /^  ([a-z]+) .* /mg;
cmp_ok(scalar @commands, '>', 10, 'martletctl -h lists commands');
is($entries{Cm}{$_}, 1, "martletctl(8) has the command $_") for @commands;
is_deeply([ sort keys %{ $entries{Cm} } ], [ sort @commands ],
	'martletctl(8) has no other commands');

# all members that the server's replies have, at any depth
sub collect {
	my ($value, $into) = @_;
	if (ref $value eq 'HASH') {
		$into->{$_}++ for keys %$value;
		collect($_, $into) for values %$value;
	} elsif (ref $value eq 'ARRAY') {
		collect($_, $into) for @$value;
	}
}

my %documented = map { $_ => 1 } $text =~ /^\.(?:It )?Li (\w+)/mg;
my $m = Martlet->new(zones => {
	'example.com' => "\@ 3600 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n" });
my %told;

collect(($m->ctl(@$_))[1], $told{"@$_"} = {}) for ['status'], ['ready'], ['workers'],
	[ 'stats', '--per-worker' ], ['zones'], [ 'zones', '--digest' ], ['changes'], ['limits'], ['top'], ['generations'], ['export'], ['held'],
	[ 'explain', 'ns.example.com', 'A', '--client', '192.0.2.1', '--ecs', '192.0.2.0' ], [ 'explain', 'x.example.com', 'A' ];
$m->write_zone('example.com', "\@ 3600 SOA ns h 2 2 3 4 5\n\@ NS ns\nns A 192.0.2.2\n");
$m->write_zone('example.net', "\@ 3600 SOA ns\n");
$m->expect_log(qr/example[.]net/);
collect(($m->ctl(@$_))[1], $told{"@$_"} = {}) for ['reload'], ['errors'],
	[ 'diff', 1, 2 ], [ 'profile', 'cpu', 1 ], [ 'profile', 'heap' ], [ 'profile', 'memory' ],
	[ 'profile', 'wait', 1 ], [ 'trace', 1 ], [ 'rollback', 1 ];
$m->stop;
for my $command (sort keys %told) {
	my @unknown = grep { !$documented{$_} } sort keys %{ $told{$command} };
	ok(%{ $told{$command} } && !@unknown, "martletctl(8) has all members of $command")
		or diag("not there: @unknown");
}

done_testing();
