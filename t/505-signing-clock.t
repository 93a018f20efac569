#!/usr/bin/perl
# A clock that is wrong at the start, with nothing to compare it with but what was made before:
# what is signed meanwhile is valid all the same, by the right time, and afterwards.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use FakeClock qw(need_clock through_clock step_clock);
use Martlet;
use Martlet::Peer;
use Martlet::Process qw(poll write_file);
use Martlet::Redis;
use SignedZone qw($ORIGIN write_anchor delv);
use Test::More;

Martlet::Redis::need();
Martlet::Peer::need('delv');
Martlet::Peer::need_sec();
need_clock();

my $AHEAD_S = 100 * 86_400;

my $m = Martlet->new(start => 0, through => through_clock());
my $serial = 0;

# A change of one RRset
sub change {
	$serial++;
	$m->write_zone($ORIGIN, "\@ 300 IN SOA ns h $serial 3600 600 86400 60\n\@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.$serial\n");
	return;
}

sub start_at {
	my ($ahead_s) = @_;
	$m->stop if $m->running;
	step_clock($ahead_s);
	$m->start;
	return;
}

sub problems { return join "\n", @{ $m->ctl('status')->{problems} } }

my $anchor;

# By the right time, which is that of this process
sub verdict {
	my ($name) = @_;
	return (delv($m, $anchor, "$name.$ORIGIN", 'A'))[0];
}

sub window {
	my ($sig) = grep { $_->type eq 'RRSIG' } $m->ask("www.$ORIGIN", 'A', do => 1, tcp => 1)->packet->answer;
	return map { $_ - time } $sig->siginception, $sig->sigexpiration;
}

change();
write_file($m->dir . "/zones/$ORIGIN.json", '{"@config": {"dnssec": true}}');
$m->expect_log(qr/has no key|clock|signatures had ended|cannot be signed/);
$m->start;
$m->ctl('keys', 'generate', $ORIGIN);
is(($m->ctl('reload'))[0], 0, 'signed');
$anchor = write_anchor($m, grep { $_->type eq 'DNSKEY' } $m->ask($ORIGIN, 'DNSKEY', tcp => 1)->packet->answer);
is(verdict('www'), 'fully validated', 'by a clock that is right');
is(problems(), '', 'of which nothing is said');

subtest 'a clock that is ahead' => sub {
	start_at($AHEAD_S);
	like(problems(), qr/^all signatures had ended at the start: .* the machine's clock is ahead, by 100 days at most;.*`martletctl reload`/,
		'it is told that it may be');
	ok(poll(20, sub { (window())[1] > $AHEAD_S }), 'they are made anew') or diag(join ' ', window(), $m->log);
	is(verdict('www'), 'fully validated', 'to hold by the right time, too');
	is(($m->ctl('keys', 'roll', $ORIGIN))[0], 1, 'no key is rolled');
	start_at($AHEAD_S);
	like(problems(), qr/all signatures had ended/, 'the next start remembers it');
	change();
	is(($m->ctl('reload', $ORIGIN))[0], 0, 'a change');
	is(verdict('www'), 'fully validated', 'holds as well');
	is(($m->ctl('reload'))[0], 0, 'somebody says that the clock is right');
	unlike(problems(), qr/clock/, 'that ends the doubt');
	change();
	is(($m->ctl('reload'))[0], 0, 'and is believed');
	cmp_ok((window())[0], '>', 0, 'in what is signed then');
};

subtest 'and is set right' => sub {
	start_at(0);
	like(problems(), qr/the machine's clock is behind by (?:99|100) days or more/, 'it seems to be behind');
	change();
	is(($m->ctl('reload', $ORIGIN))[0], 0, 'a change meanwhile');
	is(verdict('www'), 'fully validated', 'holds now');
	cmp_ok((window())[1], '>', $AHEAD_S, 'and then');
	is(($m->ctl('reload'))[0], 0, 'somebody says that it is right');
	is(problems(), '', 'that ends the doubt');
	is(verdict($_), 'fully validated', "what had not begun is signed anew: $_") for qw(www ns);
};
# A machine that has no battery, before it has asked for the time
subtest 'a clock that is not set' => sub {
	$m->ctl('keys', 'roll', $ORIGIN);
	start_at(1000 - time);
	like(problems(), qr/the machine's clock is behind by 2\d{4} days or more/, 'is told');
	change();
	is(($m->ctl('reload', $ORIGIN))[0], 0, 'a change');
	is(verdict('www'), 'fully validated', 'is signed by the last time that is known');
	cmp_ok((window())[1], '<', 30 * 86_400, 'not for years');
	step_clock(0);
	ok(poll(20, sub { problems() eq '' }), 'once it is set, nothing is said any more') or diag(problems());
	start_at(0);
	is(problems(), '', 'nor later');
};
$m->stop;

subtest 'not set, beside a Redis that knows the time' => sub {
	my $redis = Martlet::Redis->new(notify => 'KA');
	step_clock(1000 - time);
	$m = Martlet->new(through => through_clock(), config => { redis => $redis->settings });
	$m->expect_log(qr/clock|Redis/);
	ok(poll(20, sub { problems() =~ /the machine's clock is 2\d{4} days behind that of Redis/ }), 'is told') or diag(problems());
	$redis->stop;
	step_clock(0);
	ok(poll(20, sub { problems() !~ /clock/ }), 'until it is set, whether Redis is there or not') or diag(problems());
	$m->stop;
};
done_testing();
