#!/usr/bin/perl
# Zones that we sign: every answer through a validator, for each kind of denial and of key;
# what a reload signs again and what it takes over; keys that change, break and go; and that
# they stay where they are held.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Peer;
use Martlet::Process qw(children_of find_program poll read_file write_file);
use POSIX qw(mkfifo);
use SignedZone qw($ORIGIN @CASES parent_text child_text write_anchor delv bad_signatures);
use Test::More;

Martlet::Peer::need(qw(delv dnssec-keygen ldns-verify-zone));
Martlet::Peer::need_sec();

sub output_of {
	my (@command) = @_;
	open my $pipe, '-|', '/bin/sh', '-c', 'exec "$@" 2>&1', 'sh', @command or die "$command[0]: $!\n";
	my $text = join '', <$pipe>;
	close $pipe;
	return wantarray ? ($? >> 8, $text) : $text;
}

# returns the key's path without suffix
sub keygen {
	my ($dir, $zone, @how) = @_;
	my ($status, $name) = output_of(find_program('dnssec-keygen'), '-q', '-K', $dir, @how, $zone);
	die "dnssec-keygen: $name\n" if $status;
	chomp $name;
	return "$dir/$name";
}

sub public_of {
	my ($path) = @_;
	my ($line) = grep { !/^;/ } split /\n/, read_file("$path.key");
	return Net::DNS::RR->new($line);
}

# A server that signs: its keys in `keys`, the files of %$zones.
sub signing_server {
	my ($zones, $dnssec, %more) = @_;
	my $m = Martlet->new(start => 0);
	mkdir $m->dir . '/keys' or die "keys: $!\n";
	mkdir $m->dir . '/files' or die "files: $!\n";
	$m->{arg}{config} = {
		zones => { files => [map { { origin => "$_.", file => file_of($m, $_), sign => \1 } } sort keys %$zones] },
		dnssec => { key_dir => $m->dir . '/keys', %$dnssec }, %more,
	};
	write_file(file_of($m, $_), $zones->{$_}) for keys %$zones;
	return $m;
}

sub file_of {
	my ($m, $zone) = @_;
	return $m->dir . "/files/$zone";
}

sub exported {
	my ($m, $zone) = @_;
	my ($exit, $text) = $m->ctl_text('export', $zone);
	is($exit, 0, "$zone is exported") or diag($m->{ctl_stderr});
	return $text;
}

# By rename, as a careful operator does: it may be read at any time.
sub write_zone {
	my ($m, $zone, $text) = @_;
	write_file(file_of($m, $zone) . '.new', $text);
	rename file_of($m, $zone) . '.new', file_of($m, $zone) or die "$zone: $!\n";
	return;
}

sub verify {
	my ($m, $zone, $what) = @_;
	my $path = write_file($m->dir . '/exported', exported($m, $zone));
	my ($status, $text) = output_of(find_program('ldns-verify-zone'), $path);
	is($status, 0, "$what: ldns-verify-zone finds nothing") or diag($text);
	return;
}

