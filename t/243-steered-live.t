#!/usr/bin/perl
# Steered RRsets of zones from Redis that we sign, while they and their neighbours change: what
# is chosen goes out with a signature over just that, and nothing chosen is proved.

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
use SignedZone qw($ORIGIN write_anchor delv bad_signatures);
use Test::More;

Martlet::Redis::need();
Martlet::Peer::need(qw(delv dnssec-keygen ldns-verify-zone));
Martlet::Peer::need_sec();

sub ips { return [map { { ip => "192.0.2.$_" } } @_] }
sub single { return { a => { ttl => 60, filter => { count => 'single', order => 'rr' }, records => ips(@_) } } }
sub elsewhere { return { a => { ttl => 60, records => [{ ip => '192.0.2.1', subnet => '203.0.113.0/24' }] } } }

my $schema = Martlet::RedisZones->new;
for my $denial (qw(nsec nsec3)) {
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $m = Martlet->new(start => 0, config => { redis => $redis->settings($schema->settings),
		steer => { no_match => 'none' }, workers => { count => 1 } });
	my $ksk = keygen($m->dir, $ORIGIN, '-a', 13, '-f', 'KSK');
	my $zsk = keygen($m->dir, $ORIGIN, '-a', 13);
	my %strings = (key_strings(ksk => $ksk), key_strings(zsk => $zsk));
	my %keys = ($ORIGIN => public_of($zsk));
	my $anchor = write_anchor($m, public_of($ksk));

	my $good = sub {
		my ($name, $type, $count, $what) = @_;
		my $answer = $m->ask("$name.$ORIGIN", $type, do => 1);
		my @rrs = grep { $_->type eq $type } $answer->packet->answer;
		is_deeply([scalar @rrs, bad_signatures($answer, \%keys)], [$count], "$denial: $what: $name $type") or diag($answer->dump);
		return join ' ', map { $_->address } @rrs;
	};
	my $empty = sub {
		my ($name, $what) = @_;
		my ($verdict, $text) = delv($m, $anchor, "$name.$ORIGIN", 'A');
		is($verdict, 'nxrrset, negative response, fully validated', "$denial: $what: $name: nothing is left") or diag($text);
	};

	$schema->load($redis, { $ORIGIN => {
		config => { soa => { ttl => 300, minttl => 60, serial => 1, ns => "ns.$ORIGIN." }, dnssec => \1, denial => $denial },
		labels => {
			'@' => { ns => { ttl => 300, records => [{ host => "ns.$ORIGIN." }] } },
			ns => { a => { ttl => 300, records => ips(53) } },
			www => single(1 .. 3), none => elsewhere(), '*.wild' => elsewhere(),
		} } });
	$redis->cmd(@{ $schema->set_keys($ORIGIN, %strings) });
	$m->start;
	ok(poll(20, sub { grep { $_->type eq 'RRSIG' } $m->ask("www.$ORIGIN", 'A', do => 1)->packet->answer }), "$denial: the zone is signed");
	$good->('www', 'A', 1, 'at first') for 1 .. 6;
	$empty->($_, 'at first') for qw(none x.wild);

	# one is changed, one is new, and so are neighbours of those that stay
	$redis->cmd(@$_) for $schema->set_label($ORIGIN, 'www', single(7 .. 9)), $schema->set_label($ORIGIN, 'more', single(4 .. 6)),
	  $schema->set_label($ORIGIN, 'a.wild', single(1, 2)), $schema->set_label($ORIGIN, 'nonf', { txt => { ttl => 60, records => [{ text => 'new' }] } });
	ok(poll(20, sub { grep { $_->type eq 'TXT' } $m->ask("nonf.$ORIGIN", 'TXT')->packet->answer }), "$denial: changes are served");
	like($good->('www', 'A', 1, 'changed'), qr/^192[.]0[.]2[.][789]$/, "$denial: one of the new ones") for 1 .. 6;
	$good->($_, 'A', 1, 'new') for qw(more a.wild);
	$empty->($_, 'changed') for qw(none x.wild b.wild);
	my ($exit, $text) = $m->ctl_text('export', $ORIGIN);
	my $path = Martlet::Process::write_file($m->dir . '/exported', $text);
	is(system(Martlet::Process::find_program('ldns-verify-zone') . " $path >$path.out 2>&1"), 0, "$denial: ldns-verify-zone finds nothing");
	$m->stop;
}

done_testing();
