#!/usr/bin/perl
# ANAMEs and flattened CNAMEs in zones that we sign: their addresses are served with
# signatures, and their types stand in the chain of denial as long as there are any.  All
# answers through two validators, delv and an Unbound that also answers from what it has.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::PP ();
use Martlet;
use Martlet::FakeResolver;
use Martlet::Peer;
use Martlet::Process qw(find_program poll read_file write_file);
use Martlet::Redis;
use RedisKeys qw(keygen key_strings public_of);
use Test::More;
use Validator qw(ds_of);

Martlet::Redis::need();
Martlet::Peer::need(qw(delv dnssec-keygen ldns-verify-zone unbound));
Martlet::Peer::need_sec();

my $GOOD = 'fully validated';
my $NODATA = 'nxrrset, negative response, fully validated';
my $json = JSON::PP->new->canonical;
my $fake = Martlet::FakeResolver->new;
my $NXDOMAIN = 'nxdomain, negative response, fully validated';
my %seen_by_unbound = ($GOOD => 'NOERROR secure data', $NODATA => 'NOERROR secure none', $NXDOMAIN => 'NXDOMAIN secure none');
my $LATE = qr/resolver 127\.0\.0\.1 port \d+ (?:does not answer|answers again)/; # on a busy machine
my (%anchors, $unbound);

sub rr { my ($name, $ttl, @last) = @_; return map { "$name.outside.test. $ttl A 192.0.2.$_" } @last }
sub rr6 { my ($name, $ttl, @last) = @_; return map { "$name.outside.test. $ttl AAAA 2001:db8::$_" } @last }
my $soa = 'outside.test. 600 SOA ns.outside.test. h.outside.test. 1 2 3 4 6';
my $nodata = { authority => [$soa] };

sub delv {
	my ($m, $zone, $name, $type) = @_;
	my @command = (find_program('delv'), '@' . $m->address, '-p', $m->port, '-a', $anchors{$zone}, "+root=$zone", $name, $type);
	open my $output, '-|', '/bin/sh', '-c', 'exec "$@" 2>&1', 'sh', @command or die "delv: $!\n";
	my $text = join '', <$output>;
	close $output;
	my @verdicts = $text =~ /^;(?:; resolution failed: ncache)? (.*(?:nx|validated|unsigned answer).*)$/mg;
	return (join(', ', @verdicts), $text);
}

# Another Unbound in front of the server.
sub validate_by {
	my ($m, %key) = @_;
	$unbound = Validator->new(cache_s => 1);
	$unbound->run([$m], [map { ds_of($_) } values %key], keys %key);
	trust($m, $_, $key{$_}) for keys %key;
	return;
}

sub end_validator {
	unlike($unbound->log, qr/bogus|validation failure/i, 'nothing was ever bogus');
	$unbound->stop;
	return;
}

sub trust {
	my ($m, $zone, $key) = @_;
	$anchors{$zone} = write_file($m->dir . "/anchor-$zone", sprintf "trust-anchors { \"%s.\" static-key %d %d %d \"%s\"; };\n",
		$zone, $key->flags, $key->protocol, $key->algorithm, $key->key);
	return;
}

# The addresses, or what else there is, that a validating client gets.
sub answer {
	my ($m, $name, $type) = @_;
	my $r = $m->ask($name, $type, do => 1, tcp => 1);
	return join ' ', $r->rcode, join ', ', grep { !/ RRSIG / } $r->text('answer');
}

sub becomes {
	my ($m, $name, $type, $want) = @_;
	my $got;
	ok(poll(15, sub { ($got = answer($m, $name, $type)) =~ $want }), "$name $type: $want") or diag($got);
	return;
}

# What it has from before it may keep for a second.
sub unbound_says {
	my ($name, $type, $want) = @_;
	my $got;
	ok(poll(20, sub { ($got = $unbound->verdict($name, $type)) eq $want }), "$name $type through Unbound: $want") or diag($got, $unbound->log);
	return;
}

sub validates {
	my ($m, $zone, @cases) = @_;
	for my $case (@cases) {
		my ($prefix, $type, $want) = @$case;
		my $name = $prefix eq '' ? $zone : "$prefix.$zone";
		my ($verdict, $text) = delv($m, $zone, $name, $type);
		is($verdict, $want, "$name $type") or diag($text);
		unbound_says($name, $type, $seen_by_unbound{$want});
	}
	return;
}

