#!/usr/bin/perl
# The process that makes a new generation does not come to an end: the overlay fills, changes
# wait in Redis from four times its bound on, and nothing is lost.  One that does nothing at
# all is named by status, killed, and what it did is done again.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll write_file);
use Martlet::Redis;
use Martlet::RedisZones qw(bulk_name);
use Martlet::Zones qw(addresses_of generation serial_of zone);
use SlowBuilder qw(builder slow_builders);
use Test::More;

Martlet::Redis::need();

my $BOUND = 1000;    # the least that overlay_max_records can be
my $ZONES = 10;
my $LABELS = 50;     # of each zone, in one change set

my $redis = Martlet::Redis->new(notify => 'KA');
my $schema = Martlet::RedisZones->new;
$schema->load_bulk($redis, 0, $ZONES, 5);

my $m = Martlet->new(start => 0, zones => { 'file.test' => zone(1) }, config => {
	redis => $redis->settings, generations => { overlay_max_records => $BOUND, stall_s => 6 } });

my ($hold, $stop) = slow_builders($m);

sub problems { return join '; ', @{ $m->ctl('status')->{problems} } }
sub compactions { return $m->ctl('stats')->{redis_compactions} }
sub cursor { return $m->ctl('status')->{source}{cursor} }

sub rr { return { a => { ttl => 60, records => [{ ip => $_[0] }] } } }
sub address_of { return (addresses_of($m, @_))[0] }

my %want;    # name => address

# Set labels of all zones, and tell the stream of it as one change set, or let the
# notifications tell.  returns the id of the entry.
sub change {
	my ($address, $by_stream, @labels) = @_;
	my $id;
	$redis->multi(sub {
		my ($tx) = @_;
		my @entry;
		for my $zone (map { bulk_name($_) } 0 .. $ZONES - 1) {
			for my $label (@labels) {
				$tx->cmd(@$_) for $schema->set_label($zone, $label, rr($address));
				push @entry, zone => "$zone.", label => $label;
				$want{"$label.$zone"} = $address;
			}
		}
		$tx->cmd('XADD', 'martlet:changes', '*', @entry) if $by_stream;
	});
	return $redis->cmd(qw(XREVRANGE martlet:changes + - COUNT 1))->[0][0] if $by_stream;
	return;
}

my $next = 0;
sub new_labels { my ($count) = @_; return map { 'l' . ++$next } 1 .. $count }

sub wrong_names {
	my @names = sort keys %want;
	my @addresses = addresses_of($m, @names);
	return map { $addresses[$_] ne $want{ $names[$_] } ? $names[$_] : () } 0 .. $#names;
}

sub is_right {
	my ($what) = @_;
	my @wrong;
	poll(20, sub { !(@wrong = wrong_names()) });
	return is(scalar @wrong, 0, "$what: all " . keys(%want) . ' names as in Redis')
	  || diag("$wrong[0]; ", problems());
}

$m->start;
ok(poll(20, sub { address_of('w1.' . bulk_name(0)) =~ /^\d/ }), 'what Redis holds is served');

# full
write_file($hold, '');
my $last;
$last = change('192.0.2.1', 1, new_labels($LABELS)) while keys %want <= $BOUND;
ok(poll(20, sub { cursor() eq $last }), 'changes are served');
ok(poll(20, sub { builder($m, 'compactor') }), 'a new generation is being made, and takes its time');
$last = change('192.0.2.1', 1, new_labels($LABELS)) while keys %want <= 4 * $BOUND;
ok(poll(20, sub { problems() =~ /overlay is full/ }), 'at four times the bound, status says so')
  or diag(problems());
like(problems(), qr/changes wait in Redis until .* the log/, 'and where to look');
my $full_at = cursor();
my $records = $m->ctl('stats')->{overlay_records};
cmp_ok($records, '>', 4 * $BOUND, "$records names are in the overlay");
cmp_ok($records, '<=', 4 * $BOUND + $ZONES * $LABELS + 100, 'not one set more');

my $entries = $m->ctl('stats')->{redis_entries};
my ($one) = grep { $want{$_} eq '192.0.2.1' } sort keys %want;
my $late = change('192.0.2.2', 1, 'l1', 'late');
change('192.0.2.3', 0, 'l2', 'event');
# several of the looks that are taken at the server each second
my $before = $redis->info('stats')->{total_commands_processed};
ok(poll(20, sub { $redis->info('stats')->{total_commands_processed} > $before + 20 }), 'Redis goes on being looked at');
is(cursor(), $full_at, 'the place in the stream stands');
is($m->ctl('stats')->{redis_entries}, $entries, 'no entry is taken');
is(address_of('l1.' . bulk_name(0)), '192.0.2.1', 'changes by the stream wait');
is(address_of('l2.' . bulk_name(0)), '192.0.2.1', 'changes by events, too');
is($m->ask('event.' . bulk_name(0), 'A')->rcode, 'NXDOMAIN', 'and new names');
is($m->ctl('stats')->{overlay_records}, $records, 'the overlay does not grow');
is(compactions(), 0, 'no generation was made meanwhile');

unlink $hold;
ok(poll(20, sub { compactions() == 1 }), 'it comes to its end after all');
is_right('it goes on');
is(cursor(), $late, 'to the last entry');
ok(poll(20, sub { problems() eq '' }), 'status is well') or diag(problems());

# a reload takes the overlay in, so that no more is due
$m->write_zone('file.test', zone(2));
is(($m->ctl('reload'))[0], 0, 'a reload');
ok(poll(20, sub { $m->ctl('stats')->{overlay_records} < $BOUND }), 'takes all in');

# stopped
$m->expect_log(qr/builder \(pid \d+\) did nothing for 6 s/);
write_file($stop, '');
$m->write_zone('file.test', zone(3));
kill 'HUP', $m->pid;
my $pid = poll(20, sub { builder($m, 'builder') });
ok($pid, 'a zone file changes: another builder');
ok(poll(10, sub { problems() =~ /\(pid $pid\) has done nothing for \d+ s: if it was stopped, `kill -CONT $pid`/ }),
	'it is stopped: status names it, and what to do') or diag(problems());
change('192.0.2.4', 1, 'l3');
is_right('changes go on');
unlink $stop;
kill 'CONT', $pid;
ok(poll(20, sub { serial_of($m, 'file.test') == 3 }), 'it goes on when it is let');
ok(poll(20, sub { problems() eq '' }), 'and status is well') or diag(problems());

write_file($stop, '');
$m->write_zone('file.test', zone(4));
my $generation = generation($m);
my ($exit, $json) = $m->ctl('reload');
is($exit, 1, 'nobody lets it: the reload fails');
like($json->{error}, qr/builder \(pid \d+\) did nothing for 6 s .*killed: nothing has changed/, 'and says why');
is(generation($m), $generation, 'what is served stays');
ok(!builder($m, 'builder'), 'the process is gone');
is_deeply([glob $m->state_dir . '/generations/*.tmp'], [], 'and what it had begun');
unlink $stop;
is(($m->ctl('reload'))[0], 0, 'the next one is done');
is(serial_of($m, 'file.test'), 4, 'and served');
is_right('in the end');
ok(poll(10, sub { problems() eq '' }), 'status is well') or diag(problems());
$m->stop;
done_testing();
