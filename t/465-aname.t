#!/usr/bin/perl
# ANAMEs and flattened CNAMEs that end in zones of ours: what is answered, under which name
# and for how long.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::PP ();
use Martlet;
use Martlet::Process qw(poll);
use Martlet::Redis;
use Martlet::Wire qw(encode_query);
use Test::More;

Martlet::Redis::need();

my $json = JSON::PP->new->canonical;

sub a     { my ($ttl, @last) = @_; return (a => { ttl => $ttl, records => [map { { ip => "192.0.2.$_" } } @last] }) }
sub aaaa  { my ($ttl, @last) = @_; return (aaaa => { ttl => $ttl, records => [map { { ip => "2001:db8::$_" } } @last] }) }
sub cname { my ($ttl, $to) = @_; return (cname => { ttl => $ttl, host => $to }) }
sub aname { my ($to, $ttl) = @_; return (aname => { location => $to, ($ttl ? (ttl => $ttl) : ()) }) }

# zone => label => its members
my %zones = (
	'an.test.' => {
		'@' => { aname('both.other.test.'), ns => { records => [{ host => 'ns.an.test.' }] }, mx => { records => [{ host => 'mx.an.test.', preference => 1 }] } },
		four => { aname('four.other.test.', 40) },
		own => { a(60, 9), aname('both.other.test.') },
		beside => { cname(60, 'both.other.test.'), aname('four.other.test.') },
		chain => { aname('alias.other.test.') },
		twice => { aname('four.an.test.') },
		loop => { aname('pool.an.test.') }, pool => { aname('loop.an.test.') },
		cloop => { aname('x.other.test.') },
		none => { aname('no.such.name.other.test.') },
		wild => { aname('any.wild.other.test.') },
		'*.star' => { aname('both.other.test.') },
		steered => { aname('steered.other.test.') },
		bad => { aname('bad.other.test.') },
		dname => { aname('www.moved.other.test.') },
		short => { aname('both.other.test.', 7) },
		out => { cname(60, 'four.an.test.') },
		(map { ("c$_" => { aname('c' . ($_ + 1) . '.an.test.') }) } 0 .. 30),
		c12 => { aname('both.other.test.') },
		txt => { aname('txt.other.test.') },
		out2 => { aname('www.outside.example.') },
	},
	'other.test.' => {
		both => { a(300, 1, 2), aaaa(200, 1) },
		four => { a(100, 4) },
		alias => { cname(50, 'alias2.other.test.') }, alias2 => { cname(20, 'both.other.test.') },
		x => { cname(60, 'y.other.test.') }, y => { cname(60, 'x.other.test.') },
		'*.wild' => { a(30, 7) },
		steered => { a => { ttl => 60, filter => { count => 'single', order => 'rr' }, records => [map { { ip => "192.0.2.$_" } } 1, 2] } },
		bad => { a => { records => [{ ip => 5 }] } },
		moved => { dname => { rdata => ['target.other.test.'] } }, 'www.target' => { a(77, 8) },
		txt => { txt => { records => [{ text => 'x' }] } },
		'@' => { ns => { records => [{ host => 'ns.other.test.' }] } },
	},
	'flat.test.' => {
		'@' => { ns => { records => [{ host => 'ns.flat.test.' }] } },
		www => { cname(60, 'mid.flat.test.') }, mid => { cname(40, 'end.flat.test.') }, end => { a(50, 5), txt => { records => [{ text => 'y' }] } },
		abroad => { cname(60, 'both.other.test.') },
		far => { cname(60, 'alias.other.test.') },
		gone => { cname(60, 'no.flat.test.') },
		loop => { cname(60, 'pool.flat.test.') }, pool => { cname(60, 'loop.flat.test.') },
		'*.w' => { cname(60, 'end.flat.test.') },
		steered => { cname(60, 'steered.other.test.') },
		aname => { cname(60, 'four.an.test.') },
		outside => { cname(60, 'mid2.flat.test.') }, mid2 => { cname(40, 'www.outside.example.') }, '*.o' => { cname(60, 'mid2.flat.test.') },
		anout => { cname(60, 'out2.an.test.') },
	},
	'plain.test.' => {
		'@' => { ns => { records => [{ host => 'ns.plain.test.' }] } },
		toflat => { cname(60, 'www.flat.test.') },
		toaname => { cname(60, 'four.an.test.') },
		www => { cname(60, 'end.flat.test.') },
	},
);
my $redis = Martlet::Redis->new(notify => 'KA');
for my $zone (sort keys %zones) {
	my $soa = { ns => "ns.$zone", mbox => "h.$zone", ttl => 90, minttl => 10, serial => 1 };
	$redis->cmd('SADD', 'redins:zones', $zone);
	$redis->cmd('SET', "redins:zones:$zone:config", $json->encode({ soa => $soa, cname_flattening => $zone =~ /^flat/ ? \1 : \0 }));
	$redis->cmd('HSET', "redins:zones:$zone", map { ($_ => $json->encode($zones{$zone}{$_})) } keys %{ $zones{$zone} });
}
my $m = Martlet->new(config => { redis => $redis->settings });
$m->expect_log(qr/no file here is named|bad.other.test|moved|beside a CNAME, which wins|other\.test\. bad/);
ok($m->wait_log(qr/reading all zones from Redis.*generation \d+ is served/s, 20), "it serves") or diag($m->log);