sub verify {
	my ($m, $zone) = @_;
	my ($exit, $text) = $m->ctl_text('export', $zone);
	my $path = write_file($m->dir . '/exported', $text);
	my $out = `${\ find_program('ldns-verify-zone')} $path 2>&1`;
	is($?, 0, "$zone: ldns-verify-zone finds nothing") or diag($out, $text);
	return;
}

# The signature over a name's RRset
sub signature {
	my ($m, $name, $type) = @_;
	my @sigs = grep { $_->type eq 'RRSIG' && $_->typecovered eq $type } $m->ask($name, $type, do => 1, tcp => 1)->packet->answer;
	return @sigs == 1 ? $sigs[0] : undef;
}

my %said = (
	'apex.outside.test A' => { answer => [rr('apex', 300, 2, 1)] },
	'apex.outside.test AAAA' => { answer => [rr6('apex', 7200, 1)] },
	'four.outside.test A' => { answer => [rr('four', 5, 4)] }, 'four.outside.test AAAA' => $nodata,
	'wild.outside.test A' => { answer => [rr('wild', 60, 5)] }, 'wild.outside.test AAAA' => $nodata,
	'hop.outside.test A' => { answer => [rr('hop', 5, 6)] }, 'hop.outside.test AAAA' => $nodata,
	'nothing.outside.test A' => $nodata, 'nothing.outside.test AAAA' => $nodata,
	'dead.outside.test A' => { rcode => 'SERVFAIL' }, 'dead.outside.test AAAA' => { rcode => 'SERVFAIL' },
);
$fake->say(%said);

sub aname { my ($to, $ttl) = @_; return { aname => { location => $to, ($ttl ? (ttl => $ttl) : ()) } } }
my %labels = (
	'@' => { ns => { records => [{ host => 'ns.an.test.' }] }, %{ aname('apex.outside.test.') } },
	ns => { a => { ttl => 300, records => [{ ip => '192.0.2.53' }] } },
	four => aname('four.outside.test.', 40),
	'*.wild' => aname('wild.outside.test.'),
	via => aname('hop.an.test.'), hop => { cname => { host => 'hop.outside.test.', ttl => 44 } },
	local => aname('here.other.test.'),
	own => { a => { ttl => 60, records => [{ ip => '192.0.2.9' }] }, %{ aname('apex.outside.test.') } },
	steered => aname('steered.other.test.'),
);

# A zone file has no line for them: ldns-verify-zone takes their NSEC3s for stray ones.
my %empty = (nothing => aname('nothing.outside.test.'), dead => aname('dead.outside.test.'));

sub aname_cases {
	return (['', 'A', $GOOD], ['', 'AAAA', $GOOD], ['', 'MX', $NODATA], ['four', 'A', $GOOD], ['four', 'AAAA', $NODATA],
		['x.wild', 'A', $GOOD], ['x.wild', 'AAAA', $NODATA], ['via', 'A', $GOOD], ['local', 'A', $GOOD],
		['local', 'AAAA', $NODATA], ['own', 'A', $GOOD], ['own', 'AAAA', $GOOD],
		['steered', 'A', $GOOD], ['nope', 'A', $NXDOMAIN]);
}

sub zone_text {
	my ($serial, $zone) = @_;
	return "\@ 300 SOA ns h $serial 2 3 4 10\n\@ 300 NS ns\nns 300 A 192.0.2.53\n*.w 50 CNAME ns\n*.p 50 TXT x\n*.p 50 MX 1 ns\n"
	  . ($zone =~ /^flat/ ? "far 60 CNAME apex.outside.test.\nnear 50 CNAME ns\nboth 50 CNAME hop\nhop 50 CNAME end\n"
		. "end 300 A 192.0.2.7\nend 300 AAAA 2001:db8::7\nend 300 TXT x\n" : '');
}

# At names that are asked for nothing else: out of the addresses, MX, NS and SOA that Unbound has
# of a name it makes an answer to ANY itself (fill_any(), services/cache/dns.c), without the proof
# that the name does not exist, and finds that bogus.  So it does in front of NSD, Knot and BIND.
sub any_type_of_wildcard {
	my ($zone, @wildcards) = @_;
	unbound_says("any.$_.$zone", 'ANY', 'NOERROR secure data') for @wildcards;
	return;
}

