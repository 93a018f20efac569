#!/usr/bin/perl
# Answers as the RFCs have them: a table of questions with the whole answer written out.
# Every case checks the counters too.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Wire qw(encode_query name_to_wire);
use Test::More;

my $long = join '.', ('x' x 63) x 3, 'x' x 50;
my %zones = (
	# the zone of RFC 4592, section 2.2.1
	example => <<'END',
@ 3600 IN SOA ns.example.com. hostmaster 1 3600 600 86400 300
@ 3600 IN NS ns.example.com.
@ 3600 IN NS ns.example.net.
* 3600 IN TXT "this is a wildcard"
* 3600 IN MX 10 host1
sub.* 3600 IN TXT "this is not a wildcard"
host1 3600 IN A 192.0.2.1
_ssh._tcp.host1 3600 IN SRV 0 0 22 host1
_ssh._tcp.host2 3600 IN SRV 0 0 22 host2
subdel 3600 IN NS ns.example.com.
subdel 3600 IN NS ns.example.net.
END
	'wild.test' => <<'END',
@ 300 IN SOA ns hostmaster 1 3600 600 86400 3600
@ 300 IN NS ns
ns 300 IN A 192.0.2.53
x.*.empty 60 IN A 192.0.2.1
*.*.twice 60 IN A 192.0.2.2
a.*.middle.b 60 IN A 192.0.2.3
*.alias 60 IN CNAME target
target 60 IN A 192.0.2.4
*.loop 60 IN CNAME a.loop
*.cut.deep 60 IN A 192.0.2.5
cut.deep 60 IN NS ns.elsewhere.invalid.
deeper.ent.name 60 IN A 192.0.2.6
*.ent 60 IN A 192.0.2.7
END
	'dname.test' => <<"END",
@ 300 IN SOA ns hostmaster 1 3600 600 86400 60
@ 300 IN NS ns
ns 300 IN A 192.0.2.53
old 600 IN DNAME new
old 600 IN TXT "beside"
a.new 60 IN A 192.0.2.1
b.a.new 60 IN A 192.0.2.2
out 600 IN DNAME elsewhere.invalid.
chain 600 IN DNAME old
other 600 IN DNAME wild.test.
long 600 IN DNAME $long
cyc 600 IN DNAME cyc
grow 600 IN DNAME grow.grow
www 60 IN CNAME a.old
END
	'apex.test' => <<'END',
@ 300 IN SOA ns.wild.test. hostmaster.wild.test. 1 3600 600 86400 60
@ 300 IN NS ns.wild.test.
@ 600 IN DNAME dname.test.
END
	'cname.test' => <<'END',
@ 300 IN SOA ns hostmaster 1 3600 600 86400 60
@ 300 IN NS ns
@ 300 IN MX 10 mail
ns 300 IN A 192.0.2.53
ns 300 IN AAAA 2001:db8::53
mail 60 IN A 192.0.2.25
a 60 IN CNAME b
b 120 IN CNAME c
c 180 IN A 192.0.2.3
self 60 IN CNAME self
one 60 IN CNAME two
two 60 IN CNAME three
three 60 IN CNAME two
gone 60 IN CNAME nowhere
out 60 IN CNAME www.elsewhere.invalid.
over 60 IN CNAME x.alias.wild.test.
down 60 IN CNAME www.sub
below 60 IN CNAME www.child
sub 300 IN NS ns.sub
ns.sub 300 IN A 192.0.2.54
child 300 IN NS ns.child
child 300 IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.child 300 IN A 192.0.2.55
_x._tcp 60 IN SRV 0 1 80 mail
_y._tcp 60 IN SRV 0 1 80 .
svc 60 IN HTTPS 1 mail alpn=h2
svc 60 IN SVCB 1 ns
map 60 IN NAPTR 1 1 "a" "x" "" mail
map 60 IN MX 10 www.wild.test.
Odd\000\255\.name 60 IN TXT "odd"
type 60 IN TYPE65280 \# 3 00ff01
END
	'child.cname.test' => <<'END',
@ 300 IN SOA ns hostmaster 9 3600 600 86400 30
@ 300 IN NS ns
ns 300 IN A 192.0.2.155
www 60 IN A 192.0.2.80
END
	'glue.test' => <<'END',
@ 300 IN SOA ns hostmaster 1 3600 600 86400 60
@ 300 IN NS ns
ns 300 IN A 192.0.2.53
one 300 IN NS ns.one
one 300 IN NS ns.two
one 300 IN NS ns
one 300 IN NS ns.elsewhere.invalid.
two 300 IN NS ns.two
ns.one 300 IN A 192.0.2.1
ns.one 300 IN AAAA 2001:db8::1
ns.two 300 IN A 192.0.2.2
two 300 IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
below.one 300 IN NS ns.below.one
*.one 300 IN A 192.0.2.66
END
);

$zones{'broken.test'} = "\@ 300 IN SOA ns hostmaster 1 3600 600 86400 60\n\@ 300 IN NS ns\nwww A 1\n";

