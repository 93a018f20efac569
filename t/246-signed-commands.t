#!/usr/bin/perl
# What commands say of zones that we sign: machines with keys of their own agree in what is
# data, and `diff` tells of that alone.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(find_program write_file);
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

	my (undef, $made) = $plain->ctl('keys', 'generate', 'signed.test');
	is_deeply($made->{notices}, ['signed.test.: the zone is served as it comes: its key waits until `sign` of zones.files, '
		  . 'or "dnssec" of its sidecar or its config in Redis, is true'], 'a key of a zone that is not to be signed: a notice');
	my ($exit, $said) = $plain->ctl_text('keys', 'generate', 'nowhere.test');
	is($exit, 0, 'a key of a zone that is not served is made');
	like($said, qr/^notice: nowhere[.]test[.]: the zone is not served here: its key waits/m, 'with a notice to people');
	$plain->stop;
	$_->expect_log(qr/signed[.]test/) for $m, $other;
	is_deeply($_->ctl('keys', 'generate', 'signed.test')->{notices}, [], 'one that is waited for: none') for $m, $other;
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

sub rows {
	my ($m, $zone) = @_;
	return map { "$_->{type} $_->{state}: $_->{reason}" }
	  grep { ($_->{zone} // '') eq $zone && defined $_->{type} } @{ ($m->ctl('errors'))[1]{errors} };
}

# DS at a parent that is served here, too; which key signed; signatures that were not made here
{
	my $m = Martlet->new(start => 0);
	my %head = map { $_ => sprintf $HEAD, 1 } qw(parent.test signed.parent.test);

	for my $zone (sort keys %head) {
		write_file($m->dir . "/zones/$zone.json", '{"@config": {"dnssec": true}}');
		$m->write_zone($zone, $head{$zone});
	}
	$m->expect_log(qr/parent[.]test/);
	$m->start;
	$m->ctl('keys', 'generate', $_) for sort keys %head;
	my ($key) = grep { $_->{ds} } @{ ($m->ctl('keys', 'signed.parent.test'))[1]{keys} };
	my $with_ds = sub {
		my ($serial, @ds) = @_;
		$m->write_zone('parent.test', sprintf($HEAD, $serial) . "signed NS ns.signed\nns.signed A 192.0.2.1\n"
			  . join '', map { "signed DS $_\n" } @ds);
		is(($m->ctl('reload'))[0], 0, 'reload');
	};
	my $wrong = $key->{ds} =~ s/^(\d+)/$1 % 65535 + 1/er;

	$with_ds->(2, $key->{ds});
	is_deeply([rows($m, 'signed.parent.test.')], [], 'a DS that matches is no error');
	$with_ds->(3, $key->{ds}, $wrong);
	like(join("\n", rows($m, 'signed.parent.test.')),
		qr/^DS warning: DS at the parent that match no key of the zone: @{[ split ' ', $wrong ]}[0]?/, 'one that does not is');
	$with_ds->(4, $wrong);
	like(join("\n", rows($m, 'signed.parent.test.')), qr/^DS error: no DS at the parent .* matches a key/,
		'more so when none does');

	my $steps = ($m->ctl('explain', 'ns.signed.parent.test', 'A', '--do'))[1]{explain}{steps};
	my ($step) = grep { $_->{step} eq 'signature' } @$steps;
	is("$step->{owner} $step->{type} $step->{tag} $step->{algorithm}",
		"ns.signed.parent.test. A $key->{tag} $key->{algorithm}", 'explain names the key that signed');
	like($step->{text}, qr/^A of ns[.]signed[.]parent[.]test[.] is signed by key $key->{tag}, algorithm 13, until 20\d\d-/,
		'and until when');
	$steps = ($m->ctl('explain', 'none.signed.parent.test', 'A', '--do'))[1]{explain}{steps};
	ok(scalar(grep { $_->{step} eq 'signature' && $_->{type} eq 'NSEC' } @$steps), 'also of a denial');
	$steps = ($m->ctl('explain', 'none.signed.parent.test', 'A'))[1]{explain}{steps};
	ok(!grep({ $_->{step} eq 'signature' } @$steps), 'who does not ask for signatures is told of none');
	$m->stop;
}

# A zone that came signed, long ago
SKIP: {
	my ($signer, $keygen) = map { find_program($_) } qw(ldns-signzone ldns-keygen);
	skip 'not installed: ldnsutils', 1 unless $signer && $keygen;
	my $m = Martlet->new(start => 0);
	my $file = write_file($m->dir . '/came', sprintf($HEAD, 1) =~ s/^\@/came.test./r . "www A 192.0.2.2\n");
	my $key = `cd @{[ $m->dir ]} && $keygen -k -a ECDSAP256SHA256 came.test`;
	my $sign = sub {
		my ($days) = @_;
		my $at = time + $days * 86400;
		system "cd @{[ $m->dir ]} && $signer -o came.test -i @{[ $at - 30 * 86400 ]} -e $at -f zones/came.test.zone $file $key";
	};

	chomp $key;
	$sign->(0.5);
	$m->start;
	like(join("\n", rows($m, 'came.test.')), qr/^RRSIG warning: signatures end at .*, within a day, .*: sign it anew$/,
		'signatures that end within a day');
	$sign->(-2);
	$m->ctl('reload');
	like(join("\n", rows($m, 'came.test.')), qr/^RRSIG error: signatures have ended at /, 'that have ended');
	$sign->(3);
	$m->ctl('reload');
	is_deeply([rows($m, 'came.test.')], [], 'and that hold');
	$m->stop;
}

done_testing;
