#!/usr/bin/perl
# A signed zone from Redis while generations come and go: live changes, compaction, rollback,
# swap, resume, a gap in the stream, a restart without Redis.  A validator asks throughout, and
# finds nothing bogus.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Peer;
use Martlet::Process qw(poll read_file write_file);
use Martlet::Redis;
use Martlet::RedisZones;
use POSIX ();
use RedisKeys qw(keygen key_strings public_of);
use SignedZone qw($ORIGIN write_anchor delv);
use Test::More;

Martlet::Redis::need();
Martlet::Peer::need(qw(delv dnssec-keygen));
Martlet::Peer::need_sec();

my $BULK = 1100;
my $redis = Martlet::Redis->new(notify => 'KA', persistence => 'rdb');
my $schema = Martlet::RedisZones->new;
my $m = Martlet->new(start => 0,
	config => { redis => $redis->settings, generations => { overlay_max_records => 1000, keep => 10 } });
my $ksk = keygen($m->dir, $ORIGIN, '-a', 13, '-f', 'KSK');
my $zsk = keygen($m->dir, $ORIGIN, '-a', 13);
my %strings = (key_strings(ksk => $ksk), key_strings(zsk => $zsk));
my $serial = 0;

sub config { return { soa => { ttl => 60, minttl => 60, serial => $serial, ns => "ns.$_[0]." }, dnssec => $_[1] } }

sub address { return { a => { ttl => 60, records => [{ ip => $_[0] }] } } }

# www has another address, and a name comes or goes
sub change {
	$serial++;
	my @set = ($schema->set_label($ORIGIN, 'www', address("192.0.2.$serial")),
		$serial % 2 ? $schema->set_label($ORIGIN, "x$serial", address('192.0.2.1')) : ());
	$redis->multi(sub {
		my ($r) = @_;
		$r->cmd(@$_) for @set;
		$r->xadd_change($ORIGIN => ['www', "x$serial"]);
	});
	return "192.0.2.$serial";
}

sub www { return join ' ', map { /(\S+)$/ } $m->ask("www.$ORIGIN", 'A')->text('answer') }

sub comes {
	my ($address, $what) = @_;
	ok(poll(20, sub { www() eq $address }), "$what: $address is served") or diag(www());
	return;
}

# What cannot be had is asked for again; what is not secure is told.
sub ask_on {
	my ($anchor, $report) = @_;
	my @cases = map { ["$_->[0]$ORIGIN", $_->[1]] } ['www.', 'A'], ['x1.', 'A'], ['x3.', 'A'], ['none.', 'A'], ['', 'SOA'], ['', 'DNSKEY'];
	my $asked = 0;

	while (1) {
		for my $case (@cases) {
			my ($verdict, $text) = delv($m, $anchor, @$case);
			my $is_bad = $verdict ? $verdict =~ /unsigned/
			  : $text !~ /timed out|unreachable|refused|unexpected|end of file|SERVFAIL|failure/i || $text =~ /no valid|broken|insecur/i;
			$asked++;
			open my $out, '>>', $report or POSIX::_exit(1);
			print {$out} $is_bad ? "BAD @$case: $verdict\n$text\n" : "good\n";
			close $out;
		}
	}
}

$schema->load($redis, {
	$ORIGIN => { config => config($ORIGIN, \1), labels => { '@' => { ns => { ttl => 60, records => [{ host => "ns.$ORIGIN." }] } },
		ns => address('192.0.2.1'), www => address('192.0.2.0') } },
	'bulk.test' => { config => config('bulk.test', \0), labels => { '@' => { ns => { ttl => 60, records => [{ host => 'ns.bulk.test.' }] } } } },
});
$redis->cmd(@{ $schema->set_keys($ORIGIN, %strings) });
$m->expect_log(qr/no file here is named/, qr/Redis/, qr/rollback|swap/, qr/stream/);
$m->start;
comes('192.0.2.0', 'at first');
ok(poll(20, sub { grep { $_->type eq 'RRSIG' } $m->ask("www.$ORIGIN", 'A', do => 1)->packet->answer }), 'signed');

my $anchor = write_anchor($m, public_of($ksk));
my $report = $m->dir . '/report';
my $asker = fork // die "fork: $!\n";
if (!$asker) {
	ask_on($anchor, $report);
	POSIX::_exit(0);
}

comes(change(), 'a live change') for 1 .. 3;
my $first = ($m->ctl('status'))[1]{generation};

# compaction
$redis->cmd('HSET', $schema->key('bulk.test'), map { ("n$_" => '{"a":{"ttl":60,"records":[{"ip":"192.0.2.1"}]}}') } 1 .. $BULK);
ok($m->wait_log(qr/sealed from \d+ and its overlay/, 40), 'compaction') or diag($m->log);
comes(change(), 'behind it');

# rollback, to what was sealed at first; changes wait
my ($exit, $json) = $m->ctl('rollback', $first);
is($exit, 0, 'rollback') or diag($json->{error});
ok(poll(10, sub { www() ne "192.0.2.$serial" }), 'earlier data');
my $waits = change();
$m->restart;
isnt(www(), $waits, 'a restart keeps the choice');
is(($m->ctl('resume'))[0], 0, 'resume');
comes($waits, 'resumed');

# swap: the zone comes from elsewhere, unsigned
my $other = Martlet->new(start => 0);
$other->write_zone($ORIGIN, "\@ 60 IN SOA ns h 99 1 1 1 60\n\@ NS ns\nns A 192.0.2.1\nwww 60 A 198.51.100.1\n");
$other->{port} //= 5300;
$other->write_config;
is(($other->ctl_text('-c', $other->config_path, 'build', $m->dir . '/built'))[0], 0, 'built elsewhere');
($exit, $json) = $m->ctl('swap', $m->dir . '/built');
is($exit, 0, 'swap') or diag($json->{error});
comes('198.51.100.1', 'swapped');
is(($m->ctl('resume'))[0], 0, 'resume again');
comes($waits, 'resumed again');

# a gap
my $gaps = $m->ctl('stats')->{redis_stream_gaps} // 0;
$m->stop;
my $missed = change();
$redis->cmd(qw(XTRIM martlet:changes MAXLEN 0));
$m->start;
comes($missed, 'behind a gap');

# without Redis, and no key there
$redis->stop;
$m->restart;
is(www(), $missed, 'without Redis');
my $asked = sub { scalar(() = read_file($report) =~ /^good$/mg) };
my $before = $asked->();
ok(poll(40, sub { $asked->() >= $before + 6 && $asked->() >= 10 }), 'each name is asked for once more');
kill 'KILL', $asker;
waitpid $asker, 0;
my $told = read_file($report);
unlike($told, qr/BAD/, 'nothing was bogus') or diag(substr $told, index($told, 'BAD'), 2000);
cmp_ok($asked->(), '>=', 10, 'of much that was asked for');
$m->stop;

done_testing;
