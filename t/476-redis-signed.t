#!/usr/bin/perl
# Zones from Redis that are signed, by keys as redins and z42 keep them: every answer
# through a validator; keys that come later, change, break and go.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Peer;
use Martlet::Process qw(find_program poll write_file);
use Martlet::Redis;
use Martlet::RedisZones;
use RedisKeys qw(keygen key_strings public_of);
use SignedServer qw(is_signed errors_of problems_of);
use SignedZone qw($ORIGIN write_anchor delv);
use Test::More;

Martlet::Redis::need();
Martlet::Peer::need(qw(delv dnssec-keygen ldns-verify-zone));
Martlet::Peer::need_sec();

my $GOOD = 'fully validated';
my $NODATA = 'nxrrset, negative response, fully validated';
my $NXDOMAIN = 'nxdomain, negative response, fully validated';

sub rrset { my (@records) = @_; return { ttl => 300, records => \@records } }

# Every kind of answer, as redins can have it
sub zone {
	my (%config) = @_;
	return {
		config => { soa => { ttl => 300, minttl => 60, serial => 1, ns => "ns.$ORIGIN." }, dnssec => \1, %config },
		labels => {
			'@' => { ns => rrset({ host => "ns.$ORIGIN." }) },
			ns => { a => rrset({ ip => '192.0.2.1' }) },
			www => { a => rrset({ ip => '192.0.2.2' }), mx => rrset({ host => "mail.$ORIGIN.", preference => 10 }) },
			alias => { cname => { ttl => 300, host => "www.$ORIGIN." } },
			'*.wild' => { a => rrset({ ip => '192.0.2.3' }) },
			'host.a.b.ent' => { txt => rrset({ text => 'deep' }) },
			plain => { ns => rrset({ host => "ns.plain.$ORIGIN." }) },
		} };
}

my @CASES = (
	['www', 'A', $GOOD], ['www', 'MX', $GOOD], ['', 'SOA', $GOOD], ['', 'DNSKEY', $GOOD], ['alias', 'A', $GOOD],
	['x.wild', 'A', $GOOD], ['www', 'TXT', $NODATA], ['b.ent', 'A', $NODATA], ['x.wild', 'TXT', $NODATA],
	['nowhere', 'A', $NXDOMAIN], ['x.b.ent', 'A', $NXDOMAIN], ['plain', 'DS', $NODATA],
);

sub validates {
	my ($m, $ksk, $what, @cases) = @_;
	my $anchor = write_anchor($m, public_of($ksk));

	for my $case (@cases ? @cases : @CASES) {
		my ($prefix, $type, $want) = @$case;
		my $name = $prefix eq '' ? $ORIGIN : "$prefix.$ORIGIN";
		my ($verdict, $text) = delv($m, $anchor, $name, $type);
		is($verdict, $want, "$what: $name $type") or diag($text);
	}
	return;
}

# Does ldns find nothing wrong with the zone as it is exported?
sub verifies {
	my ($m) = @_;
	my (undef, $text) = $m->ctl_text('export', $ORIGIN);
	my $path = write_file($m->dir . '/exported', $text);

	return system(find_program('ldns-verify-zone') . " $path >$path.out 2>&1") == 0;
}

for my $name (qw(redins z42)) {
	my $schema = Martlet::RedisZones->new(schema => $name);
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $m = Martlet->new(start => 0, config => { redis => $redis->settings($schema->settings) });
	my $ksk = keygen($m->dir, $ORIGIN, '-a', 13, '-f', 'KSK');
	my $zsk = keygen($m->dir, $ORIGIN, '-a', 13);

	$schema->load($redis, { $ORIGIN => zone($name eq 'z42' ? (denial => 'nsec3') : ()) });
	$redis->cmd(@{ $schema->set_keys($ORIGIN, key_strings(ksk => $ksk), key_strings(zsk => $zsk, escaped => $name eq 'redins')) });
	$m->expect_log(qr/no file here is named/);
	$m->start;
	ok(poll(20, sub { is_signed($m, "www.$ORIGIN") }), "$name: the zone is signed") or diag(errors_of($m));
	validates($m, $ksk, $name);
	$redis->cmd(@$_) for $schema->set_label($ORIGIN, 'new', { a => rrset({ ip => '192.0.2.9' }) }),
	  $schema->remove_label($ORIGIN, 'www', { a => 1, mx => 1 });
	ok(poll(20, sub { is_signed($m, "new.$ORIGIN") && $m->ask("www.$ORIGIN", 'A')->rcode eq 'NXDOMAIN' }), "$name: changes are signed");
	validates($m, $ksk, "$name, changed", ['new', 'A', $GOOD], ['new', 'TXT', $NODATA], ['www', 'A', $NXDOMAIN],
		['nowhere', 'A', $NXDOMAIN], ['x.wild', 'A', $GOOD], ['b.ent', 'A', $NODATA], ['', 'DNSKEY', $GOOD]);
	$m->stop;
}

