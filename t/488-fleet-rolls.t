#!/usr/bin/perl
# Each roll in a fleet of two, each server on a replica of its own, under a validating resolver
# that asks both throughout; the parent, in Redis as well, does what the CDS of both say.
# Then one loses its Redis: for less than fleet_lag, which nobody notices, and for longer.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Peer;
use Martlet::Process qw(poll);
use Martlet::Redis;
use Martlet::RedisZones;
use SignedServer qw(brief_zone errors_of in_use is_signed problems_of);
use Test::More;
use Time::HiRes qw(time);
use Validator qw(ds_of wanted_ds);

plan(skip_all => 'MARTLET_SOAK is not set') unless $ENV{MARTLET_SOAK};
Martlet::Redis::need();
Martlet::Peer::need(qw(unbound));
Martlet::Peer::need_sec();

my $LAG = 6;
my $PARENT = 'par.test';
my @NAMES = qw(zsk ksk csk alg leave);
my %child = map { ($_ => "$_.$PARENT") } @NAMES;
my $schema = Martlet::RedisZones->new;
my $primary = Martlet::Redis->new(notify => 'KA');
my ($near, $far) = map { $primary->replica } 1, 2;
my ($roller, $follower) = map { Martlet->new(start => 0, config => {
	redis => $_->[1]->settings, dnssec => { role => $_->[0], fleet_lag => $LAG, redis => { address => $primary->where } } }) }
	['roll', $near], ['follow', $far];
my @both = ($roller, $follower);

sub records { my ($m, $name, $type) = @_; return grep { $_->type eq $type } $m->ask($name, $type, tcp => 1)->packet->answer }

# ---- the parent ----

my %ds = map { ($_ => []) } @NAMES;

sub cut {
	my ($name) = @_;
	return { ns => { ttl => 1, records => [{ host => "ns.$PARENT." }] }, @{ $ds{$name} } ? (ds => { ttl => 1, rdata => $ds{$name} }) : () };
}

sub write_cuts { $primary->cmd(@$_) for map { $schema->set_label($PARENT, $_, cut($_)) } @_; return }

# It wants the same of all servers (RFC 7344, section 6.1).
sub follow_cds {
	for my $name (@NAMES) {
		my @wanted = grep { $_ } map { wanted_ds(records($_, $child{$name}, 'CDS')) } @both;
		next if @wanted < 2 || "@{ $wanted[0] }" ne "@{ $wanted[1] }" || "@{ $wanted[0] }" eq join ' ', sort @{ $ds{$name} };
		$ds{$name} = $wanted[0];
		write_cuts($name);
	}
	return;
}

# ---- the zones ----

