#!/usr/bin/perl
# What commands say of zones that we sign: machines with keys of their own agree in what is
# data, and `diff` tells of that alone.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll write_file);
use Test::More;

my $HEAD = "\@ 300 IN SOA ns h %d 3600 600 86400 60\n\@ NS ns\nns A 192.0.2.1\n";

sub signing_server {
	my ($text, %dnssec) = @_;
	my $m = Martlet->new(start => 0, config => { dnssec => {%dnssec} });

	$m->write_zone('signed.test', $text);
	write_file($m->dir . '/zones/signed.test.json', '{"@config": {"dnssec": true}}');
	$m->start;
	return $m;
}

sub digest_of {
	my ($m) = @_;
	my (undef, $json) = $m->ctl('zones', '--digest', 'signed.test');
	return join ' ', @{ $json->{zones}[0] }{qw(records digest)};
}

sub diff_of {
	my ($m, @arguments) = @_;
	my ($exit, $json) = $m->ctl('diff', @arguments);
	my @lines;

	is($exit, 0, "diff @arguments") or diag($json->{error});
	for my $name (@{ $json->{diff} }) {
		push @lines, map({ "- $_" } @{ $name->{removed} }), map { "+ $_" } @{ $name->{added} };
	}
	return @lines;
}

{
	my $text = sprintf($HEAD, 1) . "www A 192.0.2.2\nsub.ent TXT \"x\"\n";
	my $m = signing_server($text, denial => 'nsec3');
	my $other = signing_server($text);
	my $plain = Martlet->new(zones => { 'signed.test' => $text });
	my $unsigned = digest_of($plain);

	$plain->stop;
	$_->expect_log(qr/signed[.]test/) for $m, $other;
	$_->ctl('keys', 'generate', 'signed.test') for $m, $other;
	$_->ctl('reload') for $m, $other;
	for my $server ($m, $other) {
		ok(scalar(grep { $_->type eq 'RRSIG' } $server->ask('www.signed.test', 'A', do => 1)->packet->answer),
			'it is signed');
		is(digest_of($server), $unsigned, 'keys of its own and another denial do not show in the digest');
	}
	my $first = ($m->ctl('status'))[1]{generation};

	$m->write_zone('signed.test', $text =~ s/SOA ns h 1/SOA ns h 2/r . "new A 192.0.2.3\n");
	is(($m->ctl('reload'))[0], 0, 'a changed zone');
	my @lines = diff_of($m, $first, 'live');
	is_deeply([map { s/ 300 IN.*//r } @lines],
		['- signed.test.', '+ signed.test.', '+ new.signed.test.'], 'diff tells of data')
	  or diag(explain(\@lines));
	my @all = diff_of($m, '--rrsig', $first, 'live');
	ok(scalar(grep { / IN RRSIG SOA / } @all) == 2 && grep({ /^[+] \S+ \d+ IN NSEC3 / } @all), 'and of all with --rrsig');
	my ($exit, $out) = $m->ctl_text('diff', $first, 'live', '--rrsig');
	like($out, qr/^[+]new[.]signed[.]test[.] 300 IN RRSIG A 13 /m, 'also as text');
	is(($m->ctl('diff', $first))[0], 2, 'two sides are needed');
	unlike(digest_of($m), qr/\Q$unsigned\E/, 'a change shows in the digest');
	$_->stop for $m, $other;
}

done_testing;
