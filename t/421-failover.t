#!/usr/bin/perl
# Sentinels and what they do: a planned failover, one to a replica that is empty or older,
# passwords, Sentinels that are dead, hang, lie or are started again.  Answers stay right
# throughout.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Select;
use IO::Socket::INET;
use Martlet;
use Martlet::Process qw(free_port poll);
use Martlet::Redis;
use Martlet::Sentinel;
use Martlet::States qw(all_have all_zones becomes fill follows is_as_redis next_value source state_of
	stop_watch value watch);
use POSIX ();
use Test::More;

Martlet::Redis::need();

my ($zone) = all_zones();

sub held { my ($m) = @_; return scalar @{ $m->ctl('held')->{held} } }

sub reads {
	my ($m, $redis, $what) = @_;
	return ok(poll(20, sub { my $s = source($m); $s->{connected} && $s->{server} =~ /^\Q${\ $redis->where }\E,/ }),
		"$what: the new primary is read")
	  || diag(explain source($m), $m->log);
}

# All that it holds, to be put back.
sub dump_all {
	my ($redis) = @_;
	return { map { $_ => $redis->cmd('DUMP', $_) } @{ $redis->cmd('KEYS', '*') } };
}

# A replica whose data are these, and no others; it stays in step with its primary.
sub make_older {
	my ($redis, $dump) = @_;
	$redis->cmd(qw(CONFIG SET replica-read-only no));
	$redis->cmd('FLUSHALL');
	$redis->cmd('RESTORE', $_, 0, $dump->{$_}) for keys %$dump;
	return;
}

# One of each; the primary's settings go on to the replica.
sub set_up {
	my ($arg, %sentinel) = @_;
	my $primary = Martlet::Redis->new(notify => 'KA', %$arg);
	my $now = fill($primary);
	$primary->xadd_change($zone => ['n1']);
	my $replica = $primary->replica;
	return ($primary, $replica, Martlet::Sentinel->new(master => $primary, %sentinel), $now);
}

subtest 'a planned failover, and back' => sub {
	my ($primary, $replica, $sentinel, $now) = set_up({});
	my $m = follows(sentinel => { master => 'mymaster', nodes => [$sentinel->where] });

	becomes($m, $now, 'all is served');
	my $watch = watch($m);
	$sentinel->failover;
	ok($sentinel->wait_master($replica), 'the replica is made the primary');
	reads($m, $replica, 'changed over');
	becomes($m, $now = fill($replica), 'and followed');
	$replica->xadd_change($zone => ['n1']);
	is_as_redis($m, $replica, 'in the end');
	stop_watch($watch, 'planned failover');
	$m->stop;
	$_->stop for $sentinel, $replica, $primary;
};

subtest 'an empty replica is promoted, and an older one' => sub {
	for my $kind (qw(empty older)) {
		my ($primary, $replica, $sentinel, $now) = set_up({});
		my $m = follows(sentinel => { master => 'mymaster', nodes => [$sentinel->where] });
		becomes($m, $now, "$kind: all is served");
		my $watch = watch($m, may_go_back => $kind eq 'older');
		my ($before, $dump) = ($now, dump_all($replica));

		$now = fill($primary);
		$primary->cmd('HSET', "redins:zones:$zone", 'late', next_value());
		$primary->xadd_change($zone => ['late', map {"n$_"} 1 .. 5]);
		becomes($m, $now, "$kind: what is written is served");
		ok(poll(10, sub { state_of($m, "late.$zone") =~ /^\d+$/ }), "$kind: all of it");
		ok($replica->wait_replica, "$kind: the replica has it");
		make_older($replica, $kind eq 'empty' ? {} : $dump);
		my $gaps = $m->ctl('stats')->{redis_gaps};
		$primary->kill_now;
		ok($sentinel->wait_master($replica), "$kind: the replica is made the primary")
		  or diag($sentinel->log);
		reads($m, $replica, $kind);
		if ($kind eq 'empty') {
			ok(poll(20, sub { held($m) }), 'an empty replica is held');
			ok(all_have($m, $now), 'all is served');
			becomes($m, $now = fill($replica), 'until it is filled again');
			$replica->cmd('XADD', 'martlet:changes', '*', zone => $zone);
		} else {
			becomes($m, $before, 'an older one is served as it is');
			is(state_of($m, "late.$zone"), 'NXDOMAIN', 'without what it never had');
			like($m->log, qr/the change stream ends before the last entry read|another server/, 'and the log says why');
		}
		cmp_ok($m->ctl('stats')->{redis_gaps}, '>', $gaps, "$kind: a gap is counted");
		is_as_redis($m, $replica, $kind);
		stop_watch($watch, "$kind replica");
		$m->stop;
		$_->stop for $sentinel, $replica;
	}
};