subtest 'keys come later, and go' => sub {
	my $schema = Martlet::RedisZones->new;
	my $redis = Martlet::Redis->new(notify => 'KA', persistence => 'rdb');
	my $m = Martlet->new(start => 0, config => { redis => $redis->settings });
	my $ksk = keygen($m->dir, $ORIGIN, '-a', 13, '-f', 'KSK');
	my $zsk = keygen($m->dir, $ORIGIN, '-a', 15);

	$schema->load($redis, { $ORIGIN => zone() });
	$m->expect_log(qr/no file here is named|cannot be signed|the kept copy|is no DNSKEY|Redis/);
	$m->start;
	ok(poll(20, sub { errors_of($m) =~ /cannot be signed, it has no key/ }), 'without a key it is not served');
	is($m->ask("www.$ORIGIN", 'A')->rcode, 'SERVFAIL', 'it is not served');
	$redis->cmd(@{ $schema->set_keys($ORIGIN, key_strings(ksk => $ksk)) });
	ok(poll(20, sub { is_signed($m, "www.$ORIGIN") }), 'a key comes: the zone is signed') or diag(errors_of($m));
	is(errors_of($m), '', 'nothing is wrong any more');
	validates($m, $ksk, 'one key for all', ['www', 'A', $GOOD], ['nowhere', 'A', $NXDOMAIN]);

	$redis->cmd('HSET', $schema->key($ORIGIN), 'new', '{"a":{"ttl":300,"records":[{"ip":"192.0.2.9"}]}}');
	ok(poll(20, sub { is_signed($m, "new.$ORIGIN") }), 'a change is signed');
	validates($m, $ksk, 'changed', ['new', 'A', $GOOD], ['new', 'TXT', $NODATA], ['nowhere', 'A', $NXDOMAIN]);

	$redis->cmd('DEL', map { $schema->key($ORIGIN, ":ksk:$_") } qw(pub priv));
	ok(poll(20, sub { errors_of($m) =~ /ksk:pub: is gone, the kept copy/ }), 'the key is gone: that is told')
	  or diag(errors_of($m));
	$redis->cmd('HSET', $schema->key($ORIGIN), 'newer', '{"a":{"ttl":300,"records":[{"ip":"192.0.2.9"}]}}');
	ok(poll(20, sub { is_signed($m, "newer.$ORIGIN") }), 'its copy goes on signing');
	validates($m, $ksk, 'by the copy', ['newer', 'A', $GOOD]);

	$redis->cmd(@{ $schema->set_keys($ORIGIN, 'ksk:pub' => 'rubbish', 'ksk:priv' => "Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey: SECRETSECRET\n") });
	ok(poll(20, sub { errors_of($m) =~ /ksk:pub: is no DNSKEY record/ }), 'a broken key is told') or diag(errors_of($m));
	validates($m, $ksk, 'with a broken key', ['newer', 'A', $GOOD]);
	unlike(errors_of($m) . $m->log, qr/SECRETSECRET|rubbish/, 'nothing of it is shown');
	like($m->log, qr/ksk:pub: is no DNSKEY record/, 'the log names it');
	cmp_ok($m->counters->{signer_key_faults}, '>', 0, 'it is counted');

	$redis->stop;
	$m->restart;
	validates($m, $ksk, 'without Redis', ['newer', 'A', $GOOD], ['nowhere', 'A', $NXDOMAIN]);
	unlike(problems_of($m), qr/signatures/, 'no signatures are overdue');

	# no key is left: that is told a week before the signatures end
	$m->stop;
	unlink glob $m->state_dir . "/keys/K*";
	$m->{arg}{config}{dnssec} = { validity_days => 30, refresh_days => 20 };
	$m->write_config;
	$m->expect_log(qr/no key/);
	$m->start;
	ok(poll(20, sub { problems_of($m) =~ /signatures that were to be renewed at .* are not/ }), 'status names what is overdue')
	  or diag($m->log);
	like(errors_of($m), qr/signatures end at .* and are not renewed, although it is time: the zone has no key that can sign/, 'errors says why');
	validates($m, $ksk, 'until they end', ['newer', 'A', $GOOD]);
	$m->stop;
};

