#!/usr/bin/perl
# Keys that are no good: each kind is refused, told with the zone's and the key's name, and
# counted; what was good goes on signing, and what had never a key waits for one.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Peer;
use Martlet::Process qw(poll read_file write_file);
use Martlet::Redis;
use Martlet::RedisZones;
use MIME::Base64 qw(encode_base64);
use RedisKeys qw(keygen key_strings public_of);
use SignedZone qw($ORIGIN write_anchor delv);
use Test::More;
use ZoneGen;

Martlet::Redis::need();
Martlet::Peer::need(qw(delv dnssec-keygen dnssec-signzone));
Martlet::Peer::need_sec();

my $schema = Martlet::RedisZones->new;
my $redis = Martlet::Redis->new(notify => 'KA');
my $m = Martlet->new(start => 0);
my $dir = $m->dir;
mkdir "$dir/$_" or die "$_: $!\n" for qw(drawn keys files);

# Two pairs of keys, and one of RSA, for all zones: in their own names.
my @drawn = map { [map { keygen("$dir/drawn", $ORIGIN, '-a', 13, @$_) } ['-f', 'KSK'], []] } 1, 2;
my $rsa = keygen("$dir/drawn", $ORIGIN, '-a', 8, '-b', 2048, '-f', 'KSK');

sub strings {
	my ($zone, $ksk, $zsk) = @_;
	my %all = ((defined $ksk ? key_strings(ksk => $ksk) : ()), (defined $zsk ? key_strings(zsk => $zsk) : ()));
	s/^\Q$ORIGIN\E\. /$zone. / for values %all;
	return %all;
}

sub good { return strings($_[0], @{ $drawn[0] }) }

# Of RSA with another algorithm's number
sub as_algorithm {
	my ($zone, $number) = @_;
	my %all = strings($zone, $rsa);
	s/ 257 3 8 / 257 3 $number /, s/^Algorithm: 8/Algorithm: $number/m for values %all;
	return %all;
}

