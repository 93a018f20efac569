#!/usr/bin/perl
# RRsets that fit no DNS message cost themselves only: they answer SERVFAIL, and stand in
# `errors`, `zones` and `status` for as long as they are in the zone, restarts included.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(read_file);
use Martlet::Zones qw(zone serial_of generation);
use Test::More;

# 65,535 octets and more: TXT records of 268 octets each
my $big = join '', map { sprintf "big 60 IN TXT \"%03d%s\"\n", $_, 'x' x 252 } 1 .. 245;
my $m = Martlet->new(start => 0, config => { generations => { keep => 20 } }, zones => {
	'a.test' => zone(1), 'b.test' => zone(1, "${big}ok A 192.0.2.9\nbig A 192.0.2.8\n") });
my $line = 1 + grep { /^/ } split /\n/, zone(1);
my $path = $m->zone_path('b.test');

my ($exit, $text) = $m->run('-t');
is($exit, 1, 'martletd -t finds it');
like($text, qr{^error: \Q$path\E:$line: the RRset fits no DNS message.*: big\.b\.test\. TXT$}m,
	'with file and line');

$m->expect_log(qr/^error: (?:sync: zone b\.test\.: )?\Q$path\E:$line: .*fits no DNS/);
$m->start;
is($m->ask('big.b.test', 'TXT', tcp => 1)->rcode, 'SERVFAIL', 'the RRset answers SERVFAIL');
is($m->ask('big.b.test', 'A')->rcode, 'NOERROR', 'its neighbour at the name is served');
is($m->ask('ok.b.test', 'A')->rcode, 'NOERROR', 'and the zone');

my $want = { zone => 'b.test.', owner => 'big.b.test.', type => 'TXT', source => $path,
	line => $line, state => 'error',
	reason => 'the RRset fits no DNS message (65535 octets): it answers SERVFAIL' };

# All that tells of it.
sub is_told {
	my ($when) = @_;
	my ($exit, $json) = $m->ctl('errors');

	is_deeply($json, { errors => [$want], unlisted => 0 }, "$when: errors");
	($exit, $json) = $m->ctl('zones', 'b.test');
	is($json->{zones}[0]{state}, 'partial', "$when: zones");
	like($json->{zones}[0]{error}, qr/^1 RRset is not served/, "$when: zones says how many");
	($exit, $json) = $m->ctl('status');
	is($exit, 1, "$when: status is an alarm");
	is_deeply([grep { /RRset/ } @{ $json->{problems} }],
		['1 RRset is not served as the source has it: see `martletctl errors`'],
		"$when: with its reason");
	is(($m->ctl('ready'))[0], 0, "$when: it serves");
	return;
}

is_told('after the start');
(undef, $text) = $m->ctl_text('errors');
like($text, qr/^b\.test\. \(error\)\n    \S+:$line:\s+big\.b\.test\. TXT: the RRset/, 'errors for people');

my $json;
($exit, $json) = $m->ctl('reload');
is($exit, 0, 'a reload without a change');
is_deeply($json->{errors}, [$want], 'tells it again');
is("$json->{zones_in_error} $json->{rrsets_in_error}", '0 1', 'no zone is in error, one RRset is');
$m->write_zone('a.test', zone(2));
($exit, $json) = $m->ctl('reload');
is_deeply($json->{errors}, [$want], 'as does one of another zone');
is(($m->ctl('reload', 'b.test'))[0], 0, 'the zone itself is not in error');
$m->restart;
is_told('after a restart');

# the zone becomes bad: what is served still lacks the RRset
$m->write_zone('b.test', zone(3, "x A 1.2.3\n"));
$m->expect_log(qr/b\.test\.zone:\d+: .*older data/);
($exit, $json) = $m->ctl('reload');
is_deeply([map { $_->{state} . ' ' . ($_->{owner} // 'zone') } @{ $json->{errors} }],
	['stale zone', 'error big.b.test.'], 'the zone, then its RRset');
is_deeply(scalar $m->ctl('errors')->{errors}, $json->{errors}, 'errors says the same');
is($m->ctl('zones', 'b.test')->{zones}[0]{state}, 'stale', 'the zone is stale');

$m->write_zone('b.test', zone(4, "ok A 192.0.2.9\n"));
($exit, $json) = $m->ctl('reload');
is_deeply($json->{errors}, [], 'a good zone has no faults');
is_deeply(scalar $m->ctl('errors'), { errors => [], unlisted => 0 }, 'errors is empty');
is(($m->ctl('status'))[0], 0, 'the alarm is over');

# a rollback brings it back, and says so
($exit, $json) = $m->ctl('rollback', 1);
is($exit, 0, 'rollback');
is_deeply($m->ctl('errors')->{errors}, [$want], 'errors is that of what is served');
is(($m->ctl('status'))[0], 1, 'and status');
is(($m->ctl('resume'))[0], 0, 'resume');
is(($m->ctl('status'))[0], 0, 'is good again');

# more than are listed
$m->write_zone('b.test', zone(5, join '', map { $big =~ s/^big/big$_/gmr } 1 .. 103));
$m->expect_log(qr/fits no DNS|more errors/);
($exit, $json) = $m->ctl('reload');
is($json->{rrsets_in_error}, 103, 'many of them');
$json = $m->ctl('errors');
is(scalar(@{ $json->{errors} }) . " $json->{unlisted}", '100 3', 'the first 100 are listed');
(undef, $text) = $m->ctl_text('errors');
like($text, qr/^and 3 RRsets more$/m, 'and people know it');

$m->stop;
done_testing();
