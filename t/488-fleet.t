#!/usr/bin/perl
# Two servers on one Redis: one rolls the keys of its zones and writes the list of them, the
# other follows.  What either signs validates with the DNSKEYs of both, throughout.
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
use SignedServer qw(brief_zone errors_of in_use problems_of reconfigure states);
use SignedZone qw($ORIGIN);
use Test::More;
use Time::HiRes qw(time);

Martlet::Redis::need();
Martlet::Peer::need(qw(dnssec-keygen));
Martlet::Peer::need_sec();

my $schema = Martlet::RedisZones->new;
my $redis = Martlet::Redis->new(notify => 'KA');
my $LIST = $schema->key($ORIGIN, ':martlet:keys');
my %server = map { ($_ => Martlet->new(start => 0, config => {
	redis => $redis->settings, dnssec => { role => $_, fleet_lag => 1 } })) } qw(roll follow);
my ($roller, $follower) = @server{qw(roll follow)};
my $ksk = keygen($roller->dir, $ORIGIN, '-L', 1, '-a', 13, '-f', 'KSK');
my ($zsk, $next) = map { keygen($roller->dir, $ORIGIN, '-L', 1, '-a', 13) } 1, 2;

sub answer_of {
	my ($m, $name, $type) = @_;
	my $packet = $m->ask($name, $type, do => 1, tcp => 1)->packet;
	my @records = ($packet->answer, $packet->authority);
	my ($covered) = map { $_->typecovered } grep { $_->type eq 'RRSIG' } @records;
	return { at => time, text => $packet->string, rrs => [grep { $_->type eq $covered } @records],
		signatures => [grep { $_->type eq 'RRSIG' && $_->typecovered eq $covered } @records] };
}

sub validates {
	my ($answer, @keys) = @_;
	for my $signature (@{ $answer->{signatures} }) {
		return 1 if grep { $_->keytag == $signature->keytag && $signature->verify($answer->{rrs}, $_) } @keys;
	}
	return 0;
}

# What a resolver may have of DS and DNSKEYs, these from either server, goes with what either
# answers now.
my @ds = { key => public_of($ksk) };
my (@dnskeys, @bogus);
my $asked = 0;
sub look {
	@dnskeys = grep { $_->{at} > time - 1 } @dnskeys;
	@ds = grep { !$_->{until} || $_->{until} > time } @ds;
	for my $m ($roller, $follower) {
		my $set = answer_of($m, $ORIGIN, 'DNSKEY');
		push @bogus, $set->{text} if grep { !validates($set, $_->{key}) } @ds;
		push @dnskeys, $set;
	}
	for my $name (sort keys %server) {
		for my $case (["www.$ORIGIN", 'A'], ["nowhere.$ORIGIN", 'A']) {
			my $answer = answer_of($server{$name}, @$case);
			$asked++;
			push @bogus, map { "$name $case->[0] " . in_use($server{$name}, $ORIGIN) }
			  grep { !validates($answer, @{ $_->{rrs} }) } @dnskeys;
		}
	}
	return;
}

sub walk {
	my ($seconds, $until) = @_;
	return poll($seconds, sub { look(); $until->() });
}

$schema->load($redis, { $ORIGIN => brief_zone($ORIGIN) });
$redis->cmd(@{ $schema->set_keys($ORIGIN, key_strings(ksk => $ksk), key_strings(zsk => $zsk)) });
$_->expect_log(qr/no file here is named|martlet:keys|has replaced|Redis|its keys are rolled by|nothing has been heard|stream has vanished/)
  for $roller, $follower;
