#!/usr/bin/perl
# Response rate limiting under floods on loopback: each class, what shares a bucket and what
# does not, slip, the exemptions, BADCOOKIE, networks, and counting only.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Select;
use IO::Socket::INET;
use Martlet;
use Martlet::Answer;
use Martlet::Process qw(poll);
use Martlet::Wire qw(encode_query);
use Test::More;
use Time::HiRes qw(time);

my $zone = <<'END';
@ 3600 SOA ns h 1 2 3 4 5
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
mail A 192.0.2.2
*.wild A 192.0.2.3
other.wild A 192.0.2.4
alias.wild CNAME www
cut NS ns.cut
ns.cut A 192.0.2.5
cut2 NS ns.cut
old DNAME new
x.new A 192.0.2.6
END
my $zones = { 'example.com' => $zone, 'example.net' => $zone };
# So slow that nothing comes back while a flood lasts, but for one in a while.
my $RATE = 5;
my %rates = map { $_ => $RATE } qw(answers nxdomain referrals errors);

sub client {
	my ($m, $address) = @_;
	return IO::Socket::INET->new(Proto => 'udp', LocalAddr => $address,
		PeerAddr => $m->{address}, PeerPort => $m->{port}) // die "$address: $!\n";
}

my $elapsed = 0; # from the first query of a flood to its last answer

# Does something wait in the sockets of the server that $socket asks?
sub is_queued {
	my ($socket) = @_;
	my $port = sprintf ':%04X', $socket->peerport;
	open my $list, '<', '/proc/net/udp' or return 0;

	return scalar grep { /^\s*\d+: \S+\Q$port\E \S+ \S+ [0-9A-F]+:0*[1-9A-F]/ } <$list>;
}

sub more_comes {
	my ($select, $socket) = @_;

	for (1 .. 50) {
		return 1 if $select->can_read(0.1);
		last unless is_queued($socket);
	}
	return 0;
}

# Send these messages at once; returns how many answers of each kind: RCODE, or TC.
sub flood {
	my ($socket, @messages) = @_;
	my %seen = (none => scalar @messages);
	my $start = time;

	send $socket, $_, 0 for @messages;
	my $select = IO::Select->new($socket);
	while ($seen{none} > 0 && more_comes($select, $socket)) {
		recv($socket, my $octets, 4096, 0) // last;
		my $answer = Martlet::Answer->new($octets);
		$seen{ $answer->tc ? 'TC' : $answer->rcode }++;
		$seen{none}--;
		$elapsed = time - $start;
	}
	return \%seen;
}

my $network = 1;
# A flood from a network that was not heard of before.
sub flood_anew {
	my ($m, @messages) = @_;
	return flood(client($m, '127.9.' . $network++ . '.1'), @messages);
}

