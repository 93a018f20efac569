#!/usr/bin/perl
# How much one client may ask: bursts to the query, over UDP and TCP, from one socket and
# from many; lists; what is answered over the limit; and an attack from many sources.

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

my $zone = "\@ 3600 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\n";
my $query = encode_query('www.example.com', 'A', id => 7);

sub new_server {
	my (%limit) = @_;
	return Martlet->new(zones => { 'example.com' => $zone }, config => { limit => \%limit });
}

# A socket of another client: all of 127.0.0.0/8 is this machine.
sub client {
	my ($m, $address) = @_;
	return IO::Socket::INET->new(Proto => 'udp', LocalAddr => $address,
		PeerAddr => $m->{address}, PeerPort => $m->{port}) // die "$address: $!\n";
}

# Seconds for the next answer: it comes late on a busy machine.
our $patience = 10;

# Send so many queries at once from each socket; returns how many answers by RCODE.
sub flood {
	my ($m, $count, @sockets) = @_;
	my %seen;

	for my $socket (@sockets) {
		send $socket, $query, 0 for 1 .. $count;
	}
	my $select = IO::Select->new(@sockets);
	my $left = $count * @sockets;
	while ($left > 0 && (my @ready = $select->can_read($patience))) {
		for my $socket (@ready) {
			recv($socket, my $answer, 4096, 0) // next;
			$seen{ Martlet::Answer->new($answer)->rcode }++;
			$left--;
		}
	}
	return \%seen;
}

# A rate so low that no credit comes back while the test runs.
my $m = new_server(client => { rate => 1, burst => 10 });
my $d = $m->counted(sub {
	is_deeply(flood($m, 40, client($m, '127.0.0.2')), { NOERROR => 11, REFUSED => 29 },
		'the burst and one are answered, the others refused');
});
is($d->{limit_client_rate}, 29, 'all of them counted');
is($d->{limit_refused}, 29, 'for what became of them');
is($d->{noerror}, 11, 'noerror');
is($d->{refused}, 29, 'refused');
is_deeply(flood($m, 5, map { client($m, '127.0.0.2') } 1 .. 8), { REFUSED => 40 },
	'none for other sockets of the same client, whichever worker they meet');
is_deeply(flood($m, 2, map { client($m, '127.0.0.3') } 1 .. 8), { NOERROR => 11, REFUSED => 5 },
	'a client has one burst for all its sockets');
is_deeply(flood($m, 1, client($m, '127.0.0.4')), { NOERROR => 1 }, 'others are answered');

# what a refusal looks like
my $refusal = do {
	my $socket = client($m, '127.0.0.2');
	send $socket, encode_query('wWw.example.com', 'A', id => 99, do => 1), 0;
	IO::Select->new($socket)->can_read(5);
	recv $socket, my $octets, 4096, 0;
	Martlet::Answer->new($octets);
};
is($refusal->{id}, 99, 'a refusal has the id');
is($refusal->rcode, 'REFUSED', 'the code');
ok($refusal->{edns}, 'and EDNS, as the query');

# TCP counts for the same
my $tcp = IO::Socket::INET->new(Proto => 'tcp', LocalAddr => '127.0.0.5',
	PeerAddr => $m->{address}, PeerPort => $m->{port}) // die "TCP: $!\n";
$m->tcp_write($tcp, ($query) x 15);
my %tcp_seen;
$tcp_seen{ Martlet::Answer->new($m->tcp_read($tcp))->rcode }++ for 1 .. 15;
is_deeply(\%tcp_seen, { NOERROR => 11, REFUSED => 4 }, 'over TCP');
is_deeply(flood($m, 3, client($m, '127.0.0.5')), { REFUSED => 3 }, 'and then over UDP');

