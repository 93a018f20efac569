#!/usr/bin/perl
# redis.report: what is wrong with values, where their writers can see it.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll);
use Martlet::Redis;
use Test::More;

Martlet::Redis::need();

my $redis = Martlet::Redis->new(notify => 'KA');
my $there = Martlet::Redis->new;
my $key = 'martlet:errors:here';
my @expected = (qr/^warning: builder: /, qr/^warning: sync: redins:zones:a[.]example[.] /);

$redis->cmd('SADD', 'redins:zones', 'a.example.');
$redis->cmd('HSET', 'redins:zones:a.example.', 'www', '{"a":{"records":[{"ip":"192.0.2.1"}]}}');
my $m = Martlet->new(config => {
	redis => $redis->settings(report => { address => $there->where, key => $key }) });
$m->expect_log(@expected);

sub reported {
	my %list = @{ $there->cmd('HGETALL', $key) };
	return \%list;
}

ok(poll(10, sub { () = $m->ask('www.a.example', 'A')->text('answer') }), 'a zone is served');
is_deeply(reported(), {}, 'nothing is wrong');

$redis->cmd('HSET', 'redins:zones:a.example.', 'bad', '{"a":{"records":[{"ip":"192.0.2.300"}]}}');
$redis->cmd('HSET', 'redins:zones:a.example.', 'worse', '{"txt":{"records":[{"text":' . 'x' x 500);
ok($m->wait_log(qr/redins:zones:a[.]example[.] bad: /), 'a bad value is logged');
ok(poll(10, sub { keys %{ reported() } == 2 }), 'bad values are told') or diag(explain reported(), $m->log);
my $list = reported();
like($list->{'bad.a.example. A'} // '', qr/redins:zones:a\.example\./, 'with their key');
ok(!(grep { length > 200 } values %$list), 'in 200 octets');
my $ttl = $there->cmd('TTL', $key);
ok($ttl > 0 && $ttl <= 300, "for a while: $ttl s");

$redis->cmd('HDEL', 'redins:zones:a.example.', 'bad', 'worse');
$redis->cmd('HSET', 'redins:zones:a.example.', 'a..b', '{}');
ok(poll(10, sub { (reported()->{'a.example. label 1'} // '') =~ /label "a\.\.b" is no name/ }),
	'a label that is no name is told') or diag(explain reported());
is(scalar keys %{ reported() }, 1, 'alone');
$redis->cmd('HDEL', 'redins:zones:a.example.', 'a..b');
ok(poll(10, sub { !keys %{ reported() } }), 'until they are good');

my $replica = $there->replica;
$redis->cmd('HSET', 'redins:zones:a.example.', 'bad', '{"a":{"records":[{"ip":"192.0.2.300"}]}}');
ok(poll(10, sub { keys %{ reported() } == 1 }), 'bad again');
$m->stop;

$m = Martlet->new(config => {
	redis => $redis->settings(report => { address => $replica->where, key => $key }) });
$m->expect_log(@expected);
ok(poll(10, sub { grep { /is a replica/ } @{ $m->ctl('status')->{notices} // [] } }), 'a replica is refused')
  or diag(explain $m->ctl('status'));
is(($m->ctl_text('ready'))[0], 0, 'which does not concern answers');
$m->stop;
$_->stop for $replica, $there, $redis;

done_testing;
