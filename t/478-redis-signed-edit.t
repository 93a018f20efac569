#!/usr/bin/perl
# A signed zone of many names from Redis: one changed record has signed what it must, no
# more, and every answer around it validates; what an edit cannot do is done for the whole
# zone.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Peer;
use Martlet::Process qw(poll);
use Martlet::Redis;
use Martlet::RedisZones;
use RedisKeys qw(keygen key_strings public_of);
use SignedZone qw($ORIGIN write_anchor delv);
use Test::More;
use Time::HiRes ();
use Time::Local qw(timegm);

Martlet::Redis::need();
Martlet::Peer::need(qw(delv dnssec-keygen));
Martlet::Peer::need_sec();

my $GOOD = 'fully validated';
my $NODATA = 'nxrrset, negative response, fully validated';
my $NXDOMAIN = 'nxdomain, negative response, fully validated';
my $RATE = 400; # signatures a second
my $NAMES = $ENV{MARTLET_SOAK} ? 20_000 : 1500;

sub address { my ($ip) = @_; return { a => { ttl => 300, records => [{ ip => $ip }] } } }

sub zone {
	my (%config) = @_;
	return {
		config => { soa => { ttl => 300, minttl => 60, ns => "ns.$ORIGIN." }, dnssec => \1, %config },
		labels => {
			'@' => { ns => { ttl => 300, records => [{ host => "ns.$ORIGIN." }] } },
			map { ("n$_" => address('192.0.2.1')) } 1 .. $NAMES } };
}

sub answers {
	my ($m, $name, $ip) = @_;
	return poll(20, sub { my ($a) = grep { $_->type eq 'A' } $m->ask("$name.$ORIGIN", 'A')->packet->answer; $a && $a->address eq $ip });
}

sub is_signed {
	my ($m, $name) = @_;
	return grep { $_->type eq 'RRSIG' } $m->ask("$name.$ORIGIN", 'A', do => 1, tcp => 1)->packet->answer;
}

sub validates {
	my ($m, $anchor, $what, @cases) = @_;
	for my $case (@cases) {
		my ($prefix, $type, $want) = @$case;
		my ($verdict, $text) = delv($m, $anchor, $prefix eq '' ? $ORIGIN : "$prefix.$ORIGIN", $type);
		is($verdict, $want, "$what: $prefix $type") or diag($text);
	}
	return;
}

sub serial { my ($m) = @_; my ($soa) = $m->ask($ORIGIN, 'SOA')->packet->answer; return $soa->serial }

# When the signature of a name's address ends
sub ends {
	my ($m, $name) = @_;
	my ($sig) = is_signed($m, $name);
	return $sig ? timegm_of($sig->sigexpiration) : 0;
}

# 20260131235959
sub timegm_of {
	my ($year, $month, @rest) = $_[0] =~ /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/;
	return timegm(reverse(@rest), $month - 1, $year);
}

# Figures of a change, once it is answered
sub changes {
	my ($m, $redis, $what, $made, @change) = @_;
	my $before = $m->ctl('stats')->{redis_signatures};
	$redis->cmd(@$_) for @change;
	ok(poll(20, sub { $m->ctl('stats')->{redis_signatures} >= $before + $made }), "$what: $made signatures are made");
	is($m->ctl('stats')->{redis_signatures} - $before, $made, "$what: and no more");
	return;
}

for my $denial (qw(nsec nsec3 optout)) {
	my $schema = Martlet::RedisZones->new;
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $m = Martlet->new(start => 0, config => { redis => $redis->settings, dnssec => { validity_days => 4, refresh_days => 1 } });
	my $key = keygen($m->dir, $ORIGIN, '-a', 13, '-f', 'KSK');
	my %strings = key_strings(ksk => $key);

	$redis->cmd(@{ $schema->set_keys($ORIGIN, %strings) });
	$schema->load($redis, { $ORIGIN => zone(denial => $denial) });
	$m->start;
	ok(poll(60, sub { is_signed($m, 'n7') }), "$denial: $NAMES names are signed");
	my $anchor = write_anchor($m, public_of($key));

	changes($m, $redis, "$denial, another address", 2, $schema->set_label($ORIGIN, 'n7', address('192.0.2.7')));
	ok(answers($m, 'n7', '192.0.2.7'), 'it is answered');
	changes($m, $redis, "$denial, a new name", 4, $schema->set_label($ORIGIN, 'new', address('192.0.2.8')));
	changes($m, $redis, "$denial, a name is gone", 2, $schema->remove_label($ORIGIN, 'n8', { a => 1 }));
	validates($m, $anchor, $denial, ['n7', 'A', $GOOD], ['n7', 'TXT', $NODATA], ['new', 'A', $GOOD], ['new', 'TXT', $NODATA],
		['n8', 'A', $NXDOMAIN], ['n80', 'A', $GOOD], ['n7a', 'A', $NXDOMAIN], ['newer', 'A', $NXDOMAIN], ['nev', 'A', $NXDOMAIN],
		['', 'SOA', $GOOD], ['', 'DNSKEY', $GOOD]);
	next if $denial ne 'nsec';

	$redis->cmd(@{ $schema->set_config($ORIGIN, zone(denial => 'nsec3')->{config}) });
	ok(poll(20, sub { grep { $_->type eq 'NSEC3' } $m->ask("no.$ORIGIN", 'A', do => 1, tcp => 1)->packet->authority }),
		'another kind of denial: the zone is signed aside');
	changes($m, $redis, 'behind that', 2, $schema->set_label($ORIGIN, 'n9', address('192.0.2.9')));
	validates($m, $anchor, 'behind that', ['n9', 'A', $GOOD], ['n8', 'A', $NXDOMAIN]);
	$redis->stop;
	$m->expect_log(qr/Redis/);
	is($m->ctl('stats')->{redis_renewed}, 0, 'nothing was to be renewed so far');
	my $serial = serial($m);
	$m->stop;
	$m->write_config({ dnssec => { validity_days => 14, refresh_days => 7, max_rate => $RATE } });
	my $began = Time::HiRes::time();
	$m->start;
	ok(poll(200, sub { ends($m, 'n1') > time + 8 * 86400 && ends($m, "n$NAMES") > time + 8 * 86400 && ends($m, 'n9') > time + 8 * 86400 }),
		'without Redis, signatures are renewed that end too soon');
	ok(poll(60, sub { $m->ctl('stats')->{redis_renewed} > 2 * $NAMES }), 'of names and of their chain');
	my $made = $m->ctl('stats')->{redis_renewed};
	cmp_ok(Time::HiRes::time() - $began, '>=', ($made - 100) / $RATE, "$made signatures at $RATE a second");
	is(serial($m), $serial, 'the serial stays');
	validates($m, $anchor, 'restarted without Redis', ['n9', 'A', $GOOD], ['n8', 'A', $NXDOMAIN], ['n9', 'TXT', $NODATA]);
	$m->stop;
}
done_testing();
