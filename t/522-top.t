#!/usr/bin/perl
# What is asked for most: exact while queries are few, within its error under a flood, whose
# random names push nothing out; and the page on a terminal, which is given back.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(find_program poll);
use Martlet::Wire qw(encode_query);
use IO::Socket::INET ();
use IO::Socket::IP ();
use Test::More;

my $m = Martlet->new(
	config => { workers => { count => 1 } },
	zones => {
		'example.com' => "\@ 300 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n"
		  . "*.w A 192.0.2.3\na\\027[31mb A 192.0.2.4\n",
		'example.net' => "\@ 300 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n",
	});

sub top { return ($m->ctl('top', @_))[1] }

# An entry of a list by its first member.
sub entry {
	my ($top, $list, $member, $value) = @_;
	my ($entry) = grep { ($_->{$member} // 'none') eq $value } @{ $top->{top}{$list} };
	return $entry // {};
}

# ---- few queries: exact ----

# what was asked to see whether it serves
my $before = top()->{queries};

$m->ask('www.example.com', 'A') for 1 .. 7;
$m->ask("x$_.example.com", 'A') for 1 .. 3;
$m->ask("x$_.w.example.com", 'A') for 1 .. 4;
$m->ask("ns.example.net", 'A', tcp => 1) for 1 .. 2;
$m->ask('elsewhere.test', 'A');
$m->ask('a\\027[31mb.example.com', 'A');
my $top = top();

is($top->{queries}, $before + 18, 'all queries');
is_deeply([ @{ entry($top, 'zones', 'zone', 'example.com.') }{qw(queries error nxdomain)} ], [ 15, 0, 3 ], 'a zone');
is_deeply([ @{ entry($top, 'zones', 'zone', 'example.net.') }{qw(queries error nxdomain)} ], [ 2, 0, 0 ],
	'another one, over TCP');
is(entry($top, 'names', 'name', 'www.example.com.')->{queries}, 7, 'a name');
is_deeply([ @{ entry($top, 'names', 'name', 'example.com.') }{qw(queries nxdomain)} ], [ 3, 3 ],
	'what does not exist counts for its closest encloser');
is(entry($top, 'names', 'name', 'w.example.com.')->{queries}, 4, 'what a wildcard answers too');
is(entry($top, 'names', 'name', 'a\\027[31mb.example.com.')->{queries}, 1, 'a hostile name, harmless');
is(scalar @{ $top->{top}{names} }, 5, 'and no other');
is(entry($top, 'sources', 'client', '127.0.0.1')->{queries}, $before + 18, 'the client');
is_deeply({ map { $_->{rcode} => $_->{queries} } @{ $top->{top}{rcodes} } },
	{ NOERROR => 14, NXDOMAIN => 3, REFUSED => $before + 1 }, 'and the answers');
is(top('--no-clients')->{top}{sources}, undef, 'without clients');
is(($m->ctl('top', '--what'))[0], 2, 'no other option');

my $stats = ($m->ctl('stats'))[1];
is($stats->{stages}{queue}{count}, $before + 16, 'each datagram was in the queue');
is($stats->{stages}{receive_to_send}{count}, $before + 18, 'each has its time');
cmp_ok($stats->{stages}{lookup}{max_ns}, '<=', $stats->{latency_max_ns}, 'its stages theirs');

# ---- a flood of random names ----

my $socket = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '127.0.0.1', PeerPort => $m->{port})
  or die "socket: $!\n";
my ($sent, $wanted, $began) = (10_000, 500, time);

for (1 .. $wanted) {
	my @names = ('ns.example.net', map { sprintf 'r%07x.example.com', rand 0xfffffff } 2 .. $sent / $wanted);

	$socket->send(encode_query($_, 'A')) for @names;
	$socket->recv(my $reply, 512) for @names;
}
$top = top();
SKIP: {
	skip 'too slow a machine: the first queries are too old', 5 if time - $began > 6;
	my $names = $top->{top}{names};
	is(scalar(grep { $_->{name} =~ /^r[0-9a-f]{7}/ } @$names), 0, 'random names are not in the list');
	my $encloser = entry($top, 'names', 'name', 'example.com.');
	my $other = entry($top, 'names', 'name', 'ns.example.net.');
	cmp_ok(abs($encloser->{queries} - ($sent - $wanted)), '<=', $encloser->{error} + 3, 'their closest encloser is: '
		. "$encloser->{queries} within $encloser->{error}");
	cmp_ok(abs($other->{queries} - $wanted), '<=', $other->{error} + 2, 'and what others ask for meanwhile: '
		. "$other->{queries} within $other->{error}");
	is($top->{top}{zones}[0]{zone}, 'example.com.', 'the zone under flood comes first');
	cmp_ok(abs($top->{top}{zones}[0]{nxdomain} - ($sent - $wanted)), '<=', $top->{top}{zones}[0]{error} + 15, 'its NXDOMAIN too');
}

# ---- for people ----

my $ctl = Martlet::martletctl() . " -s $m->{dir}/control.sock";
like(scalar `$ctl top`, qr/^ZONES .*^example[.]com[.] .*^NAMES .*^CLIENTS .*^127[.]0[.]0[.]1 /ms, 'printed once without a terminal');
SKIP: {
	my $script = find_program('script');
	skip 'script is not installed', 5 unless $script;
	skip 'there are no pseudo-terminals', 5 unless -e '/dev/ptmx';
	my $page = `(sleep 2; printf q) | TERM=xterm COLUMNS= $script -qec 'stty rows 24 cols 80; $ctl top; echo "exit \$?"; stty -a' /dev/null`;
	like($page, qr/\e\[\?1049h.*ZONES.*\e\[\?1049l/s, 'a page on a terminal');
	like($page, qr/exit 0/, 'ended by q');
	like($page, qr/(?<!-)\bicanon\b.*(?<!-)\becho\b/s, 'the terminal is as it was');
	my ($drawn) = $page =~ /\e\[H(.*?)q: quit/s;
	my @lines = map { s/\e\[K//gr } split /\r\n/, $drawn // '';
	is(scalar(grep { length > 80 } @lines) + (@lines > 23), 0, 'within 24 lines of 80');
	$page = `(sleep 1; printf q) | TERM=xterm COLUMNS= $script -qec 'stty rows 6 cols 30; $ctl top' /dev/null`;
	($drawn) = $page =~ /\e\[H(.*?)q: quit/s;
	@lines = map { s/\e\[K//gr } split /\r+\n/, $drawn // '';
	is(scalar(grep { length > 30 } @lines) + (@lines > 5), 0, 'within 6 lines of 30');
}
# an IPv6 client stands for its /64
SKIP: {
	skip 'no IPv6 here', 1 unless IO::Socket::IP->new(Proto => 'udp', LocalAddr => '::1');
	my @listen = map { { address => $_, port => 0 + $m->{port} } } '127.0.0.1', '::1';
	$m->write_config({ listen => \@listen });
	$m->restart;
	my $socket = IO::Socket::IP->new(Proto => 'udp', PeerHost => '::1', PeerPort => $m->{port});
	send $socket, encode_query('www.example.com', 'A', id => 1), 0;
	ok(poll(10, sub { entry(top(), 'sources', 'client', '::/64') }), '::1 is one of ::/64');
}

$m->stop;
done_testing();