# RRsets around the sizes that matter
$zones{'size.test'} = <<'END' . join('', map {"huge 60 IN A 10.0." . ($_ >> 8) . '.' . ($_ & 255) . "\n"} 1 .. 4090);
@ 300 IN SOA ns hostmaster 1 3600 600 86400 60
@ 300 IN NS ns
ns 300 IN A 192.0.2.53
END
$zones{'size.test'} .= "big 60 IN TXT \"" . sprintf('%02d', $_) . 'x' x 98 . "\"\n" for 1 .. 8;
# a referral whose in-domain glue cannot all fit into 512 octets
for my $n (1 .. 13) {
	$zones{'size.test'} .= "in 60 IN NS ns$n.in\nns$n.in 60 IN A 10.1.0.$n\n"
	  . "ns$n.in 60 IN AAAA 2001:db8::$n\n";
	$zones{'size.test'} .= "outside 60 IN NS ns$n.beside\nns$n.beside 60 IN A 10.2.0.$n\n"
	  . "ns$n.beside 60 IN AAAA 2001:db8::2:$n\n";
}
# names in rdata that a pointer can no longer reach, and a message of 65,535 octets
$zones{'size.test'} .= "mx 60 IN MX $_ mail$_.far\n" for 1 .. 2000;
{
	my $used = 12 + length(name_to_wire('full.size.test')) + 4 + 11;
	my $room = 65535 - $used;
	# TXT records of 255 octets text each cost 268 octets; the last takes what is left
	my $records = int $room / 268;
	my $rest = $room - $records * 268;
	if ($rest < 13) { $records--; $rest += 268 }
	$zones{'size.test'} .= sprintf "full 60 IN TXT \"%03d%s\"\n", $_, 'f' x 252 for 1 .. $records;
	$zones{'size.test'} .= sprintf "full 60 IN TXT \"%s\"\n", 'r' x ($rest - 13);
}

my $m = Martlet->new(
	zones => \%zones,
	config => { dns => { identity => 'here', version => 'v0' } });
# the zones are odd on purpose
$m->expect_log(qr/^warning: (?:sync|builder): .*[.]zone:\d+: /, qr/broken[.](?:test|zone)/);

my %soa = (
	example => 'example. 300 SOA ns.example.com. hostmaster.example. 1 3600 600 86400 300',
	'wild.test' => 'wild.test. 300 SOA ns.wild.test. hostmaster.wild.test. 1 3600 600 86400 3600',
	'dname.test' => 'dname.test. 60 SOA ns.dname.test. hostmaster.dname.test. 1 3600 600 86400 60',
	'cname.test' => 'cname.test. 60 SOA ns.cname.test. hostmaster.cname.test. 1 3600 600 86400 60',
	'child.cname.test' => 'child.cname.test. 30 SOA ns.child.cname.test.'
	  . ' hostmaster.child.cname.test. 9 3600 600 86400 30',
	'apex.test' => 'apex.test. 60 SOA ns.wild.test. hostmaster.wild.test. 1 3600 600 86400 60',
);

