#!/usr/bin/perl
# Steered RRsets from a real Redis, asked for over UDP and TCP: which records come, in which
# order and how often, against a model of what the words mean.
#
# How often is judged by chi-squared, so that a right server fails once in 10^9 times.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Select;
use JSON::PP ();
use List::Util qw(sum0);
use Martlet;
use Martlet::Answer;
use Martlet::Process qw(poll slow);
use Martlet::Redis;
use Martlet::Wire qw(encode_query);
use Socket qw(AF_INET AF_INET6 inet_ntop);
use Test::More;

Martlet::Redis::need();

my $seed = $ENV{MARTLET_SEED} // time & 0xffffff;
srand $seed;
diag("MARTLET_SEED=$seed");

my $json = JSON::PP->new->canonical;
my $BATCH = 50;

# ---- the model ----

# The addresses of an answer that begins with candidate $first: each once.
sub rotated {
	my ($set, $first) = @_;
	my @records = @{ $set->{records} };
	my %seen;
	my @out = grep { !$seen{$_}++ } map { $_->{ip} } @records[$first .. $#records], @records[0 .. $first - 1];

	return $out[0] if ($set->{count} // '') eq 'single';
	return $set->{first} && $set->{first} < @out ? @out[0 .. $set->{first} - 1] : @out;
}

# How likely each candidate is to be first.
sub shares {
	my ($set) = @_;
	my @records = @{ $set->{records} };
	my $order = $set->{order} // '';
	my $sum = sum0 map { $_->{weight} // 0 } @records;

	return map { ($_->{weight} // 0) / $sum } @records if $order eq 'weighted' && $sum;
	return (1 / @records) x @records if $order eq 'weighted' || $order eq 'rr';
	return (1, (0) x $#records);
}

# Every answer that may come => how likely it is.  An RRset of which nothing is chosen has no
# order: it is sorted, there and here.
sub model {
	my ($set) = @_;
	my @shares = shares($set);
	my $is_plain = ($set->{order} // '') !~ /^(?:rr|weighted)$/ && ($set->{count} // '') ne 'single'
	  && !($set->{first} && $set->{first} < @{ $set->{records} });
	my %model;

	for my $first (grep { $shares[$_] > 0 } 0 .. $#shares) {
		my @answer = rotated($set, $first);
		@answer = sort @answer if $is_plain;
		$model{"@answer"} += $shares[$first];
	}
	return ($is_plain, %model);
}

sub is_too_much {
	my ($chi, $freedom) = @_;
	return $chi - $freedom - 42 > 2 * sqrt($freedom * 21);
}

# ---- asking ----

sub udp_read {
	my ($socket) = @_;
	my $wire;

	return unless IO::Select->new($socket)->can_read(10 * slow());
	return defined $socket->recv($wire, 4096) ? $wire : undef;
}

# The addresses of a type, in the order in which they stand there, joined.
sub addresses {
	my ($answer, $type) = @_;
	my ($number, $family) = $type eq 'A' ? (1, AF_INET) : (28, AF_INET6);

	return join ' ', map { inet_ntop($family, $_->[4]) } grep { $_->[1] == $number } @{ $answer->{answer} };
}

# The address records of each of $count answers, joined.
sub ask_often {
	my ($m, $name, $type, $count, $tcp) = @_;
	my $query = encode_query($name, $type, udp_size => 4096);
	my $socket = $tcp ? $m->tcp_socket : $m->udp_socket;
	my @answers;

	while (@answers < $count) {
		if ($tcp) {
			$m->tcp_write($socket, ($query) x $BATCH);
		} else {
			$socket->send($query) for 1 .. $BATCH;
		}
		for (1 .. $BATCH) {
			my $wire = $tcp ? $m->tcp_read($socket) : udp_read($socket);
			return unless defined $wire;
			push @answers, addresses(Martlet::Answer->new($wire), $type);
		}
	}
	return @answers;
}

sub fits {
	my ($m, $set, $name, $what, %opt) = @_;
	my $count = $opt{count} // 1000;
	my ($is_plain, %model) = model($set);
	my (%seen, $chi, $cells);

	for (ask_often($m, $name, $set->{type}, $count, $opt{tcp})) {
		my $answer = $is_plain ? join ' ', sort split : $_;
		$seen{$answer}++;
	}
	my @odd = grep { !$model{$_} } keys %seen;
	ok(%seen && !@odd, "$what: only answers that may be") or diag("$name $set->{type}: '$odd[0]' of " . $json->encode($set));
	for (keys %model) {
		my $want = $model{$_} * $count;
		next if $want < 1;
		$chi += (($seen{$_} // 0) - $want)**2 / $want;
		$cells++;
	}
	ok($cells < 2 || !is_too_much($chi, $cells - 1), "$what: as often as they should")
	  or diag($json->encode([$set, \%seen]));
	return;
}

# Rows of `errors` that are no warnings, of which a word that is not known is one.
sub faults {
	my ($m) = @_;
	return grep { $_->{state} ne 'warning' } @{ $m->ctl('errors')->{errors} };
}

# ---- the data ----

sub value {
	my ($set) = @_;
	my %rrset = (ttl => 60, records => $set->{records});

	$rrset{filter} = { map { defined $set->{$_} ? ($_ => $set->{$_}) : () } qw(count order first) };
	return $json->encode({ lc $set->{type} => \%rrset });
}

sub random_set {
	my $type = rand 2 < 1 ? 'A' : 'AAAA';
	my @lasts = map { 1 + int rand 40 } 1 .. 1 + rand 8;
	my @orders = ('none', 'rr', 'weighted', 'what', undef);

	return {
		type => $type, count => (undef, 'multi', 'single')[rand 3], order => $orders[rand @orders],
		first => (undef, undef, 0, 1 + int rand 5)[rand 4],
		records => [map {
			{ ip => ($type eq 'A' ? "192.0.2.$_" : "2001:db8::$_"), (rand 3 < 2 ? (weight => int rand 20) : ()) }
		} @lasts],
	};
}

my @sets = map { random_set() } 1 .. 30;
my $redis = Martlet::Redis->new(notify => 'KA');
my $key = 'redins:zones:z.test.';
my %fixed = (
	'@' => '{"ns":{"records":[{"host":"ns.z.test."}]},"mx":{"records":[{"host":"single.z.test.","preference":1}]}}',
	ns => '{"a":{"records":[{"ip":"192.0.2.53"}]}}',
	alias => '{"cname":{"host":"x.wild.z.test."}}',
);
my $single = { type => 'A', count => 'single', order => 'rr', records => [map { { ip => "192.0.2.$_" } } 1 .. 3] };
my $wild = { type => 'A', order => 'weighted', records => [{ ip => '192.0.2.9', weight => 3 }, { ip => '192.0.2.8', weight => 1 }] };

$redis->cmd('SADD', 'redins:zones', 'z.test.');
$redis->cmd('SET', "$key:config", '{"soa":{"serial":7}}');
$redis->cmd('HSET', $key, %fixed, single => value($single), '*.wild' => value($wild), map { ("s$_" => value($sets[$_])) } 0 .. $#sets);

my $m = Martlet->new(config => { redis => $redis->settings, workers => { count => 2 } });
$m->expect_log(qr/no file here is named|"what" is not known here/);
ok($m->wait_log(qr/reading all zones from Redis.*generation \d+ is served/s, 20), 'Redis is read and served') or diag($m->log);

subtest 'random RRsets' => sub {
	fits($m, $sets[$_], "s$_.z.test", "set $_", tcp => $_ % 5 == 0) for 0 .. $#sets;
};

subtest 'by other names' => sub {
	fits($m, $wild, 'any.wild.z.test', 'through a wildcard');
	fits($m, $wild, 'alias.z.test', 'through a CNAME');
	my %seen;
	for (1 .. 60) {
		my @a = grep { / A / } $m->ask('z.test', 'MX')->text('additional');
		$seen{"@a"}++;
	}
	is_deeply([sort keys %seen], [map { "single.z.test. 60 A 192.0.2.$_" } 1 .. 3], 'beside an MX: one of them');
	my $r = $m->ask('s0.z.test', $sets[0]{type} eq 'A' ? 'AAAA' : 'A');
	is_deeply([$r->rcode, $r->text('answer')], ['NOERROR'], 'the other family: NODATA');
	cmp_ok($m->counters->{steered}, '>', 2000, 'they are counted');
	cmp_ok(($m->ctl('stats'))[1]{stages}{steer}{count}, '>', 100, 'and the time that choosing takes');
};

subtest 'what the commands say' => sub {
	my ($status, $out) = $m->ctl('export', 'z.test');
	my @texts = map { @{ $_->{records} } } @{ $out->{export} };
	is_deeply([grep { /^; single/ } @texts],
		['; single.z.test. IN A is steered: count single, order rr: 192.0.2.1, 192.0.2.2, 192.0.2.3'], 'export');
	is(scalar(grep { /^single.*192\.0\.2/ } @texts), 3, 'and all its records');
};

subtest 'as the manual has it' => sub {
	my $page = do { open my $file, '<', "$Bin/../man/martlet-redis.7" or die $!; local $/; <$file> };
	my %example = $page =~ /^\.\\" test: (steered|subnet|health)\n\.Bd [^\n]*\n(.*?)^\.Ed$/msg;

	is_deeply([sort keys %example], [qw(health steered subnet)], 'examples');
	$redis->cmd('HSET', $key, map { ("man-$_" => $example{$_}) } keys %example);
	ok(poll(10, sub { !grep { !@{ $m->ask("man-$_.z.test", 'A')->{answer} } } keys %example }), 'they are served');
	fits($m, { type => 'A', count => 'single', order => 'weighted', records => [{ ip => '192.0.2.1', weight => 3 }, { ip => '192.0.2.2', weight => 1 }] },
		'man-steered.z.test', 'by weight');
	is(addresses($m->ask('man-subnet.z.test', 'A'), 'A'), '192.0.2.1', 'by network');
	my ($comment) = grep { /^; man-health/ } map { @{ $_->{records} } } @{ $m->ctl('export', 'z.test')->{export} };
	is($comment, '; man-health.z.test. IN A is steered: count multi, order none, health_check https port 443 host "www.example.com" uri "/healthz" '
		. 'body "well" codes 204|200-299 verify timeout 1000 up_count 3 down_count -3 interval 20 policy last: 192.0.2.1, 192.0.2.2', 'its health check');
	is_deeply([grep { $_->{owner} =~ /^man/ } @{ $m->ctl('errors')->{errors} }], [], 'without errors');
};

subtest 'changed live' => sub {
	my $before = $m->ctl('status')->{generation};
	my ($digest) = map { $_->{digest} } @{ $m->ctl('zones', '--digest', 'z.test')->{zones} };
	my %changed = (%$wild, records => [map { { %$_, weight => 4 - $_->{weight} } } @{ $wild->{records} }]);
	my %plain = (%$single, count => 'multi', order => 'none');

	$redis->cmd('HSET', $key, '*.wild' => value(\%changed));
	ok(poll(10, sub { $m->ctl('zones', '--digest', 'z.test')->{zones}[0]{digest} ne $digest }), 'another weight is another digest');
	fits($m, \%changed, 'w.wild.z.test', 'the new weights');
	$redis->cmd('HSET', $key, single => value(\%plain));
	ok(poll(10, sub { 3 == @{ $m->ask('single.z.test', 'A')->{answer} } }), 'steered no more');
	fits($m, \%plain, 'single.z.test', 'a plain RRset');
	$redis->cmd('HSET', $key, single => '{"a":{"filter":{"order":"weighted"},"records":[{"ip":"192.0.2.1","weight":-1}]}}');
	$m->expect_log(qr/weight: must be a whole number from 0/);
	ok(poll(10, sub { faults($m) }), 'a bad weight is told');
	fits($m, \%plain, 'single.z.test', 'what was there is served on');
	$redis->cmd('HSET', $key, '*.wild' => '{"a":{"filter":{"order":"weighted"},"records":[{"ip":"192.0.2.1","weight":-1}]}}');
	ok(poll(10, sub { faults($m) == 2 }), 'another one');
	fits($m, \%changed, 'w.wild.z.test', 'a steered one is served on steered');
	$redis->cmd('HSET', $key, '*.wild' => value($wild));
	ok(poll(10, sub { faults($m) == 1 }), 'mended');
	my $lines = $json->encode(scalar $m->ctl('diff', $before, 'live'));
	like($lines, qr/is steered: count single/, 'diff tells what is steered no more');
};

subtest 'after a restart without Redis' => sub {
	$redis->stop;
	$m->expect_log(qr/Redis/);
	$m->restart;
	fits($m, $wild, 'w.wild.z.test', 'from the store');
	fits($m, $sets[1], 's1.z.test', 'another one');
};

$m->stop;
done_testing();
