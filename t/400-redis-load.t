#!/usr/bin/perl
# Zones as redins and z42 keep them, in a real Redis: read, and asked for record by record.
use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::PP ();
use Martlet;
use Martlet::Process qw(find_program poll write_file);
use Martlet::Redis;
use Martlet::RedisZones qw(bulk_name bulk_address);
use Test::More;

Martlet::Redis::need();

my $json = JSON::PP->new->canonical;

# A server of what this Redis holds.  %redis: settings of the group.
sub served {
	my ($redis, %redis) = @_;
	my %arg = %{ delete $redis{arg} // {} };
	my $m = Martlet->new(%arg, config => { redis => $redis->settings(%redis) });
	$m->expect_log(qr/no file here is named/);
	ok($m->wait_log(qr/reading all zones from Redis.*generation \d+ is served/s, 20), 'Redis is read and served')
	  or diag($m->log);
	return $m;
}

sub answers {
	my ($m, $name, $type, @want) = @_;
	my $r = $m->ask($name, $type);
	is_deeply([$r->rcode, $r->text('answer')], ['NOERROR', @want], "$name $type");
	return $r;
}

sub rcode_is {
	my ($m, $name, $type, $want) = @_;
	my $r = $m->ask($name, $type);
	my @records = $r->text('answer');
	is($r->rcode . (@records ? ' with answers' : ''), $want, "$name $type: $want");
	return $r;
}

# redis-cli, as an operator types it
sub redis_cli {
	my ($redis, $script) = @_;
	my $cli = find_program('redis-cli');
	my $path = "$redis->{dir}/commands.sh";

	write_file($path, join '', map {"$cli -h $redis->{address} -p $redis->{port} $_\n"} split /\n/, $script);
	my $output = `sh -e $path 2>&1`;
	is($?, 0, 'redis-cli takes it') or diag($output);
	unlike($output, qr/^\(?ERR|WRONGTYPE/m, 'without an error');
	return;
}

my $redins = <<'END';
SADD redins:zones example.com.
SET  redins:zones:example.com.:config '{"soa":{"ttl":300,"minttl":100,"mbox":"hostmaster.example.com.","ns":"ns1.example.com.","refresh":44,"retry":55,"expire":66,"serial":23232},"dnssec":false,"cname_flattening":false,"domain_id":"123456789"}'
HSET redins:zones:example.com. @ '{"ns":{"ttl":300,"records":[{"host":"ns1.example.com."},{"host":"ns2.example.com."}]},"mx":{"ttl":300,"records":[{"host":"mx1.example.com.","preference":10}]},"a":{"ttl":300,"records":[{"ip":"192.0.2.1"}]}}'
HSET redins:zones:example.com. www '{"a":{"ttl":300,"filter":{"count":"multi","order":"rr","geo_filter":"country"},"health_check":{"enable":true,"protocol":"http","uri":"/","port":80,"timeout":1000,"up_count":3,"down_count":-3},"records":[{"ip":"192.0.2.2","country":"US","asn":444,"weight":10},{"ip":"192.0.2.3","country":["DE",""],"asn":[47447,0]}]},"aaaa":{"ttl":300,"records":[{"ip":"2001:db8::2"}]}}'
HSET redins:zones:example.com. alias '{"cname":{"ttl":300,"host":"www.example.com."}}'
HSET redins:zones:example.com. an '{"aname":{"location":"www.example.net."}}'
HSET redins:zones:example.com. t '{"txt":{"ttl":300,"records":[{"text":"hello"},{"text":"second"}]}}'
HSET redins:zones:example.com. _sip._tcp '{"srv":{"ttl":300,"records":[{"target":"www.example.com.","port":5060,"priority":10,"weight":100}]}}'
HSET redins:zones:example.com. c '{"caa":{"ttl":300,"records":[{"tag":"issue","value":"ca.example.net","flag":0}]}}'
HSET redins:zones:example.com. _443._tcp '{"tlsa":{"ttl":300,"records":[{"usage":1,"selector":1,"matching_type":1,"certificate":"1CFC98A706BCF3683015"}]}}'
HSET redins:zones:example.com. '*.wild' '{"a":{"ttl":300,"records":[{"ip":"192.0.2.9"}]}}'
HSET redins:zones:example.com. sub '{"ns":{"ttl":300,"records":[{"host":"ns1.sub.example.com."}]},"ds":{"ttl":300,"records":[{"key_tag":57855,"algorithm":5,"digest_type":1,"digest":"B6DCD485719ADCA18E5F3D48A2331627FDD3636B"}]}}'
SADD redins:zones 0.0.127.in-addr.arpa.
HSET redins:zones:0.0.127.in-addr.arpa. 1 '{"ptr":{"ttl":300,"domain":"localhost"}}'
END

# The same, a key for each RRset.
sub as_z42 {
	my $text = '';

	for (split /\n/, $redins) {
		if (/^HSET redins:zones:(\S+) (\S+) '(.*)'$/) {
			my ($zone, $label, $rrsets) = ($1, $2, $json->decode($3));
			$label =~ s/'//g;
			$text .= "SADD z42:zones:$zone:labels '$label'\n";
			$text .= "SET 'z42:zones:$zone:labels:$label:$_' '" . $json->encode($rrsets->{$_}) . "'\n"
			  for sort keys %$rrsets;
		} else {
			$text .= s/redins:/z42:/r . "\n";
		}
	}
	return $text;
}

sub ask_listing {
	my ($m, %opt) = @_;
	my $soa_ttl = $opt{soa_ttl} // 300;

	answers($m, 'example.com', 'SOA',
		'example.com. 300 SOA ns1.example.com. hostmaster.example.com. 23232 44 55 66 100');
	answers($m, 'example.com', 'NS', 'example.com. 300 NS ns1.example.com.', 'example.com. 300 NS ns2.example.com.');
	answers($m, 'example.com', 'MX', 'example.com. 300 MX 10 mx1.example.com.');
	answers($m, 'example.com', 'A', 'example.com. 300 A 192.0.2.1');
	answers($m, 'www.example.com', 'A', 'www.example.com. 300 A 192.0.2.2', 'www.example.com. 300 A 192.0.2.3');
	answers($m, 'WWW.example.com', 'AAAA', 'www.example.com. 300 AAAA 2001:db8::2');
	answers($m, 'alias.example.com', 'AAAA', 'alias.example.com. 300 CNAME www.example.com.',
		'www.example.com. 300 AAAA 2001:db8::2');
	answers($m, 't.example.com', 'TXT', 't.example.com. 300 TXT hello', 't.example.com. 300 TXT second');
	answers($m, '_sip._tcp.example.com', 'SRV', '_sip._tcp.example.com. 300 SRV 10 100 5060 www.example.com.');
	answers($m, 'c.example.com', 'CAA', 'c.example.com. 300 CAA 0 issue ca.example.net');
	answers($m, '_443._tcp.example.com', 'TLSA', '_443._tcp.example.com. 300 TLSA 1 1 1 1cfc98a706bcf3683015');
	answers($m, 'x.y.wild.example.com', 'A', 'x.y.wild.example.com. 300 A 192.0.2.9');
	rcode_is($m, 'wild.example.com', 'A', 'NOERROR');
	rcode_is($m, '_tcp.example.com', 'A', 'NOERROR');
	rcode_is($m, 'nothing.example.com', 'A', 'NXDOMAIN');
	answers($m, 'sub.example.com', 'DS',
		'sub.example.com. 300 DS 57855 5 1 b6dcd485719adca18e5f3d48a2331627fdd3636b');
	my $r = $m->ask('a.sub.example.com', 'A');
	is_deeply([$r->text('authority')], ['sub.example.com. 300 NS ns1.sub.example.com.'], 'a referral');
	ok(!$r->aa, 'without AA');
	rcode_is($m, 'an.example.com', 'A', 'SERVFAIL');
	rcode_is($m, 'an.example.com', 'TXT', 'NOERROR');
	answers($m, '1.0.0.127.in-addr.arpa', 'PTR', '1.0.0.127.in-addr.arpa. 300 PTR localhost.');
	$r = answers($m, '0.0.127.in-addr.arpa', 'SOA', ($m->ask('0.0.127.in-addr.arpa', 'SOA')->text('answer'))[0]);
	like(($r->text('answer'))[0],
		qr/^0\.0\.127\.in-addr\.arpa\. $soa_ttl SOA ns1\.0\.0\.127\.in-addr\.arpa\. hostmaster\.0\.0\.127\.in-addr\.arpa\. 1[78]\d{8} 86400 7200 3600 300$/,
		'the SOA without a config');
	return;
}

subtest 'the listing of redins' => sub {
	my $redis = Martlet::Redis->new(notify => 'KA');
	redis_cli($redis, $redins);
	my $m = served($redis);
	$m->expect_log(qr/no NS at the top of the zone/);
	ask_listing($m);
	$m->stop;
};

subtest 'the listing in the schema of z42' => sub {
	my $redis = Martlet::Redis->new(notify => 'KA');
	redis_cli($redis, as_z42());
	$redis->cmd('SET', 'z42:zones:example.com.:labels:off:a', '{"records":[{"ip":"192.0.2.77"}]}');
	my $m = served($redis, schema => 'z42');
	$m->expect_log(qr/no NS at the top of the zone/);
	ask_listing($m, soa_ttl => 3600);
	rcode_is($m, 'off.example.com', 'A', 'NXDOMAIN');
	$m->stop;
};

# One zone, labels as JSON.
sub fill {
	my ($redis, $labels, %opt) = @_;
	my ($prefix, $suffix, $zone) = ($opt{prefix} // '', $opt{suffix} // '', $opt{zone} // 'z.test.');
	my %labels = ('@' => '{"ns":{"records":[{"host":"ns.z.test."}]}}', %$labels);

	$redis->cmd('SADD', "${prefix}redins:zones$suffix", $zone);
	$redis->cmd('HSET', "${prefix}redins:zones:$zone$suffix", $_, $labels{$_}) for sort keys %labels;
	$redis->cmd('SET', "${prefix}redins:zones:$zone:config$suffix", $opt{config} // '{"soa":{"serial":7}}');
	return;
}

subtest 'prefix, suffix, and what generations write differently' => sub {
	my $redis = Martlet::Redis->new(notify => 'KA');
	fill($redis, {
		a => '{"a":{"records":[{"ip":"192.0.2.1","country":null,"asn":7,"weight":1}]}}',
		zero => '{"A":{"TTL":0,"Records":[{"IP":"192.0.2.2"}]}}',
		long => '{"a":{"ttl":100000,"records":[{"ip":"192.0.2.3"}]}}',
		dot => '{"mx":{"ttl":5,"records":[{"host":"mail.z.test","preference":1}]}}',
		null => '{"txt":null,"a":{"ttl":5,"records":null}}',
		empty => '{}',
		v6 => '{"aaaa":{"ttl":5,"records":[{"ip":""},{"ip":"2001:db8::1"}]}}',
		'Upper' => '{"a":{"ttl":5,"records":[{"ip":"192.0.2.4"}]}}',
		'a.b.c' => '{"txt":{"ttl":5,"records":[{"text":"deep"}]}}',
	}, prefix => 'redins_', suffix => '_redins', config => '{"soa":null}');
	my $m = served($redis, prefix => 'redins_', suffix => '_redins');

	answers($m, 'a.z.test', 'A', 'a.z.test. 3600 A 192.0.2.1');
	answers($m, 'zero.z.test', 'A', 'zero.z.test. 3600 A 192.0.2.2');
	answers($m, 'long.z.test', 'A', 'long.z.test. 3600 A 192.0.2.3');
	answers($m, 'dot.z.test', 'MX', 'dot.z.test. 5 MX 1 mail.z.test.');
	rcode_is($m, 'null.z.test', 'TXT', 'NOERROR');
	rcode_is($m, 'empty.z.test', 'A', 'NOERROR');
	rcode_is($m, 'b.c.z.test', 'A', 'NOERROR');
	answers($m, 'a.b.c.z.test', 'TXT', 'a.b.c.z.test. 5 TXT deep');
	answers($m, 'v6.z.test', 'AAAA', 'v6.z.test. 5 AAAA 2001:db8::1');
	answers($m, 'upper.z.test', 'A', 'upper.z.test. 5 A 192.0.2.4');
	like(($m->ask('z.test', 'SOA')->text('answer'))[0], qr/^z\.test\. 300 SOA ns1\.z\.test\. /, '"soa":null is its default');
	$m->stop;

	$m = served($redis, prefix => 'redins_', suffix => '_redins', max_ttl => 0);
	answers($m, 'long.z.test', 'A', 'long.z.test. 100000 A 192.0.2.3');
	$m->stop;
};

subtest 'types that redins lacks' => sub {
	my %rdata = (
		HTTPS => ['1 . alpn=h2 ipv4hint=192.0.2.1'], SVCB => ['1 svc.z.test. port=8443'],
		NAPTR => ['10 20 "u" "E2U+sip" "!^.*$!sip:info@z.test!" .'],
		SSHFP => ['4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789'],
		TYPE65400 => ['\# 3 010203'], uri => ['10 1 "https://z.test/"'],
	);
	for my $schema (qw(redins z42)) {
		my $redis = Martlet::Redis->new(notify => 'KA');
		my $zones = Martlet::RedisZones->new(schema => $schema);
		$zones->load($redis, { 'z.test' => { config => { soa => { serial => 3 } }, labels => {
			'@' => { ns => { ttl => 60, records => [{ host => 'ns.other.test.' }] } },
			g => { map { $_ => { ttl => 60, rdata => $rdata{$_} } } keys %rdata },
			dn => { dname => { ttl => 60, rdata => ['other.test.'] } } } } });
		my $m = served($redis, schema => $schema);
		for my $type (sort keys %rdata) {
			my $r = $m->ask('g.z.test', uc $type);
			is(scalar(my @records = $r->text('answer')), 1, "$schema: $type") or diag($r->dump);
		}
		my $r = $m->ask('x.dn.z.test', 'A');
		like(join(' ', $r->text('answer')), qr/dn\.z\.test\. 60 DNAME other\.test\./, "$schema: DNAME");
		$m->stop;
	}
};

# A bad value of each kind, what is said of it, and what else is at its label.
my @bad = (
	[nojson => '{"a":', qr/nojson: octet \d+: is not JSON/, A => 'SERVFAIL', TXT => 'SERVFAIL'],
	[list => '[1]', qr/list: must be an object/, A => 'SERVFAIL'],
	[ip => '{"a":{"records":[{"ip":"192.0.2.1"},{"ip":"192.0.2"}]},"txt":{"records":[{"text":"ok"}]}}',
		qr/ip: a\.records\[1\]\.ip: /, A => 'NOERROR with answers', TXT => 'NOERROR with answers', MX => 'NOERROR'],
	[ips => '{"a":{"records":[{"ip":"192.0.2"}]},"txt":{"records":[{"text":"ok"}]}}',
		qr/ips: a\.records\[0\]\.ip: /, A => 'SERVFAIL', TXT => 'NOERROR with answers', MX => 'NOERROR'],
	[pref => '{"mx":{"records":[{"host":"m.","preference":-1}]},"a":{"records":[{"ip":"192.0.2.1"}]}}',
		qr/pref: mx\.records\[0\]\.preference: must be a whole number/, MX => 'SERVFAIL', A => 'NOERROR with answers'],
	[cn => '{"cname":{"host":"a..b"},"txt":{"records":[{"text":"ok"}]}}',
		qr/cn: cname\.host: /, CNAME => 'SERVFAIL', A => 'SERVFAIL', TXT => 'NOERROR with answers'],
	[gen => '{"HTTPS":{"rdata":["1 . alpn"]}}', qr/gen: HTTPS\.rdata\[0\]: /, HTTPS => 'SERVFAIL', A => 'NOERROR'],
	[sig => '{"NSEC":{"rdata":["a. A"]}}', qr/sig: .*cannot be set/, A => 'NOERROR'],
	[cut => '{"ns":{"records":[{"host":"ns.other.test."}]},"dname":{"rdata":["other.test."]}}',
		qr/cut: .*cannot stand at a delegation/],
	[both => '{"cname":{"host":"good.z.test."},"a":{"records":[{"ip":"x"}]}}', qr/both: a\.records\[0\]\.ip/,
		A => 'NOERROR with answers', TXT => 'NOERROR with answers'],
);

subtest 'bad values cost their own RRsets' => sub {
	my $redis = Martlet::Redis->new(notify => 'KA');
	my %labels = map { $_->[0] => $_->[1] } @bad;
	fill($redis, { %labels, good => '{"a":{"records":[{"ip":"192.0.2.1"}]}}',
		'a..b' => '{"a":{"records":[{"ip":"192.0.2.1"}]}}', Twice => '{}', twice => '{"txt":{"records":[{"text":"low"}]}}' });
	my $m = served($redis);

	$m->expect_log(qr/redins:zones:z\.test\. |label "/);
	answers($m, 'good.z.test', 'A', 'good.z.test. 3600 A 192.0.2.1');
	answers($m, 'twice.z.test', 'TXT', 'twice.z.test. 3600 TXT low');
	for my $case (@bad) {
		my ($label, undef, $said, %want) = @$case;
		like($m->log, $said, "$label is told");
		rcode_is($m, "$label.z.test", $_, $want{$_}) for sort keys %want;
	}
	like($m->log, qr/label "a\.\.b" is no name/, 'a label that is no name');
	like($m->log, qr/label "Twice" is left out: another one/, 'a label that is there twice');

	my @listed = grep { ($_->{reason} // '') =~ /^label "/ } @{ $m->ctl('errors')->{errors} };
	is_deeply([map { $_->{source} } @listed], [('redins:zones:z.test.') x 2],
		'`errors` lists both') or diag(explain \@listed);
	my ($said) = grep { /RRsets? / } @{ $m->ctl('status')->{problems} };
	is(($said // '') =~ /^(\d+) / ? $1 : 0, scalar @{ $m->ctl('errors')->{errors} },
		'as many as `status` counts') or diag($said);
	$m->stop;
};

subtest 'a value of 70 MB' => sub {
	my $redis = Martlet::Redis->new(notify => 'KA');
	fill($redis, { huge => '{}', good => '{"a":{"records":[{"ip":"192.0.2.1"}]}}' });
	$redis->cmd('HSET', 'redins:zones:z.test.', 'huge', 'x' x 70_000_000);
	my $m = served($redis);
	$m->expect_log(qr/z\.test\. huge: is too long: 70000000 octets/);
	answers($m, 'good.z.test', 'A', 'good.z.test. 3600 A 192.0.2.1');
	rcode_is($m, 'huge.z.test', 'A', 'SERVFAIL');
	$redis->cmd('HSET', 'redins:zones:z.test.', 'good', '{"a":{"records":[{"ip":"192.0.2.2"}]}}');
	ok(poll(10, sub { ($m->ask('good.z.test', 'A')->text('answer'))[0] =~ /192\.0\.2\.2/ }), 'changes are followed');
	$redis->cmd('HSET', 'redins:zones:z.test.', 'huge', '{"a":{"records":[{"ip":"192.0.2.3"}]}}');
	ok(poll(10, sub { $m->ask('huge.z.test', 'A')->rcode eq 'NOERROR' }), 'until it is good');
	$m->stop;
};

subtest 'zones that cannot be served' => sub {
	my $redis = Martlet::Redis->new(notify => 'KA');
	fill($redis, { a => '{"a":{"records":[{"ip":"192.0.2.1"}]}}' });
	fill($redis, { a => '{"a":{"records":[{"ip":"192.0.2.1"}]}}' }, zone => 'sec.test.', config => '{"dnssec":true}');
	$redis->cmd('SADD', 'redins:zones', 'list.test.', 'none.test.', 'no..name', 'Z.test');
	$redis->cmd('LPUSH', 'redins:zones:list.test.', 'x');
	my $m = served($redis);

	$m->expect_log(qr/sec\.test|list\.test|none\.test|no\.\.name|twice/);
	answers($m, 'a.z.test', 'A', 'a.z.test. 3600 A 192.0.2.1');
	rcode_is($m, 'a.sec.test', 'A', 'SERVFAIL');
	rcode_is($m, 'a.list.test', 'A', 'SERVFAIL');
	rcode_is($m, 'a.none.test', 'A', 'REFUSED');
	my ($exit, $errors) = $m->ctl('errors');
	my %reason = map { $_->{zone} => $_->{reason} } @{ $errors->{errors} // [] };
	like($reason{'sec.test.'} // '', qr/has no key.*redis\.unsigned_ok = true/, 'a zone to be signed says what to do');
	like($reason{'list.test.'} // '', qr/WRONGTYPE/, 'a key of another type');
	like($m->log, qr/lists none\.test\., of which it has nothing else/, 'a zone without keys is told');
	$m->stop;

	$m = served($redis, unsigned_ok => \1);
	$m->expect_log(qr/sec\.test|list\.test|none\.test|no\.\.name|twice/);
	answers($m, 'a.sec.test', 'A', 'a.sec.test. 3600 A 192.0.2.1');
	$m->stop;
};

subtest 'options that change while it runs' => sub {
	my $redis = Martlet::Redis->new(notify => 'KA');
	fill($redis, { a => '{"a":{"ttl":5000,"records":[{"ip":"192.0.2.1"}]}}' });
	fill($redis, { b => '{"a":{"ttl":5,"records":[{"ip":"192.0.2.2"}]}}' }, prefix => 'new_');
	my $m = served($redis);
	answers($m, 'a.z.test', 'A', 'a.z.test. 3600 A 192.0.2.1');
	$m->write_config({ redis => { max_ttl => 4000 } });
	is(($m->ctl('reload'))[0], 0, 'another max_ttl');
	ok(poll(10, sub { ($m->ask('a.z.test', 'A')->text('answer'))[0] =~ / 4000 / }), 'is served');
	$m->write_config({ redis => { prefix => 'new_' } });
	is(($m->ctl('reload'))[0], 0, 'another prefix');
	ok(poll(10, sub { $m->ask('b.z.test', 'A')->rcode eq 'NOERROR' }), 'other zones');
	rcode_is($m, 'a.z.test', 'A', 'NXDOMAIN');
	$m->stop;
};

subtest 'files and Redis' => sub {
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $zone = "\@ 60 SOA ns.other.test. h.other.test. 1 2 3 4 5\n\@ 60 NS ns.other.test.\nw 60 A 192.0.2.99\n";
	fill($redis, { w => '{"a":{"ttl":5,"records":[{"ip":"192.0.2.1"}]}}' });
	fill($redis, { w => '{"a":{"ttl":5,"records":[{"ip":"192.0.2.2"}]}}' }, zone => 'r.test.');
	my $m = served($redis, arg => { zones => { 'f.test' => $zone, 'z.test' => $zone } });
	$m->expect_log(qr/z\.test/);
	answers($m, 'w.f.test', 'A', 'w.f.test. 60 A 192.0.2.99');
	answers($m, 'w.r.test', 'A', 'w.r.test. 5 A 192.0.2.2');
	answers($m, 'w.z.test', 'A', 'w.z.test. 60 A 192.0.2.99');
	ok(poll(10, sub {
		my ($error) = grep { $_->{zone} eq 'z.test.' } @{ ($m->ctl('errors') // {})->{errors} // [] };
		return ($error->{reason} // '') =~ /Redis/;
	}), 'the zone that both have is an error');

	# the copy that is served stays
	$m->write_zone('r.test', $zone);
	$m->expect_log(qr/r\.test/);
	$m->ctl('reload');
	answers($m, 'w.r.test', 'A', 'w.r.test. 5 A 192.0.2.2');
	$m->remove_zone('r.test');

	# without Redis, what was read is served, also at a start
	$redis->kill_now;
	$m->expect_log(qr/Redis 127\.0\.0/, qr/Redis/);
	$m->restart;
	answers($m, 'w.r.test', 'A', 'w.r.test. 5 A 192.0.2.2');
	answers($m, 'w.f.test', 'A', 'w.f.test. 60 A 192.0.2.99');
	$m->stop;

	$m = Martlet->new(zones => { 'f.test' => $zone }, config => { redis => $redis->settings });
	$m->expect_log(qr/Redis/);
	answers($m, 'w.f.test', 'A', 'w.f.test. 60 A 192.0.2.99');
	$m->stop;
};

done_testing();
