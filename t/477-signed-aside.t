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
use Time::HiRes ();

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

# With an entry: without one, zones of one MULTI are each seen by themselves.
sub fill {
	my @zones = (@BIG, values %TIED, 'other.test');
	$redis->multi(sub {
		my ($tx) = @_;
		$tx->cmd('MSET', %strings);
		$tx->cmd(@$_) for map { $schema->set_zone($_, zone($_)) } @zones;
		$tx->xadd_change(undef, [], map { $_ => [] } @zones);
	});
	return;
}

# The turn that a zone shows.
sub shown {
	my ($zone) = @_;
	my ($record) = $m->ask($TIED{$zone} ? ($zone, 'SOA') : ("at.$zone", 'A'))->brief('answer');
	my ($last) = ($record // '') =~ /(\d+)$/ or return -1;
	return $TIED{$zone} ? $last - 60 : $last;
}

# The next turn of a zone, and of the one that is written as one with it; and a label of others.
sub turn {
	my ($big, @with) = @_;
	my $tied = $TIED{$big};
	@at{ $big, $tied } = (++$turn) x 2;
	$redis->multi(sub {
		my ($tx) = @_;
		$tx->cmd(@{ $schema->set_config($big, config($big)) });
		$tx->cmd(@$_) for $schema->set_label($tied, 'at', address($turn)), map { $schema->set_label($_, 'with', address($turn)) } @with;
		$tx->xadd_change($big => [':config'], $tied => ['at'], map { $_ => ['with'] } @with);
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

# One zone is being signed, and another is to be, which is one with `with`.
sub begin {
	my ($what, @with) = @_;
	write_file($hold, '');
	turn('big1.test');
	ok(poll(30, sub { builder($m, 'builder') }), "$what: a zone is being signed");
	turn('big2.test', @with);
	ok(turn_other(), "$what: another one, which is not, goes on");
	return;
}

sub waits {
	my ($what, %was) = @_;
	is_deeply({ map { $_ => shown($_) } %TIED }, \%was, "$what: nothing is seen of the sets before");
	return;
}

fill();
$m->expect_log(qr/no file here is named|Redis|sync|not signed|killed by signal/);
$m->start;
ok(poll(30, sub { !grep { shown($_) != 0 } %TIED, 'other.test' }), 'all is served');

my %was = map { $_ => shown($_) } %TIED;
begin('signed aside');
waits('signed aside', %was);
unlink $hold;
comes('signed aside', @BIG);

%was = map { $_ => shown($_) } %TIED;
begin('one with the next', 'tied1.test');
waits('one with the next', %was);
unlink $hold;
comes('one with the next', @BIG);
like($m->log, qr/signed once more: more that belongs to them changed meanwhile/, 'they were signed together');

# what waits for a zone that could not be signed does not wait for ever
my $served = shown('big1.test');
write_file($hold, '');
turn('big1.test');
my $pid = poll(30, sub { builder($m, 'builder') });
kill 'KILL', $pid;
unlink $hold;
ok(poll(30, sub { shown('tied1.test') == $turn }), 'the build dies: what waited is served');
is(shown('big1.test'), $served, 'and the zone as it was');
like("@{ $m->ctl('status')->{problems} }", qr/zones from Redis are not signed: .* killed by signal 9/, 'which status tells');
turn('big1.test');
ok(poll(30, sub { shown('big1.test') == $turn && shown('tied1.test') == $turn }), 'the next change has it signed');

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

# A writer of sets that name any of the zones, and change how they are signed, while sync and
# Redis die now and then: who shows a set has it shown by all others that it names.
subtest 'at random' => sub {
	plan(skip_all => 'MARTLET_SOAK is not set') unless $ENV{MARTLET_SOAK};
	my $seed = $ENV{MARTLET_SEED} // time;
	my ($until, $next) = (time + 60, 0);
	my @zones = (@BIG, values %TIED);
	my (%flips, %sets, @named, @half);
	my $shown = sub { my ($record) = $m->ask("set.$_[0]", 'A')->brief('answer');
		return ($record // '') =~ /192[.]0[.](\d+)[.](\d+)$/ ? 250 * $1 + $2 : 0 };

	srand $seed;
	note("MARTLET_SEED=$seed");
	while (Time::HiRes::time() < $until) {
		if (Time::HiRes::time() > $next) {
			$next = Time::HiRes::time() + rand 0.4;
			my @set = grep { rand() < 0.4 } @zones;
			my %flip = map { $_ => 1 } grep { $TIED{$_} && rand() < 0.3 } @set;
			next unless @set;
			push @named, \@set;
			push @{ $sets{$_} }, scalar @named for @set;
			$at{$_}++ for keys %flip;
			$redis->multi(sub {
				my ($tx) = @_;
				my $ip = sprintf '192.0.%d.%d', @named / 250, @named % 250;
				$tx->cmd(@$_) for map { $schema->set_label($_, 'set', { a => { ttl => 300, records => [{ ip => $ip }] } }) } @set;
				$tx->cmd(@{ $schema->set_config($_, config($_)) }) for keys %flip;
				$tx->xadd_change(map { $_ => ['set', $flip{$_} ? ':config' : ()] } @set);
			});
			kill 'KILL', sync_pid($m) if rand() < 0.03;
			$redis->kill_now, $redis->start if rand() < 0.03;
		}
		my ($one, $other) = @zones[int rand @zones, int rand @zones];
		my $seen = $shown->($one);
		my ($set) = grep { my $number = $_; $number <= $seen && grep { $_ eq $other } @{ $named[$number - 1] } } reverse @{ $sets{$one} // [] };
		my $behind = defined $set ? $shown->($other) : next;
		push @half, "$one: $seen, $other: $behind, set $set has both" if $behind < $set;
	}
	is_deeply(\@half, [], 'no answer shows half of ' . @named . ' sets');
	ok(poll(60, sub { !grep { $shown->($_) != ($sets{$_} // [0])->[-1] } @zones }), 'all is served as in Redis');
};
$m->stop;
done_testing();