# Question => what is answered: "rcode: records, joined"; one line each.
sub table {
	for (grep { /\S/ } split /\n/, $_[0]) {
		my ($name, $type, $want) = /^\s*(\S+) (\S+)\s+(.*)$/ or die "table: $_\n";
		my $r = $m->ask($name, $type);
		is(join(' ', $r->rcode, join ', ', $r->text('answer')), $want, "$name $type");
		ok($r->aa || $r->rcode eq 'SERVFAIL', '  with authority');
		my $empty = !@{ $r->{answer} } && $r->rcode eq 'NOERROR';
		is(scalar(@{ $r->{authority} }), $empty ? 1 : 0, $empty ? '  and a SOA' : '  and nothing else');
	}
	return;
}

subtest 'ANAME' => sub {
	table(<<'END');
an.test A            NOERROR an.test. 300 A 192.0.2.1, an.test. 300 A 192.0.2.2
an.test AAAA         NOERROR an.test. 200 AAAA 2001:db8::1
an.test MX           NOERROR an.test. 3600 MX 1 mx.an.test.
four.an.test A       NOERROR four.an.test. 40 A 192.0.2.4
four.an.test AAAA    NOERROR 
FOUR.an.test TXT     NOERROR 
four.an.test CNAME   NOERROR 
four.an.test ANY     NOERROR 
own.an.test A        NOERROR own.an.test. 60 A 192.0.2.9
own.an.test AAAA     NOERROR own.an.test. 200 AAAA 2001:db8::1
beside.an.test A     NOERROR beside.an.test. 60 CNAME both.other.test., both.other.test. 300 A 192.0.2.1, both.other.test. 300 A 192.0.2.2
chain.an.test A      NOERROR chain.an.test. 20 A 192.0.2.1, chain.an.test. 20 A 192.0.2.2
twice.an.test A      NOERROR twice.an.test. 40 A 192.0.2.4
loop.an.test A       SERVFAIL 
cloop.an.test A      SERVFAIL 
none.an.test A       NOERROR 
none.an.test AAAA    NOERROR 
txt.an.test A        NOERROR 
wild.an.test A       NOERROR wild.an.test. 30 A 192.0.2.7
x.star.an.test A     NOERROR x.star.an.test. 300 A 192.0.2.1, x.star.an.test. 300 A 192.0.2.2
x.star.an.test TXT   NOERROR 
bad.an.test A        SERVFAIL 
dname.an.test A      NOERROR dname.an.test. 77 A 192.0.2.8
short.an.test A      NOERROR short.an.test. 7 A 192.0.2.1, short.an.test. 7 A 192.0.2.2
c1.an.test A         NOERROR c1.an.test. 300 A 192.0.2.1, c1.an.test. 300 A 192.0.2.2
c13.an.test A        SERVFAIL 
END
	my $r = $m->ask('none.an.test', 'A');
	is_deeply([$r->text('authority')], ['an.test. 10 SOA ns.an.test. h.an.test. 1 86400 7200 3600 10'], 'the SOA is that of the zone asked');
	my %seen = map { (join ' ', $m->ask('steered.an.test', 'A')->text('answer')) => 1 } 1 .. 40;
	is_deeply([sort keys %seen], ['steered.an.test. 60 A 192.0.2.1', 'steered.an.test. 60 A 192.0.2.2'], 'its steering applies');
	$r = $m->ask('plain.test', 'NS');
	$r = $m->ask('toaname.plain.test', 'A');
	is_deeply([$r->text('answer')], ['four.an.test. 40 A 192.0.2.4', 'toaname.plain.test. 60 CNAME four.an.test.'], 'at the end of a CNAME');
};