sub q_of { return map { encode_query($_, $_[0]) } @_[1 .. $#_] }

# What went through: buckets, two at most, get some back while that lasts.
sub about {
	my ($seen, $kind, $want, $what) = @_;
	my $have = $seen->{$kind} // 0;

	ok($have >= $want && $have <= $want + 2 * (1 + $RATE * $elapsed), $what) or diag("$kind $have, not $want");
	return;
}

my $m = Martlet->new(zones => $zones, config => { limit => { rrl => { %rates, slip => 0 } } });
my @random = map { "n$_" } 1 .. 60;

my $d = $m->counted(sub {
	my $seen = flood_anew($m, q_of('A', ('www.example.com') x 60));
	about($seen, 'NOERROR', $RATE, 'answers of one name');
	is($seen->{none}, 60 - $seen->{NOERROR}, 'the others are not sent');
});
is($d->{limit_rrl_answers}, $d->{limit_rrl_dropped}, 'counted as dropped');
is($d->{udp_responses} + $d->{limit_rrl_dropped}, 60, 'each is one or the other');
is($d->{noerror}, 60, 'and under its code');

my $two = flood_anew($m, q_of('A', ('www.example.com') x 60, ('mail.example.com') x 60));
about($two, 'NOERROR', 2 * $RATE, 'another name has its own');
my $case = flood_anew($m, q_of('A', map { $_ % 2 ? 'wWw.eXample.com' : 'www.example.COM' } 1 .. 60));
about($case, 'NOERROR', $RATE, 'in whatever case');
my $types = flood_anew($m, q_of('A', ('www.example.com') x 30), map { encode_query('www.example.com', 'ANY') } 1 .. 30);
about($types, 'NOERROR', $RATE, 'all types of a name are one');

my %class = (
	wild => [answers => 'NOERROR', $RATE, map { "$_.wild.example.com" } @random],
	dname => [answers => 'NOERROR', $RATE, map { "$_.old.example.com" } map { ('x', "x.x") } 1 .. 30],
	nxdomain => [nxdomain => 'NXDOMAIN', $RATE, map { "$_.example.com" } @random],
	nxdomains => [nxdomain => 'NXDOMAIN', 2 * $RATE, map { ("$_.example.com", "$_.example.net") } @random[0 .. 29]],
	deep => [nxdomain => 'NXDOMAIN', $RATE, map { "$_.a.b.c.example.com" } @random],
	referrals => [referrals => 'NOERROR', $RATE, map { "$_.cut.example.com" } @random],
	cuts => [referrals => 'NOERROR', 2 * $RATE, map { ("$_.cut.example.com", "$_.cut2.example.com") } @random[0 .. 29]],
	refused => [errors => 'REFUSED', $RATE, map { "$_.example.org" } @random],
);
for my $what (sort keys %class) {
	my ($counter, $rcode, $want, @names) = @{ $class{$what} };
	for my $do (0, 1) {
		my $seen;
		my $diff = $m->counted(sub {
			$seen = flood_anew($m, map { encode_query($_, 'A', do => $do) } @names);
		});
		if ($what eq 'dname') {
			about({ all => 60 - $seen->{none} }, 'all', $want + ($seen->{NXDOMAIN} ? $RATE : 0), "$what, DO $do");
			next;
		}
		about($seen, $rcode, $want, "$what, DO $do");
		is($diff->{"limit_rrl_$counter"}, $seen->{none}, 'counted for its class');
	}
}
my $nodata = flood_anew($m, q_of('TXT', map { ("www.example.com", "mail.example.com", 'example.com') } 1 .. 20));
about($nodata, 'NOERROR', $RATE, 'types that do not exist, by zone');
my $beside = flood_anew($m, q_of('A', 'other.wild.example.com', 'x.wild.example.com', 'y.wild.example.com'),
	q_of('A', ('other.wild.example.com') x 60));
about($beside, 'NOERROR', $RATE + 2, 'a name beside a wildcard is itself');
my $formerr = flood_anew($m, ("\1\2\0\0\0\1\0\0\0\0\0\0" . "\xff" x 5) x 60);
about($formerr, 'FORMERR', $RATE, 'FORMERR');
my $badvers = flood_anew($m, map { encode_query('www.example.com', 'A', edns => 1232, version => 1) } 1 .. 60);
about({ all => 60 - $badvers->{none} }, 'all', $RATE, 'BADVERS');

# explain says what would become of the response, and takes nothing
sub verdict {
	my ($name, $client, @args) = @_;
	my $json = $m->ctl('explain', $name, 'A', '--client', $client, @args);
	return join ', ', map { "$_->{limit} $_->{verdict} $_->{left}" } grep { $_->{step} eq 'limit' } @{ $json->{explain}{steps} };
}
is(verdict('www.example.com', '127.9.201.1'), 'answers pass 4', 'explain: one of five answers') for 1 .. 2;
is(verdict('no.example.com', '127.9.201.1'), 'nxdomain pass 4', 'of NXDOMAIN');
is(verdict('a.cut.example.com', '127.9.201.1'), 'referrals pass 4', 'of referrals');
is(verdict('www.example.com', '127.9.201.1', '--tcp'), '', 'over TCP nothing is limited');
ok(poll(10, sub {
	flood(client($m, '127.9.202.1'), q_of('A', ('www.example.com') x 60));
	verdict('www.example.com', '127.9.202.9') eq 'answers drop 0' && verdict('mail.example.com', '127.9.202.9') eq 'answers pass 4';
}), 'a network that has had all of them, and another name');

my %limited = map { ("$_->{class} " . ($_->{name} // '-') => $_) } @{ ($m->ctl('limits'))[1]{limits} };
for ('answers www.example.com.', 'answers *.wild.example.com.', 'nxdomain example.com.', 'nxdomain example.net.',
	'nodata example.com.', 'referrals cut.example.com.', 'errors -', 'answers old.example.com.') {
	ok($limited{$_}, "limits has $_");
}
is($limited{'errors -'}{reason}, 'rate', 'for its rate');
like($limited{'answers www.example.com.'}{client}, qr/^127\.9\.\d+\.0\/24$/, 'a network');

# networks
my $before = client($m, '127.10.1.1');
my $next_door = client($m, '127.10.1.250');
my $begun = time;
# answered first, by whichever worker
flood($before, q_of('A', ('www.example.com') x 60));
my $theirs = flood($next_door, q_of('A', ('www.example.com') x 60));
$elapsed = time - $begun;
about($theirs, 'NOERROR', 0, 'a neighbour in the /24');
is(flood(client($m, '127.9.202.1'), q_of('A', 'www.example.com'))->{NOERROR}, 1, 'another /24');
is(flood($before, q_of('A', 'mail.example.com'))->{NOERROR}, 1, 'another name');

# the exemptions
my $tcp = $m->ask('www.example.com', 'A', tcp => 1);
my $stream = IO::Socket::INET->new(Proto => 'tcp', LocalAddr => '127.9.201.1',
	PeerAddr => $m->{address}, PeerPort => $m->{port}) // die "TCP: $!\n";
$m->tcp_write($stream, (encode_query('www.example.com', 'A')) x 30);
is(scalar(grep { Martlet::Answer->new($m->tcp_read($stream))->rcode eq 'NOERROR' } 1 .. 30), 30, 'TCP is not limited');

sub with_cookie { return encode_query('www.example.com', 'A', edns => 1232, options => pack('n n/a*', 10, $_[0])) }
sub cookie_of {
	my ($octets) = @_;
	return map { $_->[0] == 10 ? $_->[1] : () } @{ Martlet::Answer->new($octets)->{edns}{options} };
}
my $honest = client($m, '127.11.1.1');
send $honest, with_cookie('clientme'), 0;
IO::Select->new($honest)->can_read(5);
recv $honest, my $first, 4096, 0;
my ($cookie) = cookie_of($first);
$d = $m->counted(sub {
	is(flood($honest, (with_cookie($cookie)) x 60)->{NOERROR}, 60, 'a valid cookie is not limited');
	is(flood(client($m, '127.11.1.2'), (with_cookie($cookie)) x 60)->{none} > 50, 1, 'to another client it is of no use');
});

# slip
for my $slip (1, 2, 3) {
	$m->write_config({ limit => { rrl => { slip => $slip } } });
	is(($m->ctl('reload'))[0], 0, "slip $slip");
	my $seen;
	my $diff = $m->counted(sub { $seen = flood_anew($m, q_of('A', ('www.example.com') x 65)) });
	my $over = 65 - $seen->{NOERROR};
	# a socket has one worker, and so one count, which may stand anywhere at first
	cmp_ok(abs(($seen->{TC} // 0) - $over / $slip), '<=', 1, "one of $slip over the limit has TC");
	is($diff->{limit_rrl_slipped}, $seen->{TC} // 0, 'counted');
	is($diff->{limit_rrl_dropped} // 0, $seen->{none}, 'and the others');
	is($diff->{truncated} // 0, 0, 'apart from truncation');
}
$m->write_config({ limit => { rrl => { slip => 1 } } });
$m->ctl('reload');
my $errors = flood_anew($m, q_of('A', ('www.example.org') x 30));
is($errors->{REFUSED}, 30, 'errors slip as they are');
$d = $m->counted(sub {
	my $socket = client($m, '127.12.1.1');
	my $seen = flood($socket, (with_cookie('clientme')) x 30);
	about($seen, 'NOERROR', $RATE, 'with a cookie of the client alone');
	is($seen->{BADCOOKIE} // $seen->{RCODE23} // $seen->{23}, 30 - $seen->{NOERROR}, 'BADCOOKIE');
	send $socket, with_cookie('clientme'), 0;
	IO::Select->new($socket)->can_read(5);
	recv $socket, my $octets, 4096, 0;
	my ($fresh) = cookie_of($octets);
	is(length $fresh, 24, 'with a cookie to come again with');
	is(flood($socket, (with_cookie($fresh)) x 30)->{NOERROR}, 30, 'which is then good');
});
cmp_ok($d->{badcookie}, '>=', 20, 'counted');

# a truncated answer leads to TCP
my $forged = client($m, '127.13.1.1');
flood($forged, q_of('A', ('www.example.com') x 30));
send $forged, encode_query('wWw.example.com', 'A', id => 77, do => 1, rd => 1), 0;
IO::Select->new($forged)->can_read(5);
recv $forged, my $octets, 4096, 0;
my $slipped = Martlet::Answer->new($octets);
is($slipped->{id}, 77, 'a slipped response has its id');
ok($slipped->tc, 'TC');
is(length $octets, 12 + 17 + 4 + 11, 'question and OPT, nothing else');

# whitelist, and counting only
$m->write_config({ limit => { rrl => { slip => 0 }, client => { whitelist => ['127.20.0.0/16'] } } });
$m->ctl('reload');
is(flood(client($m, '127.20.1.1'), q_of('A', ('www.example.com') x 60))->{NOERROR}, 60, 'who is white is not limited');
$m->write_config({ limit => { log_only => \1 } });
$m->ctl('reload');
$d = $m->counted(sub {
	is(flood_anew($m, q_of('A', ('www.example.com') x 60))->{NOERROR}, 60, 'counting only: all are answered');
});
cmp_ok($d->{limit_rrl_answers}, '>=', 53, 'and counted');
is($d->{limit_log_only}, $d->{limit_rrl_answers}, 'as let through');
ok(!$d->{limit_rrl_dropped}, 'none is dropped');

# wide networks, fewer bits
$m->write_config({ limit => { log_only => \0, rrl => { v4_prefix => 8 } } });
$m->ctl('reload');
my @far = map { client($m, "127.3$_.1.1") } 0 .. 5;
my $got = 0;
$got += flood($_, q_of('A', ('mail.example.com') x 10))->{NOERROR} // 0 for @far;
cmp_ok($got, '<=', $RATE + 15, 'a /8 is one network');
$m->stop;

# a flood in the name of thousands does not free the one that is over its limit
$m = Martlet->new(zones => $zones, config => { limit => { rrl => { %rates, slip => 0 } } });
my $victim = client($m, '127.40.0.1');
flood($victim, q_of('A', ('www.example.com') x 30));
my $sent = 0;
for my $n (1 .. 150) {
	my $socket = client($m, "127.41.$n.1");
	$sent += send($socket, $_, 0) ? 1 : 0 for q_of('A', map { "r$_.wild.example.com" } 1 .. 3);
	$sent += send($victim, $_, 0) ? 1 : 0 for q_of('A', 'www.example.com');
}
my $through = 0;
my $select = IO::Select->new($victim);
while ($select->can_read(0.3)) {
	recv($victim, my $answer, 4096, 0) // last;
	$through++;
}
cmp_ok($through, '<=', 60, "of 150 more the one over its limit gets what its rate allows, $through");
$m->stop;

done_testing();
