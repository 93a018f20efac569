#!/usr/bin/perl
# A fleet on replicas, through what happens in years: a primary that cannot be written to, a
# string that is replaced, the KSK rolled, the server that rolls lost and back, a zone that
# leaves and comes back.
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
use SignedServer qw(brief_zone errors_of in_use is_signed problems_of reconfigure);
use SignedZone qw($ORIGIN);
use Test::More;

plan(skip_all => 'MARTLET_SOAK is not set') unless $ENV{MARTLET_SOAK};
Martlet::Redis::need();
Martlet::Peer::need(qw(dnssec-keygen));
Martlet::Peer::need_sec();

my $schema = Martlet::RedisZones->new(schema => 'z42', prefix => 'p_', suffix => '_s');
my $primary = Martlet::Redis->new(notify => 'KA');
my $replica = $primary->replica;
my $LIST = $schema->key($ORIGIN, ':martlet:keys');
my ($first, $second) = map { Martlet->new(start => 0, config => {
	redis => $replica->settings($schema->settings), dnssec => { fleet_lag => 1, %$_ } }) }
	{ role => 'roll', redis => { address => '127.0.0.1:1' } }, { role => 'follow' };
my $ksk = keygen($first->dir, $ORIGIN, '-L', 1, '-a', 13, '-f', 'KSK');
my ($zsk, $next) = map { keygen($first->dir, $ORIGIN, '-L', 1, '-a', 13) } 1, 2;
my $zone = brief_zone($ORIGIN);

sub both {
	my ($pattern, $what) = @_;
	return ok(poll(40, sub { 2 == grep { in_use($_, $ORIGIN) =~ $pattern } $first, $second }), $what)
	  || diag(map { in_use($_, $ORIGIN) . "\n" } $first, $second);
}

$schema->load($primary, { $ORIGIN => $zone });
$primary->cmd(@{ $schema->set_keys($ORIGIN, key_strings(ksk => $ksk), key_strings(zsk => $zsk)) });
$_->expect_log(qr/no file here is named|martlet:keys|has replaced|Redis|list of its keys|nothing has been heard|cannot be found|cannot be signed|all zones are compared/)
  for $first, $second;
$_->start for $first, $second;
ok(poll(40, sub { problems_of($first) =~ /$ORIGIN\.: the list of its keys is not written .*127\.0\.0\.1:1: cannot connect/ }),
	'a primary that cannot be reached is a problem') or diag(problems_of($first));
reconfigure($first, redis => { address => $replica->where });
ok(poll(40, sub { problems_of($first) =~ /not written .*READONLY/ }), 'a replica is none') or diag(problems_of($first));
reconfigure($first, redis => { address => $primary->where });
ok(poll(40, sub { $primary->cmd('GET', $LIST) }), 'the primary is written to');
ok(poll(40, sub { problems_of($first) eq '' }), 'and nothing is wrong any more') or diag(problems_of($first));

$primary->cmd(@{ $schema->set_keys($ORIGIN, key_strings(zsk => $next)) });
my ($old, $new) = map { public_of($_)->keytag } $zsk, $next;
both(qr/$new zsk published/, 'a ZSK that is replaced is rolled to');
both(qr/$new zsk active/, 'by both');
is(($first->ctl('keys', 'roll', $ORIGIN, 'ksk'))[0], 0, 'a KSK is rolled');
both(qr/ksk ready/, 'and ready at both');
my $keys = in_use($second, $ORIGIN);
$replica->stop;
$second->restart;
is(in_use($second, $ORIGIN), $keys, 'also after a restart without Redis');
ok(is_signed($second, "www.$ORIGIN"), 'which signs on');
$replica->start;

$first->stop;
ok(poll(40, sub { problems_of($second) =~ /$ORIGIN\.: nothing has been heard of its roll for \d+ s/ }), 'who rolls is lost: a problem')
  or diag(problems_of($second));
reconfigure($second, role => 'roll', redis => { address => $primary->where });
my $node = $second->state_dir;
ok(poll(40, sub { $primary->cmd('GET', $LIST) =~ /^node \S+:\Q$node\E$/m }), 'the other takes over');
ok(poll(40, sub { problems_of($second) eq '' }), 'which ends the problem') or diag(problems_of($second));
my ($tag) = in_use($second, $ORIGIN) =~ /(\d+) ksk ready/;
is(($second->ctl('keys', 'ds-seen', $ORIGIN, $tag, 1))[0], 0, 'its DS is seen');
ok(poll(40, sub { in_use($second, $ORIGIN) eq join ', ', sort "$new zsk active", "$tag ksk active" }), 'the roll ends')
  or diag(in_use($second, $ORIGIN));
