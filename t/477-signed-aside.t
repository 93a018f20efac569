#!/usr/bin/perl
# Zones from Redis that are signed aside, and what changes as one with them: from the change
# on, while another zone is signed, while they are, and over deaths of sync and of Redis, no
# answer shows half of a change set, and in the end all is served as it is in Redis.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Peer;
use Martlet::Process qw(poll write_file);
use Martlet::Redis;
use Martlet::RedisZones;
use Martlet::Zones qw(sync_pid);
use RedisKeys qw(keygen key_strings);
use SlowBuilder qw(builder slow_builders);
use Test::More;

Martlet::Redis::need();
Martlet::Peer::need('dnssec-keygen');

my $NAMES = 1100;    # more than are signed within a transaction
my @BIG = qw(big1.test big2.test);
my %TIED = ('big1.test' => 'tied1.test', 'big2.test' => 'tied2.test');
my @DENIALS = qw(nsec nsec3);

my $schema = Martlet::RedisZones->new;
my $redis = Martlet::Redis->new(notify => 'KA', persistence => 'aof');
my $m = Martlet->new(start => 0, config => { redis => $redis->settings, workers => { count => 1 } });
my ($hold) = slow_builders($m);
my $turn = 0;
my %at;    # zone => the turn that it is to show

sub address { my ($octet) = @_; return { a => { ttl => 300, records => [{ ip => "192.0.2.$octet" }] } } }

# A big zone shows its turn in the SOA, and each has another denial than the one before.
sub config {
	my ($zone) = @_;
	my $at = $at{$zone} // 0;
	my %soa = (ttl => 300, minttl => 60 + $at, ns => 'ns.test.');
	return { soa => \%soa, $TIED{$zone} ? (dnssec => \1, denial => $DENIALS[$at % 2]) : () };
}

sub zone {
	my ($zone) = @_;
	my %labels = ('@' => { ns => { ttl => 300, records => [{ host => 'ns.test.' }] } },
		$TIED{$zone} ? map { ("n$_" => address(1)) } 1 .. $NAMES : (at => address($at{$zone} // 0)));
	return { config => config($zone), labels => \%labels };
}

my %strings = map { my $zone = $_; my %key = key_strings(ksk => keygen($m->dir, $zone, '-a', 13, '-f', 'KSK'));
	map { ($schema->key($zone, ":$_") => $key{$_}) } keys %key } @BIG;

sub fill {
	$redis->cmd('MSET', %strings);
	$schema->load($redis, { map { $_ => zone($_) } @BIG, values %TIED, 'other.test' });
	return;
}

# The turn that a zone shows.
sub shown {
	my ($zone) = @_;
	my ($record) = $m->ask($TIED{$zone} ? ($zone, 'SOA') : ("at.$zone", 'A'))->brief('answer');
	my ($last) = ($record // '') =~ /(\d+)$/ or return -1;
	return $TIED{$zone} ? $last - 60 : $last;
}

# The next turn of a zone, and of the one that is written as one with it.
sub turn {
	my ($big) = @_;
	my $tied = $TIED{$big};
	@at{ $big, $tied } = (++$turn) x 2;
	$redis->multi(sub {
		my ($tx) = @_;
		$tx->cmd(@{ $schema->set_config($big, config($big)) });
		$tx->cmd(@$_) for $schema->set_label($tied, 'at', address($turn));
		$tx->xadd_change($big => [':config'], $tied => ['at']);
	});
	return;
}

sub turn_other {
	$at{'other.test'} = ++$turn;
	$redis->multi(sub {
		my ($tx) = @_;
		$tx->cmd(@$_) for $schema->set_label('other.test', 'at', address($turn));
		$tx->xadd_change('other.test' => ['at']);
	});
	return poll(20, sub { shown('other.test') == $turn });
}

# Until all show what is in Redis.  Halves of a set are those that are ahead of what is asked
# behind them.
sub comes {
	my ($what, @zones) = @_;
	my @half;
	ok(poll(60, sub {
		for my $big (@zones) {
			my ($before, $at, $behind) = map { shown($_) } $TIED{$big}, $big, $TIED{$big};
			push @half, "$big: $before, $at, $behind" if $before > $at || $at > $behind;
		}
		return !grep { shown($_) != $at{$_} } map { ($_, $TIED{$_}) } @zones;
	}), "$what: all is served as in Redis") or diag(explain({ map { $_ => shown($_) } %TIED }), $m->log);
	is_deeply(\@half, [], "$what: no answer shows half of a set");
	return;
}

# One zone is being signed, and another is to be.
sub begin {
	my ($what) = @_;
	write_file($hold, '');
	turn('big1.test');
	ok(poll(30, sub { builder($m, 'builder') }), "$what: a zone is being signed");
	turn('big2.test');
	ok(turn_other(), "$what: another one, which is not, goes on");
	return;
}

sub waits {
	my ($what, %was) = @_;
	is_deeply({ map { $_ => shown($_) } %TIED }, \%was, "$what: nothing is seen of the sets before");
	return;
}

fill();
$m->expect_log(qr/no file here is named|Redis|sync|not signed/);
$m->start;
ok(poll(30, sub { !grep { shown($_) != 0 } %TIED, 'other.test' }), 'all is served');

my %was = map { $_ => shown($_) } %TIED;
begin('signed aside');
waits('signed aside', %was);
unlink $hold;
comes('signed aside', @BIG);

%was = map { $_ => shown($_) } %TIED;
begin('sync dies');
waits('sync dies', %was);
kill 'KILL', sync_pid($m);
unlink $hold;
comes('sync dies', @BIG);

%was = map { $_ => shown($_) } %TIED;
begin('Redis dies');
$redis->kill_now;
unlink $hold;
ok(poll(30, sub { "@{ $m->ctl('status')->{problems} }" =~ /zones from Redis are not signed: Redis was lost before they were/ }),
	'Redis dies: what was signed is not published alone') or diag($m->log);
waits('Redis dies', %was);
$redis->start;
comes('Redis dies', @BIG);

%was = map { $_ => shown($_) } %TIED;
begin('Redis is empty');
$redis->kill_now;
$redis->forget;
unlink $hold;
$redis->start;
ok(poll(30, sub { @{ $m->ctl('held')->{held} } }), 'Redis comes back empty: that is held');
waits('Redis is empty', %was);
fill();
comes('Redis is filled', @BIG);
ok(poll(30, sub { !@{ $m->ctl('held')->{held} } }), 'nothing is held then');
ok(poll(30, sub { !grep { /not signed|from Redis/ } @{ $m->ctl('status')->{problems} }, @{ $m->ctl('status')->{notices} } }), 'and all is well')
  or diag(explain($m->ctl('status')));
$m->stop;
done_testing();
