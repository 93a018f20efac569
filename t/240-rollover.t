#!/usr/bin/perl
# Each rollover in real time, TTLs of a second, under a validating resolver that asks
# throughout: nothing is bogus, nothing insecure.  The parent, played here, does what CDS says.
# In three of the zones www is an ANAME to the parent's, or a flattened CNAME to one, and its
# address changes with the parent.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Peer;
use Martlet::Process qw(poll write_file);
use Test::More;
use Time::HiRes qw(time);
use Time::Local qw(timegm);
use Validator qw(ds_of wanted_ds);

Martlet::Peer::need(qw(unbound));
Martlet::Peer::need_sec();

my $PARENT = 'par.test';
my %child = map { ($_ => "$_.$PARENT") } qw(zsk ksk csk alg leave);
my $ANAME = qq("www": {"aname": {"location": "www.$PARENT.", "ttl": 1}});
my %sidecar = ($child{zsk} => "{$ANAME}", $child{ksk} => qq({$ANAME, "\@config": {"denial": "nsec3"}}),
	$child{alg} => '{"@config": {"cname_flattening": true}}');

sub zone_text {
	my ($zone, $serial, @more) = @_;
	return join "\n", "\$TTL 1", "$zone. SOA ns.$zone. h.$zone. $serial 3600 600 86400 1", "$zone. NS ns.$zone.",
	  "ns.$zone. A 127.0.0.1", ($sidecar{$zone} // '') =~ /aname/ ? () : "www.$zone. " . ($sidecar{$zone} ? "CNAME www.$child{zsk}." : "A 192.0.2.$serial"),
	  "*.wild.$zone. TXT w", @more, '';
}

sub answer_of {
	my ($m, $name, $type) = @_;
	return grep { $_->type eq $type } $m->ask($name, $type, tcp => 1)->packet->answer;
}

# The parent's zone, with the DS that its children are to have.
my (%ds, $serial);
sub write_parent {
	my ($m) = @_;
	my $path = $m->dir . "/$PARENT.zone";
	my @cuts = map { my $zone = $child{$_}; ("$zone. NS ns.$zone.", "ns.$zone. A 127.0.0.1",
		map { "$zone. DS $_" } @{ $ds{$_} // [] }) } sort keys %child;
	write_file("$path.new", zone_text($PARENT, ++$serial, @cuts));
	rename "$path.new", $path or die "$path: $!\n";
	return;
}

my $m = Martlet->new(start => 0, config => {});
$m->{arg}{config} = {
	dnssec => { zsk_days => 0 },
	zones => { files => [map { { origin => "$_.", file => $m->dir . "/$_.zone", sign => \1 } } $PARENT, values %child] },
};
write_file($m->dir . "/$_.zone", zone_text($_, 1)) for values %child;
write_file($m->dir . "/$_.json", $sidecar{$_}) for keys %sidecar;
write_parent($m);
$m->expect_log(qr/it has no key/);
$m->start;
for my $name (sort keys %child) {
	my ($exit, $json) = $m->ctl('keys', 'generate', $child{$name}, $name eq 'csk' || $name eq 'leave' ? () : '--split');
	is($exit, 0, "$child{$name} has keys") or diag($m->{ctl_stderr});
	$ds{$name} = [map { $_->{ds} } grep { $_->{ds} } @{ $json->{keys} }];
}
$m->ctl('keys', 'generate', $PARENT);
write_parent($m);
is($m->ctl('reload')->{changed}, 6, 'all zones are signed');
my ($key) = answer_of($m, $PARENT, 'DNSKEY');
my $unbound = Validator->new;
$unbound->run([$m], [ds_of($key)], $PARENT, values %child);

ok($unbound->is_secure("www.$_"), "a validator finds $_ secure") or diag($unbound->log) for $child{csk}, sort keys %sidecar;
$unbound->ask_throughout(values %child);
my @led_to = answer_of($m, "www.$child{zsk}", 'A');

sub states {
	my ($name) = @_;
	my $json = $m->ctl('keys', $child{$name});
	return { map { ($_->{tag} => $_) } @{ $json->{keys} } };
}

my %first = map { ($_ => states($_)) } keys %child;

# what the parent does all the time
my %cdnskey;
sub follow_cds {
	my $changed;
	for my $name (sort keys %child) {
		my $wanted = wanted_ds(answer_of($m, $child{$name}, 'CDS'));
		next if !$wanted || "@$wanted" eq join ' ', sort @{ $ds{$name} };
		$ds{$name} = $wanted;
		($cdnskey{$name}) = answer_of($m, $child{$name}, 'CDNSKEY');
		$changed = 1;
	}
	if ($changed) {
		write_parent($m);
		$m->ctl('reload', $PARENT);
	}
	return;
}

sub roll {
	my (@args) = @_;
	my ($exit, $json) = $m->ctl('keys', @args);
	is($exit, 0, "keys @args") or diag($m->{ctl_stderr});
	return $json;
}

roll('roll', $child{zsk}, 'zsk');
roll('roll', $child{ksk}, 'ksk');
roll('roll', $child{csk});
roll('roll', $child{alg}, 'algorithm', 15);
roll('unsign', $child{leave});
my ($refused) = $m->ctl('keys', 'roll', $child{zsk}, 'zsk');
is($refused, 1, 'a second roll meanwhile is refused');

sub seconds_between {
	my ($from, $to) = map { my @part = /(\d+)/g; timegm(@part[5, 4, 3, 2], $part[1] - 1, $part[0]) } @_;
	return $to - $from;
}

sub is_rolled {
	my ($name) = @_;
	my $now = states($name);
	my $old = grep { $now->{$_} && $now->{$_}{state} ne 'active' } keys %{ $first{$name} };
	my @gone = grep { !$now->{$_} } keys %{ $first{$name} };
	return @gone && !grep { $_->{state} ne 'active' } values %$now;
}

sub follow_rolls {
	my %done;
	my $began = time;
	poll(90, sub {
		follow_cds();
		for my $name (qw(zsk ksk csk alg)) {
			$done{$name} ||= is_rolled($name) && sprintf '%.1f', time - $began;
		}
		return 4 == grep { $_ } values %done;
	});
	for my $name (qw(zsk ksk csk alg)) {
		ok($done{$name}, "$name: rolled" . ($done{$name} ? " in $done{$name} s" : '')) or diag(explain(states($name)));
	}
	return;
}

follow_rolls();
# by the times that are told and by the log: a look may miss a state of two seconds
my ($zsk_now) = grep { $_->{role} eq 'zsk' } values %{ states('zsk') };
cmp_ok(seconds_between(@$zsk_now{qw(publish activate)}), '>=', 2, 'ZSK: pre-publication') or diag(explain($zsk_now));
like($m->log, qr/zone \Q$child{zsk}\E\.: zsk \d+ is retired/, 'and the old one stays a while');
my ($ksk_now) = grep { $_->{role} eq 'ksk' } values %{ states('ksk') };
cmp_ok(seconds_between(@$ksk_now{qw(publish activate)}), '>=', 2, 'KSK: published before its DS is asked for') or diag(explain($ksk_now));
like($m->log, qr/zone \Q$child{ksk}\E\.: ksk \d+ is retired/, 'and double signature until the old DS is forgotten');
my ($alg_now) = values %{ states('alg') };
cmp_ok(seconds_between(@$alg_now{qw(created publish)}), '>=', 2, 'algorithm: signatures first') or diag(explain($alg_now));
like($m->log, qr/zone \Q$child{alg}\E\.: zsk \d+ is withdrawn/, 'and last');
is_deeply([sort map { $_->{algorithm} } values %{ states('alg') }], [15, 15], 'algorithm 15 signs alone');
is(scalar(answer_of($m, $child{ksk}, 'CDS')), 0, 'CDS goes when the roll is over');

# who leaves has no DS any more, and is signed until the resolver can have forgotten it
is_deeply($ds{leave}, [], 'the parent has removed a DS: CDS asked for it');
my $delete = $cdnskey{leave};
is($delete ? join(' ', $delete->flags, $delete->algorithm) : '', '0 0', 'CDNSKEY asks, too');

# in the long form again and again, so that caches see each moment of a roll
for my $round (1 .. ($ENV{MARTLET_SOAK} ? 10 : 0)) {
	%first = map { ($_ => states($_)) } keys %child;
	roll('roll', $child{zsk}, 'zsk');
	roll('roll', $child{ksk}, 'ksk');
	roll('roll', $child{csk});
	roll('roll', $child{alg}, 'algorithm', $round % 2 ? 13 : 15);
	follow_rolls();
}

cmp_ok($led_to[0]->address, 'ne', $_->address, $_->owner . ': another address by now') for map { answer_of($m, "www.$_", 'A') } sort keys %sidecar;
my %asked = $unbound->told;
for my $name (sort keys %child) {
	my $zone = $child{$name};
	cmp_ok($asked{"$zone secure"} // 0, '>', 100, "$zone: asked throughout");
	is($asked{"$zone SERVFAIL"} // 0, 0, "$zone: never bogus") or diag($unbound->log);
	is($asked{"$zone none"} // 0, 0, "$zone: always answered");
	is($asked{"$zone insecure"} // 0, 0, "$zone: never insecure") if $name ne 'leave';
}
$unbound->stop;

# once more by age; what is known of rolls outlasts a restart
my $before = states('ksk');
$m->restart;
is_deeply([sort grep { $before->{$_}{state} eq 'active' } keys %{ states('ksk') }], [sort keys %$before], 'nothing is lost by a restart');
$m->{arg}{config}{dnssec} = { zsk_days => 0.00006, ksk_days => 300 };
$m->write_config;
$m->ctl('reload');
my ($zsk) = grep { $before->{$_}{role} eq 'zsk' } keys %$before;
ok(poll(60, sub { my $now = states('ksk'); !$now->{$zsk} || $now->{$zsk}{state} eq 'retired' }), 'zsk_days: a ZSK that is old is rolled')
  or diag(explain(states('ksk')));
roll('unsign', $child{csk});
ok(scalar(answer_of($m, $child{csk}, 'DNSKEY')), 'a zone that has a DS stays signed');
my ($exit) = $m->ctl('keys', 'unsign', $child{csk});
is($exit, 0, 'unsign, once more') or diag($m->{ctl_stderr});
is(scalar(answer_of($m, $child{csk}, 'DNSKEY')), 0, 'unsigned at once');
($exit) = $m->ctl('keys', 'generate', $child{csk});
is($exit, 0, 'generate: signed again');
$m->ctl('reload');
ok(scalar(answer_of($m, $child{csk}, 'DNSKEY')), 'by the key that it had');
for my $case (['ds-seen', $child{ksk}, 1], ['roll', 'nowhere.test'], ['roll', $child{ksk}, 'algorithm', 9], ['roll', $child{ksk}, 'all'],
	['ds-seen', $child{ksk}, 'x'], ['roll', $child{csk}, 'zsk']) {
	($exit) = $m->ctl('keys', @$case);
	is($exit, $case->[-1] =~ /^(?:all|x)$/ ? 2 : 1, "refused: keys @$case");
}
$m->stop;

done_testing();