$first->start;
ok(poll(40, sub { errors_of($first) =~ /is written by \S+\Q$node\E, too/ }), 'the first one is back, and does not roll')
  or diag(errors_of($first));
like($primary->cmd('GET', $LIST), qr/^node \S+:\Q$node\E$/m, 'nor writes');
ok(poll(40, sub { in_use($first, $ORIGIN) eq in_use($second, $ORIGIN) }), 'it follows') or diag(in_use($first, $ORIGIN));
reconfigure($first, role => 'follow');
ok(poll(40, sub { errors_of($first) . problems_of($first) eq '' }), 'nothing is wrong with that, when told')
  or diag(errors_of($first), problems_of($first));

# on the replica alone: who rolls finds it where it writes
my ($number) = $primary->cmd('GET', $LIST) =~ /^number (\d+)$/m;
my $list = $replica->cmd('GET', $LIST);
$replica->cmd(qw(CONFIG SET replica-read-only no));
$replica->cmd('DEL', $LIST);
ok(poll(40, sub { errors_of($first) =~ /martlet:keys_s: is gone/ }), 'a list is lost on a replica') or diag(errors_of($first));
ok(!poll(1, sub { $primary->cmd('GET', $LIST) !~ /^number $number$/m }), 'it is not written again for that');
$replica->cmd('SET', $LIST, $list);
$replica->cmd(qw(CONFIG SET replica-read-only yes));
ok(poll(40, sub { errors_of($first) eq '' }), 'until it is there') or diag(errors_of($first));

$primary->cmd(@{ $schema->set_config($ORIGIN, { %{ $zone->{config} }, dnssec => \0 }) });
ok(poll(40, sub { $primary->cmd('GET', $LIST) =~ /^goal leave/m }), 'the zone is to be unsigned');
ok(poll(40, sub { 2 == grep { grep { $_->type eq 'CDS' } $_->ask($ORIGIN, 'CDS', tcp => 1)->packet->answer } $first, $second }),
	'both have the parent remove the DS');
is(($second->ctl('keys', 'unsign', $ORIGIN))[0], 0, 'which it has');
ok(poll(40, sub { !is_signed($first, "www.$ORIGIN") && !is_signed($second, "www.$ORIGIN") }), 'both are unsigned');
$primary->cmd(@{ $schema->set_config($ORIGIN, $zone->{config}) });
ok(poll(90, sub { is_signed($first, "www.$ORIGIN") && is_signed($second, "www.$ORIGIN") }), 'and signed again');
ok(poll(40, sub { $primary->cmd('GET', $LIST) !~ /^goal/m && in_use($first, $ORIGIN) eq in_use($second, $ORIGIN) }), 'by the same keys');

my $OTHER = 'other.test';
$schema->load($primary, { $OTHER => brief_zone($OTHER) });
ok(poll(40, sub { errors_of($first) =~ /no key/ && errors_of($second) =~ /no key/ }), 'a zone without keys');
is(($second->ctl('keys', 'generate', $OTHER))[0], 0, 'who rolls makes some');
$second->ctl('reload');
ok(poll(40, sub { 2 == grep { grep { $_->type eq 'DNSKEY' } $_->ask($OTHER, 'DNSKEY', tcp => 1)->packet->answer } $first, $second }),
	'and both sign with them') or diag(errors_of($first), errors_of($second));

my @secrets = map { /PrivateKey: (\S+?)\\n?/ || /PrivateKey: (\S+)/ ? $1 : () } grep { /^private/ } split /\n/, $primary->cmd('GET', $LIST);
is(scalar @secrets, 2, 'two keys are in use');
for my $m ($first, $second) {
	my @holders = map { my $secret = $_; grep { !m{/keys/} } split /\n/, qx(grep -rlF '$secret' @{[$m->state_dir]} @{[$m->log_path]}) } @secrets;
	is_deeply(\@holders, [], 'they are nowhere but among the keys');
}
$_->stop for $first, $second;
done_testing();
