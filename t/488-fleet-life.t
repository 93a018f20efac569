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
use SignedZone qw($ORIGIN);
use Test::More;

plan(skip_all => 'MARTLET_SOAK is not set') unless $ENV{MARTLET_SOAK};
Martlet::Redis::need();
Martlet::Peer::need(qw(dnssec-keygen));
Martlet::Peer::need_sec();

sub rrset { my (@records) = @_; return { ttl => 1, records => \@records } }

my $schema = Martlet::RedisZones->new(schema => 'z42', prefix => 'p_', suffix => '_s');
my $primary = Martlet::Redis->new(notify => 'KA');
my $replica = $primary->replica;
my $LIST = $schema->key($ORIGIN, ':martlet:keys');
my ($first, $second) = map { Martlet->new(start => 0, config => {
	redis => $replica->settings($schema->settings), dnssec => { fleet_lag => 1, %$_ } }) }
	{ role => 'roll', redis => { address => '127.0.0.1:1' } }, { role => 'follow' };
my $ksk = keygen($first->dir, $ORIGIN, '-L', 1, '-a', 13, '-f', 'KSK');
my ($zsk, $next) = map { keygen($first->dir, $ORIGIN, '-L', 1, '-a', 13) } 1, 2;
my %config = (soa => { ttl => 1, minttl => 1, serial => 1, ns => "ns.$ORIGIN." });

sub set_keys {
	my (%strings) = @_;
	$primary->cmd('MSET', map { $schema->key($ORIGIN, ":$_") => $strings{$_} } sort keys %strings);
	return;
}

# "12345:ksk:active ...", without what is of no use
sub in_use {
	my ($m) = @_;
	return join ' ', sort map { "$_->{tag}:$_->{role}:$_->{state}" } grep { $_->{state} !~ /future|removed/ }
	  @{ $m->ctl('keys', $ORIGIN)->{keys} };
}

sub problems { my ($m) = @_; return join "\n", @{ $m->ctl('status')->{problems} } }
sub errors_of { my ($m) = @_; return join "\n", map { $_->{reason} } @{ $m->ctl('errors')->{errors} } }

sub has_signatures {
	my ($m) = @_;
	return grep { $_->type eq 'RRSIG' } $m->ask("www.$ORIGIN", 'A', do => 1, tcp => 1)->packet->answer;
}

sub reconfigure {
	my ($m, %dnssec) = @_;
	my $of = $m->{arg}{config}{dnssec};
	@$of{ keys %dnssec } = values %dnssec;
	$m->write_config;
	return $m->ctl('reload');
}

sub both {
	my ($pattern, $what) = @_;
	return ok(poll(40, sub { 2 == grep { in_use($_) =~ $pattern } $first, $second }), $what)
	  || diag(map { in_use($_) . "\n" } $first, $second);
}

$schema->load($primary, { $ORIGIN => { config => { %config, dnssec => \1 },
	labels => { '@' => { ns => rrset({ host => "ns.$ORIGIN." }) }, ns => { a => rrset({ ip => '192.0.2.1' }) },
		www => { a => rrset({ ip => '192.0.2.2' }) } } } });
set_keys(key_strings(ksk => $ksk), key_strings(zsk => $zsk));
$_->expect_log(qr/no file here is named|martlet:keys|has replaced|Redis|list of its keys|nothing has been heard|cannot be found|cannot be signed|all zones are compared/)
  for $first, $second;
$_->start for $first, $second;
ok(poll(40, sub { problems($first) =~ /$ORIGIN\.: the list of its keys is not written .*127\.0\.0\.1:1: cannot connect/ }),
	'a primary that cannot be reached is a problem') or diag(problems($first));
reconfigure($first, redis => { address => $replica->where });
ok(poll(40, sub { problems($first) =~ /not written .*READONLY/ }), 'a replica is none') or diag(problems($first));
reconfigure($first, redis => { address => $primary->where });
ok(poll(40, sub { $primary->cmd('GET', $LIST) }), 'the primary is written to');
ok(poll(40, sub { problems($first) eq '' }), 'and nothing is wrong any more') or diag(problems($first));

set_keys(key_strings(zsk => $next));
my ($old, $new) = map { public_of($_)->keytag } $zsk, $next;
both(qr/$new:zsk:published/, 'a ZSK that is replaced is rolled to');
both(qr/$new:zsk:active/, 'by both');
is(($first->ctl('keys', 'roll', $ORIGIN, 'ksk'))[0], 0, 'a KSK is rolled');
both(qr/ksk:ready/, 'and ready at both');
my $keys = in_use($second);
$replica->stop;
$second->restart;
is(in_use($second), $keys, 'also after a restart without Redis');
ok(has_signatures($second), 'which signs on');
$replica->start;

$first->stop;
ok(poll(40, sub { problems($second) =~ /$ORIGIN\.: nothing has been heard of its roll for \d+ s/ }), 'who rolls is lost: a problem')
  or diag(problems($second));
reconfigure($second, role => 'roll', redis => { address => $primary->where });
my $node = $second->state_dir;
ok(poll(40, sub { $primary->cmd('GET', $LIST) =~ /^node \S+:\Q$node\E$/m }), 'the other takes over');
ok(poll(40, sub { problems($second) eq '' }), 'which ends the problem') or diag(problems($second));
my ($tag) = in_use($second) =~ /(\d+):ksk:ready/;
is(($second->ctl('keys', 'ds-seen', $ORIGIN, $tag, 1))[0], 0, 'its DS is seen');
ok(poll(40, sub { in_use($second) =~ /^$new:zsk:active $tag:ksk:active$|^$tag:ksk:active $new:zsk:active$/ }), 'the roll ends')
  or diag(in_use($second));
$first->start;
ok(poll(40, sub { errors_of($first) =~ /is written by \S+\Q$node\E, too/ }), 'the first one is back, and does not roll')
  or diag(errors_of($first));
like($primary->cmd('GET', $LIST), qr/^node \S+:\Q$node\E$/m, 'nor writes');
reconfigure($first, role => 'follow');
ok(poll(40, sub { in_use($first) eq in_use($second) && errors_of($first) eq '' }), 'it follows, when told')
  or diag(in_use($first), errors_of($first));

$primary->cmd(@{ $schema->set_config($ORIGIN, { %config, dnssec => \0 }) });
ok(poll(40, sub { $primary->cmd('GET', $LIST) =~ /^goal leave/m }), 'the zone is to be unsigned');
ok(poll(40, sub { 2 == grep { grep { $_->type eq 'CDS' } $_->ask($ORIGIN, 'CDS', tcp => 1)->packet->answer } $first, $second }),
	'both have the parent remove the DS');
is(($second->ctl('keys', 'unsign', $ORIGIN))[0], 0, 'which it has');
ok(poll(40, sub { !has_signatures($first) && !has_signatures($second) }), 'both are unsigned');
$primary->cmd(@{ $schema->set_config($ORIGIN, { %config, dnssec => \1 }) });
ok(poll(90, sub { has_signatures($first) && has_signatures($second) }), 'and signed again');
ok(poll(40, sub { $primary->cmd('GET', $LIST) !~ /^goal/m && in_use($first) eq in_use($second) }), 'by the same keys');

my $OTHER = 'other.test';
$schema->load($primary, { $OTHER => { config => { %config, dnssec => \1 }, labels => {
	'@' => { ns => rrset({ host => "ns.$ORIGIN." }) } } } });
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