# What is wrong => the strings, and what must be said of which
my %BAD = (
	sha1 => [sub { as_algorithm($_[0], 5) }, qr/ksk:priv: an algorithm or a size that is not signed with/],
	'sha1-nsec3' => [sub { as_algorithm($_[0], 7) }, qr/ksk:priv: an algorithm or a size that is not signed with/],
	unknown => [sub { as_algorithm($_[0], 200) }, qr/ksk:priv: an algorithm or a size that is not signed with/],
	mismatched => [sub { my %other = strings($_[0], @{ $drawn[1] }); (good($_[0]), 'ksk:priv' => $other{'ksk:priv'}) },
		qr/ksk:priv: the private key is not the one of the public half/],
	mixed => [sub { my %other = strings($_[0], $rsa); (good($_[0]), 'ksk:priv' => $other{'ksk:priv'}) },
		qr/ksk:priv: the private key is not the one of the public half/],
	foreign => [sub { good('other.test') }, qr/ksk:pub: the key is another zone's/],
	'no-private' => [sub { my %all = good($_[0]); delete $all{'ksk:priv'}; %all }, qr/ksk:priv: is not there: both halves/],
	'no-public' => [sub { my %all = good($_[0]); delete $all{'ksk:pub'}; %all }, qr/ksk:pub: is not there: both halves/],
	empty => [sub { map { $_ => '' } qw(ksk:pub ksk:priv zsk:pub zsk:priv) }, qr/ksk:pub: is no DNSKEY record/],
	cut => [sub { my %all = good($_[0]); $all{'ksk:pub'} =~ s/.{10}\s*\z//s; %all }, qr/ksk:pub: has a public key that is no base64/],
	long => [sub { (good($_[0]), 'ksk:pub' => 'x' x 20_000) }, qr/ksk:pub: is too long for a key/],
	binary => [sub { (good($_[0]), 'ksk:priv' => "\0\xff\n" x 99) }, qr/ksk:priv: is no private key in BIND's format/],
	none => [sub { () }, qr/it has no key: `martletctl keys generate/],
);

sub zone {
	return {
		config => { soa => { ttl => 300, minttl => 60, serial => 1 }, dnssec => \1 },
		labels => { '@' => { ns => { ttl => 300, records => [{ host => 'ns.invalid.' }] } },
			www => { a => { ttl => 300, records => [{ ip => '192.0.2.1' }] } } } };
}

# Exactly these strings
sub set_keys {
	my ($zone, %strings) = @_;
	my @keys = qw(ksk:pub ksk:priv zsk:pub zsk:priv);
	$redis->multi(sub {
		my ($r) = @_;
		$r->cmd(defined $strings{$_} ? ('SET', $schema->key($zone, ":$_"), $strings{$_}) : ('DEL', $schema->key($zone, ":$_"))) for @keys;
	});
	return;
}

sub is_signed {
	my ($zone) = @_;
	return grep { $_->type eq 'RRSIG' } $m->ask("www.$zone", 'A', do => 1, tcp => 1)->packet->answer;
}

sub said {
	my ($zone) = @_;
	return join "\n", map { ($_->{zone} // '') eq "$zone." ? "$_->{state} $_->{reason}" : () } @{ $m->ctl('errors')->{errors} };
}

# ---- zone files ----

sub text {
	my ($zone, $more) = @_;
	return "$zone. 300 IN SOA ns.$zone. h.$zone. 1 3600 600 86400 60\n$zone. 300 IN NS ns.$zone.\n"
	  . "ns.$zone. 300 IN A 192.0.2.1\nwww.$zone. 300 IN A 192.0.2.2\n" . ($more // '');
}

my @files;

sub to_be_signed {
	my ($zone, $more) = @_;
	push @files, { origin => "$zone.", file => write_file("$dir/files/$zone", text($zone, $more)), sign => \1 };
	return;
}

# A key in dnssec.key_dir; %change: of both halves
sub put_key {
	my ($zone, $path, $number, $name) = @_;
	for my $suffix (qw(key private)) {
		my $text = read_file("$path.$suffix") =~ s/^\Q$ORIGIN\E\. /$zone. /mr;
		$text =~ s/ 257 3 \d+ / 257 3 $number /, $text =~ s/^Algorithm: \d+/Algorithm: $number/m if $number;
		write_file("$dir/keys/" . ($name // "K$zone.+013+00001") . ".$suffix", $text);
	}
	chmod 0600, glob "$dir/keys/*.private";
	return;
}

sub large_keys {
	my ($zone, $count) = @_;
	return join '', map { "$zone. 300 IN DNSKEY 256 3 253 " . encode_base64(chr($_) x 4000, '') . "\n" } 1 .. $count;
}

my %came = map { $_ => ZoneGen::sign_zone("$_.test", text("$_.test"), algorithm => uc $_) } qw(rsasha1 nsec3rsasha1);
$m->write_zone("$_.test", $came{$_}) for keys %came;
to_be_signed('file-sha1.test');
put_key('file-sha1.test', $rsa, 5);
to_be_signed('large.test', large_keys('large.test', 15));
put_key('large.test', $drawn[0][0]);
to_be_signed('too-large.test', large_keys('too-large.test', 17));
put_key('too-large.test', $drawn[0][0]);
to_be_signed('many.test');
put_key('many.test', $drawn[0][0], undef, sprintf 'Kmany.test.+013+%05d', $_) for 1 .. 33;

# ---- all of them at once ----

$schema->load($redis, { map { ("$_.test" => zone()) } keys %BAD });
set_keys("$_.test", $BAD{$_}[0]->("$_.test")) for keys %BAD;
$schema->load($redis, { $ORIGIN => zone() });
set_keys($ORIGIN, good($ORIGIN));
$m->{arg}{config} = { redis => $redis->settings, zones => { files => \@files }, dnssec => { key_dir => "$dir/keys" } };
$m->expect_log(qr/no file here is named|cannot be signed|served without signatures|over SHA-1|fits no message|first 32|goes on|ksk:|zsk:/);
$m->start;
ok(poll(20, sub { is_signed($ORIGIN) && said('none.test') ne '' }), 'a zone with good keys is signed') or diag(said($ORIGIN));
is(said($ORIGIN), '', 'and nothing is said of it');

subtest 'from the beginning' => sub {
	for my $what (sort keys %BAD) {
		like(said("$what.test"), qr/^error the zone cannot be signed.*$BAD{$what}[1].*redis\.unsigned_ok = true/, "$what: told");
		is($m->ask("www.$what.test", 'A')->rcode, 'SERVFAIL', "$what: it is not served");
	}
	cmp_ok($m->counters->{signer_key_faults}, '>=', keys(%BAD) - 1, 'they are counted');
};

subtest 'in files' => sub {
	for my $zone (sort keys %came) {
		my ($line) = $came{$zone} =~ /^(www\.\S+\s+\d+\s+IN\s+RRSIG\s+A\s.*)$/m;
		my ($served) = grep { $_->type eq 'RRSIG' } $m->ask("www.$zone.test", 'A', do => 1, tcp => 1)->packet->answer;
		is($served && $served->sig, Net::DNS::RR->new($line)->sig, "$zone: served as it came");
		like(said("$zone.test"), qr/^warning a key of algorithm 5 or 7/, 'with a warning');
	}
	like($m->log, qr/^warning: .*rsasha1\.test\.zone:\d+: a key of algorithm 5 or 7/m, 'in the log, too');
	unlike($m->log, qr/^error: .*rsasha1/m, 'which is no error');
	my ($martletd, $config) = (Martlet::martletd(), $m->config_path);
	like(scalar `$martletd -c $config -t 2>&1`, qr/^warning: .*nsec3rsasha1\.test\.zone:\d+: a key of algorithm 5 or 7/m, 'as with -t');
	like(said('file-sha1.test'), qr/^error .*Kfile-sha1\.test\.\S+: an algorithm or a size that is not signed with/, 'a key of SHA-1 signs nothing here');
	like(said('too-large.test'), qr/^error .*the DNSKEY RRset of too-large\.test\. fits no message/, 'a DNSKEY RRset over 64 KiB');
	cmp_ok($m->counters->{signer_dnskeys_too_large}, '>', 0, 'is counted');
	my $keys = $m->ask('large.test', 'DNSKEY', do => 1, tcp => 1);
	cmp_ok($keys->len, '>', 60_000, 'one below that is served');
	is(scalar(grep { $_->[1] == 46 } @{ $keys->{answer} }), 1, 'signed');
	like(said('many.test'), qr/^warning \S+ has 33 keys of the zone: the first 32 are used/, 'more keys than are used');
	my @problems = @{ $m->ctl('status')->{problems} };
	is(scalar(grep { /RRset/ } @problems), 0, 'warnings are no problem') or diag(explain(\@problems));
};

# A file may grow too large later on.
subtest 'a file that grows' => sub {
	write_file("$dir/files/large.test", text('large.test', large_keys('large.test', 17)));
	is(($m->ctl('reload', 'large.test'))[0], 1, 'the zone is in error');
	like(said('large.test'), qr/^stale .*DNSKEY RRset of large\.test\. fits no message/, 'told');
	ok(is_signed('large.test'), 'and served as it was');
};

# Keys of a zone that is new, while nothing can be written beside those that are kept.
subtest 'keys that cannot be kept' => sub {
	my ($kept, $zone) = ($m->state_dir . '/keys', 'unkept.test');
	my $problems = sub { join "\n", @{ $m->ctl('status')->{problems} } };

	$m->expect_log(qr{cannot be kept|\Q$zone\E|keys are not rolled: \Q$kept\E cannot be read: not found});
	rename $kept, "$kept.away" or die "$kept: $!\n";
	$schema->load($redis, { $zone => zone() });
	set_keys($zone, good($zone));
	ok(poll(20, sub { said($zone) =~ /no key can be used: the keys that Redis gives cannot be kept in \Q$kept\E/ }), 'told with the zone')
	  or diag(said($zone));
	ok(poll(20, sub { $problems->() =~ /the keys of \d+ zones? in Redis cannot be kept in \Q$kept\E/ }), 'when it lasts it is a problem')
	  or diag($problems->());
	cmp_ok($m->counters->{signer_keys_unkept}, '>=', 2, 'and counted');
	rename "$kept.away", $kept or die "$kept: $!\n";
	ok(poll(20, sub { is_signed($zone) }), 'it is tried again by itself') or diag(said($zone));
	ok(poll(20, sub { said($zone) eq '' && $problems->() !~ /cannot be kept/ }), 'nothing is said any more')
	  or diag(said($zone), $problems->());
};

my $anchor = write_anchor($m, public_of($drawn[0][0]));

subtest 'in the place of good ones' => sub {
	for my $what (sort keys %BAD) {
		my $before = $m->counters->{signer_key_faults};
		my $want = $what eq 'none' ? qr/ksk:pub: is gone, the kept copy/ : $BAD{$what}[1];
		set_keys($ORIGIN, $BAD{$what}[0]->($ORIGIN));
		ok(poll(20, sub { $m->counters->{signer_key_faults} > $before && said($ORIGIN) =~ $want }), "$what: counted, and told")
		  or diag(said($ORIGIN));
		unlike(said($ORIGIN), qr/^error/m, 'as a warning');
		my ($verdict, $text) = delv($m, $anchor, "www.$ORIGIN", 'A');
		is($verdict, 'fully validated', 'the copies go on signing') or diag($text);
	}
	set_keys($ORIGIN, good($ORIGIN));
	ok(poll(20, sub { said($ORIGIN) eq '' }), 'mended: nothing is said any more') or diag(said($ORIGIN));
	my ($verdict, $text) = delv($m, $anchor, "none.$ORIGIN", 'A');
	is($verdict, 'nxdomain, negative response, fully validated', 'the same keys sign') or diag($text);
};

subtest 'without signatures, then with' => sub {
	$m->write_config({ redis => { unsigned_ok => \1 } });
	is(($m->ctl('reload'))[0], 0, 'redis.unsigned_ok');
	for my $what (sort keys %BAD) {
		ok(poll(20, sub { $m->ask("www.$what.test", 'A')->rcode eq 'NOERROR' }), "$what: served");
		ok(!is_signed("$what.test"), 'without signatures');
		like(said("$what.test"), qr/is served without signatures: .*$BAD{$what}[1]/, 'which is told');
		set_keys("$what.test", good("$what.test"));
	}
	for my $what (sort keys %BAD) {
		ok(poll(20, sub { is_signed("$what.test") }), "$what: keys come: it is signed") or diag(said("$what.test"));
		ok(poll(20, sub { said("$what.test") eq '' }), 'nothing is said any more') or diag(said("$what.test"));
	}
};

subtest 'at a wildcard' => sub {
	$m->expect_log(qr/at a wildcard/);
	$redis->cmd('HSET', $schema->key($ORIGIN), '*.w', '{"ns":{"ttl":300,"records":[{"host":"ns.invalid."}]}}');
	ok(poll(20, sub { said($ORIGIN) =~ /^warning NS at a wildcard delegates nothing/m }), 'NS is warned of') or diag(said($ORIGIN));
	is(scalar(grep { /RRset/ } @{ $m->ctl('status')->{problems} }), 0, 'and no problem');
	$redis->cmd('HDEL', $schema->key($ORIGIN), '*.w');
	ok(poll(20, sub { said($ORIGIN) eq '' }), 'until it is gone') or diag(said($ORIGIN));
};

# What is served on of a name is what its source had, not what the signer made of it.
subtest 'the top of the zone' => sub {
	my $types = sub { return join ' ', map { $m->ask($ORIGIN, $_, tcp => 1)->types('answer') } qw(NS NSEC3PARAM) };
	my $config = zone()->{config};

	$redis->cmd(@{ $schema->set_config($ORIGIN, { %$config, denial => 'nsec3' }) });
	ok(poll(20, sub { $types->() eq 'NS NSEC3PARAM' }), 'with NSEC3') or diag($types->());
	$m->expect_log(qr/is not JSON|is JSON|octet/);
	$redis->cmd('HSET', $schema->key($ORIGIN), '@', '{"ns":');
	ok(poll(20, sub { said($ORIGIN) =~ /JSON/ }), 'its value breaks');
	$redis->cmd(@{ $schema->set_config($ORIGIN, $config) });
	ok(poll(20, sub { $types->() eq 'NS ' }), 'with NSEC: no NSEC3PARAM is left') or diag($types->());
	my ($verdict, $text) = delv($m, $anchor, $ORIGIN, 'NSEC3PARAM');
	is($verdict, 'nxrrset, negative response, fully validated', 'which is proved') or diag($text);
};

my @secrets = map { read_file("$_.private") =~ /^PrivateKey: (\S+)|^PrivateExponent: (\S+)/m ? $1 // $2 : () } map({ @$_ } @drawn), $rsa;
is_deeply([grep { index($m->log, $_) >= 0 } @secrets], [], 'nothing of a key is in the log');
$m->stop;
done_testing();