# A flattened name has its CNAME among its types, and addresses beside it: whatever is asked for,
# and in whatever order a resolver that proves from what it has comes to know it, is proved.
sub all_types {
	my ($m, $zone) = @_;
	my @types = qw(A AAAA MX TXT NS SOA DS DNSKEY CAA HTTPS TYPE65280 CNAME ANY);
	my %data = (both => qr/^(?:A|AAAA|TXT|CNAME|ANY)$/, near => qr/^(?:A|CNAME|ANY)$/, 'x.w' => qr/^(?:A|CNAME)$/);

	any_type_of_wildcard($zone, qw(w p));
	becomes($m, "$_.$zone", 'A', qr/ A 192/) for sort keys %data;
	for my $name (sort keys %data) {
		unbound_says("$name.$zone", $_, 'NOERROR secure ' . ($_ =~ $data{$name} ? 'data' : 'none'))
		  for grep { $name !~ /^x\./ || $_ ne 'ANY' } @types, reverse @types;
	}
	verify($m, $zone);
	return;
}

sub set_label {
	my ($redis, $label, $value) = @_;
	$redis->cmd('HSET', 'redins:zones:an.test.', $label => $json->encode($value));
	return;
}

# After the change it answers as wanted; until then as before.
sub never_fails {
	my ($m, $name, $change, $want) = @_;
	my (%seen, $got);
	$change->();
	ok(poll(20, sub { ($got = answer($m, $name, 'A')) =~ $want || !++$seen{$got} }), "$name: $want") or diag($got);
	is_deeply([grep { /SERVFAIL/ } keys %seen], [], 'and does not fail meanwhile');
	return;
}

# A target that is ours changes, and goes.
sub target_goes {
	my ($m, $redis) = @_;
	$redis->cmd('HSET', 'redins:zones:other.test.', here => '{"a":{"ttl":33,"records":[{"ip":"192.0.2.34"}]},"aaaa":{"ttl":33,"records":[{"ip":"2001:db8::34"}]}}');
	becomes($m, 'local.an.test', 'A', qr/^NOERROR local\.an\.test\. 33 A 192\.0\.2\.34$/);
	becomes($m, 'local.an.test', 'AAAA', qr/ AAAA 2001:db8::34$/);
	validates($m, 'an.test', ['local', 'A', $GOOD], ['local', 'AAAA', $GOOD]);
	$redis->cmd('HDEL', 'redins:zones:other.test.', 'here');
	becomes($m, 'local.an.test', 'A', qr/^NOERROR $/);
	validates($m, 'an.test', ['local', 'A', $NODATA], ['local', 'AAAA', $NODATA]);
	return;
}

# Names with nothing but an ANAME that leads to no address: they exist, and have no types.
sub empty_names {
	my ($m, $redis, $denial) = @_;
	$redis->cmd('HSET', 'redins:zones:an.test.', map { ($_ => $json->encode($empty{$_})) } keys %empty);
	becomes($m, 'nothing.an.test', 'A', qr/^NOERROR $/);
	validates($m, 'an.test', ['nothing', 'A', $NODATA], ['nothing', 'AAAA', $NODATA], ['nothing', 'MX', $NODATA],
		['x.nothing', 'A', $NXDOMAIN], ['dead', 'MX', $NODATA]);
	is(answer($m, 'dead.an.test', 'A'), 'SERVFAIL ', 'of which nothing is known');
	my @proof = grep { $_->type eq uc $denial } $m->ask('nothing.an.test', 'MX', do => 1, tcp => 1)->packet->authority;
	my ($own) = grep { $denial eq 'nsec3' ? $_->match('nothing.an.test') : $_->owner eq 'nothing.an.test' } @proof;
	is($own ? join(' ', sort $own->typelist) : 'none', $denial eq 'nsec3' ? '' : 'NSEC RRSIG', "$denial: no types but its own");
	return;
}

