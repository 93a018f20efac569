#!/usr/bin/perl
# Three machines, each with a replica of one Redis primary: all converge, one whose
# replica was away catches up by itself, and digests prove that all serve the same.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll);
use Martlet::Redis;
use Martlet::RedisZones;
use Test::More;

Martlet::Redis::need();

my $ZONES = 50;
my $schema = Martlet::RedisZones->new;
my $primary = Martlet::Redis->new(notify => 'KA');
$schema->load_bulk($primary, 0, $ZONES, 10);

my @replicas = map { $primary->replica } 1 .. 3;
my @machines = map { Martlet->new(config => { redis => $_->settings, dns => { changes => \1 } }) } @replicas;

sub status { return ($_[0]->ctl('status'))[1] }
sub digest { return (($_[0]->ctl('zones', '--digest'))[1] // {})->{digest} // '' }

sub are_same {
	my @digests = map { digest($_) } @machines;
	return $digests[0] ne '' && $digests[0] eq $digests[1] && $digests[1] eq $digests[2] ? $digests[0] : 0;
}

sub cursor { return status($_[0])->{source}{cursor} // '' }

# One change set over two zones; returns its id.
sub change {
	my ($number, $ip) = @_;
	my @zones = map { Martlet::RedisZones::bulk_name($_) } $number % $ZONES, ($number + 1) % $ZONES;

	return ($primary->multi(sub {
		my ($client) = @_;
		for my $zone (@zones) {
			$client->cmd(@$_) for $schema->set_label($zone, "c$number", { a => { ttl => 60, records => [{ ip => $ip }] } });
		}
		$client->cmd('XADD', 'martlet:changes', '*', map { ('zone', "$_.", 'label', "c$number") } @zones);
	}))[-1];
}

sub all_have { my ($id, @which) = @_; return poll(15, sub { !grep { cursor($_) ne $id } @which }) }

# ---- all converge
ok(poll(30, sub { !grep { status($_)->{source}{state} ne 'following' } @machines }), 'three machines follow');
my $first = poll(10, \&are_same);
ok($first, 'and serve the same');
my $id;
$id = change($_, "192.0.2.$_") for 1 .. 100;
ok(all_have($id, @machines), 'a hundred change sets reach all of them');
my $second = are_same();
ok($second, 'they serve the same again');
isnt($second, $first, 'something else than before');
is(scalar(grep { $_->ask('c100.' . Martlet::RedisZones::bulk_name(0), 'A')->rcode eq 'NOERROR' } @machines), 3,
	'the last of them, too');

# ---- one replica is away
my $away = $machines[1];
$away->expect_log(qr/Redis|another server|primary|compared/);
$replicas[1]->stop;
ok(poll(15, sub { !status($away)->{source}{connected} }), 'one machine has lost its replica');
$id = change($_, "198.51.100.$_") for 1 .. 50;
$primary->cmd(@$_) for $schema->set_zone('new.test', Martlet::RedisZones::bulk_zone(7, 5));
$id = $primary->cmd(qw(XADD martlet:changes * zone new.test.));
ok(all_have($id, @machines[0, 2]), 'the others go on');
is($away->ask('c100.' . Martlet::RedisZones::bulk_name(0), 'A')->rcode, 'NOERROR', 'it serves what it has');
is($away->ask('w1.new.test', 'A')->rcode, 'REFUSED', 'and no more');
is(($away->ctl('ready'))[0], 0, 'it stays ready');
is(digest($away), $second, 'exactly as it was');
isnt(digest($machines[0]), $second, 'while the others differ');

$replicas[1]->start;
ok($replicas[1]->wait_replica(20), 'its replica is back');
ok(all_have($id, $away), 'it has caught up by itself');
ok(poll(15, \&are_same), 'all serve the same');
is($away->ask('w1.new.test', 'A')->rcode, 'NOERROR', 'the new zone as well');

# ---- the machine itself is away meanwhile
$away->stop;
$id = change($_, "203.0.113.$_") for 1 .. 20;
ok(all_have($id, @machines[0, 2]), 'changes go on without it');
$away->start;
ok(all_have($id, $away), 'it goes on where it was');
ok(poll(15, \&are_same), 'all serve the same');
my ($ok, $answers) = (0, 0);
for my $machine (@machines) {
	my $r = $machine->ask('c20.' . Martlet::RedisZones::bulk_name(20), 'A');
	$answers++ if $r->rcode eq 'NOERROR';
	$ok++ if ($machine->ctl('status'))[0] == 0;
}
is($answers, 3, 'each answers');
is($ok, 3, 'and no machine has a problem');

$_->stop for @machines, @replicas, $primary;
done_testing();