# Answers everybody with these octets.
sub liar {
	my ($says) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8, ReuseAddr => 1) or die "listen: $!\n";
	my $parent = $$;
	my $pid = fork // die "fork: $!\n";

	return ($pid, '127.0.0.1:' . $listener->sockport) if $pid;
	$SIG{PIPE} = 'IGNORE';
	while (getppid() == $parent) {
		my $peer = IO::Select->new($listener)->can_read(1) && $listener->accept or next;
		print {$peer} $says if sysread $peer, my $asked, 4096;
		close $peer;
	}
	POSIX::_exit(0);
}

subtest 'passwords, and Sentinels of all kinds' => sub {
	my ($primary, $replica, $sentinel, $now) =
	  set_up({ requirepass => 's3cret' }, requirepass => 's3cret of Sentinels');
	my $hung = Martlet::Sentinel->new(master => $primary, requirepass => 's3cret of Sentinels', replicas => 0);
	my $dead_primary = Martlet::Redis->new;
	my $behind = Martlet::Sentinel->new(master => $dead_primary, requirepass => 's3cret of Sentinels', replicas => 0);
	$dead_primary->stop;
	my ($pid, $lies) = liar("+OK\r\n*2\r\n\$9\r\n127.0.0.1\r\n\$5\r\nport!\r\n");
	my ($other_pid, $babbles) = liar("HTTP/1.0 400 Bad Request\r\n\r\n");
	$hung->hang;
	my $m = follows(password => 's3cret', sentinel => { master => 'mymaster', password => 's3cret of Sentinels',
		nodes => ['127.0.0.1:' . free_port(), $hung->where, $behind->where, $lies, $babbles, $sentinel->where] });

	becomes($m, $now, 'the one that is right is found behind one that is dead, one that hangs, one that names'
		. ' a dead server, and two that are none');
	my $watch = watch($m);
	$sentinel->stop;
	becomes($m, $now = fill($primary), 'no Sentinel is needed as long as the link stands');
	$primary->cmd(qw(CLIENT KILL TYPE normal SKIPME yes));
	ok(poll(10, sub { !source($m)->{connected} }), 'without any, a link that is lost stays lost');
	is(($m->ctl_text('ready'))[0], 0, 'ready all the same');
	$now = fill($primary);
	$sentinel->start;
	becomes($m, $now, 'until one is started again');
	ok(poll(20, sub { eval { $sentinel->replica_count } }), 'it knows the replica');
	$primary->kill_now;
	ok($sentinel->wait_master($replica), 'the primary dies') or diag($sentinel->log);
	reads($m, $replica, 'with passwords');
	becomes($m, $now = fill($replica), 'and followed');
	is_as_redis($m, $replica, 'in the end');
	stop_watch($watch, 'Sentinels of all kinds');
	$m->expect_log(qr/password: everybody/);
	$m->stop;
	$hung->go_on;
	$_->stop for $sentinel, $hung, $behind, $replica;
	kill 'KILL', $pid, $other_pid;
	waitpid $_, 0 for $pid, $other_pid;
};

done_testing;
