#!/usr/bin/perl
# A primary that the Sentinels have given up, and that does not know: it goes on answering us,
# and nobody writes there.  And a Sentinel that has not heard of it.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Select;
use IO::Socket::INET;
use Martlet;
use Martlet::Process qw(poll);
use Martlet::Redis;
use Martlet::Sentinel;
use Martlet::States qw(all_zones becomes fill follows is_as_redis source stop_watch watch);
use POSIX ();
use Test::More;

Martlet::Redis::need();

my ($zone) = all_zones();
my $primary = Martlet::Redis->new(notify => 'KA');
my $now = fill($primary);
$primary->xadd_change($zone => ['n1']);
my $replica = $primary->replica;
my $sentinel = Martlet::Sentinel->new(master => $primary);

sub text { return '$' . length($_[0]) . "\r\n$_[0]\r\n" }
sub list { return '*' . @_ . "\r\n" . join '', map { text($_) } @_ }

# A Sentinel that never hears of a failover; it counts who has asked, in a file.
my $asked_path = $primary->dir . '/asked';
sub asked { return -s $asked_path // 0 }
sub deaf_sentinel {
	my ($of) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8, ReuseAddr => 1) or die "listen: $!\n";
	my $parent = $$;
	my $says = list('name', 'mymaster', 'config-epoch', '0') . list($of->{address}, $of->{port});
	my $pid = fork // die "fork: $!\n";

	return ($pid, '127.0.0.1:' . $listener->sockport) if $pid;
	$SIG{PIPE} = 'IGNORE';
	while (getppid() == $parent) {
		my $peer = IO::Select->new($listener)->can_read(1) && $listener->accept or next;
		my $asked = '';
		1 while $asked !~ /get-master-addr/ && sysread $peer, $asked, 4096, length $asked;
		print {$peer} $says;
		close $peer;
		open my $out, '>>', $asked_path or next;
		print {$out} 'x';
		close $out;
	}
	POSIX::_exit(0);
}
my ($pid, $deaf) = deaf_sentinel($primary);

my $m = follows(sentinel => { master => 'mymaster', nodes => [$deaf, $sentinel->where] });
becomes($m, $now, 'all is served');
my $watch = watch($m);

# Cut off from the Sentinel alone: it gets no connection any more, while ours stand.
my $old = $primary->client;
$old->cmd(qw(CONFIG SET requirepass), 'nobody knows');
for my $client ($old->cmd(qw(CLIENT LIST)) =~ /^(.*)$/mg) {
	my ($id) = $client =~ /^id=(\d+) /;
	$old->cmd('CLIENT', 'KILL', 'ID', $id) if $client =~ / name=sentinel-/;
}
ok($sentinel->wait_master($replica), 'another primary is made') or diag($sentinel->log);
is($old->cmd('ROLE')->[0], 'master', 'and the old one does not know of it');
ok(poll(20, sub { (source($m)->{server} // '') =~ /^\Q${\ $replica->where }\E,/ }), 'the new one is read')
  or diag(explain(source($m)), $m->log);
my ($new, $given_up, $by) = map { quotemeta $_->where } $replica, $primary, $sentinel;
like($m->log, qr/Sentinel $by names $new as the primary of "mymaster", no longer $given_up/, 'the log says why');
becomes($m, $now = fill($replica), 'and followed');
ok(asked() > 0, 'the Sentinel that does not know was asked first');

# Both go on being asked, and the one that knows less is not believed.
my ($before, $connects) = (asked(), $m->ctl('stats')->{redis_connects});
ok(poll(20, sub { asked() > $before + 1 }), 'it is asked again');
is($m->ctl('stats')->{redis_connects}, $connects, 'and changes nothing');

# Nor when the link is lost, and it is the first to be asked.
$old->cmd(qw(CONFIG SET requirepass), '');    # the old one would take us
$replica->cmd(qw(CLIENT KILL TYPE normal SKIPME yes));
ok(poll(20, sub { $m->ctl('stats')->{redis_connects} > $connects && source($m)->{connected} }), 'the link is lost, and there again');
like(source($m)->{server}, qr/^$new,/, 'to the new primary');
becomes($m, $now = fill($replica), 'which is followed');
$replica->xadd_change($zone => ['n1']);
is_as_redis($m, $replica, 'in the end');
stop_watch($watch, 'isolated primary');
$m->stop;
kill 'KILL', $pid;
waitpid $pid, 0;
$sentinel->stop;
$replica->stop;
$primary->kill_now;
done_testing;