$schema->load($primary, { map { ($_ => brief_zone($_)) } $PARENT, values %child });
$_->expect_log(qr/has no key|martlet:keys|Redis|list of its keys|nothing has been heard|cannot be found|cannot be signed|compared/) for @both;
$_->start for @both;
my %made;
for my $zone ($PARENT, values %child) {
	my @split = $zone =~ /^(?:zsk|ksk|alg)/ ? '--split' : ();
	ok(poll(30, sub { my ($exit, $json) = $roller->ctl('keys', 'generate', $zone, @split); $made{$zone} = $json; $exit == 0 }), "$zone has keys");
}
$roller->ctl('reload');
$ds{$_} = [map { $_->{ds} // () } @{ $made{ $child{$_} }{keys} }] for @NAMES;
write_cuts(@NAMES);
for my $m (@both) {
	for my $zone ($PARENT, values %child) {
		ok(poll(30, sub { is_signed($m, "www.$zone") }), "$zone is signed") or diag(errors_of($m), $m->log);
	}
	ok(poll(30, sub { records($m, $child{leave}, 'DS') }), 'with its DS');
}
my %first = map { ($_ => in_use($roller, $child{$_})) } @NAMES;

sub resolver {
	my $unbound = Validator->new;
	$unbound->run(\@both, [ds_of((records($roller, $PARENT, 'DNSKEY'))[0])], $PARENT, values %child);
	for my $zone (values %child) {
		ok($unbound->is_secure("www.$zone"), "$zone: secure") if $zone ne $child{leave};
	}
	$unbound->ask_throughout(values %child);
	return $unbound;
}

sub never_bogus {
	my ($unbound) = @_;
	my %asked = $unbound->told;
	for my $zone (sort values %child) {
		cmp_ok($asked{"$zone secure"} // 0, '>', 20, "$zone: asked throughout") if $zone ne $child{leave};
		is($asked{"$zone $_"} // 0, 0, "$zone: never $_") or diag($unbound->log) for 'SERVFAIL', 'none', $zone ne $child{leave} ? 'insecure' : ();
	}
	$unbound->stop;
	return;
}

# Nothing of what was, and all that is there active, at both.
sub is_rolled {
	my ($name) = @_;
	my ($now, $there) = map { in_use($_, $child{$name}) } @both;
	return $now eq $there && $now ne $first{$name} && $now !~ /published|signing|ready|retired|withdrawn/;
}

sub roll {
	my ($zone, @how) = @_;
	return is(($roller->ctl('keys', 'roll', $zone, @how))[0], 0, "keys roll $zone @how") || diag($roller->{ctl_stderr});
}

# ---- all rolls at once ----

my $unbound = resolver();
roll($child{zsk}, 'zsk');
roll($child{ksk}, 'ksk');
roll($child{csk});
roll($child{alg}, 'algorithm', 15);
$primary->cmd(@{ $schema->set_config($child{leave}, { %{ brief_zone($child{leave})->{config} }, dnssec => \0 }) });
my $began = time;
my %done;
poll(240, sub {
	follow_cds();
	for my $name (@NAMES) {
		my $is_done = $name eq 'leave' ? !grep { is_signed($_, "www.$child{leave}") } @both : is_rolled($name);
		$done{$name} ||= $is_done && sprintf '%.1f', time - $began;
	}
	return @NAMES == grep { $_ } values %done;
});
ok($done{$_}, "$_: done, in $done{$_} s") or diag(map { in_use($_, $child{ $_[0] }) . "\n" } @both) for @NAMES;
is_deeply($ds{leave}, [], 'who leaves has no DS');
like(in_use($follower, $child{alg}), qr/^\d+ \w+ active, \d+ \w+ active$/, 'the new algorithm is alone');
never_bogus($unbound);

# ---- a short split, and a long one ----

sub begin_zsk {
	$first{zsk} = in_use($roller, $child{zsk});
	roll($child{zsk}, 'zsk');
	ok(poll(30, sub { in_use($follower, $child{zsk}) =~ /published/ }), 'both have begun');
	return $far->stop;
}

$unbound = resolver();
begin_zsk();
$began = time;
poll(0.4, sub { 0 });
$far->start;
ok(poll(60, sub { ($follower->ctl('status')->{source}{staleness_s} // 9) < 1 }), 'one was without Redis for a while');
my $split_s = time - $began;
ok(poll(60, sub { is_rolled('zsk') }), 'and has not missed anything') or diag(in_use($follower, $child{zsk}));
SKIP: {
	$unbound->told, skip("it took $split_s s to come back", 1) if $split_s >= $LAG;
	never_bogus($unbound);
}

begin_zsk();
ok(poll(60, sub { my $now = in_use($roller, $child{zsk}); $now ne $first{zsk} && $now !~ /published|retired/ }), 'one rolls on, and cannot know');
is(problems_of($roller), '', 'nothing is wrong there');
ok(poll(60, sub { problems_of($follower) =~ /$child{zsk}\.: nothing has been heard of its roll for \d+ s/ }), 'the other one tells of it')
  or diag(problems_of($follower));
ok(is_signed($follower, "www.$child{zsk}"), 'and signs on');
$far->start;
ok(poll(60, sub { is_rolled('zsk') }), 'it is back') or diag(in_use($follower, $child{zsk}));
ok(poll(30, sub { problems_of($follower) eq '' }), 'and nothing is wrong any more') or diag(problems_of($follower));
ok(poll(30, sub {
	my ($left, $right) = map { join ' ', sort map { $_->keytag } records($_, $child{zsk}, 'DNSKEY') } @both;
	return $left eq $right;
}), 'both serve the same keys');
$unbound = resolver();
poll(1, sub { 0 });
never_bogus($unbound);
$_->stop for @both;
done_testing();