# One case: title, name, type, rcode, flags, then answer, authority, additional as lists
# of text (undef: not looked at), then options of ask and `counts`, further counters.
sub answers {
	my ($title, $name, $type, $rcode, $flags, $answer, $authority, $additional, %opt) = @_;
	my %counts = (udp_queries => 1, udp_responses => 1, lc $rcode => 1, %{ delete $opt{counts} // {} });
	my $r;
	my $counted = $m->counted(sub { $r = $m->ask($name, $type, %opt) });

	$title = "$title: $name $type";
	if (!$r) {
		fail("$title: answered");
		return;
	}
	my $ok = is($r->rcode, $rcode, "$title: rcode");
	$ok &= is($r->flags, "qr$flags", "$title: flags");
	my %want = (answer => $answer, authority => $authority, additional => $additional);
	for my $section (qw(answer authority additional)) {
		next unless $want{$section};
		$ok &= is_deeply([$r->text($section)], [sort @{ $want{$section} }], "$title: $section");
	}
	diag($r->dump) unless $ok;
	if (!$opt{tcp}) {
		my %got = map { $_ => $counted->{$_} // 0 } keys %counts;
		is_deeply(\%got, \%counts, "$title: counters");
	}
	return $r;
}

# ---- wildcards (RFC 4592) ----

my @w = ('RFC 4592, 2.2.1', 'NOERROR', ' aa');
my $wild = { counts => { wildcard_answers => 1 } };
answers($w[0], 'host3.example', 'MX', @w[1, 2], ['host3.example. 3600 MX 10 host1.example.'],
	[], ['host1.example. 3600 A 192.0.2.1'], %$wild);
answers($w[0], 'host3.example', 'A', @w[1, 2], [], [$soa{example}], [], counts => { nodata => 1 });
answers($w[0], 'foo.bar.example', 'TXT', @w[1, 2],
	['foo.bar.example. 3600 TXT "this is a wildcard"'], [], []);
answers($w[0], 'host1.example', 'MX', @w[1, 2], [], [$soa{example}], [], counts => { nodata => 1 });
answers($w[0], 'sub.*.example', 'MX', @w[1, 2], [], [$soa{example}], []);
answers($w[0], '_telnet._tcp.host1.example', 'SRV', 'NXDOMAIN', ' aa', [], [$soa{example}], []);
answers($w[0], 'host.subdel.example', 'A', 'NOERROR', '', [],
	['subdel.example. 3600 NS ns.example.com.', 'subdel.example. 3600 NS ns.example.net.'], [],
	counts => { referrals => 1, nodata => 0 });
answers($w[0], 'ghost.*.example', 'MX', 'NXDOMAIN', ' aa', [], [$soa{example}], []);
answers('the asterisk itself', '*.example', 'TXT', @w[1, 2],
	['*.example. 3600 TXT "this is a wildcard"'], [], [], counts => { wildcard_answers => 0 });
answers('empty non-terminal', '_tcp.host1.example', 'A', @w[1, 2], [], [$soa{example}], [],
	counts => { nodata => 1 });

my $ws = $soa{'wild.test'};
answers('an empty wildcard is NODATA', 'q.empty.wild.test', 'A', 'NOERROR', ' aa', [], [$ws], []);
answers('below what an empty wildcard makes', 'x.q.empty.wild.test', 'A', 'NOERROR', ' aa',
	[], [$ws], []);
answers('a wildcard in the middle is a plain name', 'x.*.empty.wild.test', 'A', 'NOERROR', ' aa',
	['x.*.empty.wild.test. 60 A 192.0.2.1'], [], []);
answers('a wildcard below a wildcard', 'q.*.twice.wild.test', 'A', 'NOERROR', ' aa',
	['q.*.twice.wild.test. 60 A 192.0.2.2'], [], []);
answers('which does not match beside it', 'q.r.twice.wild.test', 'A', 'NOERROR', ' aa', [], [$ws], []);
answers('in the middle of a name', 'a.q.middle.b.wild.test', 'A', 'NOERROR', ' aa', [], [$ws], []);
answers('with an alias', 'Q.alias.wild.test', 'A', 'NOERROR', ' aa',
	['q.alias.wild.test. 60 CNAME target.wild.test.', 'target.wild.test. 60 A 192.0.2.4'], [], []);
answers('an alias that leads back', 'q.loop.wild.test', 'A', 'NOERROR', ' aa',
	['a.loop.wild.test. 60 CNAME a.loop.wild.test.', 'q.loop.wild.test. 60 CNAME a.loop.wild.test.'], [], []);
answers('asked for where it leads', 'a.loop.wild.test', 'A', 'NOERROR', ' aa',
	['a.loop.wild.test. 60 CNAME a.loop.wild.test.'], [], []);
answers('below a cut it means nothing', 'q.cut.deep.wild.test', 'A', 'NOERROR', '', [],
	['cut.deep.wild.test. 60 NS ns.elsewhere.invalid.'], []);
answers('the closest encloser counts', 'q.name.ent.wild.test', 'A', 'NOERROR', ' aa',
	['q.name.ent.wild.test. 60 A 192.0.2.7'], [], []);
answers('an empty non-terminal hides a wildcard', 'q.name.wild.test', 'A', 'NXDOMAIN', ' aa',
	[], [$ws], []);

# ---- DNAME (RFC 6672) ----

my $ds = $soa{'dname.test'};
my $old = 'old.dname.test. 600 DNAME new.dname.test.';
answers('RFC 6672, 2.2: the owner itself', 'old.dname.test', 'TXT', 'NOERROR', ' aa',
	['old.dname.test. 600 TXT beside'], [], []);
answers('the owner, another type', 'old.dname.test', 'A', 'NOERROR', ' aa', [], [$ds], []);
answers('the DNAME', 'old.dname.test', 'DNAME', 'NOERROR', ' aa', [$old], [], []);
answers('RFC 6672, 3.1: substitution', 'a.old.dname.test', 'A', 'NOERROR', ' aa',
	[$old, 'a.old.dname.test. 600 CNAME a.new.dname.test.', 'a.new.dname.test. 60 A 192.0.2.1'], [], []);
answers('two labels deep', 'B.A.old.dname.test', 'A', 'NOERROR', ' aa',
	[$old, 'b.a.old.dname.test. 600 CNAME b.a.new.dname.test.', 'b.a.new.dname.test. 60 A 192.0.2.2'],
	[], []);
answers('the result does not exist', 'q.old.dname.test', 'A', 'NXDOMAIN', ' aa',
	[$old, 'q.old.dname.test. 600 CNAME q.new.dname.test.'], [$ds], []);
answers('a label that only ends alike', 'bold.dname.test', 'A', 'NXDOMAIN', ' aa', [], [$ds], []);
answers('out of our zones', 'a.out.dname.test', 'A', 'NOERROR', ' aa',
	['out.dname.test. 600 DNAME elsewhere.invalid.', 'a.out.dname.test. 600 CNAME a.elsewhere.invalid.'],
	[], []);
answers('a DNAME to a DNAME', 'a.chain.dname.test', 'A', 'NOERROR', ' aa',
	['chain.dname.test. 600 DNAME old.dname.test.', 'a.chain.dname.test. 600 CNAME a.old.dname.test.',
		$old, 'a.old.dname.test. 600 CNAME a.new.dname.test.', 'a.new.dname.test. 60 A 192.0.2.1'], [], []);
answers('into another zone', 'target.other.dname.test', 'A', 'NOERROR', ' aa',
	['other.dname.test. 600 DNAME wild.test.', 'target.other.dname.test. 600 CNAME target.wild.test.',
		'target.wild.test. 60 A 192.0.2.4'], [], []);
answers('behind a CNAME', 'www.dname.test', 'A', 'NOERROR', ' aa',
	['www.dname.test. 60 CNAME a.old.dname.test.', $old,
		'a.old.dname.test. 600 CNAME a.new.dname.test.', 'a.new.dname.test. 60 A 192.0.2.1'], [], []);
answers('asked for CNAME', 'a.old.dname.test', 'CNAME', 'NOERROR', ' aa', undef, [], []);
answers('at the apex', 'a.new.apex.test', 'A', 'NOERROR', ' aa',
	['apex.test. 600 DNAME dname.test.', 'a.new.apex.test. 600 CNAME a.new.dname.test.',
		'a.new.dname.test. 60 A 192.0.2.1'], [], []);
answers('the apex beside it', 'apex.test', 'NS', 'NOERROR', ' aa',
	['apex.test. 300 NS ns.wild.test.'], [], undef);
{
	my $first = 'y' x 40;
	answers('RFC 6672, 2.2: too long a result', "$first.long.dname.test", 'A', 'YXDOMAIN', ' aa',
		["long.dname.test. 600 DNAME $long.dname.test."], undef, undef);
}
for my $loop (qw(cyc grow)) {
	my $r = $m->ask("a.$loop.dname.test", 'A', tcp => 1);
	like($r->rcode, qr/^(?:NOERROR|YXDOMAIN)$/, "a DNAME in circles ($loop) ends");
	cmp_ok(scalar @{ $r->{answer} }, '<', 40, 'soon');
}

# ---- CNAME (RFC 1034, 3.6.2; RFC 2308, 2.1) ----

my $cs = $soa{'cname.test'};
answers('a chain', 'a.cname.test', 'A', 'NOERROR', ' aa',
	['a.cname.test. 60 CNAME b.cname.test.', 'b.cname.test. 120 CNAME c.cname.test.',
		'c.cname.test. 180 A 192.0.2.3'], [], []);
answers('asked for the alias', 'a.cname.test', 'CNAME', 'NOERROR', ' aa',
	['a.cname.test. 60 CNAME b.cname.test.'], [], []);
answers('NODATA at its end', 'a.cname.test', 'MX', 'NOERROR', ' aa',
	['a.cname.test. 60 CNAME b.cname.test.', 'b.cname.test. 120 CNAME c.cname.test.'], [$cs], [],
	counts => { nodata => 0 });
answers('NXDOMAIN at its end', 'gone.cname.test', 'A', 'NXDOMAIN', ' aa',
	['gone.cname.test. 60 CNAME nowhere.cname.test.'], [$cs], []);
answers('to itself', 'self.cname.test', 'A', 'NOERROR', ' aa',
	['self.cname.test. 60 CNAME self.cname.test.'], [], []);
answers('in a circle', 'one.cname.test', 'A', 'NOERROR', ' aa',
	['one.cname.test. 60 CNAME two.cname.test.', 'two.cname.test. 60 CNAME three.cname.test.',
		'three.cname.test. 60 CNAME two.cname.test.'], [], []);
answers('out of our zones', 'out.cname.test', 'A', 'NOERROR', ' aa',
	['out.cname.test. 60 CNAME www.elsewhere.invalid.'], [], []);
answers('into another zone, by a wildcard, back', 'over.cname.test', 'A', 'NOERROR', ' aa',
	['over.cname.test. 60 CNAME x.alias.wild.test.', 'x.alias.wild.test. 60 CNAME target.wild.test.',
		'target.wild.test. 60 A 192.0.2.4'], [], []);
answers('below a cut: a referral behind it', 'down.cname.test', 'A', 'NOERROR', ' aa',
	['down.cname.test. 60 CNAME www.sub.cname.test.'],
	['sub.cname.test. 300 NS ns.sub.cname.test.'], ['ns.sub.cname.test. 300 A 192.0.2.54'],
	counts => { referrals => 0 });
answers('into a child zone that is served here', 'below.cname.test', 'A', 'NOERROR', ' aa',
	['below.cname.test. 60 CNAME www.child.cname.test.', 'www.child.cname.test. 60 A 192.0.2.80'], [], []);

# ---- zones, cuts, DS ----

answers('outside our zones', 'www.elsewhere.invalid', 'A', 'REFUSED', '', [], [], []);
answers('the child zone', 'www.child.cname.test', 'A', 'NOERROR', ' aa',
	['www.child.cname.test. 60 A 192.0.2.80'], [], []);
answers('a negative answer of the child, TTL from MINIMUM', 'nope.child.cname.test', 'A', 'NXDOMAIN',
	' aa', [], [$soa{'child.cname.test'}], []);
answers('RFC 4035, 3.1.4.1: DS comes from the parent', 'child.cname.test', 'DS', 'NOERROR', ' aa',
	['child.cname.test. 300 DS 1 13 2 ' . '0' x 64], [], []);
answers('its NS from the child', 'child.cname.test', 'NS', 'NOERROR', ' aa',
	['child.cname.test. 300 NS ns.child.cname.test.'], [], ['ns.child.cname.test. 300 A 192.0.2.155']);
answers('DS at an apex without its parent', 'cname.test', 'DS', 'NOERROR', ' aa', [], [$cs], []);
answers('DS at a cut without one', 'sub.cname.test', 'DS', 'NOERROR', ' aa', [], [$cs], []);
answers('DS below a cut', 'x.sub.cname.test', 'DS', 'NOERROR', '', [],
	['sub.cname.test. 300 NS ns.sub.cname.test.'], ['ns.sub.cname.test. 300 A 192.0.2.54']);
answers('NS at a cut is a referral', 'two.glue.test', 'NS', 'NOERROR', '', [],
	['two.glue.test. 300 NS ns.two.glue.test.'], ['ns.two.glue.test. 300 A 192.0.2.2']);
answers('all glue that there is, sibling glue too', 'x.one.glue.test', 'A', 'NOERROR', '', [],
	[map {"one.glue.test. 300 NS $_"} 'ns.one.glue.test.', 'ns.two.glue.test.', 'ns.glue.test.',
		'ns.elsewhere.invalid.'],
	['ns.one.glue.test. 300 A 192.0.2.1', 'ns.one.glue.test. 300 AAAA 2001:db8::1',
		'ns.two.glue.test. 300 A 192.0.2.2', 'ns.glue.test. 300 A 192.0.2.53']);
answers('glue is no answer', 'ns.one.glue.test', 'A', 'NOERROR', '', [], undef, undef,
	counts => { referrals => 1 });
answers('the upper of two cuts', 'x.below.one.glue.test', 'A', 'NOERROR', '', [],
	[map {"one.glue.test. 300 NS $_"} 'ns.one.glue.test.', 'ns.two.glue.test.', 'ns.glue.test.',
		'ns.elsewhere.invalid.'], undef);

# ---- additional data, ANY, case, odd names ----

answers('MX', 'cname.test', 'MX', 'NOERROR', ' aa', ['cname.test. 300 MX 10 mail.cname.test.'], [],
	['mail.cname.test. 60 A 192.0.2.25']);
answers('NS', 'cname.test', 'NS', 'NOERROR', ' aa', ['cname.test. 300 NS ns.cname.test.'], [],
	['ns.cname.test. 300 A 192.0.2.53', 'ns.cname.test. 300 AAAA 2001:db8::53']);
answers('SRV', '_x._tcp.cname.test', 'SRV', 'NOERROR', ' aa', undef, [],
	['mail.cname.test. 60 A 192.0.2.25']);
answers('SRV to nowhere', '_y._tcp.cname.test', 'SRV', 'NOERROR', ' aa', undef, [], []);
answers('HTTPS', 'svc.cname.test', 'HTTPS', 'NOERROR', ' aa', undef, [],
	['mail.cname.test. 60 A 192.0.2.25']);
answers('SVCB', 'svc.cname.test', 'SVCB', 'NOERROR', ' aa', undef, [],
	['ns.cname.test. 300 A 192.0.2.53', 'ns.cname.test. 300 AAAA 2001:db8::53']);
answers('NAPTR', 'map.cname.test', 'NAPTR', 'NOERROR', ' aa', undef, [],
	['mail.cname.test. 60 A 192.0.2.25']);
answers('a target in another zone: its owner speaks for it', 'map.cname.test', 'MX', 'NOERROR', ' aa',
	undef, [], []);
answers('an unknown type', 'type.cname.test', 'TYPE65280', 'NOERROR', ' aa', undef, [], []);
answers('octets of any value', 'oDD\000\255\.NAME.cname.test', 'TXT', 'NOERROR', ' aa',
	['odd\000\255\.name.cname.test. 60 TXT odd'], [], []);
{
	my $r = $m->ask('svc.cname.test', 'ANY');
	is($r->rcode, 'NOERROR', 'RFC 8482: ANY is answered');
	my %types = map { $_->[1] => 1 } @{ $r->{answer} };
	is(scalar keys %types, 1, 'by one RRset');
	$r = $m->ask('nope.cname.test', 'ANY');
	is($r->rcode, 'NXDOMAIN', 'and where there is nothing, by that');

	my $name = 'wWw.ChIlD.cNaMe.TeSt';
	$r = $m->ask($name, 'A');
	is($r->{question}[0][0], name_to_wire($name), 'the case of the question is kept');
	is($r->{answer}[0][0], name_to_wire($name), 'and an owner that points there has it');
}

# ---- class CH, EDNS, opcodes, headers (RFC 6891, 5001, 8906) ----

answers('version', 'version.bind', 'TXT', 'NOERROR', ' aa', undef, [], [], class => 3,
	counts => { chaos => 1 });
answers('identity', 'id.server', 'TXT', 'NOERROR', ' aa', undef, [], [], class => 3);
answers('another name of class CH', 'what.bind', 'TXT', 'REFUSED', '', [], [], [], class => 3);
answers('class HS', 'a.cname.test', 'A', 'REFUSED', '', [], [], [], class => 4);
is(($m->ask('version.bind', 'TXT', class => 3)->{answer}[0] // [])->[4], "\2v0", 'its text');
is(($m->ask('id.server', 'TXT', class => 3)->{answer}[0] // [])->[4], "\4here", 'the identity');

my @www = ('c.cname.test', 'A');
my $www = ['c.cname.test. 180 A 192.0.2.3'];
my $r = answers('RFC 6891, 6.1.3: BADVERS', @www, 'BADVERS', '', [], [], [], edns => 1232, version => 1,
	counts => { badvers => 1, edns => 1 });
is($r->{edns}{version}, 0, 'with our version');
$r = answers('no EDNS in, none out', @www, 'NOERROR', ' aa', $www, [], [], counts => { edns => 0 });
is($r->{edns}, undef, 'none');
$r = answers('EDNS', @www, 'NOERROR', ' aa', $www, [], [], edns => 512, counts => { edns => 1, edns_do => 0 });
is($r->{edns}{size}, 1232, 'our size is told');
is($r->{edns}{do}, 0, 'DO is not set by itself');
$r = answers('DO', @www, 'NOERROR', ' aa', $www, [], [], do => 1, counts => { edns_do => 1 });
is($r->{edns}{do}, 1, 'RFC 3225: DO is copied');
$r = answers('unknown EDNS flags', @www, 'NOERROR', ' aa', $www, [], [], edns => 1232, edns_flags => 0x7fff);
is($r->{edns}{flags}, 0, 'are not echoed');
$r = answers('unknown options', @www, 'NOERROR', ' aa', $www, [], [], edns => 1232,
	options => pack 'n n/a* n n/a*', 65001, 'what', 10, '12345678');
is_deeply([grep { $_->[0] == 65001 } @{ $r->{edns}{options} }], [], 'are not echoed either');
$r = answers('NSID', @www, 'NOERROR', ' aa', $www, [], [], edns => 1232, options => pack 'n n', 3, 0);
is_deeply([grep { $_->[0] == 3 } @{ $r->{edns}{options} }], [[3, 'here']], 'RFC 5001: our identity');
sub options { my ($answer) = @_; return $answer && $answer->{edns} && $answer->{edns}{options} }
for my $case (
	['outside our zones: Not Authoritative', 'www.elsewhere.invalid', 'A', 'REFUSED', 20],
	['a zone of which nothing good is known: Invalid Data', 'www.broken.test', 'A', 'SERVFAIL', 24],
	['its apex', 'broken.test', 'SOA', 'SERVFAIL', 24],
	['an opcode: Not Supported', 'c.cname.test', 'A', 'NOTIMP', 21, opcode => 2],
) {
	my ($title, $name, $type, $rcode, $code, %opt) = @$case;
	$r = answers("RFC 8914: $title", $name, $type, $rcode, '', [], [], [], edns => 1232, %opt);
	is_deeply(options($r), [[15, pack 'n', $code]], "$title: the code") or next;
	$r = answers("$title, without EDNS", $name, $type, $rcode, '', [], [], [], %opt);
	is($r->{edns}, undef, 'goes without it');
	$r = answers("$title, with NSID", $name, $type, $rcode, '', [], [], [], edns => 512, %opt,
		options => pack 'n n', 3, 0);
	is_deeply(options($r), [[3, 'here'], [15, pack 'n', $code]], 'stands behind NSID');
}
answers('RD is copied, RA never set', @www, 'NOERROR', ' aa rd', $www, [], [], rd => 1);
answers('CD is copied', @www, 'NOERROR', ' aa cd', $www, [], [], cd => 1);
answers('NOTIFY', 'cname.test', 'SOA', 'REFUSED', '', [], [], [], opcode => 4);
answers('UPDATE', 'cname.test', 'SOA', 'NOTIMP', '', [], [], [], opcode => 5, counts => { notimp => 1 });
$r = answers('IQUERY, with EDNS', @www, 'NOTIMP', '', [], [], [], opcode => 1, edns => 1232);
ok($r->{edns}, 'and the answer has it too');
answers('an opcode nobody has', @www, 'NOTIMP', '', [], [], [], opcode => 15);
answers('AXFR over UDP', 'cname.test', 'AXFR', 'REFUSED', '', [], [], []);
answers('AXFR over TCP', 'cname.test', 'AXFR', 'REFUSED', '', [], [], [], tcp => 1);
answers('IXFR', 'cname.test', 'IXFR', 'REFUSED', '', [], [], []);

# Messages that no library would make.
sub raw {
	my ($title, $message, $rcode, %opt) = @_;
	my $counter = $opt{counter} // lc($rcode // '');
	my $response;
	my $counted = $m->counted(sub { $response = $m->exchange($message, seconds => $rcode ? 5 : 0.2) });

	is($counted->{$counter}, 1, "$title: counted as $counter");
	if (!defined $rcode) {
		is($response, undef, "$title: not answered");
		return;
	}
	if (!defined $response) {
		fail("$title: $rcode");
		return;
	}
	my $answer = Martlet::Answer->new($response);
	is($answer->rcode, $rcode, "$title: $rcode");
	is($answer->{id}, unpack('n', $message), "$title: the ID");
	return $answer;
}

my $query = encode_query(@www, id => 77);
my $opt   = pack 'C n2 N n', 0, 41, 1232, 0, 0;
sub counts { my ($message, @counts) = @_; substr($message, 4, 8) = pack 'n4', @counts; return $message }

raw('QR=1', encode_query(@www, flags => 0x8000), undef, counter => 'dropped_response');
raw('11 octets', substr($query, 0, 11), undef, counter => 'dropped_short');
raw('a header alone', counts(substr($query, 0, 12), 0, 0, 0, 0), 'FORMERR');
raw('a question cut short', substr($query, 0, 20), 'FORMERR');
raw('two questions', counts($query . substr($query, 12), 2, 0, 0, 0), 'FORMERR');
raw('an answer in a query', counts($query . "\xc0\x0c" . pack('n2 N n', 1, 1, 0, 0), 1, 1, 0, 0), 'FORMERR');
raw('octets behind the message', $query . 'x', 'FORMERR');
raw('two OPT records', counts($query . $opt . $opt, 1, 0, 0, 2), 'FORMERR');
raw('OPT with an owner', counts($query . "\1a" . $opt, 1, 0, 0, 1), 'FORMERR');
raw('OPT in the authority section', counts($query . $opt, 1, 0, 1, 0), 'FORMERR');
raw('OPT cut short', counts($query . substr($opt, 0, 8), 1, 0, 0, 1), 'FORMERR');
raw('OPT that claims more', counts($query . pack('C n2 N n', 0, 41, 1232, 0, 5), 1, 0, 0, 1), 'FORMERR');
raw('an option that runs over its end', encode_query(@www, edns => 1232, options => pack 'n n', 10, 8), 'FORMERR');
raw('half an option', encode_query(@www, edns => 1232, options => 'ab'), 'FORMERR');
raw('a compressed question', pack('n6', 1, 0, 1, 0, 0, 0) . "\xc0\x0c" . pack('n2', 1, 1), 'FORMERR');
raw('a label of 64', pack('n6', 1, 0, 1, 0, 0, 0) . "\x40" . 'a' x 64 . "\0" . pack('n2', 1, 1), 'FORMERR');
raw('a name of 256 octets', pack('n6', 1, 0, 1, 0, 0, 0) . "\1a" x 127 . "\1a\0" . pack('n2', 1, 1), 'FORMERR');
raw('a name of 255 octets', encode_query(\("\1a" x 122 . name_to_wire('cname.test')), 'A'), 'NXDOMAIN')
  if length("\1a" x 122 . name_to_wire('cname.test')) <= 255;
raw('records behind the question that parse', counts($query . "\0" . pack('n2 N n', 65280, 1, 0, 0), 1, 0, 0, 1),
	'NOERROR');

# What other opcodes and types carry behind the question.
my $zone_soa = name_to_wire('cname.test') . pack('n2 N n/a*', 6, 1, 60,
	name_to_wire('ns.cname.test') . name_to_wire('hostmaster.cname.test') . pack('N5', 1 .. 5));
my $zone_q = name_to_wire('cname.test') . pack 'n2', 6, 1;
sub header { my ($flags, @counts) = @_; return pack 'n2 n4', 9, $flags, @counts }

raw('RFC 1996: NOTIFY with the new SOA', header(0x2400, 1, 1, 0, 0) . $zone_q . $zone_soa, 'REFUSED');
raw('RFC 2136: UPDATE with records', header(0x2800, 1, 0, 1, 0) . $zone_q . $zone_soa, 'NOTIMP');
raw('RFC 8490: DSO has no question', header(0x3000, 0, 0, 0, 0), 'NOTIMP');
raw('RFC 1995: IXFR with its SOA', header(0, 1, 0, 1, 0) . name_to_wire('cname.test') . pack('n2', 251, 1) . $zone_soa,
	'REFUSED');

# TSIG (RFC 8945): no key is known here
sub tsig {
	my ($owner, %opt) = @_;
	return $owner . pack 'n2 N n/a*', 250, $opt{class} // 255, 0, name_to_wire('hmac-sha256') . pack 'nNn n/a* n3',
	  0, 1_700_000_000, 300, 'x' x ($opt{mac} // 32), 9, 0, 0;
}
my $key = name_to_wire('Key');
my $unsigned = name_to_wire('hmac-sha256') . pack 'nNn n4', 0, 1_700_000_000, 300, 0, 77, 17, 0;
for my $case (
	['TSIG', counts($query . tsig($key), 1, 0, 0, 1), 0],
	['TSIG and OPT', counts($query . $opt . tsig($key), 1, 0, 0, 2), 1],
	['TSIG without a MAC', counts($query . tsig($key, mac => 0), 1, 0, 0, 1), 0],
	['TSIG on AXFR', counts(encode_query('cname.test', 'AXFR', id => 77) . tsig($key), 1, 0, 0, 1), 0],
	['TSIG on NOTIFY', counts(encode_query('cname.test', 'SOA', id => 77, opcode => 4) . tsig($key), 1, 0, 0, 1), 0],
	['TSIG outside our zones', counts(encode_query('elsewhere.invalid', 'A', id => 77) . tsig($key), 1, 0, 0, 1), 0],
	['TSIG, its key below the question', counts($query . tsig("\3Key\xc0\x14"), 1, 0, 0, 1), 0, 'Key.test'],
) {
	my ($title, $message, $edns, $owner) = @$case;
	$r = raw("RFC 8945, 5.3.2: $title", $message, 'NOTAUTH') or next;
	is_deeply([map { [@$_[0 .. 4]] } @{ $r->{additional} }],
		[[name_to_wire($owner // 'Key'), 250, 255, 0, $unsigned]], "$title: BADKEY, unsigned");
	is(!!$r->{edns}, !!$edns, "$title: OPT as in the query");
}
raw("RFC 8945, 5.2: $_->[0]", $_->[1], 'FORMERR') for
	['TSIG before OPT', counts($query . tsig($key) . $opt, 1, 0, 0, 2)],
	['two TSIGs', counts($query . tsig($key) x 2, 1, 0, 0, 2)],
	['TSIG in the authority section', counts($query . tsig($key), 1, 0, 1, 0)],
	['TSIG of class IN', counts($query . tsig($key, class => 1), 1, 0, 0, 1)],
	['TSIG without data', counts($query . $key . pack('n2 N n', 250, 255, 0, 0), 1, 0, 0, 1)],
	['TSIG cut short', counts($query . $key . pack('n2 N n/a*', 250, 255, 0, substr $unsigned, 0, -1), 1, 0, 0, 1)];
for my $pointer ("\xc0\x00", "\xc0\x0d", "\xc0\x1f") {
	$r = raw('a TSIG whose key is nowhere', counts($query . tsig("\3Key$pointer"), 1, 0, 0, 1), 'NOTAUTH') or next;
	is(scalar @{ $r->{additional} }, 0, 'is not sent back');
}
raw('SIG(0) is passed over', counts($query . "\0" . pack('n2 N n/a*', 24, 255, 0, pack('nC2N3n', 0, 8, 0, 0, 0, 0, 1) . "\0x"),
	1, 0, 0, 1), 'NOERROR');

# RFC 6891, section 7: OPT in, OPT out, when it can be read
for my $case (
	['no question', counts(substr($query, 0, 12) . $opt, 0, 0, 0, 1)],
	['two questions', counts($query . substr($query, 12) . $opt, 2, 0, 0, 1)],
	['an answer in a query', counts($query . "\xc0\x0c" . pack('n2 N n', 1, 1, 0, 0) . $opt, 1, 1, 0, 1)],
	['octets behind the message', counts($query . $opt . 'x', 1, 0, 0, 1)],
	['two OPT records', counts($query . $opt . $opt, 1, 0, 0, 2)],
) {
	$r = raw("$case->[0], with EDNS", $case->[1], 'FORMERR') or next;
	ok($r->{edns}, "$case->[0]: so has the answer");
}
$r = raw('DSO with EDNS', header(0x3000, 0, 0, 0, 1) . $opt, 'NOTIMP');
ok($r->{edns}, 'so has the answer');
$r = raw('a record before OPT', counts($query . "\0" . pack('n2 N n', 65280, 1, 0, 0) . $opt, 1, 0, 0, 2), 'NOERROR');
ok($r->{edns}, 'which is found');
raw("QCLASS $_", encode_query(@www, class => $_), 'REFUSED') for 0, 2, 254, 65535;
$r = raw('QCLASS ANY', encode_query(@www, class => 255), 'NOERROR');
is($r->flags, 'qr', 'RFC 1035: is no authoritative answer');
$r = raw("flag $_->[0] in a query", encode_query(@www, flags => $_->[1]), 'NOERROR')
  and is($r->flags, 'qr aa', 'is not taken over') for ['AA', 0x400], ['TC', 0x200], ['RA', 0x80], ['Z', 0x40], ['AD', 0x20];
$r = raw("QTYPE $_", encode_query('c.cname.test', "TYPE$_"), 'NOERROR')
  and is(scalar @{ $r->{answer} }, 0, 'has no data') for 0, 41, 249, 250, 253, 254, 65535;
for my $size (1, 511, 65535) {
	$r = raw("an EDNS size of $size", encode_query(@www, edns => $size), 'NOERROR');
	is(scalar @{ $r->{answer} }, 1, 'is enough');
}
$r = raw("padding of $_ octets", encode_query(@www, edns => 1232, options => pack 'n n/a*', 12, "\0" x $_), 'NOERROR')
  for 400, 1300, 4000, 60_000;
{
	my $tcp = $m->exchange(encode_query(@www, edns => 1232, options => pack('n n/a*', 12, "\0" x 60_000)), tcp => 1);
	is(Martlet::Answer->new($tcp)->rcode, 'NOERROR', '60,000 octets of it over TCP');
}
answers('no zone above ours', '', 'NS', 'REFUSED', '', [], [], []);
answers('nor beside', 'test', 'SOA', 'REFUSED', '', [], [], []);

# ---- sizes ----

$r = answers('512 without EDNS', 'big.size.test', 'TXT', 'NOERROR', ' aa tc', [], [], [],
	counts => { truncated => 1 });
cmp_ok($r->len, '<=', 512, 'question and TC');
$r = answers('an EDNS size below 512 is 512', 'big.size.test', 'TXT', 'NOERROR', ' aa tc', [], [], [], edns => 100);
ok($r->{edns}, 'OPT stays when all else goes');
answers('1232', 'big.size.test', 'TXT', 'NOERROR', ' aa', undef, [], [], edns => 1232, counts => { truncated => 0 });
answers('4096 are not had', 'huge.size.test', 'A', 'NOERROR', ' aa tc', [], [], [], edns => 4096);
$r = answers('over TCP all comes', 'huge.size.test', 'A', 'NOERROR', ' aa', undef, [], [], tcp => 1);
is(scalar @{ $r->{answer} }, 4090, '4,090 addresses');
$r = answers('pointers end at 16,383', 'mx.size.test', 'MX', 'NOERROR', ' aa', undef, [], [], tcp => 1);
is(scalar @{ $r->{answer} }, 2000, 'and names behind them are whole');
is_deeply([map { unpack 'n', $_->[4] } grep {
	substr($_->[4], 2) ne name_to_wire('mail' . unpack('n', $_->[4]) . '.far.size.test') } @{ $r->{answer} }],
	[], 'each as it was written');
$r = answers('a message of 65,535 octets', 'full.size.test', 'TXT', 'NOERROR', ' aa', undef, [], [],
	tcp => 1, edns => 1232);
is($r->len, 65535, 'is filled to the last octet');
answers('and over UDP it is TC', 'full.size.test', 'TXT', 'NOERROR', ' aa tc', [], [], []);
answers('RFC 9471: in-domain glue that does not fit', 'x.in.size.test', 'A', 'NOERROR', ' tc', [], [], []);
$r = answers('it fits', 'x.in.size.test', 'A', 'NOERROR', '', [], undef, undef, edns => 1232);
is(scalar @{ $r->{additional} }, 26, 'all of it');
$r = answers('other glue may be left out', 'x.outside.size.test', 'A', 'NOERROR', '', [], undef, undef);
cmp_ok(scalar @{ $r->{additional} }, '<', 26, 'some was');
$r = answers('and comes where there is room', 'x.outside.size.test', 'A', 'NOERROR', '', [], undef, undef, tcp => 1);
is(scalar @{ $r->{additional} }, 26, 'all of it');

$m->stop;
done_testing();