subtest 'keys are replaced, zones change their mind' => sub {
	my $schema = Martlet::RedisZones->new;
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $m = Martlet->new(start => 0, config => { redis => $redis->settings(unsigned_ok => \1) });
	my ($ksk, $next) = map { keygen($m->dir, $ORIGIN, '-a', $_, '-f', 'KSK') } 13, 15;
	my $zsk = keygen($m->dir, $ORIGIN, '-a', 13);

	$schema->load($redis, { $ORIGIN => zone() });
	$m->expect_log(qr/no file here is named|cannot be signed|has replaced|served without signatures|:config|last/);
	$m->start;
	ok(poll(20, sub { $m->ask("www.$ORIGIN", 'A')->rcode eq 'NOERROR' }), 'without a key it is served unsigned');
	ok(!is_signed($m, "www.$ORIGIN"), 'it is not signed');
	like(errors_of($m), qr/is served without signatures: .*has no key/, 'that is told');
	$redis->cmd(@{ $schema->set_keys($ORIGIN, key_strings(ksk => $ksk), key_strings(zsk => $zsk)) });
	ok(poll(20, sub { is_signed($m, "www.$ORIGIN") }), 'keys come: it is signed') or diag(errors_of($m));
	is(errors_of($m), '', 'nothing is wrong any more');
	validates($m, $ksk, 'signed at last');

	$redis->cmd(@{ $schema->set_keys($ORIGIN, key_strings(ksk => $next)) });
	my $tag = public_of($next)->keytag;
	ok(poll(20, sub { grep { $_->type eq 'RRSIG' && $_->keytag == $tag } $m->ask("www.$ORIGIN", 'A', do => 1, tcp => 1)->packet->answer }),
		'a KSK of another algorithm takes the place: it signs');
	my @tags = map { $_->keytag } grep { $_->type eq 'DNSKEY' } $m->ask($ORIGIN, 'DNSKEY', tcp => 1)->packet->answer;
	ok(!(grep { $_ == $tag } @tags), 'its DNSKEY comes when caches have none without its signatures');
	like(errors_of($m), qr/ksk:pub: has replaced the key/, 'that is told');
	validates($m, $ksk, 'by the old KSK', ['www', 'A', $GOOD], ['nowhere', 'A', $NXDOMAIN]);

	$redis->cmd(@{ $schema->set_config($ORIGIN, { dnssec => \0 }) });
	$redis->cmd('HSET', $schema->key($ORIGIN), 'last', '{"a":{"ttl":300,"records":[{"ip":"192.0.2.9"}]}}');
	ok(poll(20, sub { is_signed($m, "last.$ORIGIN") }), '"dnssec": false: it stays signed');
	validates($m, $ksk, 'to be unsigned', ['last', 'A', $GOOD], ['', 'SOA', $GOOD]);

	$redis->cmd('SET', $schema->key($ORIGIN, ':config'), '{"dnssec": tru');
	ok(poll(20, sub { errors_of($m) =~ /:config: / }), 'a broken config is told');
	$redis->cmd('HSET', $schema->key($ORIGIN), 'last', '{"a":{"ttl":300,"records":[{"ip":"bad"}]},"txt":{"ttl":300,"records":[{"text":"x"}]}}');
	ok(poll(20, sub { $m->ask("last.$ORIGIN", 'TXT')->rcode eq 'NOERROR' && errors_of($m) =~ /ip/ }), 'a broken label is told');
	validates($m, $ksk, 'with faults', ['last', 'A', $GOOD], ['last', 'TXT', $GOOD], ['last', 'MX', $NODATA],
		['nowhere', 'A', $NXDOMAIN]);
	my ($nsec) = grep { $_->type eq 'NSEC' && lc $_->owner eq "last.$ORIGIN" }
	  $m->ask("last.$ORIGIN", 'MX', do => 1, tcp => 1)->packet->authority;
	is_deeply([sort $nsec->typelist], [sort qw(A TXT RRSIG NSEC)], 'nothing that is served is denied');
	$m->stop;
};

