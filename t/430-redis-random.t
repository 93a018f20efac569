#!/usr/bin/perl
# Random change sets, as fast as they go, while sync, workers and Redis are killed: each
# answer is that of one set, none older than the one before it in its zone, and what is
# served in the end is what a model says.
#
# Zones that no set has in common may be served in another order than they were written
# in: what is read of a zone, for an entry of the stream or for a comparison, is its state
# at that moment, and an older entry that only names other zones waits for its turn
# (t/unit/follow.c shows both).  So aliases stay in their zones here.
#
# make soak asks for the full form: MARTLET_SETS=36000; and for one in which the shrink guard
# holds zones again and again, until they have grown back or, when nothing else is missing
# any more, they are accepted: MARTLET_SHRINK_MIN=40.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Model;
use Martlet::Process qw(children_of poll);
use Martlet::Redis;
use Martlet::RedisZones qw(zone_records);
use Martlet::Wire qw(encode_query);
use Test::More;
use Time::HiRes qw(time);

Martlet::Redis::need();

my $sets = $ENV{MARTLET_SETS} // 600;
my $seed = $ENV{MARTLET_SEED} // time & 0xffffff;
my $guarded = $ENV{MARTLET_SHRINK_MIN};
my $kills = $sets < 10000 ? 3 : 9;    # of each kind
my @ORIGINS = map {"z$_.test"} 0 .. 7;
my @LABELS = (qw(a b www alias sub deep.er.ent *.wild x.wild *), 'in.sub', 'ns.sub', 'moved', 't');

# of the change set
my $number = 0;

srand $seed;
diag("MARTLET_SEED=$seed");

sub any { return $_[rand @_] }

# An RRset or two for a label.
sub random_rrsets {
	my ($origin, $label) = @_;
	my $ttl = 60 * (1 + int rand 3);
	my $ip = join '.', 10, unpack 'x C3', pack 'N', $number;
	my %rrsets = (a => { ttl => $ttl, records => [{ ip => $ip }, ({ ip => '192.0.2.1' }) x (rand 2)] });

	return { ns => { ttl => $ttl, records => [{ host => "ns.sub.$origin." }] } }
	  if $label eq 'sub' && rand 2 < 1;
	return { DNAME => { ttl => $ttl, rdata => ["wild.$origin."] } } if $label eq 'moved';
	# no circles: how far those are followed is anybody's choice
	return { cname => { ttl => $ttl, host => "$origin." } } if $label eq '*';
	return { cname => { ttl => $ttl, host => any(qw(a b www deep.er.ent)) . ".$origin." } }
	  if $label eq 'alias';
	$rrsets{txt} = { ttl => $ttl, records => [{ text => "set $number" }] } if rand 2 < 1;
	return \%rrsets;
}

sub apex { return { ns => { ttl => 300, records => [{ host => 'ns.invalid.' }] } } }