subtest 'flattening' => sub {
	table(<<'END');
www.flat.test A       NOERROR www.flat.test. 40 A 192.0.2.5
www.flat.test AAAA    NOERROR 
www.flat.test CNAME   NOERROR www.flat.test. 60 CNAME mid.flat.test.
mid.flat.test A       NOERROR mid.flat.test. 40 A 192.0.2.5
end.flat.test A       NOERROR end.flat.test. 50 A 192.0.2.5
abroad.flat.test A    NOERROR abroad.flat.test. 60 A 192.0.2.1, abroad.flat.test. 60 A 192.0.2.2
abroad.flat.test AAAA NOERROR abroad.flat.test. 60 AAAA 2001:db8::1
far.flat.test A       NOERROR far.flat.test. 20 A 192.0.2.1, far.flat.test. 20 A 192.0.2.2
gone.flat.test A      NOERROR 
loop.flat.test A      SERVFAIL 
x.w.flat.test A       NOERROR x.w.flat.test. 50 A 192.0.2.5
x.w.flat.test CNAME   NOERROR x.w.flat.test. 60 CNAME end.flat.test.
aname.flat.test A     NOERROR aname.flat.test. 40 A 192.0.2.4
outside.flat.test A   NOERROR mid2.flat.test. 40 CNAME www.outside.example., outside.flat.test. 60 CNAME mid2.flat.test.
mid2.flat.test AAAA   NOERROR mid2.flat.test. 40 CNAME www.outside.example.
x.o.flat.test A       NOERROR mid2.flat.test. 40 CNAME www.outside.example., x.o.flat.test. 60 CNAME mid2.flat.test.
anout.flat.test A     SERVFAIL 
out2.an.test A        SERVFAIL 
END
	my $r = $m->ask('www.flat.test', 'TXT');
	is_deeply([$r->text('answer')],
		['end.flat.test. 3600 TXT y', 'mid.flat.test. 40 CNAME end.flat.test.', 'www.flat.test. 60 CNAME mid.flat.test.'],
		'other types get the CNAMEs');
	$r = $m->ask('toflat.plain.test', 'A');
	is_deeply([$r->text('answer')], ['toflat.plain.test. 60 CNAME www.flat.test.', 'www.flat.test. 40 A 192.0.2.5'], 'from a zone that is not');
	my %seen = map { (join ' ', $m->ask('steered.flat.test', 'A')->text('answer')) => 1 } 1 .. 40;
	is(scalar keys %seen, 2, 'steering applies');
};

subtest 'turned on and off' => sub {
	my $set = sub {
		my ($zone, $on) = @_;
		my $soa = { ns => "ns.$zone", mbox => "h.$zone", ttl => 90, minttl => 10, serial => 1 };
		$redis->cmd('SET', "redins:zones:$zone:config", $json->encode({ soa => $soa, cname_flattening => $on ? \1 : \0 }));
	};
	my $answer = sub { join ', ', $m->ask($_[0], 'A')->text('answer') };
	$set->('plain.test.', 1);
	ok(poll(10, sub { $answer->('www.plain.test') eq 'www.plain.test. 50 A 192.0.2.5' }), 'on') or diag($answer->('www.plain.test'));
	$set->('flat.test.', 0);
	ok(poll(10, sub { $answer->('mid.flat.test') eq 'end.flat.test. 50 A 192.0.2.5, mid.flat.test. 40 CNAME end.flat.test.' }), 'off')
	  or diag($answer->('mid.flat.test'));
	$redis->cmd('HSET', 'redins:zones:an.test.', 'four', $json->encode({ aname('both.other.test.') }));
	ok(poll(10, sub { $answer->('four.an.test') =~ /192\.0\.2\.2$/ }), 'another target');
	$redis->cmd('HSET', 'redins:zones:an.test.', 'four', '{"aname":{"location":5}}');
	ok(poll(10, sub { grep { ($_->{type} // '') eq 'ANAME' && $_->{state} eq 'stale' } @{ ($m->ctl('errors'))[1]{errors} } }),
		'one that cannot be read is told') or diag(explain(($m->ctl('errors'))[1]));
	like($answer->('four.an.test'), qr/192\.0\.2\.2$/, 'and the one before goes on');
	$redis->cmd('HSET', 'redins:zones:an.test.', 'four', '{}');
	ok(poll(10, sub { $answer->('four.an.test') eq '' }), 'taken away');
	$m->expect_log(qr/four/);
};

subtest 'what is told' => sub {
	my ($status, $out) = $m->ctl('export', 'an.test');
	my @texts = map { @{ $_->{records} } } @{ $out->{export} };
	ok((grep { $_ eq '; chain.an.test. 3600 IN ANAME alias.other.test.' } @texts), 'export tells of an ANAME');
	cmp_ok($m->counters->{aname_answers}, '>', 50, 'they are counted');
};

is($m->stop, 0, 'a clean end');
done_testing();
