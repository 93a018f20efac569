#!/usr/bin/perl
# Names and texts of all octets, and records of many types: asked for, written out by
# `export`, read again, and taken to Redis and back, they are the same.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll write_file);
use Martlet::Redis;
use Test::More;

Martlet::Redis::need();

# case is no part of a name
my @octets = grep { $_ < ord 'A' || $_ > ord 'Z' } 0 .. 255;
my $text = "\$TTL 100\n\$ORIGIN z.test.\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";

for my $octet (@octets) {
	my $o = sprintf '\\%03d', $octet;
	$text .= <<"END";
$o TXT "$o" "$o"
a${o}b.$o$o TXT two
c$octet CNAME a${o}b.$o$o
m$octet MX 1 $o
h$octet HINFO "$o" "a b"
i$octet CAA 0 issue "$o"
u$octet URI 1 2 "$o"
n$octet NAPTR 1 2 "$o" "" "!^.*\\\\1!$o!" .
END
}
$text .= <<'END' . 'many TXT ' . join(' ', map {"s$_"} 1 .. 300) . "\n";
svc SVCB 1 . alpn="h2,h3" port=53 ipv4hint=192.0.2.1,192.0.2.2 ech=AAAA key65000="a\"b\\\\c\200" mandatory=alpn,port
svd SVCB 1 foo no-default-alpn alpn="f\\\\oo\\,bar,h2"
loc LOC 51 30 12.748 N 0 7 39.611 W 0.00m 0.00m 0.00m 0.00m
apl APL 1:192.0.2.0/24 !2:2001:db8::/32
eui EUI48 00-11-22-33-44-55
key OPENPGPKEY AQID
cert CERT PKIX 1 RSASHA256 AQID
ipsec IPSECKEY 10 1 2 192.0.2.38 AQID
nid NID 1 0014:4fff:ff20:ee64
l32 L32 1 10.1.2.0
csync CSYNC 1 3 A NS AAAA
smimea SMIMEA 0 0 1 d2abde240d7cd3ee6b4b28c54df034b9
dhcid DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=
x25 X25 "311061700956"
gpos GPOS "-32.6882" "116.8652" "10.0"
unknown TYPE65280 \# 3 010203
nothing TXT "" ""
END

sub digest {
	my ($m) = @_;
	my ($zone) = @{ ($m->ctl('zones', '--digest'))[1]{zones} // [] };
	return $zone ? "$zone->{records} $zone->{digest}" : 'none';
}

my $m = Martlet->new(zones => { 'z.test' => $text });
my $digest = digest($m);
my @wrong;

for my $octet (@octets) {
	my $name = pack 'CCCa*', 1, $octet, 1, "z\4test\0";
	my $alias = pack 'C/a*Ca*', "c$octet", 1, "z\4test\0";

	push @wrong, $octet unless $m->ask(\$name, 'TXT', edns => 1232)->{answer}[0][4] eq pack 'CCCC', (1, $octet) x 2;
	push @wrong, "an alias to $octet" unless @{ $m->ask(\$alias, 'TXT')->{answer} } == 2;
}
is("@wrong", '', 'names of all octets are answered');
my (undef, $exported) = $m->ctl_text('export', 'z.test');
$m->stop;

$m = Martlet->new(zones => { 'z.test' => $exported });
is(digest($m), $digest, 'what export writes is what was read');
my $dir = $m->dir;
write_file("$dir/z.test.zone", $text);

for my $schema (qw(redins z42)) {
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $follower = Martlet->new(config => { zones => undef, redis => $redis->settings(schema => $schema) });

	my ($exit, $done) = $m->ctl('import', '--redis', $redis->where, '--schema', $schema, "$dir/z.test.zone");
	is($exit, 0, "import in the schema of $schema") or diag(explain $done);
	ok(poll(20, sub { digest($follower) eq $digest }), 'is served as the file is') or diag(digest($follower), " $digest");
	$follower->stop;
	$redis->stop;
}
$m->stop;
done_testing();