my @schema = (schema => $ENV{MARTLET_SCHEMA} // 'redins');
my $schema = Martlet::RedisZones->new(@schema);
my $model = Martlet::Model->new;
my (%zones, %history);
# by zone, the first set that an answer was right for: later ones cannot be older
my %seen = map { $_ => 0 } @ORIGINS;
my @watched = map { [$_, 'SOA'] } @ORIGINS;
for my $zone (@ORIGINS) {
	push @watched, map { ["$_.$zone", 'A'] } qw(a www alias x.wild n.wild er.ent in.sub none x.moved);
}

# Put what the set `number` means for the questions of all zones into the history.
sub remember {
	for my $question (@watched) {
		my $line = Martlet::Model::line($model->expect(@$question));
		my $known = $history{"@$question"} //= [];
		push @$known, [$number, $line] if !@$known || $known->[-1][1] ne $line;
	}
	return;
}

sub new_zone {
	my ($origin) = @_;
	my %labels = ('@' => apex());
	$labels{$_} = random_rrsets($origin, $_) for grep { rand 2 < 1 } @LABELS;
	return { config => { soa => { serial => $number, minttl => 60 } }, labels => \%labels };
}

# One change set over some zones; what it does to them is done to %zones, too.
sub change_set {
	my ($tx) = @_;
	my %touched;

	$number++;
	for (1 .. 1 + int rand 3) {
		my $origin = any(@ORIGINS);
		next if $touched{$origin};
		my $zone = $zones{$origin};
		if (!$zone || rand 40 < 1) {
			$tx->cmd(@$_) for $zone ? $schema->remove_zone($origin, $zone) : ();
			$zones{$origin} = $zone && rand 2 < 1 ? undef : new_zone($origin);
			$tx->cmd(@$_) for $zones{$origin} ? $schema->set_zone($origin, $zones{$origin}) : ();
			$touched{$origin} = [];
			next;
		}
		$zone->{config} = { soa => { serial => $number, minttl => 60 } };
		$tx->cmd(@$_) for $schema->set_config($origin, $zone->{config});
		my %changed;
		for my $label (map { any(@LABELS) } 1 .. 1 + int rand 4) {
			my $labels = $zone->{labels};
			next if $changed{$label}++;
			my $old = $labels->{$label};
			my $new = $old && rand 3 < 1 ? undef : random_rrsets($origin, $label);
			$tx->cmd(@$_) for $new ? $schema->set_label($origin, $label, $new, $old)
			  : $schema->remove_label($origin, $label, $old);
			if ($new) { $labels->{$label} = $new }
			else      { delete $labels->{$label} }
		}
		$touched{$origin} = [':config', sort keys %changed];
	}
	$tx->xadd_change(map { $_ => $touched{$_} } sort keys %touched);
	for my $origin (keys %touched) {
		if ($zones{$origin}) { $model->set_zone($origin, zone_records($origin, $zones{$origin}, @schema)) }
		else                 { $model->remove_zone($origin) }
	}
	remember();
	return;
}

my $redis = Martlet::Redis->new(persistence => 'aof', notify => $ENV{MARTLET_NOTIFY} // '');
for my $origin (@ORIGINS) {
	$zones{$origin} = new_zone($origin);
	$model->set_zone($origin, zone_records($origin, $zones{$origin}, @schema));
}
$schema->load($redis, \%zones);
remember();

my $m = Martlet->new(config => {
	redis => $redis->settings($schema->settings, reconcile_s => 1, shrink_min => 0 + ($guarded // 1_000_000)), generations => { reserve_mb => 1 } });
$m->expect_log(qr/held as/) if $guarded;
$m->expect_log(qr/sync|worker \d+ .*killed by signal 9/);

# always the same port, so that one worker answers
my $socket = $m->udp_socket;
my $asked = 0;

sub ask {
	my (@question) = @_;
	for my $attempt (1 .. 3) {
		my $id = ++$asked & 65535;
		send $socket, encode_query(@question, id => $id, edns => 4096), 0;
		while (Martlet::Ask::_readable($socket, time + 2 * Martlet::Process::slow())) {
			my $response;
			last unless defined recv $socket, $response, 65535, 0;
			return Martlet::Answer->new($response) if unpack('n', $response) == $id;
		}
	}
	return;
}

# The first set from `from` on for which the answer is right; undef for none.
sub first_right {
	my ($from, $line, @question) = @_;
	my $known = $history{"@question"};

	for my $i (0 .. $#$known) {
		my $until = $i < $#$known ? $known->[$i + 1][0] : $number + 1;
		next if $until <= $from || $known->[$i][1] ne $line;
		return $known->[$i][0] > $from ? $known->[$i][0] : $from;
	}
	return;
}

my @wrong;

sub look {
	my ($count) = @_;
	for my $question (map { any(@watched) } 1 .. $count) {
		my ($zone) = $question->[0] =~ /(z\d[.]test)$/;
		my $line = Martlet::Model::line(ask(@$question));
		my $first = first_right($seen{$zone}, $line, @$question);
		if (defined $first) { $seen{$zone} = $first }
		else { push @wrong, "@$question: $line; in no set from $seen{$zone} to $number" }
	}
	return;
}

sub accept_all {
	$m->ctl('accept', $_->{id}) for @{ $m->ctl('held')->{held} // [] };
	return;
}

sub has_caught_up {
	accept_all() if $guarded;
	for my $question (@watched) {
		my $line = Martlet::Model::line(ask(@$question));
		return 0 if $line ne $history{"@$question"}[-1][1];
	}
	return 1;
}

# Forget what no answer can be from any more.
sub forget_old {
	for my $question (@watched) {
		my ($zone) = $question->[0] =~ /(z\d[.]test)$/;
		my $known = $history{"@$question"};
		shift @$known while @$known > 1 && $known->[1][0] <= $seen{$zone};
	}
	return;
}

my %disturb = (
	sync => sub {
		my ($sync) = map { $_->[1] } grep { $_->[0] eq 'sync' } children_of($m->pid);
		kill 'KILL', $sync if $sync;
	},
	worker => sub {
		my (@workers) = map { $_->[1] } grep { $_->[0] =~ /^worker/ } children_of($m->pid);
		kill 'KILL', any(@workers) if @workers;
	},
	# what is read anew zone by zone need not be one set
	redis => sub {
		$redis->kill_now;
		look(20);
		$redis->start;
		ok(poll(30, \&has_caught_up), "set $number: caught up after Redis was killed");
		$_ = $number for values %seen;
	},
);

ok(poll(20, \&has_caught_up), 'what Redis holds is served');
my $begun = time;
my @plan;
for my $what (sort keys %disturb) {
	push @plan, map { [int($sets * ($_ - 0.5 + rand 0.3) / $kills), $what] } 1 .. $kills;
}
@plan = sort { $a->[0] <=> $b->[0] } @plan;
while ($number < $sets) {
	$redis->multi(\&change_set) for 1 .. 1 + int rand 10;
	look(5);
	forget_old();
	while (@plan && $plan[0][0] <= $number) {
		my (undef, $what) = @{ shift @plan };
		$disturb{$what}->();
	}
}
my $took = time - $begun;
ok(poll(60, \&has_caught_up), sprintf '%d change sets are served, written in %.1f s', $number, $took);
is_deeply([splice @wrong, 0, 5], [], 'each of the answers meanwhile was that of one set, in order');

# all names, all types
my ($checked, @differs) = (0);
for my $origin (@ORIGINS) {
	for my $name ($origin, map {"$_.$origin"} @LABELS, 'er.ent', 'ent', 'wild', 'none', 'y.moved') {
		for my $type (qw(A NS SOA TXT CNAME DNAME)) {
			my $wrong = $model->differs(ask($name, $type), $name, $type);
			push @differs, "$name $type $wrong" if $wrong;
			$checked++;
		}
	}
}
is_deeply([splice @differs, 0, 5], [], "in the end $checked answers are the model's");
my $json = $m->ctl('status');
is($json->{zones}, scalar(grep { $_ } values %zones), 'status counts the zones');
my ($last) = @{ $redis->cmd(qw(XREVRANGE martlet:changes + - COUNT 1)) };
cmp_ok($m->ctl('stats')->{redis_held_sets}, '>', 0, 'change sets were held meanwhile') if $guarded;
is($json->{source}{cursor}, $last->[0], 'the cursor is at the end');
$m->stop;
done_testing();