# What resolvers say changes, then what Redis has.
sub changes {
	my ($m, $redis) = @_;
	my $kept = signature($m, 'an.test', 'A')->sig;
	my $before = signature($m, 'via.an.test', 'A');

	is($before->orgttl, 3600, 'the TTL that is signed is the most that is answered');
	$fake->say('four.outside.test A' => $nodata, 'four.outside.test AAAA' => { answer => [rr6('four', 5, 4)] },
		'hop.outside.test A' => { answer => [rr('hop', 33, 6)] });
	becomes($m, 'four.an.test', 'AAAA', qr/^NOERROR four\.an\.test\. 5 AAAA 2001:db8::4$/);
	becomes($m, 'four.an.test', 'A', qr/^NOERROR $/);
	validates($m, 'an.test', ['four', 'AAAA', $GOOD], ['four', 'A', $NODATA], ['four', 'MX', $NODATA]);
	becomes($m, 'via.an.test', 'A', qr/ 33 A /);
	my $after = signature($m, 'via.an.test', 'A');
	is($after->sig, $before->sig, 'another TTL: the same signature');
	is($after->ttl, 33, 'with the TTL of its RRset');
	validates($m, 'an.test', ['via', 'A', $GOOD]);
	is(signature($m, 'an.test', 'A')->sig, $kept, 'others keep their signatures');

	$fake->say("four.outside.test $_" => { rcode => 'SERVFAIL' }) for qw(A AAAA);
	ok(poll(20, sub { grep { $_->{owner} eq 'four.an.test.' && $_->{state} eq 'stale' } @{ $m->ctl('errors')->{errors} } }), 'the resolver fails: that is told');
	is(answer($m, 'four.an.test', 'AAAA'), 'NOERROR four.an.test. 5 AAAA 2001:db8::4', 'and changes nothing');
	validates($m, 'an.test', ['four', 'AAAA', $GOOD], ['four', 'A', $NODATA]);
	$m->restart;
	is(answer($m, 'four.an.test', 'AAAA'), 'NOERROR four.an.test. 5 AAAA 2001:db8::4', 'after a restart, too');
	validates($m, 'an.test', ['four', 'AAAA', $GOOD], ['', 'A', $GOOD], ['x.wild', 'A', $GOOD]);

	# so does the name itself: at once where the target is known
	never_fails($m, 'new.an.test', sub { set_label($redis, new => aname('apex.outside.test.')) }, qr/ A 192\.0\.2\.1, /);
	never_fails($m, 'new.an.test', sub { set_label($redis, new => aname('wild.outside.test.')) }, qr/ A 192\.0\.2\.5$/);
	# and what is not known leaves it what it had
	$fake->say('late.outside.test A' => { answer => [rr('late', 60, 8)], slow => 0.1 }, 'late.outside.test AAAA' => $nodata);
	never_fails($m, 'new.an.test', sub { set_label($redis, new => aname('late.outside.test.')) }, qr/ A 192\.0\.2\.8$/);
	set_label($redis, new => aname('nowhere.outside.test.'));
	ok(poll(20, sub { grep { $_->{owner} eq 'new.an.test.' && $_->{type} eq 'A' && $_->{reason} =~ /before is served/ } @{ $m->ctl('errors')->{errors} } }), 'a target that does not exist is told');
	is(answer($m, 'new.an.test', 'A'), 'NOERROR new.an.test. 60 A 192.0.2.8', 'the addresses before go on');
	validates($m, 'an.test', ['new', 'A', $GOOD]);
	set_label($redis, '@' => { ns => { records => [{ host => 'ns.an.test.' }] }, %{ aname('four.outside.test.') } });
	becomes($m, 'an.test', 'A', qr/^NOERROR $/);
	never_fails($m, 'an.test', sub { set_label($redis, '@' => { ns => { records => [{ host => 'ns.an.test.' }] }, %{ aname('apex.outside.test.') } }) }, qr/ A 192\.0\.2\.1, /);
	set_label($redis, via => aname('four.an.test.'));
	becomes($m, 'via.an.test', 'AAAA', qr/^NOERROR via\.an\.test\. 5 AAAA 2001:db8::4$/);
	becomes($m, 'via.an.test', 'A', qr/^NOERROR $/);
	set_label($redis, own => aname('apex.outside.test.'));
	becomes($m, 'own.an.test', 'A', qr/ A 192\.0\.2\.1, /);
	set_label($redis, own => { a => { ttl => 60, records => [{ ip => '192.0.2.9' }] } });
	becomes($m, 'own.an.test', 'A', qr/ 60 A 192\.0\.2\.9$/);
	becomes($m, 'own.an.test', 'AAAA', qr/^NOERROR $/);
	set_label($redis, four => { aname => { location => 5 } });
	ok(poll(20, sub { grep { ($_->{owner} // '') eq 'four.an.test.' && $_->{type} eq 'ANAME' } @{ $m->ctl('errors')->{errors} } }), 'an ANAME that cannot be read is told');
	is(answer($m, 'four.an.test', 'AAAA'), 'NOERROR four.an.test. 5 AAAA 2001:db8::4', 'the one before goes on');
	validates($m, 'an.test', ['via', 'AAAA', $GOOD], ['via', 'A', $NODATA], ['own', 'AAAA', $NODATA], ['four', 'AAAA', $GOOD], ['', 'A', $GOOD]);
	set_label($redis, '@' => { ns => { records => [{ host => 'ns.an.test.' }] }, mx => { records => [{ host => 'ns.an.test.', preference => 1 }] }, %{ aname('apex.outside.test.') } });
	becomes($m, 'an.test', 'MX', qr/MX 1 ns/);
	is(answer($m, 'an.test', 'AAAA'), 'NOERROR an.test. 3600 AAAA 2001:db8::1', 'a change of the apex keeps what it leads to');
	$redis->cmd('HDEL', 'redins:zones:an.test.', 'four');
	becomes($m, 'four.an.test', 'AAAA', qr/^NXDOMAIN/);
	validates($m, 'an.test', ['four', 'A', $NXDOMAIN], ['', 'MX', $GOOD], ['', 'AAAA', $GOOD]);
	$m->expect_log(qr/an\.test\. four/);
	return;
}

for my $denial (qw(nsec3 nsec)) {
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $m = Martlet->new(start => 0, config => { redis => $redis->settings, workers => { count => 1 },
		resolver => { servers => [{ address => '127.0.0.1', port => $fake->port }], timeout_ms => 300 } });
	my $key = keygen($m->dir, 'an.test', '-a', 13, '-f', 'KSK');
	my %strings = key_strings(ksk => $key);

	$fake->say(%said);
	$redis->cmd('SADD', 'redins:zones', 'an.test.', 'other.test.');
	$redis->cmd('SET', 'redins:zones:an.test.:config', $json->encode({ soa => { ttl => 300, minttl => 10, serial => 1, ns => 'ns.an.test.' }, dnssec => \1, denial => $denial }));
	$redis->cmd('SET', "redins:zones:an.test.:$_" => $strings{$_}) for keys %strings;
	$redis->cmd('HSET', 'redins:zones:an.test.', map { ($_ => $json->encode($labels{$_})) } keys %labels);
	$redis->cmd('SET', 'redins:zones:other.test.:config', '{"soa":{"serial":1}}');
	$redis->cmd('HSET', 'redins:zones:other.test.', here => '{"a":{"ttl":33,"records":[{"ip":"192.0.2.33"}]}}',
		steered => '{"a":{"ttl":60,"filter":{"count":"single","order":"rr"},"records":[{"ip":"192.0.2.71"},{"ip":"192.0.2.72"}]}}');
	$m->expect_log(qr/no file here is named|no NS at the top|$LATE/);
	$m->start;
	validate_by($m, 'an.test' => public_of($key));
	becomes($m, 'an.test', 'A', qr/^NOERROR an\.test\. 300 A 192\.0\.2\.1, an\.test\. 300 A 192\.0\.2\.2$/);
	becomes($m, 'an.test', 'AAAA', qr/^NOERROR an\.test\. 3600 AAAA 2001:db8::1$/);
	becomes($m, 'four.an.test', 'A', qr/^NOERROR four\.an\.test\. 5 A 192\.0\.2\.4$/);
	becomes($m, 'via.an.test', 'A', qr/^NOERROR via\.an\.test\. 5 A 192\.0\.2\.6$/);
	becomes($m, 'local.an.test', 'A', qr/^NOERROR local\.an\.test\. 33 A 192\.0\.2\.33$/);
	becomes($m, 'x.wild.an.test', 'A', qr/^NOERROR x\.wild\.an\.test\. 60 A 192\.0\.2\.5$/);
	becomes($m, 'own.an.test', 'AAAA', qr/^NOERROR own\.an\.test\. 3600 AAAA 2001:db8::1$/);
	becomes($m, 'steered.an.test', 'A', qr/^NOERROR steered\.an\.test\. 60 A 192\.0\.2\.7[12]$/);
	validates($m, 'an.test', aname_cases());
	any_type_of_wildcard('an.test', 'wild');
	verify($m, 'an.test') if $denial eq 'nsec3';
	empty_names($m, $redis, $denial);
	verify($m, 'an.test') if $denial eq 'nsec';
	target_goes($m, $redis);
	changes($m, $redis) if $denial eq 'nsec';
	end_validator();
	$m->stop;
}

# Without Redis: zone files with sidecars; flattened CNAMEs
{
	$fake->say(%said);
	my $m = Martlet->new(start => 0, config => { workers => { count => 1 }, dnssec => { key_dir => '' },
		resolver => { servers => [{ address => '127.0.0.1', port => $fake->port }], timeout_ms => 300 } });
	my (%keys, %flat) = ();
	%flat = ('flat.test' => 'nsec', 'flat3.test' => 'nsec3');

	mkdir $m->dir . '/keys' or die "keys: $!\n";
	$m->{arg}{config}{dnssec}{key_dir} = $m->dir . '/keys';
	for my $zone (qw(file.test flat.test flat3.test)) {
		$keys{$zone} = keygen($m->dir . '/keys', $zone, '-a', 13, '-f', 'KSK');
		$m->write_zone($zone, zone_text(1, $zone));
	}
	write_file($m->zone_path('file.test') =~ s/zone$/json/r, $json->encode({ '@config' => { dnssec => \1, denial => 'nsec3' }, map { ($_ => $labels{$_}) } qw(four) }));
	write_file($m->zone_path($_) =~ s/zone$/json/r, $json->encode({ '@config' => { dnssec => \1, cname_flattening => \1, denial => $flat{$_} } })) for keys %flat;
	$m->expect_log(qr/$LATE/);
	$m->start;
	validate_by($m, map { $_ => public_of($keys{$_}) } keys %keys);
	becomes($m, 'four.file.test', 'A', qr/^NOERROR four\.file\.test\. 5 A 192\.0\.2\.4$/);
	validates($m, 'file.test', ['four', 'A', $GOOD], ['four', 'AAAA', $NODATA], ['', 'MX', $NODATA]);
	any_type_of_wildcard('file.test', qw(w p));
	verify($m, 'file.test');
	becomes($m, 'far.flat.test', 'A', qr/^NOERROR far\.flat\.test\. 60 A 192\.0\.2\.1, far\.flat\.test\. 60 A 192\.0\.2\.2$/);
	becomes($m, 'near.flat.test', 'A', qr/^NOERROR near\.flat\.test\. 50 A 192\.0\.2\.53$/);
	becomes($m, 'x.w.flat.test', 'A', qr/^NOERROR x\.w\.flat\.test\. 50 A 192\.0\.2\.53$/);
	validates($m, 'flat.test', ['far', 'A', $GOOD], ['far', 'AAAA', $GOOD], ['near', 'A', $GOOD], ['near', 'CNAME', $GOOD], ['x.w', 'A', $GOOD]);
	is(answer($m, 'near.flat.test', 'AAAA'), 'NOERROR near.flat.test. 50 CNAME ns.flat.test.', 'without an address the CNAME stands');
	all_types($m, $_) for sort keys %flat;
	$m->restart;
	is(answer($m, 'four.file.test', 'A'), 'NOERROR four.file.test. 5 A 192.0.2.4', 'at once after a restart');
	my $before = signature($m, 'four.file.test', 'A')->sig;
	$m->write_zone('file.test', zone_text(2, 'file.test'));
	$m->ctl('reload');
	is(($m->ask('file.test', 'SOA')->packet->answer)[0]->serial, 2, 'reloaded with one change');
	is(signature($m, 'four.file.test', 'A')->sig, $before, 'its signature is taken over');
	validates($m, 'file.test', ['four', 'A', $GOOD], ['four', 'AAAA', $NODATA]);

	# a generation as it was sealed knew no address yet
	$m->expect_log(qr/rollback|swap/);
	my ($exit) = $m->ctl('rollback', '1');
	is($exit, 0, 'rollback') or diag($m->{ctl_stderr});
	is(answer($m, 'four.file.test', 'A'), 'NOERROR four.file.test. 5 A 192.0.2.4', 'at once after a rollback');
	is(($m->ask('file.test', 'SOA')->packet->answer)[0]->serial, 1, 'of the zone as it was');
	validates($m, 'file.test', ['four', 'A', $GOOD], ['four', 'AAAA', $NODATA]);
	validates($m, 'flat.test', ['far', 'A', $GOOD], ['x.w', 'A', $GOOD]);
	verify($m, 'file.test');
	($exit) = $m->ctl('resume');
	is($exit, 0, 'resume') or diag($m->{ctl_stderr});
	is(answer($m, 'four.file.test', 'A'), 'NOERROR four.file.test. 5 A 192.0.2.4', 'and after it');
	validates($m, 'file.test', ['four', 'A', $GOOD], ['four', 'AAAA', $NODATA]);
	end_validator();
	$m->stop;
}

done_testing();
