#!/usr/bin/perl
# Keys in Redis that come beside others: they are rolled to, at once and not too early, under a
# validating resolver that asks throughout.

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
use SignedServer qw(brief_zone is_signed problems_of states);
use Test::More;
use Time::Local qw(timegm);
use Validator qw(ds_of);

Martlet::Redis::need();
Martlet::Peer::need(qw(dnssec-keygen unbound));
Martlet::Peer::need_sec();

my %zone = map { ($_ => "$_.roll.test") } qw(zsk pair alg leave);

my $schema = Martlet::RedisZones->new;
my $redis = Martlet::Redis->new(notify => 'KA');
my $m = Martlet->new(start => 0, config => { redis => $redis->settings });
my %made = map { my $name = $_; ($name => sub { keygen($m->dir, $zone{$name}, @_) }) } keys %zone;

# Keys whose DNSKEY has a TTL of a second, as all else.
sub set_keys {
	my ($name, %paths) = @_;
	my %strings = map { key_strings($_ => $paths{$_}) } keys %paths;
	s/ IN DNSKEY/ 1 IN DNSKEY/ for values %strings;
	$redis->cmd(@{ $schema->set_keys($zone{$name}, %strings) });
	return;
}

sub states_of { return states($m, $zone{ $_[0] }) }

sub seconds {
	my @part = $_[0] =~ /(\d+)/g;
	return timegm(@part[5, 4, 3, 2], $part[1] - 1, $part[0]);
}