# what explain says of it, and takes nothing
sub verdict {
	my ($m, @args) = @_;
	my $json = $m->ctl('explain', 'www.example.com', 'A', @args);
	return map { "$_->{limit} $_->{verdict}" . (defined $_->{left} ? " $_->{left}" : '') }
	  grep { $_->{step} eq 'limit' } @{ $json->{explain}{steps} };
}
is_deeply([verdict($m, '--client', '127.0.0.2')], ['client refuse 0'], 'explain: who is over the rate');
is_deeply([verdict($m, '--client', '127.0.0.4')], ['client pass 9'], 'who has asked once before') for 1 .. 2;
is_deeply([verdict($m, '--client', '127.0.0.44', '--tcp')], ['client pass 10'], 'who never has');
is_deeply([verdict($m)], [], 'nobody');

my ($exit, $json) = $m->ctl('limits');
is($exit, 0, 'limits');
my %by_client = map { $_->{client} => $_ } @{ $json->{limits} };
is_deeply([sort keys %by_client], [qw(127.0.0.2 127.0.0.3 127.0.0.5)], 'names who is limited');
is($by_client{'127.0.0.2'}{count}, 29 + 40 + 1, 'how often, over all workers');
is_deeply([@{ $by_client{'127.0.0.2'} }{qw(class reason name)}], ['client', 'rate', undef], 'and why');
like($by_client{'127.0.0.2'}{since}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'since when');

# sources that nobody has seen before: they push each other out, and not the debtor
my @crowd;
for my $second (1 .. 120) {
	push @crowd, client($m, "127.1.$second.$_") for 1 .. 3;
}
my $answers = flood($m, 1, @crowd);
is_deeply($answers, { NOERROR => 360 }, 'hundreds of other clients are answered');
is_deeply(flood($m, 2, client($m, '127.0.0.2')), { REFUSED => 2 }, 'the one over its limit is not');

