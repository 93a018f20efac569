#!/usr/bin/perl
# From a write in Redis to the first right answer by UDP, through the real server.
#
#	perl t/bench/propagation.pl [ZONES [RECORDS [SECONDS [RATE...]]]]
#
# ZONES (100,000) zones of RECORDS (10) records each are loaded; then labels of random zones
# change RATE (100, and 1,000) times a second for SECONDS (10) each, from the moment on at
# which all is served.  One in a while is watched: the clock runs from before it is sent to
# Redis until a question, repeated every 50 us, is answered as it says.  What Redis, the
# server and the questions take of the CPUs is in it.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/../lib";

use IO::Select;
use Martlet;
use Martlet::Process qw(poll);
use Martlet::Redis;
use Martlet::RedisZones qw(bulk_name);
use Martlet::Wire qw(encode_query);
use POSIX      ();
use Time::HiRes qw(sleep time usleep);

my ($zones, $records, $seconds, @rates) = @ARGV;
$zones   //= 100_000;
$records //= 10;
$seconds //= 10;
@rates = (100, 1000) unless @rates;
my $WATCHED = 40;    # a second

my $schema = Martlet::RedisZones->new;
my $number = 0;

# Octets of a change: one MULTI with its entry in the stream.
sub change {
	my ($zone, $address) = @_;
	my $rrsets = { a => { ttl => 60, records => [{ ip => $address }] } };

	return join '', map { Martlet::Resp::encode(@$_) } ['MULTI'], $schema->set_label($zone, 'w1', $rrsets),
	  ['XADD', 'martlet:changes', '*', 'zone', "$zone.", 'label', 'w1'], ['EXEC'];
}

sub address { return join '.', $_[0], unpack 'x C3', pack 'N', ++$number }

# Changes of zones that nobody watches, evenly; a process of its own.
sub write_unwatched {
	my ($redis, $rate) = @_;
	my $pid = fork // die "fork: $!\n";

	return $pid if $pid;
	my $client = $redis->new_client;
	my ($begun, $sent) = (time, 0);
	$client->send_cmd(qw(CLIENT REPLY OFF));
	while ((my $passed = time - $begun) < $seconds) {
		my $due = int($passed * $rate);
		$client->send_raw(join '', map { change(bulk_name(int rand $zones / 2), address(11)) } $sent .. $due - 1)
		  if $due > $sent;
		$sent = $due;
		usleep(1000);
	}
	POSIX::_exit(0);
}

# Milliseconds until a change is answered.
sub watch {
	my ($client, $socket) = @_;
	my $select = IO::Select->new($socket);
	my $zone = bulk_name(int($zones / 2) + int rand $zones / 2);
	my $address = address(12);
	my $octets = change($zone, $address);
	my $right = pack 'C4', split /[.]/, $address;
	my $query = encode_query("w1.$zone", 'A', id => $number & 65535);
	my $begun = time;

	$client->send_raw($octets);
	$client->reply for 1 .. 4;
	while (time < $begun + 10) {
		my $response;
		send $socket, $query, 0;
		next unless $select->can_read(1) && defined recv $socket, $response, 65535, 0;
		next if substr($response, 0, 2) ne substr $query, 0, 2;
		return 1000 * (time - $begun) if substr($response, -4) eq $right;
		usleep(50);
	}
	die "a change of $zone is not served\n";
}

sub show {
	my ($rate, $times, $stats) = @_;
	my @sorted = sort { $a <=> $b } @$times;
	my $share = sub { $sorted[int($_[0] * $#sorted)] };

	printf "%6d changes/s, %d watched: p50 %.2f ms, p99 %.2f ms, max %.2f ms from write to answer\n", $rate,
	  scalar @sorted, $share->(0.5), $share->(0.99), $sorted[-1];
	for (my $upto = 0.25; @sorted; $upto *= 2) {
		my $count = grep { $_ < $upto } @sorted;
		splice @sorted, 0, $count;
		printf "%12s %8.2f ms %7d\n", 'less than', $upto, $count if $count;
	}
	my $own = $stats->{stream_propagation};
	printf "%12s %s\n", 'stats', join ', ', map {"$_ $own->{$_}"} grep { !ref $own->{$_} } sort keys %$own;
	return;
}

my $redis = Martlet::Redis->new(notify => 'KA');
$schema->load_bulk($redis, 0, $zones, $records);
my $begun = time;
my $m = Martlet->new(config => { redis => $redis->settings, workers => { count => 1 } });
my $last = bulk_name($zones - 1);
poll(120, sub { $m->ask("w1.$last", 'A')->rcode eq 'NOERROR' }) or die "not loaded\n";
printf "%d zones of %d records are served %.1f s after the start\n", $zones, $records, time - $begun;
my ($socket, $client) = ($m->udp_socket, $redis->new_client);
for my $rate (@rates) {
	my $pid = write_unwatched($redis, $rate - $WATCHED);
	my @times;
	for (my $due = time; waitpid($pid, POSIX::WNOHANG()) != $pid; $due += 1 / $WATCHED) {
		push @times, watch($client, $socket);
		my $wait = $due + 1 / $WATCHED - time;
		sleep $wait if $wait > 0;
	}
	show($rate, \@times, scalar $m->ctl('stats'));
}
$m->stop;
$redis->stop;
