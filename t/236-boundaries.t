#!/usr/bin/perl
# Answers over UDP at the very sizes where they just fit, and where they just do not: held
# against the whole answer over TCP (RFC 2181, section 9; RFC 6891; RFC 9471).

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Compare;
use Martlet::Peer;
use Martlet::Wire qw(name_to_wire);
use Test::More;
use ZoneGen;

Martlet::Peer::need(qw(dnssec-signzone));

my $names = $ENV{MARTLET_NAMES} // 12;
my $text = "\$TTL 100\n\$ORIGIN z.test.\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";
my @questions;

# RRsets of growing length, mail servers with addresses, delegations with glue of their
# own, of a sibling and none, chains of aliases, a large wildcard
for my $n (map { $_ * 3 } 1 .. $names) {
	$text .= "t$n TXT " . join(' ', ('"' . 'x' x 200 . '"') x ($n % 20), '"' . 'y' x ($n * 5) . '"') . "\n";
	$text .= "m$n MX $_ mail$_.m$n\nmail$_.m$n A 192.0.2.$n\nmail$_.m$n AAAA 2001:db8::$n\n" for 1 .. $n;
	$text .= "d$n NS ns$_.d$n\nns$_.d$n A 198.51.100.$_\nns$_.d$n AAAA 2001:db8:1::$_\n" for 1 .. $n % 14 + 1;
	$text .= "d$n NS ns1.d" . ($n % (3 * $names) + 3) . "\nd$n NS ns.other.test.\n";
	$text .= "d$n DS 1 13 2 " . 'ab' x 32 . "\n" if $n % 2;
	$text .= "c$n CNAME c" . ($n + 3) . "\n";
	push @questions, ["t$n", 'TXT'], ["t$n", 'A'], ["m$n", 'MX'], ["x.d$n", 'A'], ["d$n", 'DS'],
	  ["c$n", 'TXT'], ["a$n.w", 'TXT'], ["nope$n", 'A'];
}
$text .= 'c' . (3 * $names + 3) . ' TXT ' . join(' ', ('"' . 'c' x 250 . '"') x 4) . "\n";
$text .= '*.w TXT ' . join(' ', ('"' . 'w' x 250 . '"') x 4) . "\n";

# The sizes around what the whole answer takes, and the usual ones.
sub sizes_around {
	my ($len) = @_;
	my %size = map { $_ => 1 } grep { $_ >= 512 && $_ <= 4096 }
	  $len - 100, $len - 28, $len - 16, $len - 12, $len - 1, $len, $len + 1;
	return sort { $a <=> $b } keys %{ { %size, map { $_ => 1 } 512, 1232, 4096 } };
}

sub check_zone {
	my ($kind, @how) = @_;
	my $zone = @how ? ZoneGen::sign_zone('z.test', $text, @how) : $text;
	my $m = Martlet->new(zones => { 'z.test' => $zone }, config => { dns => { udp_size => 4096 } });
	my $compare = Martlet::Compare->new(ours => $m, peers => {}, origins => ['z.test'],
		signed => scalar @how, udp_size => 4096);
	my ($asked, $cut, @wrong) = (0, 0);

	for my $question (map { ["$_->[0].z.test", $_->[1]] } @questions) {
		for my $do (@how ? (0, 1) : 0) {
			my $name = name_to_wire($question->[0]);
			my %opt = (do => $do, edns => 4096);
			my $whole = $m->ask(\$name, $question->[1], %opt, tcp => 1);

			for my $size (sizes_around($whole->len)) {
				my @lines = $compare->check_udp(@$question, do => $do, edns => $size);
				push @wrong, map {"@$question, DO $do, $size octets: $_"} @lines;
				$cut++ if $whole->len > $size;
				$asked++;
			}
		}
	}
	is(scalar @wrong, 0, "$kind: $asked answers over UDP as over TCP, or TC")
	  or diag(join "\n", @wrong[0 .. ($#wrong < 9 ? $#wrong : 9)]);
	cmp_ok($cut, '>', 30, "$kind: some of them too large");
	$m->stop;
	return;
}

check_zone('unsigned');
check_zone('NSEC', nsec => 1);
check_zone('NSEC3', nsec3 => 1, salt => 'ab', iterations => 2);
done_testing();
