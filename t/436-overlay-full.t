#!/usr/bin/perl
# An overlay whose LMDB map is full, or half so: a new generation is sealed from it, and
# nothing is lost.  The map has 32 GiB; here it is made small.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll write_file);
use Martlet::Redis;
use Martlet::RedisZones qw(bulk_name);
use Test::More;

Martlet::Redis::need();

my $MAP_KB = 4096;
my $ZONES = 20;
my $LABELS = 18;

my $redis = Martlet::Redis->new(notify => 'KA');
my $schema = Martlet::RedisZones->new;
$schema->load_bulk($redis, 0, $ZONES, $LABELS + 2);

my $m = Martlet->new(start => 0, config => { redis => $redis->settings });

# LMDB with a small map, in front of the real one.
my $source = write_file($m->dir . '/small_map.c', <<"END");
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

int
mdb_env_set_mapsize(void *env, size_t len)
{
	int (*real)(void *, size_t);

	*(void **)&real = dlsym(RTLD_NEXT, "mdb_env_set_mapsize");
	return real(env, len > ((size_t)1 << 30) ? $MAP_KB * 1024 : len);
}
END
my $cc = $ENV{CC} // 'cc';
my $library = $m->dir . '/small_map.so';
system("$cc -shared -fPIC -o '$library' '$source' -ldl") == 0 or plan(skip_all => "no $cc");
local $ENV{LD_PRELOAD} = $library;
local $ENV{ASAN_OPTIONS} = join ':', 'verify_asan_link_order=0', $ENV{ASAN_OPTIONS} // ();

my $round = 0;

# New addresses for the labels of all zones, as one change set: `count` in each RRset.
sub change_all {
	my ($count) = @_;
	$round++;
	$redis->multi(sub {
		my ($tx) = @_;
		my @entry;
		for my $zone (map { bulk_name($_) } 0 .. $ZONES - 1) {
			for my $label (map {"w$_"} 1 .. $LABELS) {
				my @records = map { { ip => "172.$round." . ($_ >> 8) . '.' . ($_ & 255) } } 1 .. $count;
				$tx->cmd(@$_) for $schema->set_label($zone, $label, { a => { ttl => 60, records => \@records } });
				push @entry, zone => "$zone.", label => $label;
			}
		}
		$tx->cmd('XADD', 'martlet:changes', '*', @entry);
	});
	return;
}

# The rounds that are served, of names far from each other: one, when whole sets are; 0
# is what was there at first.
sub served {
	my %seen;
	for my $number (0, $ZONES - 1) {
		for my $label ('w1', "w$LABELS") {
			my ($first) = $m->ask("$label." . bulk_name($number), 'A', tcp => 1)->text('answer');
			$seen{ ($first // '') =~ / 172[.](\d+)[.]/ ? $1 : $first ? 0 : 'nothing' } = 1;
		}
	}
	return join ' ', sort keys %seen;
}

sub compactions { return $m->ctl('stats')->{redis_compactions} }
sub problems { return join '; ', @{ $m->ctl('status')->{problems} } }

sub becomes_served {
	my ($what) = @_;
	return ok(poll(20, sub { served() eq $round }), $what) || diag(served(), problems(), $m->log);
}

$m->expect_log(qr/live changes cannot be written/);
$m->start;
ok(poll(20, sub { served() eq '0' }), 'what Redis holds is served');
change_all(150);
becomes_served('changes are');
is(compactions(), 0, 'the map is not half full yet');

# one change set that does not fit the rest of it
change_all(400);
ok($m->wait_log(qr/cannot be written into the store, and wait in Redis: is full; a new generation is made from it/, 20),
	'a change set does not fit: the log says what happens');
becomes_served('it is served, from a new generation');
is(compactions(), 1, 'sealed from the full one');
ok(poll(10, sub { problems() eq '' }), 'status is well') or diag(problems());
is(($m->ctl('zones', '--digest'))[0], 0, 'and all can be read');

# and after a restart
$m->restart;
is(served(), $round, 'a restart serves the same');
$redis->cmd(@$_) for $schema->set_label(bulk_name(0), 'late', { a => { ttl => 60, records => [{ ip => '192.0.2.1' }] } });
ok(poll(10, sub { $m->ask('late.' . bulk_name(0), 'A')->rcode eq 'NOERROR' }), 'and goes on');
$m->stop;
done_testing();