# live changes
$m->write_config({ limit => { client => { action => 'drop' } } });
is(($m->ctl('reload'))[0], 0, 'another action');
$d = $m->counted(sub {
	local $patience = 0.5;
	is_deeply(flood($m, 4, client($m, '127.0.0.2')), {}, 'no answer at all');
});
is($d->{limit_dropped}, 4, 'counted as dropped');
is($d->{udp_responses} // 0, 0, 'nothing was sent');
my $stream = IO::Socket::INET->new(Proto => 'tcp', LocalAddr => '127.0.0.2',
	PeerAddr => $m->{address}, PeerPort => $m->{port}) // die "TCP: $!\n";
$m->tcp_write($stream, $query);
ok(IO::Select->new($stream)->can_read(5), 'over TCP');
is(sysread($stream, my $octet, 1), 0, 'the connection is closed');
$m->write_config({ limit => { log_only => \1 } });
is(($m->ctl('reload'))[0], 0, 'counting only');
$d = $m->counted(sub {
	is_deeply(flood($m, 4, client($m, '127.0.0.2')), { NOERROR => 4 }, 'all are answered');
});
is($d->{limit_client_rate}, 4, 'and counted');
is($d->{limit_log_only}, 4, 'as let through');
is($d->{limit_dropped} // 0, 0, 'not as dropped');
($exit, $json) = $m->ctl('limits');
ok($json->{log_only}, 'limits tells that');
like(scalar `'${\ Martlet::martletctl() }' -s '${\ $m->control_socket }' limits`,
	qr/^127\.0\.0\.2\s+client\s+rate\s+\d+ .*^limit\.log_only: clients and networks are answered/ms, 'people, too');

# lists: the longest network decides, and the blacklist works without a rate
$m->write_config({ limit => { log_only => \0, client => { action => 'refuse', rate => 1, burst => 0,
	whitelist => ['127.0.0.0/29', '127.0.7.77'], blacklist => ['127.0.7.0/24', '127.0.0.6'] } } });
is(($m->ctl('reload'))[0], 0, 'lists');
$d = $m->counted(sub {
	is_deeply(flood($m, 5, client($m, '127.0.0.2')), { NOERROR => 5 }, 'who is white is not limited');
	is_deeply(flood($m, 5, client($m, '127.0.0.6')), { REFUSED => 5 }, 'nor served when one address of it is black');
	is_deeply(flood($m, 5, client($m, '127.0.7.1')), { REFUSED => 5 }, 'a black network');
	is_deeply(flood($m, 5, client($m, '127.0.7.77')), { NOERROR => 5 }, 'and a white address in it');
	is_deeply(flood($m, 5, client($m, '127.0.0.99')), { NOERROR => 1, REFUSED => 4 }, 'others have their rate');
});
is_deeply([verdict($m, '--client', '127.0.7.1')], ['client refuse 0'], 'explain: who is black');
is_deeply([verdict($m, '--client', '127.0.0.2')], ['client pass'], 'who is white');
is($d->{limit_client_blacklist}, 10, 'counted for the blacklist');
is($d->{limit_client_rate}, 4, 'and for the rate');
$m->write_config({ limit => { client => { rate => 0 } } });
is(($m->ctl('reload'))[0], 0, 'no rate');
is_deeply(flood($m, 5, client($m, '127.0.0.99')), { NOERROR => 5 }, 'then nobody is limited');
is_deeply(flood($m, 5, client($m, '127.0.7.1')), { REFUSED => 5 }, 'but who is black is');
my %black = map { ("$_->{client} $_->{reason}" => 1) } @{ ($m->ctl('limits'))[1]{limits} };
ok($black{'127.0.7.1 blacklist'}, 'limits names the blacklist');

# what is wrong leaves the earlier settings
for (['blacklist', ['127.0.0.0/33'], qr/limit\.client\.blacklist: "127\.0\.0\.0\/33" is no address/],
	['whitelist', ['nonsense'], qr/limit\.client\.whitelist: "nonsense" is no address/],
	['rate', -1, qr/limit\.client\.rate: -1 is out of range/],
	['rate', '60', qr/limit\.client\.rate: a whole number is needed/],
	['action', 'tarpit', qr/limit\.client\.action: "tarpit" is none of refuse\|drop/]) {
	my ($name, $value, $why) = @$_;
	my $before = $m->config->{limit}{client}{$name};

	$m->expect_log($why, qr/reload refused/);
	$m->write_config({ limit => { client => { $name => $value } } });
	my ($status, $reply) = $m->ctl('reload');
	is($status, 1, "$name: refused");
	like($reply->{error}, $why, 'with the reason');
	$m->write_config({ limit => { client => { $name => $before } } });
}
$m->expect_log(qr/limit\.client\.burst: 60 would take over an hour/);
$m->write_config({ limit => { client => { rate => 1, burst => 60 } } });
like(($m->ctl('reload'))[1]{error}, qr/at limit\.client\.rate = 1 a minute: at most 59/, 'a burst of hours');
$m->write_config({ limit => { client => { burst => 10 } } });
is_deeply(flood($m, 5, client($m, '127.0.7.1')), { REFUSED => 5 }, 'what was in effect still is');
$m->stop;

# a query over TCP that is answered once more, since its response found no room, counts once
{
	my $big = join '', map { 'big TXT "' . sprintf('%03d', $_) . 'x' x 240 . "\"\n" } 1 .. 150;
	my $t = Martlet->new(zones => { 'example.com' => "$zone$big" },
		config => { workers => { count => 1 }, limit => { client => { rate => 10, burst => 240 } } });
	my $stream = IO::Socket::INET->new(Proto => 'tcp', LocalAddr => '127.0.0.5',
		PeerAddr => $t->{address}, PeerPort => $t->{port}) // die "TCP: $!\n";
	$t->tcp_write($stream, (encode_query('big.example.com', 'TXT')) x 200);
	my %seen;
	$seen{ Martlet::Answer->new($t->tcp_read($stream))->rcode }++ for 1 .. 200;
	is_deeply(\%seen, { NOERROR => 200 }, 'large responses, many at once: none is charged twice');
	is(($t->counters)->{limit_client_rate}, 0, 'none was over the limit');
	$t->stop;
}

# credit comes back with time
$m = new_server(client => { rate => 600, burst => 1 });
is_deeply(flood($m, 4, client($m, '127.0.0.2')), { NOERROR => 2, REFUSED => 2 }, 'ten a second, two at once');
ok(poll(5, sub { (flood($m, 1, client($m, '127.0.0.2'))->{NOERROR} // 0) == 1 }), 'and soon one more');
$m->stop;

done_testing();
