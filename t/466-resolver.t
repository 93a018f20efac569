#!/usr/bin/perl
# ANAMEs and flattened CNAMEs that lead out of our zones: what a resolver says, its lies, its
# silence and its return.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::PP ();
use Martlet;
use Martlet::FakeResolver;
use Martlet::Process qw(children_of poll read_file slow);
use Martlet::Redis;
use Test::More;
use Time::HiRes qw(sleep time);

Martlet::Redis::need();

my $json = JSON::PP->new->canonical;
my $redis = Martlet::Redis->new(notify => 'KA');
my $zone = 'redins:zones:an.test.';
my %labels = (
	'@' => { ns => { records => [{ host => 'ns.an.test.' }] }, aname => { location => 'apex.outside.test.' } },
	(map { ($_ => { aname => { location => "$_.outside.test." } }) }
		qw(good alias nodata nx lie question garbage many tc tctc slow none v6 fail long referral dup loop)),
	back => { aname => { location => 'back.outside.test.' } },
	here => { a => { ttl => 33, records => [{ ip => '192.0.2.33' }] } },
	via => { aname => { location => 'hop.an.test.' } }, hop => { cname => { host => 'hop.outside.test.', ttl => 44 } },
	local => { aname => { location => 'here.an.test.' } },
);

sub rr { my ($name, $ttl, @last) = @_; return map { "$name.outside.test. $ttl A 192.0.2.$_" } @last }
my $soa = 'outside.test. 600 SOA ns.outside.test. h.outside.test. 1 2 3 4 120';
my %said = (
	'apex.outside.test A' => { answer => [rr('apex', 300, 1, 2)] },
	'apex.outside.test AAAA' => { answer => ['apex.outside.test. 7200 AAAA 2001:db8::1'] },
	'good.outside.test A' => { answer => [rr('good', 1, 3)] },
	'good.outside.test AAAA' => { authority => [$soa] },
	'alias.outside.test A' => { answer => ['alias.outside.test. 50 CNAME Other.Test.', 'other.test. 20 CNAME third.test.', 'third.test. 90 A 192.0.2.4', 'else.test. 9 A 192.0.2.5'] },
	'alias.outside.test AAAA' => {},
	'nodata.outside.test A' => { authority => [$soa] }, 'nodata.outside.test AAAA' => { authority => [$soa] },
	'lie.outside.test A' => { answer => ['evil.test. 50 A 192.0.2.66'] },
	'question.outside.test A' => { question => 'evil.test', answer => ['evil.test. 50 A 192.0.2.66'] },
	'garbage.outside.test A' => { garbage => 'no message at all' },
	'many.outside.test A' => { addresses => 1000 },
	'tc.outside.test A' => { tc => 1, answer => [rr('tc', 60, 8)] },
	'tctc.outside.test A' => { tc => 2, answer => [rr('tctc', 60, 8)] },
	'none.outside.test A' => { silent => 1 },
	'v6.outside.test AAAA' => { answer => ['v6.outside.test. 60 AAAA 2001:db8::6'] },
	'v6.outside.test A' => { rcode => 'SERVFAIL' },
	'fail.outside.test A' => { rcode => 'REFUSED' },
	'long.outside.test A' => { answer => [(map { "l$_.test. 60 CNAME l" . ($_ + 1) . '.test.' } 0 .. 20), 'long.outside.test. 60 CNAME l0.test.', 'l21.test. 60 A 192.0.2.66'] },
	'loop.outside.test A' => { answer => ['loop.outside.test. 60 CNAME p.test.', 'p.test. 60 CNAME loop.outside.test.'] },
	'referral.outside.test A' => { authority => ['outside.test. 60 NS ns.outside.test.'] },
	'dup.outside.test A' => { answer => [rr('dup', 60, 7, 7, 8)] },
	'back.outside.test A' => { answer => ['back.outside.test. 60 CNAME here.an.test.', 'here.an.test. 9 A 192.0.2.99'] },
	'hop.outside.test A' => { answer => [rr('hop', 60, 10)] },
);
my $fake = Martlet::FakeResolver->new;
$fake->say(%said);
$redis->cmd('SADD', 'redins:zones', 'an.test.', 'flat.test.');
$redis->cmd('SET', 'redins:zones:an.test.:config', '{"soa":{"serial":7,"minttl":10}}');
$redis->cmd('HSET', $zone, map { ($_ => $json->encode($labels{$_})) } keys %labels);
$redis->cmd('SET', 'redins:zones:flat.test.:config', '{"soa":{"serial":7},"cname_flattening":true}');
$redis->cmd('HSET', 'redins:zones:flat.test.', 'www', '{"cname":{"host":"good.outside.test.","ttl":60}}', 'two', '{"cname":{"host":"flat.outside.test."}}');
$fake->say('flat.outside.test A' => { answer => [rr('flat', 60, 11)] });