# Every kind of answer
for my $kind (['NSEC', 'nsec', '13'], ['NSEC3', 'nsec3', '15'], ['NSEC3 with opt-out', 'optout', '8']) {
	my ($title, $denial, $algorithm) = @$kind;
	my $m = signing_server({ "secure.$ORIGIN" => child_text("secure.$ORIGIN") }, { denial => $denial });
	my @size = $algorithm == 8 ? (-b => 2048) : ();
	my $child = keygen($m->dir . '/keys', "secure.$ORIGIN", '-a', $algorithm, @size, '-f', 'KSK');
	my $ksk = keygen($m->dir . '/keys', $ORIGIN, '-a', $algorithm, @size, '-f', 'KSK');
	my $zsk = keygen($m->dir . '/keys', $ORIGIN, '-a', $algorithm, @size);
	my $ds = Net::DNS::RR::DS->create(public_of($child), digtype => 'SHA256');
	my %tags = map { public_of($_)->keytag => public_of($_) } $ksk, $zsk, $child;

	write_file(file_of($m, $ORIGIN), parent_text($ds->plain));
	push @{ $m->{arg}{config}{zones}{files} }, { origin => "$ORIGIN.", file => file_of($m, $ORIGIN), sign => \1 };
	$m->write_zone("plain.$ORIGIN", child_text("plain.$ORIGIN"));
	$m->start;
	my $anchor = write_anchor($m, public_of($ksk));
	my %keys = ("$ORIGIN" => public_of($zsk), "secure.$ORIGIN" => public_of($child));

	for my $case (@CASES) {
		my ($what, $prefix, $type, $want, $optout) = @$case;
		my $name = $prefix eq '' ? $ORIGIN : "$prefix.$ORIGIN";
		my ($verdict, $text) = delv($m, $anchor, $name, $type);
		$want = $optout if defined $optout && $denial eq 'optout';
		is($verdict, $want, "$title: $what: $name $type") or diag($text);
		next if $type eq 'DNSKEY';
		my $answer = $m->ask($name, $type, do => 1, tcp => 1);
		is_deeply([bad_signatures($answer, \%keys)], [], "$title: $name $type: signatures")
		  or diag($answer->dump);
	}
	verify($m, $ORIGIN, "$title, $ORIGIN");
	verify($m, "secure.$ORIGIN", "$title, one key for all");
	$m->stop;
}

# RRSIGs of an answer's section, by the type that they cover
sub signatures {
	my ($m, $name, $type) = @_;
	my %found;

	for my $rr ($m->ask($name, $type, do => 1, tcp => 1)->packet->answer) {
		push @{ $found{ $rr->typecovered } }, $rr if $rr->type eq 'RRSIG';
	}
	return \%found;
}

sub one_signature {
	my ($m, $name, $type) = @_;
	my $found = signatures($m, $name, $type)->{$type} // [];
	return @$found == 1 ? $found->[0]->sig : 'not one: ' . @$found;
}

