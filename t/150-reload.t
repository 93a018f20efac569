#!/usr/bin/perl
# Zone files change: what is served, and what the control commands say of it.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll write_file);
use Martlet::Zones qw(zone address_of serial_of generation);
use Test::More;

my $m = Martlet->new(start => 0, zones => {
	'a.test' => zone(1), 'b.test' => zone(1), 'bad.test' => zone(1, "x A 1.2.3\n") });
$m->expect_log(qr/zone \S+: /, qr/\.zone:/, qr/zones\.dir/);
$m->start;

is(address_of($m, 'a.test'), '192.0.2.1', 'a zone is served');
is(address_of($m, 'bad.test'), 'SERVFAIL', 'a bad one is not');
is(address_of($m, 'c.test'), 'REFUSED', 'one that is not there is refused');

my ($exit, $json) = $m->ctl('reload');
is($exit, 0, 'reload without a change');
is($json->{changed}, 0, 'nothing changed');
is($json->{zones_in_error}, 1, 'one zone is in error');
my $generation = $json->{generation};

$m->write_zone('a.test', zone(2));
($exit, $json) = $m->ctl('reload');
is($exit, 0, 'reload after a change');
is($json->{changed}, 1, 'one zone changed');
cmp_ok($json->{generation}, '>', $generation, 'a new generation');
is(address_of($m, 'a.test'), '192.0.2.2', 'is served when reload returns');
is(address_of($m, 'a.test', tcp => 1), '192.0.2.2', 'over TCP too');
is(generation($m), $json->{generation}, 'status names it');

$m->write_zone('a.test', zone(3));
$m->write_zone('b.test', zone(3));
($exit) = $m->ctl('reload', 'b.test');
is($exit, 0, 'reload of one zone');
is(serial_of($m, 'b.test'), 3, 'it is read');
is(serial_of($m, 'a.test'), 2, 'another one is not');
($exit) = $m->ctl('reload', 'nowhere.test');
is($exit, 1, 'reload of a zone that is not configured');

$m->write_zone('c.test', zone(7));
$m->remove_zone('b.test');
($exit, $json) = $m->ctl('reload');
is("$json->{changed} $json->{removed}", '2 1', 'zones come, change and go');
is(serial_of($m, 'c.test'), 7, 'the new one is served');
is(serial_of($m, 'b.test'), 'REFUSED', 'the removed one is not');

$m->write_zone('c.test', zone(8, "www CNAME elsewhere\n"));
($exit, $json) = $m->ctl('reload');
is($exit, 0, 'a zone becomes bad');
is($json->{zones_in_error}, 2, 'it is counted');
is(serial_of($m, 'c.test'), 7, 'its older data goes on being served');
($exit, $json) = $m->ctl('reload', 'c.test');
is($exit, 1, 'reload of the bad zone fails');
like($json->{error}, qr/c\.test/, 'and names it');
($exit, $json) = $m->ctl('errors');
is($exit, 0, 'errors');
my %error = map { $_->{zone} => $_ } @{ $json->{errors} };
is_deeply([sort keys %error], ['bad.test.', 'c.test.'], 'names both');
is($error{'c.test.'}{state}, 'stale', 'the one with older data');
is($error{'bad.test.'}{state}, 'error', 'the one without');
is($error{'bad.test.'}{line}, 5, 'its line');
like($error{'bad.test.'}{source}, qr/bad\.test\.zone$/, 'and file');
($exit, $json) = $m->ctl('zones', 'c.test');
is($json->{zones}[0]{state}, 'stale', 'zones says so too');
is($json->{zones}[0]{serial}, 7, 'with the serial that is served');
($exit, $json) = $m->ctl('zones');
is_deeply([map { $_->{name} } @{ $json->{zones} }], ['a.test.', 'bad.test.', 'c.test.'],
	'zones lists all');

my ($before, $now) = (generation($m));
$m->write_zone('bad.test', zone(9));
$m->write_zone('c.test', zone(9));
kill 'HUP', $m->pid;
ok(poll(10, sub { serial_of($m, 'c.test') eq 9 }), 'SIGHUP reloads');
is(serial_of($m, 'bad.test'), 9, 'all is good');
($exit, $json) = $m->ctl('errors');
is_deeply($json->{errors}, [], 'errors is empty');
($exit, $json) = $m->ctl('diff', $before, 'live');
is($exit, 0, 'diff');
my ($soa) = grep { $_->{name} eq 'c.test.' } @{ $json->{diff} };
like($soa->{removed}[0], qr/ 7 7200 /, 'has the old SOA');
like($soa->{added}[0], qr/ 9 7200 /, 'and the new one');

mkdir "$m->{dir}/other" or die;
write_file("$m->{dir}/other/d.test.zone", zone(4));
$m->write_config({ zones => { dir => "$m->{dir}/other" } });
($exit, $json) = $m->ctl('reload');
is($exit, 0, 'another directory is configured');
is(serial_of($m, 'd.test'), 4, 'its zones are served');
is(serial_of($m, 'a.test'), 'REFUSED', 'the others are not');

# the sources go away: what is served stays, across restarts too
rename "$m->{dir}/other", "$m->{dir}/away" or die;
($exit, $json) = $m->ctl('reload');
is($exit, 1, 'without the directory reload fails');
is(serial_of($m, 'd.test'), 4, 'and everything is served as before');
rename "$m->{dir}/away", "$m->{dir}/other" or die;
write_file("$m->{dir}/other/d.test.zone", "broken\n");
$m->restart;
is(serial_of($m, 'd.test'), 4, 'a file that is bad at a restart costs nothing');
ok(poll(10, sub { my $list = $m->ctl('errors')->{errors}; @$list == 1 }), 'but is reported');
$m->stop;
done_testing;