sub becomes {
	my ($name, $path, $want, $what) = @_;
	my $tag = public_of($path)->keytag;
	return ok(poll(30, sub { (states_of($name)->{$tag} // 'gone') =~ $want }), $what) || diag(explain(states_of($name)), $m->log);
}

my %first = (
	zsk => $made{zsk}->('-a', 13, '-f', 'KSK'),
	alg => $made{alg}->('-a', 13, '-f', 'KSK'),
	leave => $made{leave}->('-a', 13, '-f', 'KSK'),
);
my $old_zsk = $made{alg}->('-a', 13);
$schema->load($redis, { map { ($_ => brief_zone($_)) } values %zone });
set_keys($_, ksk => $first{$_}) for qw(zsk leave);
set_keys('alg', ksk => $first{alg}, zsk => $old_zsk);
$m->expect_log(qr/no file here is named|has no key|has replaced|cannot be signed|was given beside/);
$m->start;
my ($exit, $json) = (1);
poll(20, sub { ($exit, $json) = $m->ctl('keys', 'generate', $zone{pair}); $exit == 0 });
is($exit, 0, 'a zone from Redis gets a key of our own') or diag($m->{ctl_stderr});
$m->ctl('reload'); # it may have been read without
my ($own) = map { $_->{tag} } @{ $json->{keys} };
for my $name (sort keys %zone) {
	ok(poll(30, sub { is_signed($m, "www.$zone{$name}") }), "$name: signed")
	  or diag($m->log);
}
my ($own_key) = grep { $_->type eq 'DNSKEY' } $m->ask($zone{pair}, 'DNSKEY', tcp => 1)->packet->answer;
my $unbound = Validator->new;
$unbound->run([$m], [ds_of($own_key), map { ds_of(public_of($_)) } values %first], values %zone);
ok($unbound->is_secure("www.$zone{$_}"), "$_: secure") for sort keys %zone;
$unbound->ask_throughout(values %zone);

# all at the same time
my %added = (zsk => $made{zsk}->('-a', 13), lost => $made{zsk}->('-a', 15),
	pair_ksk => $made{pair}->('-a', 13, '-f', 'KSK'), pair_zsk => $made{pair}->('-a', 13),
	alg_ksk => $made{alg}->('-a', 15, '-f', 'KSK'), alg_zsk => $made{alg}->('-a', 15));
set_keys('zsk', zsk => $added{zsk});
set_keys('pair', ksk => $added{pair_ksk}, zsk => $added{pair_zsk});
set_keys('alg', ksk => $added{alg_ksk}, zsk => $added{alg_zsk});
$redis->cmd(@{ $schema->set_config($zone{leave}, { %{ brief_zone($zone{leave})->{config} }, dnssec => \0 }) });

ok(poll(20, sub { grep { $_->type eq 'CDS' && $_->algorithm == 0 } $m->ask($zone{leave}, 'CDS', tcp => 1)->packet->answer }),
	'CDS delete is there soon') or diag($m->log);
becomes('zsk', $added{zsk}, qr/zsk active/, 'a ZSK beside a key for all signs the data');
my ($zsk) = grep { $_->{role} eq 'zsk' } @{ $m->ctl('keys', $zone{zsk})->{keys} };
cmp_ok(seconds($zsk->{activate}) - seconds($zsk->{publish}), '>=', 2, 'once caches have its DNSKEY') or diag(explain($zsk));
is(states_of('zsk')->{ public_of($first{zsk})->keytag }, 'ksk active', 'and the other key those');
becomes('pair', $added{pair_zsk}, qr/zsk active/, 'so it is beside a key of our own');
becomes('pair', $added{pair_ksk}, qr/ready/, 'the KSK waits for its DS');
is(states_of('pair')->{$own}, 'ksk active', 'the first one stays until then');
becomes('alg', $added{alg_ksk}, qr/ready/, 'so does that of another algorithm');
is(states_of('alg')->{ public_of($old_zsk)->keytag }, 'zsk active', 'the old algorithm signs, too');

# a ZSK of an algorithm that no KSK has stays outside
set_keys('zsk', zsk => $added{lost});
becomes('zsk', $added{lost}, qr/future/, 'a ZSK of a foreign algorithm signs nothing');
# the signer knows it before the zone does
ok(poll(20, sub { grep { "$_->{zone} $_->{reason}" =~ /zsk\.roll\.test.*was given beside others and signs nothing yet: .*KSK/ }
	@{ $m->ctl('errors')->{errors} } }), 'that is told') or diag(explain($m->ctl('errors')));

my %asked = $unbound->told;
for my $name (sort keys %zone) {
	cmp_ok($asked{"$zone{$name} secure"} // 0, '>', 20, "$name: asked throughout");
	is($asked{"$zone{$name} $_"} // 0, 0, "$name: never $_") or diag($unbound->log) for qw(SERVFAIL insecure none);
}
$unbound->stop;
for my $name (qw(pair alg)) {
	($exit) = $m->ctl('keys', 'ds-seen', $zone{$name}, public_of($added{"${name}_ksk"})->keytag, 1);
	is($exit, 0, "$name: the DS is seen") or diag($m->{ctl_stderr});
}
ok(poll(30, sub { (states_of('pair')->{$own} // 'gone') =~ /removed|gone/ }), 'then the first key goes') or diag(explain(states_of('pair')));
ok(poll(30, sub { my $now = states_of('alg'); keys %$now == 2 && !grep { !/active/ } values %$now }), 'and the old algorithm')
  or diag(explain(states_of('alg')));

# a change that was made in a year to come: our clock is behind, and nothing that is signed is touched
my $later = (time + 365 * 86400) * 1000;
unlike(problems_of($m), qr/clock/, 'the clock is as good as what is known');
$redis->cmd('XADD', 'martlet:changes', "$later-1", zone => "$zone{alg}.");
ok(poll(20, sub { ($m->ctl('status')->{source}{cursor} // '') eq "$later-1" }), 'a change of next year is served') or diag($m->log);
$m->expect_log(qr/clock is behind|Redis/);
$redis->stop;
$m->stop;
$m->{arg}{config}{dnssec} = { validity_days => 30, refresh_days => 20 };
$m->write_config;
$m->start;
like(problems_of($m), qr/the machine's clock is behind by 36\d days or more: .* `martletctl reload` that it is/, 'status tells of it');
is((map { $_->{reason} } @{ $m->ctl('errors')->{errors} })[0] =~ /the machine's clock is behind/, 1, 'so does errors');
ok(poll(20, sub { $m->counters->{signer_clock_doubts} == 1 }), 'it is counted');
($exit) = $m->ctl('keys', 'roll', $zone{zsk});
is($exit, 1, 'no key is rolled');
my ($before) = grep { $_->type eq 'RRSIG' } $m->ask("www.$zone{zsk}", 'A', do => 1, tcp => 1)->packet->answer;
is($m->counters->{redis_renewed}, 0, 'nor a signature renewed, due as it is');
($exit) = $m->ctl('reload');
unlike(problems_of($m), qr/clock/, 'who reloads says that it is right');
ok(poll(20, sub { my ($now) = grep { $_->type eq 'RRSIG' } $m->ask("www.$zone{zsk}", 'A', do => 1, tcp => 1)->packet->answer;
	$now && $now->sigbin ne $before->sigbin }), 'and signatures are renewed') or diag(explain($m->counters));
$m->stop;

# Keys that come and go by their own times: each zone's is kept, also behind another's and when it
# has come later
{
	my ($first, $second, $third) = map { "$_.times.test" } 1 .. 3;
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $timed = Martlet->new(start => 0, config => { redis => $redis->settings });
	my $dir = $timed->dir . '/keys';
	mkdir $dir or die "$dir: $!\n";
	$timed->{arg}{config}{dnssec} = { key_dir => $dir };
	my $draw = sub {
		my ($zone, $in_s) = @_;
		keygen($dir, $zone, '-a', 13, @$_) for ['-f', 'KSK'], ['-I', "+$in_s"];
		return public_of(keygen($dir, $zone, '-a', 13, '-A', "+$in_s"))->keytag;
	};
	my $signs = sub {
		my ($zone, $tag) = @_;
		my @by = map { $_->keytag } grep { $_->type eq 'RRSIG' } $timed->ask("www.$zone", 'A', do => 1, tcp => 1)->packet->answer;
		return "@by" eq $tag;
	};
	my %next = ($first => $draw->($first, 2), $second => $draw->($second, 4));
	$schema->load($redis, { map { ($_ => brief_zone($_)) } $first, $second });
	$timed->start;
	ok(poll(8, sub { $signs->($first, $next{$first}) }), 'a key comes to use at its time');
	$next{$third} = $draw->($third, 2);
	$schema->load($redis, { $third => brief_zone($third) });
	ok(poll(8, sub { $signs->($_, $next{$_}) }), 'and one of another zone') for $second, $third;
	$timed->expect_log(qr/Redis|cannot be signed|no key/);
	$redis->stop;
	$timed->stop;
}

done_testing();
