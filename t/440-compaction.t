#!/usr/bin/perl
# Generations sealed from generation and overlay while Redis is followed: past
# generations.overlay_max_records, by a reload, and while processes are killed; rollback and
# resume around live changes; a full disk.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll);
use Martlet::Redis;
use Martlet::RedisZones qw(bulk_name bulk_address);
use Martlet::Zones qw(addresses_of zone generation sync_pid);
use Test::More;

Martlet::Redis::need();

my $seed = $ENV{MARTLET_SEED} // time;
srand $seed;
diag "MARTLET_SEED=$seed";

my $redis = Martlet::Redis->new(notify => 'KA', persistence => 'aof');
my $keys  = Martlet::RedisZones->new;
my $zones = 10;
my $names = 110;    # in each of them; together more than the bound of 1000

$keys->load_bulk($redis, 0, $zones, 5);

my $m = Martlet->new(
	zones  => { 'file.test' => zone(1) },
	config => {
		redis       => $redis->settings,
		generations => { overlay_max_records => 1000, keep => 3 },
	});
my $state = $m->state_dir;

sub address_of { return (addresses_of($m, @_))[0] }

sub rr { return { a => { ttl => 60, records => [{ ip => $_[0] }] } } }

# Set label `l<i>` of many zones to an address, and say so in the stream.
my %want;

sub change {
	my ($address, @numbers) = @_;
	for my $i (@numbers) {
		my @entry;
		for my $z (0 .. $zones - 1) {
			my $origin = bulk_name($z);
			$redis->cmd(@$_) for $keys->set_label($origin, "l$i", rr($address));
			push @entry, zone => "$origin.", label => "l$i";
			$want{"l$i.$origin"} = $address;
		}
		$redis->cmd('XADD', 'martlet:changes', '*', @entry);
	}
	return;
}

# Are all names as Redis has them?
sub wrong_names {
	my @names = sort keys %want;
	my @addresses = addresses_of($m, @names);
	return map { $addresses[$_] ne $want{ $names[$_] } ? $names[$_] : () } 0 .. $#names;
}

sub last_is_served {
	my ($address, $i) = @_;
	return poll(20, sub { address_of("l$i." . bulk_name($zones - 1)) eq $address });
}

sub is_right {
	my ($what) = @_;
	my @wrong;
	poll(40, sub { !(@wrong = wrong_names()) });
	is(scalar @wrong, 0, "$what: all " . keys(%want) . ' names as in Redis') or diag($wrong[0]);
	return;
}

ok(poll(30, sub { address_of('w1.' . bulk_name(0)) eq bulk_address(0) }),
	'the zones of Redis are served');
is(address_of('www.file.test'), '192.0.2.1', 'and those of files');

# past the bound a new generation is sealed
my $first = generation($m);
change('192.0.2.10', 1 .. $names);
ok(last_is_served('192.0.2.10', $names), 'changes are served');
ok($m->wait_log(qr/sealed from \d+ and its overlay/, 30), 'a new generation is sealed');
cmp_ok(generation($m), '>', $first, 'and served');
is_right('after a compaction');
my ($exit, $json) = $m->ctl('stats');
is($json->{redis_compactions}, 1, 'counted');

# changes go on, into the new overlay
change('192.0.2.11', 1 .. 3);
is_right('changes go on');

# the next one is not due within a minute; a reload takes all in
my $before = generation($m);
$m->write_zone('file.test', zone(2));
is(($m->ctl('reload'))[0], 0, 'a zone file changes: reload');
cmp_ok(generation($m), '>', $before, 'a new generation');
is(address_of('www.file.test'), '192.0.2.2', 'with the file');
is_right('and all live changes');

# rollback: sealed data; changes wait, and come with resume
my ($old) = (sort { $b <=> $a } grep { $_ < generation($m) }
	  map { m{/(\d{8})$} ? $1 + 0 : () } glob "$state/generations/*")[0];
($exit, $json) = $m->ctl('rollback', $old);
is($exit, 0, "rollback to $old");
is(generation($m), $old, 'is served');
change('192.0.2.12', 1 .. 5);
ok(!poll(0.5, sub { address_of('l1.' . bulk_name(0)) eq '192.0.2.12' }),
	'changes wait');
($exit, $json) = $m->ctl('rollback', $before + 1);
is($exit, 0, 'to the sealed state of the newest');
cmp_ok(generation($m), '>', $before + 1, 'which gets a number of its own');
is(($m->ctl('resume'))[0], 0, 'resume');
is_right('resumed');