sub started {
	my (%arg) = @_;
	my $m = Martlet->new(%arg, config => { redis => $redis->settings,
		resolver => { servers => [{ address => "127.0.0.1", port => $fake->port }], timeout_ms => 300, %{ delete $arg{resolver} // {} } } });
	$m->expect_log(qr/no file here is named|resolver .* does not answer|resolver .* answers again|resolver .* cannot be reached|no NS at the top/);
	ok($m->wait_log(qr/reading all zones from Redis.*generation \d+ is served/s, 20), 'it serves') or diag($m->log);
	return $m;
}

my $m = started();

sub answer {
	my ($name, $type) = @_;
	my $r = $m->ask($name, $type // 'A');
	return join ' ', $r->rcode, join ', ', $r->text('answer');
}
sub becomes {
	my ($name, $type, $want, $seconds) = @_;
	my $got;
	my $is_so = sub { ($got = answer($name, $type)) =~ $want };
	ok(poll($seconds // 10, $is_so), "$name $type: $want") or diag("$got\n" . $json->pretty->encode(($m->ctl('status'))[1]{resolver} // {}));
	return;
}

subtest 'what is said' => sub {
	becomes('an.test', 'A', qr/^NOERROR an\.test\. 300 A 192\.0\.2\.1, an\.test\. 300 A 192\.0\.2\.2$/);
	becomes('an.test', 'AAAA', qr/^NOERROR an\.test\. 3600 AAAA 2001:db8::1$/);
	becomes('good.an.test', 'A', qr/^NOERROR good\.an\.test\. 5 A 192\.0\.2\.3$/);
	becomes('good.an.test', 'AAAA', qr/^NOERROR $/);
	becomes('alias.an.test', 'A', qr/^NOERROR alias\.an\.test\. 20 A 192\.0\.2\.4$/);
	becomes('alias.an.test', 'AAAA', qr/^NOERROR $/);
	becomes('nodata.an.test', 'A', qr/^NOERROR $/);
	becomes('tc.an.test', 'A', qr/^NOERROR tc\.an\.test\. 60 A 192\.0\.2\.8$/);
	becomes('dup.an.test', 'A', qr/^NOERROR dup\.an\.test\. 60 A 192\.0\.2\.7, dup\.an\.test\. 60 A 192\.0\.2\.8$/);
	becomes('v6.an.test', 'AAAA', qr/^NOERROR v6\.an\.test\. 60 AAAA 2001:db8::6$/);
	becomes('www.flat.test', 'A', qr/^NOERROR www\.flat\.test\. 5 A 192\.0\.2\.3$/);
	becomes('two.flat.test', 'A', qr/^NOERROR two\.flat\.test\. 60 A 192\.0\.2\.11$/);
	becomes('back.an.test', 'A', qr/^NOERROR back\.an\.test\. 9 A 192\.0\.2\.33$/);
	becomes('via.an.test', 'A', qr/^NOERROR via\.an\.test\. 44 A 192\.0\.2\.10$/);
	is(answer('local.an.test'), 'NOERROR local.an.test. 33 A 192.0.2.33', 'a name of ours');
	is(scalar($fake->asked('here.an.test A')), 0, 'is never asked for');
	my $r = $m->ask('many.an.test', 'A', tcp => 1);
	ok(poll(10, sub { $r = $m->ask('many.an.test', 'A', tcp => 1); @{ $r->{answer} } }), 'a thousand addresses');
	is(scalar @{ $r->{answer} }, 64, 'are 64');
};

subtest 'lies' => sub {
	for my $name (qw(nx lie question garbage tctc none fail long referral loop v6)) {
		ok(poll(10, sub { scalar $fake->asked("$name.outside.test A") }), "$name: it was asked");
		is(answer("$name.an.test"), 'SERVFAIL ', 'and is not believed');
	}
	my $r = $m->ask('nx.an.test', 'A', edns => 1232);
	is_deeply([map { unpack 'n', $_->[1] } grep { $_->[0] == 15 } @{ $r->{edns}{options} }], [22], 'an extended error says why');
	is(answer('nx.an.test', 'TXT'), 'NOERROR ', 'other types are not touched');
};

subtest 'what is told' => sub {
	my %row = map { ("$_->{owner} $_->{type}" => $_) } grep { ($_->{source} // '') eq 'resolver.servers' } @{ ($m->ctl('errors'))[1]{errors} };
	is($row{'nx.an.test. A'}{state}, 'error', 'errors: a name without addresses') or diag(explain(\%row));
	like($row{'nx.an.test. A'}{reason}, qr/^leads to nx\.outside\.test\., of which no address is known: resolver 127\.0\.0\.1 port \d+ says that there is no such name$/,
		'and why');
	is($row{'nx.an.test. A'}{zone}, 'an.test.', 'and its zone');
	like($row{'lie.an.test. A'}{reason}, qr/answers with addresses of other names/, 'a lie');
	like($row{'fail.an.test. A'}{reason}, qr/answers REFUSED/, 'a refusal');
	ok(!$row{"$_.an.test. A"}, "$_ is none") for qw(good alias nodata local);
	my $status = ($m->ctl('status'))[1];
	is_deeply($status->{resolver}{servers}, ['127.0.0.1 port ' . $fake->port], 'status: whom we ask');
	cmp_ok($status->{resolver}{failing}, '>', 5, 'how many names fail');
	cmp_ok($status->{resolver}{resolved}, '>', 5, 'and how many do not');
	like("@{ $status->{notices} }", qr/names that ANAMEs and flattened CNAMEs lead to cannot be resolved now/, 'a notice');
	cmp_ok($m->counters->{aname_unresolved}, '>', 5, 'they are counted');
};

subtest 'refreshed' => sub {
	$fake->say('good.outside.test A' => { answer => [rr('good', 5, 50)] });
	becomes('good.an.test', 'A', qr/ 5 A 192\.0\.2\.50$/, 8);
	is(answer('www.flat.test'), 'NOERROR www.flat.test. 5 A 192.0.2.50', 'whoever leads to it');
	my @asked = map { $_->[1] } $fake->asked('good.outside.test A');
	cmp_ok($asked[-1] - $asked[-2], '>', 3, 'ahead of time, not all the time');
	cmp_ok($asked[-1] - $asked[-2], '<', 5 * slow(), 'but ahead');
	$fake->say('good.outside.test A' => { rcode => 'NXDOMAIN' });
	my $count = $fake->asked('good.outside.test A');
	ok(poll(10, sub { $fake->asked('good.outside.test A') > $count }), 'it says that the name is gone');
	is(answer('good.an.test'), 'NOERROR good.an.test. 5 A 192.0.2.50', 'the last addresses go on');
};

subtest 'silence and return' => sub {
	$fake->stop;
	ok($m->wait_log(qr/resolver 127\.0\.0\.1 port \d+ (?:does not answer|cannot be reached)/, 15), 'its death is told') or diag($m->log);
	is(answer('good.an.test'), 'NOERROR good.an.test. 5 A 192.0.2.50', 'the last addresses go on');
	is(answer('an.test'), 'NOERROR an.test. 300 A 192.0.2.1, an.test. 300 A 192.0.2.2', 'of all names');
	$m->restart;
	ok($m->wait_log(qr/is served.*is served/s, 20), 'a restart');
	is(answer('good.an.test'), 'NOERROR good.an.test. 5 A 192.0.2.50', 'they are there at once');
	is(answer('www.flat.test'), 'NOERROR www.flat.test. 5 A 192.0.2.50', 'for all');
	$fake->say('good.outside.test A' => { answer => [rr('good', 5, 52)] });
	$fake->start;
	becomes('good.an.test', 'A', qr/ 5 A 192\.0\.2\.52$/, 20);
};

subtest 'a crash, other settings' => sub {
	my $pid = sub { return (grep { (eval { read_file("/proc/$_/cmdline") } // "") =~ /resolver/ } map { $_->[1] } children_of($m->pid))[0] // 0 };
	my $first = $pid->();
	ok($first, 'the process has a name') or return;
	$m->expect_log(qr/resolver \(pid \d+\) died/);
	kill 'KILL', $first;
	ok(poll(10, sub { $pid->() && $pid->() != $first }), 'killed, it is started again');
	like(answer('good.an.test'), qr/^NOERROR good\.an\.test\. 5 A /, 'nothing is lost');
	if ($ENV{MARTLET_SOAK}) {
		my $hung;
		ok(poll(10, sub { $hung = $pid->() }), 'it is there') or return;
		$m->expect_log(qr/resolver \(pid $hung\) has stood still/);
		kill 'STOP', $hung;
		ok($m->wait_log(qr/resolver \(pid $hung\) has stood still for 1\d\.\d s: killed/, 20), 'one that hangs is killed');
		ok(poll(10, sub { $pid->() && $pid->() != $hung }), 'and started again');
	}
	my $stopped;
	ok(poll(10, sub { $stopped = $pid->() }), 'it is there') or return;
	my $sockets = sub { return grep { /^socket:/ } map { readlink($_) // '' } glob("/proc/$_[0]/fd/*") };
	my ($worker) = map { $_->{pid} } @{ ($m->ctl('workers'))[1]{workers} };
	my %of_worker = map { $_ => 1 } $sockets->($worker);
	cmp_ok(scalar keys %of_worker, '>=', 2, 'a worker has sockets');
	is_deeply([grep { $of_worker{$_} } $sockets->($stopped)], [], 'the resolver has none that queries come to');
	kill 'STOP', $stopped;
	my $servers = sub { scalar @{ ($m->ctl('status'))[1]{resolver}{servers} } };
	local $m->{arg}{config}{resolver} = { servers => [] };
	$m->write_config;
	$m->ctl('reload');
	ok(poll(10, sub { $servers->() == 0 && !$pid->() }), 'a reload without resolvers ends it, though it hangs');
	is(($m->ctl('status'))[1]{resolver}{names}, 0, 'nothing is said to be looked up');
	like(answer('good.an.test'), qr/^NOERROR good\.an\.test\. 5 A /, 'what is known is served on');
	$m->{arg}{config}{resolver} = { servers => [$fake->where], timeout_ms => 300 };
	$m->write_config;
	$m->ctl('reload');
	ok(poll(10, sub { $servers->() == 1 && $pid->() }), 'one with a resolver begins it');
};

subtest 'no longer wanted' => sub {
	my $names = sub { ($m->ctl('status'))[1]{resolver}{names} };
	my ($before, $times) = (0, 0);

	# it has just begun, and reads what is wanted
	poll(10, sub { my $now = $names->(); $times = $now && $now == $before ? $times + 1 : 0; $before = $now; $times == 20 });
	$redis->cmd('HDEL', $zone, 'slow', 'tctc');
	ok(poll(10, sub { $names->() == $before - 2 }), 'names leave with their records') or diag($before . ' ' . $names->());
};

is($m->stop, 0, 'a clean end');

subtest 'nobody to ask' => sub {
	$m = started(resolver => { servers => [] });
	my @rows;
	ok(poll(10, sub { @rows = grep { ($_->{source} // '') eq 'resolver.servers' } @{ ($m->ctl('errors'))[1]{errors} } }), 'errors') ;
	is_deeply([grep { $_ eq 'good.an.test.' || $_ eq 'local.an.test.' || $_ eq 'www.flat.test.' } map { $_->{owner} } @rows],
		['good.an.test.', 'www.flat.test.'], 'each that leads outside is listed');
	like($rows[0]{reason}, qr/list resolvers in resolver\.servers/, 'with the remedy');
	$m->stop;
};

# The second of two takes over from one that is silent; no more is asked than max_qps.
subtest 'two resolvers and a bound' => sub {
	my $other = Martlet::FakeResolver->new;
	$other->say(%said, map { ("n$_.outside.test A" => { answer => ["n$_.outside.test. 300 A 192.0.2.7"] }) } 1 .. 60);
	$fake->stop;
	$redis->cmd('HSET', $zone, map { ("n$_" => qq({"aname":{"location":"n$_.outside.test."}})) } 1 .. 60);
	$m = started(resolver => { servers => [$fake->where, '127.0.0.1:' . $other->port], max_qps => 40 });
	becomes("n$_.an.test", 'A', qr/192\.0\.2\.7$/, 20) for 1, 30, 60;
	my @asked = map { $_->[1] } $other->asked;
	my ($most, $first) = (0, 0);
	for my $last (0 .. $#asked) {
		$first++ while $asked[$last] - $asked[$first] > 1;
		$most = $last - $first + 1 if $last - $first + 1 > $most;
	}
	cmp_ok($most, '<=', 40 * 1.25, 'at most max_qps within any second');
	cmp_ok($most, '>', 10, 'but all that are allowed');
	my %times;
	my $count = sub { %times = (); $times{ $_->[0] }++ for grep { $_->[0] =~ /^n\d+\S+ A$/ } $other->asked; return keys %times };
	ok(poll(20, sub { $count->() == 60 }), 'all are asked for');
	cmp_ok((grep { $_ > 1 } values %times), '<', 6, 'each once, but for what is lost');
	$m->stop;
};

subtest 'a full disk' => sub {
	plan skip_all => 'in its long form, as root' unless $ENV{MARTLET_SOAK} && $> == 0;
	my $other = Martlet::FakeResolver->new;
	my $names = 60;
	# an answer to all that it is asked: the disk alone fails
	$other->say(map { ("$_.outside.test A" => {}, "$_.outside.test AAAA" => {}) } 'apex', 'hop', 'flat', keys %labels);
	$other->say(map { ("f$_.outside.test AAAA" => {},
		"f$_.outside.test A" => { answer => ["f$_.outside.test. 300 A 192.0.2.9"] }) } 1 .. $names);
	$m = Martlet->new(start => 0, config => { redis => $redis->settings, resolver => { servers => ['127.0.0.1:' . $other->port] } });
	my $dir = $m->state_dir . '/resolved';
	mkdir $_ for $m->state_dir, $dir;
	plan skip_all => 'no file system can be mounted here' if system("mount -t tmpfs -o size=200k tmpfs $dir 2>/dev/null") != 0;
	$m->expect_log(qr/no NS at the top|room|space|does not answer/);
	$m->start;
	open my $ballast, '>', "$dir/ballast" or die;
	1 while syswrite $ballast, "\0" x 4096;
	close $ballast;
	$redis->cmd('HSET', $zone, map { ("f$_" => qq({"aname":{"location":"f$_.outside.test."}})) } 1 .. $names);
	ok($m->wait_log(qr/what resolvers say is not kept/, 20), 'it is told');
	is(() = $m->log =~ /what resolvers say is not kept/g, 1, 'once');
	unlink "$dir/ballast" or die;
	my $known = sub { scalar grep { answer("f$_.an.test") =~ /192\.0\.2\.9$/ } 1 .. $names };
	ok(poll(30, sub { $known->() == $names }), 'with room again all is known, long before it is due') or diag($known->());
	$m->stop;
	system('umount', $dir);
};
done_testing();