subtest 'a ZSK that is replaced is rolled to' => sub {
	my $schema = Martlet::RedisZones->new;
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $m = Martlet->new(start => 0, config => { redis => $redis->settings });
	my $ksk = keygen($m->dir, $ORIGIN, '-a', 13, '-f', 'KSK');
	my ($zsk, $next) = map { keygen($m->dir, $ORIGIN, '-a', 13) } 1, 2;
	my ($old, $new) = map { public_of($_)->keytag } $zsk, $next;
	my $zone = zone();
	my %short = (ttl => 1, minttl => 1);

	@{ $zone->{config}{soa} }{ keys %short } = values %short if $zone->{config} && $zone->{config}{soa};
	$schema->load($redis, { $ORIGIN => $zone });
	$redis->cmd(@{ $schema->set_keys($ORIGIN, key_strings(ksk => $ksk), key_strings(zsk => $zsk)) });
	$m->expect_log(qr/no file here is named|has replaced|cannot be signed/);
	$m->start;
	ok(poll(20, sub { is_signed($m, "www.$ORIGIN") }), 'signed');
	$redis->cmd(@{ $schema->set_keys($ORIGIN, key_strings(zsk => $next)) });
	ok(poll(30, sub { my %state = map { ($_->{tag} => $_->{state}) } @{ $m->ctl('keys', $ORIGIN)->{keys} };
		($state{$new} // '') eq 'published' && $state{$old} eq 'active' }), 'the new one is published, the old one signs')
	  or diag(explain($m->ctl('keys', $ORIGIN)));
	validates($m, $ksk, 'while it rolls', ['www', 'A', $GOOD], ['nowhere', 'A', $NXDOMAIN]);
	$m->stop;
};

# `build` is none of those who read keys in Redis; `swap` signs by those of the server.
subtest 'built without the keys' => sub {
	my $schema = Martlet::RedisZones->new;
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $builder = Martlet->new(start => 0, config => { redis => $redis->settings });
	my $ksk = keygen($builder->dir, $ORIGIN, '-a', 13, '-f', 'KSK');
	my $built = $builder->dir . '/built';

	$schema->load($redis, { $ORIGIN => zone(denial => 'nsec3') });
	$redis->cmd(@{ $schema->set_keys($ORIGIN, key_strings(ksk => $ksk)) });
	$builder->{port} //= 5300;
	$builder->write_config;
	my ($exit) = $builder->ctl_text('-c', $builder->config_path, 'build', $built);
	is($exit, 0, 'built');
	like($builder->{ctl_stderr}, qr/\Q$ORIGIN\E\.: without signatures for now; `swap` makes them/, 'which tells of it');

	my $m = Martlet->new(start => 0, config => { redis => $redis->settings });
	$m->expect_log(qr/no file here is named|swap/);
	$m->start;
	ok(poll(20, sub { is_signed($m, "www.$ORIGIN") }), 'a server that has them') or diag(errors_of($m));
	($exit, my $json) = $m->ctl('swap', $built);
	is($exit, 0, 'swaps to it') or diag($json->{error});
	ok(is_signed($m, "www.$ORIGIN"), 'signed');
	validates($m, $ksk, 'swapped to');
	$m->stop;

	$redis->cmd(@{ $schema->set_keys($ORIGIN, map { ("ksk:$_" => 'rubbish') } qw(pub priv)) });
	for my $config ({}, { redis => $redis->settings }) {
		my $keyless = Martlet->new(start => 0, zones => { 'other.test' => "\@ 60 SOA ns h 1 2 3 4 5\n\@ 60 NS ns\nns 60 A 192.0.2.1\n" }, config => $config);
		$keyless->expect_log(qr/no file here is named|cannot be signed|is no DNSKEY|swap/);
		$keyless->start;
		poll(20, sub { errors_of($keyless) ne '' }) if $config->{redis};
		($exit, $json) = $keyless->ctl('swap', $built);
		is($exit, 1, 'one that has none is refused');
		like($json->{error}, qr/^zone \Q$ORIGIN\E[.] would be bogus to validators: the zone cannot be signed/, 'with the name');
		$keyless->stop;
	}
};

subtest 'a zone that is signed aside' => sub {
	my $schema = Martlet::RedisZones->new;
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $m = Martlet->new(start => 0, config => { redis => $redis->settings(unsigned_ok => \1) });
	my $ksk = keygen($m->dir, $ORIGIN, '-a', 13, '-f', 'KSK');
	my $zone = zone(denial => 'optout');

	$zone->{labels}{"n$_"} = { a => rrset({ ip => '192.0.2.3' }) } for 1 .. 400;
	$zone->{labels}{"n$_.x"} = { a => rrset({ ip => '192.0.2.3' }) } for 1 .. 1100;
	$schema->load($redis, { $ORIGIN => $zone });
	$m->expect_log(qr/no file here is named|cannot be signed|served without signatures/);
	$m->start;
	ok(poll(20, sub { $m->ask("n7.$ORIGIN", 'A')->rcode eq 'NOERROR' }), 'it is served unsigned');
	my $before = $m->ctl('status')->{generation};
	$redis->cmd(@{ $schema->set_keys($ORIGIN, key_strings(ksk => $ksk)) });
	ok(poll(20, sub { is_signed($m, "n7.$ORIGIN") }), 'keys come: it is signed') or diag(errors_of($m));
	isnt($m->ctl('status')->{generation}, $before, 'in another generation');
	validates($m, $ksk, 'aside', ['n7', 'A', $GOOD], ['n7', 'TXT', $NODATA], ['', 'SOA', $GOOD]);

	# the config is taken back while the zone is being signed for it
	my $asides = sub { my @lines = $m->log =~ /signing 1 zones from Redis aside/g; return scalar @lines };
	my $wait = sub { my ($denial) = @_; my $count = $asides->();
		$redis->cmd(@{ $schema->set_config($ORIGIN, zone(denial => $denial)->{config}) });
		return poll(20, sub { $asides->() > $count }) };
	for (1 .. 3) {
		ok($wait->('nsec3'), 'another denial: signed aside once more');
		$redis->cmd(@{ $schema->set_config($ORIGIN, zone(denial => 'optout')->{config}) });
		$redis->cmd('HSET', $schema->key($ORIGIN), "again$_", '{"a":{"ttl":300,"records":[{"ip":"192.0.2.9"}]}}');
		ok(poll(20, sub { is_signed($m, "again$_.$ORIGIN") }), 'taken back, and a name more');
		is($m->ask("n7.$ORIGIN", 'A')->rcode, 'NOERROR', 'no name is lost');
	}
	validates($m, $ksk, 'taken back', ['n7', 'A', $GOOD], ['n7', 'TXT', $NODATA], ['nowhere', 'A', $NXDOMAIN]);

	$redis->cmd(@{ $schema->set_label($ORIGIN, 'x', { ns => rrset({ host => "ns.$ORIGIN." }) }) });
	ok(poll(20, sub { grep { $_->type eq 'NS' } $m->ask("n7.x.$ORIGIN", 'A')->packet->authority }), 'a cut hides many names at once');
	ok(poll(20, sub { verifies($m) }), 'and they leave the chain of denial');
	# behind one zone that is signed aside the next one waits for a while
	$zone->{config}{denial} = 'nsec3';
	$redis->cmd(@{ $schema->set_config($ORIGIN, $zone->{config}) });
	ok(poll(20, sub { $m->ctl('status')->{generation} ne $before }), 'another kind of denial is signed aside');
	$redis->cmd(@{ $schema->remove_label($ORIGIN, 'x', { ns => 1 }) });
	ok(poll(20, sub { grep { /1 zone from Redis is being signed.*\Q$ORIGIN\E/ } @{ $m->ctl('status')->{notices} } }), 'status names a zone that is');
	ok(poll(20, sub { is_signed($m, "n7.x.$ORIGIN") }), 'the cut is gone: what it hid is signed');
	ok(poll(20, sub { verifies($m) }), 'all of it');
	ok(poll(20, sub { !grep { /from Redis/ } @{ $m->ctl('status')->{notices} } }), 'status names it no more');
	$m->stop;
};

subtest 'others are served while a zone is signed aside' => sub {
	my $schema = Martlet::RedisZones->new;
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $m = Martlet->new(start => 0, config => { redis => $redis->settings });
	my $ksk = keygen($m->dir, $ORIGIN, '-a', 13, '-f', 'KSK');
	my $zone = zone(denial => 'optout');
	my %host = (www => { a => rrset({ ip => '192.0.2.2' }) }, '@' => { ns => rrset({ host => 'ns.test.' }) });
	my %others = map { $_ => { config => { soa => { ttl => 300, minttl => 60, serial => 1, ns => 'ns.test.' } }, labels => {%host} } }
	  qw(other.test tied.test);
	# what is written as one with another zone's label, and where it shows
	my $label = 0;
	my $set = sub { my (@zones) = @_; my $name = 'new' . ++$label;
		my @ends = $redis->multi(sub { my ($tx) = @_;
			$tx->cmd(@$_) for map { $schema->set_label($_, $name, { a => rrset({ ip => '192.0.2.7' }) }) } @zones;
			$tx->xadd_change(map { $_ => [$name] } @zones) });
		return map {"$name.$_"} @zones };
	my $has = sub { $m->ask($_[0], 'A')->rcode eq 'NOERROR' };
	my $generation = sub { $m->ctl('status')->{generation} };
	my $asides = sub { my @lines = $m->log =~ /signing 1 zones from Redis aside/g; return scalar @lines };

	$zone->{labels}{"n$_"} = { a => rrset({ ip => '192.0.2.3' }) } for 1 .. 12_000;
	$schema->load($redis, { $ORIGIN => $zone, %others });
	$redis->cmd(@{ $schema->set_keys($ORIGIN, key_strings(ksk => $ksk)) });
	$m->expect_log(qr/no file here is named/);
	$m->start;
	ok(poll(30, sub { is_signed($m, "n7.$ORIGIN") && $has->('www.tied.test') }), 'all are served');
	for my $denial (qw(nsec3 optout)) {
		my ($before, $count) = ($generation->(), $asides->());
		$redis->cmd(@{ $schema->set_config($ORIGIN, { %{ $zone->{config} }, denial => $denial }) });
		ok(poll(20, sub { $asides->() > $count }), "$denial: it is being signed aside");
		my ($own, $tied) = $set->($ORIGIN, 'tied.test');
		my ($later) = $set->('tied.test');
		my ($other) = $set->('other.test');
		$redis->cmd(@{ $schema->set_label('other.test', 'told', { a => rrset({ ip => $denial eq 'nsec3' ? '192.0.2.8' : '192.0.2.9' }) }) });
		ok(poll(20, sub { $has->($other) }), 'another zone changes');
		my @waits = grep { $has->($_) } $tied, $later, $own;
		is($generation->(), $before, 'before that is published');
		is_deeply(\@waits, [], 'what is of the zone waits, and what is one with it');
		ok(poll(30, sub { $has->($own) }), 'it comes behind it');
		isnt($generation->(), $before, 'which is published then');
		ok($has->($tied), 'with the other zone of the set');
		ok(poll(20, sub { $has->($later) && $has->('told.other.test') }), 'and what came later');
		validates($m, $ksk, $denial, ['n7', 'A', $GOOD], ['n7', 'TXT', $NODATA], ['nowhere', 'A', $NXDOMAIN]);
	}
	$m->stop;
};

done_testing();