# sync and its children die while it seals
$m->expect_log(qr/sync.* died|killed by signal/, qr/half done/, qr/no new generation could be sealed/);
for my $round (1 .. $ENV{MARTLET_CRASHES} // 4) {
	my $address = "192.0.2." . (20 + $round);
	my $pid = sync_pid($m);
	change($address, map { 1 + int rand $names } 1 .. 8);
	$m->write_zone('file.test', zone(2 + $round));
	kill 'HUP', $m->pid;
	select undef, undef, undef, rand 0.15;
	if ($round % 2) {
		kill 'KILL', $pid;
	} else {
		my $children = "/proc/$pid/task/$pid/children";
		open my $in, '<', $children or next;
		kill 'KILL', split ' ', <$in> // '';
	}
	change($address, 1 .. 2);
	is_right("round $round");
	ok(poll(10, sub { !(() = glob "$state/generations/*.tmp") }), "round $round: nothing half built is left");
}

# the whole dies, and Redis is dead at the start
change('192.0.2.40', 1 .. 30);
is_right('before the crash');
$m->kill_now;
$redis->kill_now;
$m->expect_log(qr/Redis|another server/);
$m->start;
is_right('started again without Redis');

# readers that die leave no slot: pages are used again
sub overlay_kb { my ($path) = glob "$state/generations/*/overlay/data.mdb"; return (-s $path) >> 10 }
$redis->start;
change('192.0.2.50', 1 .. 10);
is_right('Redis is back, and followed');
$m->expect_log(qr/worker \d+ .*died/, qr/killed by signal 9/);
for my $round (1 .. 5) {
	my @pids = map { $_->{pid} } @{ ($m->ctl('workers'))[1]{workers} };
	kill 'KILL', $pids[0];
	change("192.0.2." . (60 + $round), 1 .. 4);
	ok(poll(10, sub { @pids == grep { $_->{state} eq 'serving' } @{ ($m->ctl('workers'))[1]{workers} } }),
		"round $round: a worker is killed, and back");
	is_right("round $round");
}
my $size = overlay_kb();
change("192.0.3.$_", 1 .. 4) for 1 .. 30;
is_right('many changes of the same names');
cmp_ok(overlay_kb(), '<=', $size * 2 + 256, 'the overlay does not grow by them');

$m->stop;

# No room for a new generation: what is served goes on being served, and takes changes.
# The texts in the file make a generation 5 MB; changes cost the overlay some 100 KB.
SKIP: {
	my $texts = join '', map { "t$_ TXT" . (' ' . 'x' x 250) x 12 . "\n" } 1 .. 1500;
	my $full = Martlet->new(
		start  => 0,
		zones  => { 'file.test' => zone(1, $texts) },
		config => {
			redis       => $redis->settings,
			generations => { overlay_max_records => 1000, reserve_mb => 0 },
		});
	mkdir $full->state_dir;
	skip 'no file system can be mounted here', 6
	  if $> != 0 || system("mount -t tmpfs -o size=32m tmpfs " . $full->state_dir . ' 2>/dev/null') != 0;
	$m = $full;
	$m->expect_log(qr/space|room|MB are free/);
	$m->start;
	is_right('on a small disk');
	change('192.0.2.70', 1 .. 95);
	is_right('below the bound');
	my $free = (split ' ', (`df -k ${\ $m->state_dir}`)[1])[3];
	system 'fallocate', '-l', ($free - 2048) . 'K', $m->state_dir . '/ballast';
	change('192.0.2.71', 96 .. 102);
	ok($m->wait_log(qr/no new generation could be sealed: .*make room/, 10),
		'a new generation finds no room: the log names the remedy');
	ok(poll(10, sub { grep { /make room/ } @{ $m->ctl('status')->{problems} } }), 'and so does status');
	is_right('without a new generation');
	$m->kill_now;
	# its children end a moment later, and hold files there until then
	ok(poll(10, sub { system("umount ${\ $m->state_dir} 2>/dev/null") == 0 }), 'the disk is let go');
}

# The only generation that has the zones of Redis goes bad: it is served as long as Redis
# cannot be read, and never one without them; then all is read anew.
sub damage {
	my ($path) = @_;
	chmod 0640, $path;
	open my $file, '+<', $path or die "$path: $!\n";
	seek $file, -9, 2;
	read $file, my $octet, 1;
	seek $file, -9, 2;
	print $file chr(ord($octet) ^ 0x40);
	return close $file;
}

$m = Martlet->new(
	zones  => { 'file.test' => zone(1) },
	config => { redis => $redis->settings });
is_right('another server');
my $loaded = generation($m);
$m->stop;
damage(sprintf '%s/generations/%08d/data.mdb', $m->state_dir, $loaded);
$redis->kill_now;
$m->expect_log(qr/Redis|another server/, qr/damaged/);
$m->start;
ok($m->wait_log(qr/is damaged/, 20), 'the damage is found');
is(generation($m), $loaded, 'nothing could stand in: it goes on being served');
cmp_ok(scalar wrong_names(), '<', keys(%want) / 2, 'with most of its names');
is(($m->ctl('reload'))[0], 1, 'a reload is refused');
$redis->start;
ok(poll(30 * Martlet::Process::slow(), sub { generation($m) != $loaded }), 'Redis can be read: a new generation');
is_right('read anew');
is(address_of('www.file.test'), '192.0.2.1', 'with the files');
$m->stop;
done_testing();
