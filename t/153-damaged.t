#!/usr/bin/perl
# A damaged generation is refused with its reason; the previous one is served.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll);
use Martlet::Zones qw(zone serial_of generation);
use Test::More;

my $m = Martlet->new(zones => { 'a.test' => zone(1) });
$m->expect_log(qr/generation \d+ /, qr/zone a\.test/);

sub spoil {
	my ($file, $at) = @_;
	my $path = sprintf '%s/generations/%08d/%s', $m->state_dir, generation($m), $file;

	$m->stop;
	chmod 0640, $path;
	open my $out, '+<:raw', $path or die "$path: $!";
	seek $out, $at, $at < 0 ? 2 : 0;
	read $out, my $octet, 1;
	seek $out, -1, 1;
	print {$out} chr(0x40 ^ ord $octet);
	close $out or die;
	return;
}

my $serial = 1;
for my $case (['manifest', 0], ['manifest', 40], ['index', 0], ['index', 4200],
	['data.mdb', 20], ['data.mdb', 9000]) {
	my ($file, $at) = @$case;
	my $what = "$file at $at";

	$m->write_zone('a.test', zone(++$serial));
	is(($m->ctl('reload'))[0], 0, "$what: reload");
	my $newest = generation($m);
	spoil($file, $at);
	# a source that gives nothing new
	$m->write_zone('a.test', "broken\n");
	delete $m->{stopped};
	$m->start;
	ok(poll(10, sub { serial_of($m, 'a.test') eq $serial - 1 }),
		"$what: the previous generation is served");
	my ($exit, $json) = $m->ctl('generations');
	my ($entry) = grep { $_->{id} == $newest } @{ $json->{generations} };
	is($entry->{state}, 'damaged', "$what: generations says so");
	like($entry->{reason}, qr/\w/, "$what: why: $entry->{reason}");
	($exit, $json) = $m->ctl('status');
	is($exit, 1, "$what: status is an alarm");
	is(($m->ctl('ready'))[0], 0, "$what: but it serves");
	is(($m->ctl('rollback', $newest))[0], 1, "$what: it is not served by hand either");
	$m->write_zone('a.test', zone($serial));
	is(($m->ctl('reload'))[0], 0, "$what: the source is mended");
	is(serial_of($m, 'a.test'), $serial, "$what: and served");
}
$m->stop;
done_testing;
