#!/usr/bin/perl
# DNS cookies through the real server: what comes back, over UDP and TCP; with dig; between
# servers of different make that share a secret; secrets that change; files that are wrong.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Answer;
use Martlet::Peer;
use Martlet::Process qw(find_program write_file);
use Martlet::Wire qw(encode_query);
use Test::More;

my $zone = "\@ 3600 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\n"
	. "*.wild A 192.0.2.2\nalias CNAME www\n";
my @secrets = map { $_ x 16 } qw(a1 b2 c3);
my $client = 'clientme';

sub cookie_option { return pack 'n n/a*', 10, $_[0] }

# The cookie of an answer in hexadecimal, '' without one.
sub cookie_of {
	my ($answer) = @_;
	my @found = map { $_->[0] == 10 ? unpack('H*', $_->[1]) : () } @{ $answer->{edns}{options} // [] };
	return @found == 1 ? $found[0] : "@found";
}

sub ask {
	my ($server, $cookie, %opt) = @_;
	return $server->ask($opt{name} // 'www.example.com', $opt{type} // 'A', edns => 1232,
		options => cookie_option($cookie) . ($opt{options} // ''), %opt{ grep { exists $opt{$_} } qw(tcp do) });
}

my $m = Martlet->new(zones => { 'example.com' => $zone }, start => 0,
	config => { limit => { cookies => { secret_file => 'secrets' } } });
my $file = "$m->{dir}/secrets";
write_file($file, "# of the fleet\n$secrets[0]\n\n$secrets[1] # the next\n");
chmod 0600, $file;
$m->start;

# every kind of answer has one
my $given = cookie_of(ask($m, $client));
like($given, qr/^@{[ unpack 'H*', $client ]}01000000[0-9a-f]{24}$/, 'a client gets a cookie of version 1');
for (['alias.example.com', 'A', 'NOERROR'], ['x.wild.example.com', 'A', 'NOERROR'], ['no.example.com', 'A', 'NXDOMAIN'],
	['www.example.com', 'TXT', 'NOERROR'], ['example.org', 'A', 'REFUSED'], ['example.com', 'ANY', 'NOERROR']) {
	my ($name, $type, $rcode) = @$_;
	for my $tcp (0, 1) {
		my $answer = ask($m, $client, name => $name, type => $type, tcp => $tcp);
		is($answer->rcode, $rcode, "$name $type" . ($tcp ? ' over TCP' : ''));
		like(cookie_of($answer), qr/^@{[ unpack 'H*', $client ]}01/, 'has a cookie');
	}
}
my $d = $m->counted(sub {
	is(cookie_of(ask($m, pack 'H*', $given)), $given, 'a fresh one comes back as it is');
	is(cookie_of(ask($m, pack 'H*', $given, do => 1)), $given, 'with DO');
	like(cookie_of(ask($m, $client . 'x' x 16)), qr/^@{[ unpack 'H*', $client ]}01000000/, 'for a made-up one a real one');
});
is($d->{cookies_valid}, 2, 'valid');
is($d->{cookies_invalid}, 1, 'invalid');
ok(!$d->{badcookie}, 'nobody is asked for one');
is(cookie_of($m->ask('www.example.com', 'A', edns => 1232)), '', 'none for who sent none');

# wrong lengths, and nothing but a cookie
for my $len (0, 7, 9, 15, 41) {
	my $answer = ask($m, 'c' x $len);
	is($answer->rcode, 'FORMERR', "$len octets");
}
my $alone = Martlet::Answer->new($m->exchange(pack('n6', 9, 0, 0, 0, 0, 1)
	. pack('C n n N n/a*', 0, 41, 1232, 0, cookie_option($client))));
is($alone->rcode, 'NOERROR', 'no question but a cookie');
like(cookie_of($alone), qr/^@{[ unpack 'H*', $client ]}01/, 'is answered with one');
is(unpack('x4 n', $m->exchange(pack('n6', 9, 0, 0, 0, 0, 0))) // 0, 0, 'no question and no cookie')
	|| diag('no answer');

# large answers: the cookie has its room
my $full = Martlet->new(zones => { 'example.com' => $zone
	. join('', map { sprintf qq(l%03d TXT "%s"\n), $_, 'x' x $_ } 1 .. 255)
	. join('', map { sprintf qq(l%03d TXT "%s"\n), $_, 'y' x 180 } 200 .. 255) });
my $over = 0;
for my $n (1 .. 255) {
	my $q = encode_query(sprintf('l%03d.example.com', $n), 'TXT', edns => 512, options => cookie_option($client));
	$over++ if length $full->exchange($q) > 512;
}
is($over, 0, 'no answer is larger than the client takes');
ok((grep { /secret of this start/ } @{ $full->ctl('status')->{notices} }), 'without a file there is a notice');
my $before = cookie_of(ask($full, $client));
is(($full->ctl('reload'))[0], 0, 'a reload');
is(cookie_of(ask($full, pack 'H*', $before)), $before, 'draws no other secret');
$full->stop;

SKIP: {
	my $dig = find_program('dig') or skip 'dig is not installed', 2;
	my @dig = ($dig, '+tries=1', '+cookie', "\@$m->{address}", '-p', $m->{port});
	like(scalar `@dig www.example.com`, qr/^; COOKIE: [0-9a-f]{48} \(good\)$/m, 'dig finds it good');
	like(scalar `@dig +tcp no.example.com`, qr/^; COOKIE: [0-9a-f]{48} \(good\)$/m, 'over TCP');
}

# servers of another make, one secret
my %options = (
	nsd => qq(\tanswer-cookie: yes\n\tcookie-secret: "$secrets[0]"\n),
	bind => qq(answer-cookie yes; cookie-algorithm siphash24; cookie-secret "$secrets[0]";),
);
for my $kind (sort keys %options) {
SKIP: {
		skip "$kind is not installed", 3 unless Martlet::Peer::program($kind);
		my $peer = Martlet::Peer->new($kind, zones => { 'example.com' => $zone }, options => $options{$kind});
		my $theirs = cookie_of(ask($peer, $client));
		my $ours = cookie_of(ask($m, $client));
		my $diff = $m->counted(sub {
			is(cookie_of(ask($m, pack 'H*', $theirs)), $theirs, "$kind: what it made is taken here");
		});
		is($diff->{cookies_valid}, 1, "$kind: as valid");
		my $back = cookie_of(ask($peer, pack 'H*', $ours));
		# BIND makes a new one each time: of the same second it is the same
		like($back, qr/^\Q@{[ substr $ours, 0, 24 ]}\E/, "$kind: and it answers with one of ours");
		is($back, $ours, "$kind: which it took") if $kind eq 'nsd';
		$peer->stop if $peer->can('stop');
	}
}

# white space, and the ends of lines of another system
write_file($file, "# " . 'x' x 400 . "\n \t" . uc($secrets[0]) . " \r\n\r\n$secrets[1]\t# the next\r\n$secrets[2]");
is(($m->ctl('reload'))[0], 0, 'white space around secrets');
$given = cookie_of(ask($m, $client));
is(cookie_of(ask($m, pack 'H*', $given)), $given, 'says nothing');

# another secret: first it is accepted, then it makes, then the old one goes
my $old = cookie_of(ask($m, $client));
write_file($file, "$secrets[1]\n$secrets[0]\n");
is(($m->ctl('reload'))[0], 0, 'the second secret becomes the first');
$d = $m->counted(sub { isnt(cookie_of(ask($m, pack 'H*', $old)), $old, 'an old cookie is renewed') });
is($d->{cookies_valid}, 1, 'and was valid');
write_file($file, "$secrets[1]\n");
is(($m->ctl('reload'))[0], 0, 'the old secret goes');
$d = $m->counted(sub { ask($m, pack 'H*', $old) });
is($d->{cookies_invalid}, 1, 'and its cookies with it');

# what is wrong with a file
my $place = qr{^\S+/martlet\.conf:[1-9]\d*: limit\.cookies\.secret_file: \Q$file\E\b};
my $now = cookie_of(ask($m, $client));
for (["$secrets[0]\nabcd\n", qr/secrets:2: .*32 hexadecimal digits/], ['x' x 32, qr/secrets:1: .*32 hexadecimal digits/],
	["$secrets[0] $secrets[1]\n", qr/secrets:1: .*32 hexadecimal digits/],
	["$secrets[1]\n# " . 'x' x 300 . "\n$secrets[0]\0\n", qr/it is no text/],
	["$secrets[1]\n# " . 'x' x 300 . "\nx$secrets[0]\n", qr/secrets:3: .*32 hexadecimal digits/],
	["$secrets[1]\n" . '# comment' x 2000 . "\n", qr/16 KiB/],
	["# nothing\n", qr/it holds no secret/], ['', qr/it holds no secret/],
	["$secrets[0]\n" x 17, qr/secrets:17: .*at most 16 secrets/]) {
	my ($text, $why) = @$_;
	write_file($file, $text);
	$m->expect_log($why, qr/reload refused/);
	my ($exit, $reply) = $m->ctl('reload');
	is($exit, 1, 'a reload is refused');
	like($reply->{error}, $why, 'with the reason');
	like($reply->{error}, $place, 'and the line of the configuration');
	unlike($reply->{error}, qr/$secrets[0]/, 'and not the secret');
}
unlink $file;
$m->expect_log(qr/secret_file: .*No such file/);
like(($m->ctl('reload'))[1]{error}, qr/$place: No such file/, 'a missing file');
is(cookie_of(ask($m, pack 'H*', $now)), $now, 'the earlier secrets stay');
write_file($file, "$secrets[1]\n");
chmod 0644, $file;
$m->expect_log(qr/warning: .*everybody on this machine can read it/);
is(($m->ctl('reload'))[0], 0, 'a file that others can read is taken, with a warning');
$m->write_config({ limit => { cookies => { enable => \0 } } });
is(($m->ctl('reload'))[0], 0, 'without cookies');
is(cookie_of(ask($m, $client)), '', 'none is made');
is(ask($m, 'c' x 7)->rcode, 'NOERROR', 'and none is looked at');
$m->stop;

done_testing();