$_->start for $roller, $follower;
ok(poll(20, sub { $redis->cmd('GET', $LIST) }), 'the roller writes the list');
my ($entry) = @{ $redis->cmd('XREVRANGE', 'martlet:changes', '+', '-', 'COUNT', 1) // [] };
is_deeply($entry->[1], ['zone', "$ORIGIN.", 'config', 1], 'and an entry of the change stream');
ok(poll(20, sub { in_use($roller, $ORIGIN) eq in_use($follower, $ORIGIN) }), 'both have the same keys');
# each worker of each has the zone by then
ok(poll(20, sub { @bogus = @dnskeys = (); look() for 1 .. 4; !@bogus }), 'both answer, and validate');

subtest 'who follows does not roll by itself' => sub {
	like($follower->ctl('keys', $ORIGIN)->{notices}[0], qr/^\Q$ORIGIN\E\.: another server rolls the keys, \S+:\Q@{[$roller->state_dir]}\E, /,
		'keys tells who does');
	is_deeply($roller->ctl('keys', $ORIGIN)->{notices}, [], 'not where they are rolled');
	ok(poll(20, sub { ($follower->ctl('keys', 'roll', $ORIGIN))[1]{error} =~ /are rolled by .*dnssec\.role = "roll"/ }), 'keys roll');
	for my $command (['keys', 'unsign', $ORIGIN], ['keys', 'ds-seen', $ORIGIN, 7], ['keys', 'generate', $ORIGIN]) {
		my ($exit, $json) = $follower->ctl(@$command);
		is($exit, 1, "@$command is refused");
		like($json->{error}, qr/keys .*(?:are rolled by|that .* lists)/, 'which says who does that');
	}
};

sub has_cds {
	my ($m, $tag) = @_;
	return "@{[map { $_->type eq 'CDS' ? $_->keytag : () } $m->ask($ORIGIN, 'CDS', tcp => 1)->packet->answer]}" eq $tag;
}

subtest 'a ZSK and a KSK are rolled' => sub {
	is(($roller->ctl('keys', 'roll', $ORIGIN))[0], 0, 'keys roll') or diag($roller->{ctl_stderr});
	my %new = reverse %{ states($roller, $ORIGIN) };
	my ($new_zsk, $new_ksk) = @new{'zsk published', 'ksk published'};
	ok(walk(30, sub { 2 == (() = in_use($follower, $ORIGIN) =~ /published/g) }), 'the new keys are published by the other, too');
	ok(walk(30, sub { has_cds($roller, $new_ksk) && has_cds($follower, $new_ksk) }), 'both ask for the DS of the new KSK');
	$ds[0]{until} = time + 1;
	push @ds, { key => grep { $_->keytag == $new_ksk } @{ answer_of($roller, $ORIGIN, 'DNSKEY')->{rrs} } };
	is(($roller->ctl('keys', 'ds-seen', $ORIGIN, $new_ksk, 1))[0], 0, 'which the parent has');
	my $end = join ', ', sort "$new_zsk zsk active", "$new_ksk ksk active";
	ok(walk(30, sub { in_use($follower, $ORIGIN) eq $end }), 'the old ones go there, too') or diag(in_use($follower, $ORIGIN));
	is(in_use($roller, $ORIGIN), $end, 'both have the same keys');
	is_deeply(\@bogus, [], "nothing was bogus, of $asked answers");
};

sub number_of { return ($redis->cmd('GET', $LIST) // '') =~ /^number (\d+)$/m ? $1 : 0 }

subtest 'a list that is lost' => sub {
	my $older = $redis->cmd('GET', $LIST);
	my $keys = in_use($follower, $ORIGIN);
	my %lost = (
		deleted => sub { $redis->cmd('DEL', $LIST) },
		older => sub { $redis->cmd('SET', $LIST, $older) },
		'gone with all else, but for the zone' => sub {
			$redis->multi(sub { $_[0]->cmd('FLUSHALL'); $_[0]->cmd(@$_) for $schema->set_zone($ORIGIN, brief_zone($ORIGIN)) }) },
	);
	for my $what (qw(deleted older), 'gone with all else, but for the zone') {
		my $number = number_of();
		$lost{$what}->();
		ok(walk(5, sub { number_of() > $number }), "$what: the roller writes it again");
		ok(walk(20, sub { errors_of($follower) eq '' }), 'nothing is wrong for who follows') or diag(errors_of($follower));
		is(in_use($follower, $ORIGIN), $keys, 'the keys stay as they were');
	}
	is_deeply(\@bogus, [], 'nothing was bogus');
};

subtest 'lists that cannot be used' => sub {
	my $good = $redis->cmd('GET', $LIST);
	my $keys = in_use($follower, $ORIGIN);
	my $faults = $follower->counters->{signer_key_faults};

	$roller->stop;
	for my $case (
		['cut off', substr($good, 0, 400), qr/martlet:keys: is cut off; the keys stay/],
		['damaged', $good =~ s/active/published/r, qr/martlet:keys: is damaged/],
		['of another kind', '{"keys":[]}', qr/martlet:keys: is no list of keys/],
		['of a later version', $good =~ s/martlet-keys 1/martlet-keys 2/r, qr/martlet:keys: .* later version/],
	) {
		my ($what, $text, $error) = @$case;
		$redis->cmd('SET', $LIST, $text);
		ok(poll(20, sub { errors_of($follower) =~ $error }), "$what: told") or diag(errors_of($follower));
		is(in_use($follower, $ORIGIN), $keys, 'the keys stay as they were');
	}
	$redis->cmd('DEL', $LIST);
	ok(poll(20, sub { errors_of($follower) =~ /martlet:keys: is gone: the keys stay as its number \d+/ }), 'gone: told')
	  or diag(errors_of($follower));
	is(in_use($follower, $ORIGIN), $keys, 'the keys stay as they were');
	cmp_ok($follower->counters->{signer_key_faults}, '>', $faults, 'it is counted');
	unlike(errors_of($follower) . $follower->log . $roller->log, qr/PrivateKey/, 'no key is told');
	$roller->start;
	ok(poll(20, sub { errors_of($follower) eq '' }), 'the roller writes it again') or diag(errors_of($follower));
	walk(0.1, sub { 1 });
	is_deeply(\@bogus, [], 'nothing was bogus');
};

subtest 'two that roll' => sub {
	my $node = $follower->state_dir;

	reconfigure($follower, role => 'roll');
	ok(walk(20, sub { $redis->cmd('GET', $LIST) =~ /^node \S+:\Q$node\E$/m }), 'who is given the role takes over');
	ok(walk(20, sub { errors_of($roller) =~ /martlet:keys: is written by \S+:\Q$node\E, too/ }), 'the other one says so') or diag(errors_of($roller));
	ok(walk(20, sub { problems_of($roller) =~ /its keys are rolled by \S+:\Q$node\E: / }), 'as a problem') or diag(problems_of($roller));
	is(($roller->ctl('keys', 'roll', $ORIGIN))[0], 1, 'it rolls nothing');
	is(($follower->ctl('keys', 'roll', $ORIGIN, 'zsk'))[0], 0, 'keys roll');
	ok(walk(20, sub { in_use($roller, $ORIGIN) =~ /zsk published/ }), 'what the new one does is done there');
	is(in_use($roller, $ORIGIN), in_use($follower, $ORIGIN), 'both have the same keys');
	reconfigure($roller, role => 'follow');
	ok(walk(20, sub { errors_of($roller) . problems_of($roller) eq '' }), 'nothing is wrong with one that is to follow')
	  or diag(errors_of($roller), problems_of($roller));
	is_deeply(\@bogus, [], 'nothing was bogus');
};

$_->stop for $roller, $follower;
done_testing();