sub errors_of {
	my ($m) = @_;
	my $json = $m->ctl('errors');
	return join "\n", map { $_->{reason} // '' } @{ $json->{errors} };
}

sub small {
	my ($serial, $more) = @_;
	return "$ORIGIN. 300 IN SOA ns.$ORIGIN. h.$ORIGIN. $serial 3600 600 86400 60\n"
	  . "$ORIGIN. 300 IN NS ns.$ORIGIN.\nns.$ORIGIN. 300 IN A 192.0.2.1\n"
	  . "www.$ORIGIN. 300 IN A 192.0.2.2\nmx.$ORIGIN. 300 IN MX 5 NS\n" . ($more // '');
}

# What is signed again, and keys that are not as they should be
{
	my $m = signing_server({ $ORIGIN => small(1) }, {}, workers => { count => 1 });
	my $dir = $m->dir . '/keys';
	my $one = keygen($dir, $ORIGIN, '-a', 13, '-f', 'KSK');
	my @reads = ([ns => 'A'], [www => 'A'], [mx => 'MX'], [www => 'NSEC'], ['' => 'SOA'], ['' => 'DNSKEY']);

	# signatures of another signer, and its chain, are replaced
	write_zone($m, $ORIGIN, small(1, "$ORIGIN. 60 IN NSEC www.$ORIGIN. A\n"
		. "www.$ORIGIN. 300 IN RRSIG A 13 3 300 20300101000000 20200101000000 1 $ORIGIN. AAAA\n"
		. "$ORIGIN. 300 IN ZONEMD 1 1 1 " . 'ab' x 48 . "\n"));
	$m->expect_log(qr/3 records of type RRSIG, NSEC.*, ZONEMD are replaced or left out/);
	$m->start;
	verify($m, $ORIGIN, 'a zone with remains of another signer');
	my $read = sub { return { map { my $name = $_->[0] eq '' ? $ORIGIN : "$_->[0].$ORIGIN";
		("$_->[0] $_->[1]" => one_signature($m, $name, $_->[1])) } @reads } };
	my $before = $read->();
	unlike(join(' ', values %$before), qr/not one/, 'one signature each');

	write_zone($m, $ORIGIN, small(2, "www.$ORIGIN. 300 IN A 192.0.2.9\n"));
	is($m->ctl('reload')->{changed}, 1, 'reloaded with one change');
	my $after = $read->();
	is_deeply({ map { $_ => $before->{$_} eq $after->{$_} ? 'kept' : 'new' } keys %$before },
		{ 'ns A' => 'kept', 'www A' => 'new', 'mx MX' => 'kept', 'www NSEC' => 'kept', ' SOA' => 'new',
		  ' DNSKEY' => 'kept' }, 'only what has changed is signed anew');
	is($m->ctl('reload')->{changed}, 0, 'nothing to do the next time');
	$m->restart;
	is_deeply($read->(), $after, 'signatures outlast a restart');

	# a neighbour in the chain
	write_zone($m, $ORIGIN, small(3, "x.www.$ORIGIN. 300 IN A 192.0.2.9\n"));
	$m->ctl('reload');
	isnt(one_signature($m, "www.$ORIGIN", 'NSEC'), $after->{'www NSEC'}, 'a new name: its neighbour in the chain is signed');
	is(one_signature($m, "mx.$ORIGIN", 'MX'), $after->{'mx MX'}, 'others are not');
	verify($m, $ORIGIN, 'after reloads');

	# keys that break or go
	$m->expect_log(qr/Kexample/, qr/it has no key/);
	my $private = read_file("$one.private");
	write_file("$one.private", 'Private-key-format: v1.3');
	$m->ctl('reload');
	like(errors_of($m), qr/no private key.*kept copy/s, 'a broken key is told, and its copy signs');
	is($m->ctl('keys', $ORIGIN)->{keys}[0]{kept}, JSON::PP::true, 'keys tells so');
	verify($m, $ORIGIN, 'with a kept key');
	my $other = keygen($m->dir, $ORIGIN, '-a', 13, '-f', 'KSK');
	write_file("$one.private", read_file("$other.private"));
	$m->ctl('reload');
	like(errors_of($m), qr/not the one of the public half/, 'so is one that does not belong to the other half');
	unlink "$one.private" or die;
	$m->ctl('reload');
	like(errors_of($m), qr/gone: its kept copy/, 'and one that is gone');
	mkfifo("$one.private", 0600) or die;
	$m->ctl('reload');
	like(errors_of($m), qr/private is no regular file/, 'and a pipe in its place');
	unlink "$one.private" or die;
	write_file("$one.private", $private);
	chmod 0600, "$one.private" or die;
	$m->ctl('reload');
	is(errors_of($m), '', 'until it is mended');

	# revoked in its own files, with none to take its place
	my $public = read_file("$one.key");
	(my $revoked = $public) =~ s/DNSKEY 257/DNSKEY 385/ or die $public;
	write_file("$one.key", $revoked);
	$m->ctl('reload');
	like(errors_of($m), qr/is revoked, and no other key takes its place: its kept copy goes on/, 'a revoked key is told');
	is_deeply([sort map { "$_->{flags} $_->{role} " . ($_->{kept} ? 'kept' : 'there') } @{ $m->ctl('keys', $ORIGIN)->{keys} }],
		['257 csk kept', '385 ksk there'], 'and its copy of before signs');
	verify($m, $ORIGIN, 'with a revoked key');
	my $next = keygen($dir, $ORIGIN, '-a', 13, '-f', 'KSK');
	$m->ctl('reload');
	is(errors_of($m), '', 'until there is another key');
	is_deeply([sort map { "$_->{flags} $_->{role}" } @{ $m->ctl('keys', $ORIGIN)->{keys} }], ['257 csk', '385 ksk'], 'which signs instead');
	verify($m, $ORIGIN, 'with a key beside the revoked one');
	write_file("$one.key", $public);
	$m->ctl('reload');
	unlink "$next.key", "$next.private" or die;
	$m->ctl('reload');
	is(errors_of($m), '', 'as it was before');

	# the signer's death is nobody's trouble
	$m->expect_log(qr/signer \(pid \d+\) died/);
	my ($signer) = map { $_->[1] } grep { $_->[0] eq 'signer' } children_of($m->pid);
	ok($signer, 'there is a signer');
	kill 'KILL', $signer;
	write_zone($m, $ORIGIN, small(4));
	is($m->ctl('reload')->{changed}, 1, 'signed by its successor');
	verify($m, $ORIGIN, 'after the death of the signer');

	# nothing of a key gets out
	my ($secret) = $private =~ /^PrivateKey: (\S+)/m;
	my $octets = MIME::Base64::decode_base64($secret);
	my @files = grep { -f } glob($m->state_dir . '/generations/*/*');
	ok(@files >= 3, 'generations have files');
	is_deeply([grep { my $text = read_file($_); index($text, $secret) >= 0 || index($text, $octets) >= 0 } @files], [],
		'no key in a generation');
	is(index($m->log, $secret), -1, 'nor in the log');
	is((stat($m->state_dir . '/keys'))[2] & 07777, 0700, 'state_dir/keys is for its user alone');
	is_deeply([grep { ((stat)[2] & 07777) != 0600 } glob($m->state_dir . '/keys/*')], [], 'and so are the files there');

	# without any key the zone is served on
	unlink glob("$dir/*"), glob($m->state_dir . '/keys/*');
	write_zone($m, $ORIGIN, small(5));
	$m->ctl('reload');
	like(errors_of($m), qr/it has no key: `martletctl keys generate $ORIGIN/, 'no key at all: what to do');
	verify($m, $ORIGIN, 'without a key, as it was');
	my ($checked, $said) = output_of(Martlet::martletd(), '-c', $m->config_path, '-t');
	is($checked, 0, 'martletd -t: a zone without a key is no error');
	like($said, qr/^warning: \Q@{[$m->config_path]}\E:\d+: $ORIGIN[.]: .*has no key: `martletctl keys generate $ORIGIN[.]` makes one, or put one into dnssec[.]key_dir$/m,
		'but it says what to do');
	my ($exit, $json) = $m->ctl('keys', 'generate', $ORIGIN);
	is($exit, 0, 'a key is made') or diag($m->{ctl_stderr});
	is($json->{keys}[0]{role}, 'csk', 'for all');
	is_deeply($json->{notices}, [], 'without a notice');
	is_deeply([output_of(Martlet::martletd(), '-c', $m->config_path, '-t')], [0, ''], 'martletd -t is content');
	$m->ctl('reload');
	is(errors_of($m), '', 'and signs');
	verify($m, $ORIGIN, 'with a new key');
	is($m->ask($ORIGIN, 'SOA')->packet->answer ? ($m->ask($ORIGIN, 'SOA')->packet->answer)[0]->serial : 0, 5,
		'the serial is the file\'s');
	my ($ds) = $json->{keys}[0]{ds};
	my $key = (grep { $_->type eq 'DNSKEY' } $m->ask($ORIGIN, 'DNSKEY', tcp => 1)->packet->answer)[0];
	is($ds, join(' ', $key->keytag, 13, 2, uc Net::DNS::RR::DS->create($key, digtype => 'SHA256')->digest), 'its DS');
	($exit) = $m->ctl('keys', 'generate', $ORIGIN);
	is($exit, 1, 'a second first key is refused');
	($exit, $json) = $m->ctl('keys', 'gernerate.test');
	is($exit, 1, 'keys of a zone that is not known are refused');
	like($json->{error}, qr/zone gernerate[.]test[.] has no keys and is not served here/, 'with the reason');

	# not signed any more
	$m->write_config({ zones => { files => [{ origin => "$ORIGIN.", file => file_of($m, $ORIGIN) }] } });
	$m->ctl('reload');
	verify($m, $ORIGIN, 'sign = false: signed as long as there may be a DS');
	ok(poll(30, sub { my ($cds) = grep { $_->type eq 'CDS' } $m->ask($ORIGIN, 'CDS', tcp => 1)->packet->answer;
		$cds && $cds->algorithm == 0 }), 'CDS asks for none');
	($exit) = $m->ctl('keys', 'unsign', $ORIGIN);
	is($exit, 0, 'keys unsign') or diag($m->{ctl_stderr});
	is_deeply(signatures($m, "www.$ORIGIN", 'A'), {}, 'unsigned at once');
	$m->restart;
	is_deeply(signatures($m, "www.$ORIGIN", 'A'), {}, 'after a restart, too');
	$m->stop;
}

# A key's times bring it to use without a reload; all algorithms; a sidecar; the bounds
{
	my @algorithms = (10, 14, 16);
	my $m = signing_server({ $ORIGIN => small(1), map { ("a$_.test" => child_text("a$_.test")) } @algorithms }, {});
	my $dir = $m->dir . '/keys';

	my %made = map { $_ => keygen($dir, "a$_.test", '-a', $_, $_ == 10 ? (-b => 2048) : ()) } @algorithms;
	for my $suffix (qw(key private)) { # as ldns-keygen calls that of A16.TEST
		rename "$made{16}.$suffix", "$made{16}.$suffix" =~ s/Ka16[.]test/KA16.TEST/r or die "$made{16}: $!\n";
	}
	my $ksk = keygen($dir, $ORIGIN, '-a', 13, '-f', 'KSK');
	my $old = public_of(keygen($dir, $ORIGIN, '-a', 13, '-I', '+3'))->keytag;
	my $new = public_of(keygen($dir, $ORIGIN, '-a', 13, '-A', '+3'))->keytag;
	$m->write_zone('side.test', child_text('side.test'));
	(my $path = $m->zone_path('side.test')) =~ s/zone$/json/;
	write_file($path, '{ "@config": { "dnssec": true, "denial": "nsec3" } }');
	my $side = keygen($dir, 'side.test', '-a', 13);
	$m->{port} //= 5300;
	$m->write_config;
	my ($built) = $m->ctl_text('-c', $m->config_path, 'build', $m->dir . '/built');
	is($built, 0, 'a generation is built and signed without a server');
	unlike($m->{ctl_stderr}, qr/error/, 'with nothing to complain of');
	delete $m->{port};
	$m->start;
	verify($m, "a$_.test", "algorithm $_") for @algorithms;
	verify($m, 'side.test', 'by its sidecar');
	like(exported($m, 'side.test'), qr/ NSEC3PARAM 1 0 0 -/, 'with its own denial');
	$m->ctl('keys', 'unsign', 'side.test') for 1 .. 2;
	unlike(exported($m, 'side.test'), qr/RRSIG/, 'it is unsigned by command');
	is_deeply($m->ctl('keys', 'generate', 'side.test')->{notices}, [], 'its keys are taken back');
	is($m->ctl('reload')->{changed}, 1, 'which is a change');
	verify($m, 'side.test', 'signed again, by its sidecar');
	is($m->ctl('reload')->{changed}, 0, 'once');

	# which keys a DS may be of is not guessed
	my $rows = sub { return join q{ }, sort map { "$_->{state} $_->{tag}" } @{ $m->ctl('keys', 'side.test')->{keys} } };
	my $dnskeys = sub { return join "\n", sort map { $_->rdatastr } $m->ask('side.test', 'DNSKEY', tcp => 1)->packet->answer };
	is(($m->ctl('keys', 'roll', 'side.test'))[0], 0, 'it rolls') or diag($m->{ctl_stderr});
	my ($rolled, $published, $place) = ($rows->(), $dnskeys->(), $m->state_dir . '/keys/Kside.test.+.roll');
	like($rolled, qr/active.*published/, 'another key is there');
	my $kept = read_file($place);
	write_file($place, '');
	$m->expect_log(qr/Kside.*roll/);
	$m->ctl('reload');
	like(errors_of($m), qr/\QKside.test.+.roll\E .* is not known; restore that file/, 'what is kept of the roll is damaged: told');
	is($dnskeys->(), $published, 'and nothing is signed by other keys');
	write_file($place, $kept);
	$m->ctl('reload');
	is(errors_of($m), '', 'it is restored');
	is($rows->(), $rolled, 'the roll goes on');
	my $keys = $m->ctl('keys');
	is(scalar(grep { $_->{zone} eq "$ORIGIN." } @{ $keys->{keys} }), 3, 'keys lists them');
	# another zone was signed just now: that does not hold it up, not for the minute after which a failure is tried again
	ok(poll(8, sub { my $found = signatures($m, "www.$ORIGIN", 'A')->{A} // [];
		@$found == 1 && $found->[0]->keytag == $new }), "from key $old to key $new at its time");
	verify($m, $ORIGIN, 'after that');
	is((grep { $_->{tag} == $old } @{ $m->ctl('keys', $ORIGIN)->{keys} })[0]{state}, 'retired', 'the old key is retired');

	# nobody takes the only key of keys away on purpose
	$m->expect_log(qr/its kept copy goes on signing/);
	rename "$ksk.private", "$ksk.away" or die;
	$m->ctl('reload');
	like(errors_of($m), qr/is gone: its kept copy/, 'the only KSK has gone: its copy signs');
	verify($m, $ORIGIN, 'without the file of the KSK');
	is($m->ctl('keys', $ORIGIN)->{keys}[-1]{role}, 'ksk', 'it is there');
	rename "$ksk.away", "$ksk.private" or die;
	my $second = keygen($dir, $ORIGIN, '-a', 13, '-f', 'KSK');
	$m->ctl('reload');
	unlink glob "$ksk.*";
	$m->ctl('reload');
	is(errors_of($m), '', 'one beside another may be taken away');
	is_deeply([map { $_->{tag} } grep { $_->{role} eq 'ksk' } @{ $m->ctl('keys', $ORIGIN)->{keys} }],
		[public_of($second)->keytag], 'it is gone');
	verify($m, $ORIGIN, 'with the second KSK');

	my $third = public_of(keygen($dir, $ORIGIN, '-a', 13, '-P', '+2', '-A', '+2'))->keytag;
	is($m->ctl('reload')->{changed}, 0, 'a key that is not to be published yet changes nothing');
	ok(poll(8, sub { grep { $_->type eq 'DNSKEY' && $_->keytag == $third } $m->ask($ORIGIN, 'DNSKEY', tcp => 1)->packet->answer }),
		'it is there at its time');

	rename $dir, "$dir.away" or die;
	my $blind = $m->ctl('keys');
	ok((grep { $_->{zone} eq "$ORIGIN." } @{ $blind->{keys} }), 'without the directory keys lists the copies');
	like(join("\n", @{ $blind->{notices} }), qr/\Q$dir\E is not there/, 'and tells what is wrong');
	like($m->ctl('keys', 'generate', 'new.test')->{error}, qr/^no key can be written: \Q$dir\E is not there: make it/, 'so does generate');
	my ($martletd, $config) = (Martlet::martletd(), $m->config_path);
	write_file($dir, 'no directory');
	like(scalar `$martletd -c $config -t 2>&1`, qr/^warning: \Q$config\E: dnssec\.key_dir: \Q$dir\E is a file, not a directory/m, 'and -t');
	unlink $dir or die;
	rename "$dir.away", $dir or die;
	$m->stop;
}

done_testing();
