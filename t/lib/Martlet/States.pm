# A small data set that goes from one state to the next, and a client who never stops
# asking for all of it: for tests of what goes wrong behind a server.
#
# A state is a number; in state n all names have the address of n.
#
#	my $n = fill($redis);		# the next state, in all zones
#	becomes($m, $n, 'it is served');
#	my $watch = watch($m);		# asks for all names every 100 ms
#	...				# harm
#	is_as_redis($m, $redis, 'and healed');
#	stop_watch($watch, 'harm');	# fails the test for any answer that was not right
package Martlet::States;

use strict;
use warnings;

use Exporter qw(import);
use Martlet::Answer;
use Martlet::Process qw(poll read_file write_file);
use Martlet::Wire qw(encode_query);
use Martlet::Zones qw(only_address);
use POSIX ();
use Test::More ();
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(all_have all_names all_zones becomes fill follows is_as_redis is_following
	next_value source state_of stop_watch value watch);

my $ZONES = 4;
my $NAMES = 5;
my $state = 0;

sub all_zones { return map {"z$_.example."} 1 .. $ZONES }
sub all_names {
	return map { my $zone = $_; map {"n$_.$zone"} 1 .. $NAMES } all_zones();
}

sub _address { my ($n) = @_; return '10.200.' . ($n >> 8) . '.' . ($n & 255) }

# The label of a name in the state n, as Redis has it.
sub value { my ($n) = @_; return qq({"a":{"ttl":5,"records":[{"ip":"@{[ _address($n) ]}"}]}}) }

# The same in a state of its own, for a name that is about to change alone.
sub next_value { return value(++$state) }

# Write all zones, each in a MULTI of its own; returns the state.
sub fill {
	my ($redis) = @_;
	my $value = value(++$state);

	for my $zone (all_zones()) {
		$redis->multi(sub {
			my ($r) = @_;
			$r->cmd('SADD', 'redins:zones', $zone);
			$r->cmd('SET', "redins:zones:$zone:config", '{"soa":{"ttl":5}}');
			$r->cmd('HSET', "redins:zones:$zone", '@',
				'{"ns":{"ttl":5,"records":[{"host":"ns.example.net."}]}}');
			$r->cmd('HSET', "redins:zones:$zone", "n$_", $value) for 1 .. $NAMES;
		});
	}
	return $state;
}

# The state that a response has, else what it is instead.
sub _state_in {
	my ($response) = @_;
	return $1 * 256 + $2 if (only_address($response) // '') =~ /^10[.]200[.](\d+)[.](\d+)$/;
	return 'no reply' unless defined $response;
	my $r = Martlet::Answer->new($response);
	return $r->rcode ne 'NOERROR' ? $r->rcode : join(' ', $r->text('answer')) || 'nothing';
}

# Of each name what it is served in.
sub states_of {
	my ($m, @names) = @_;
	return map { _state_in($_) } $m->exchange_all(map { encode_query($_, 'A') } @names);
}

sub state_of { return (states_of(@_))[0] }

# Is all served in the state n?
sub all_have {
	my ($m, $n) = @_;
	return !grep { $_ ne $n } states_of($m, all_names());
}

# All is served in the state n, soon; and from then on nothing older is right.
sub becomes {
	my ($m, $n, $what) = @_;
	my $done = poll(10, sub { all_have($m, $n) });

	write_file("$m->{dir}/floor", $n) if $done;
	return Test::More::ok($done, $what)
	  || Test::More::diag((map { "$_ " . state_of($m, $_) . "\n" } all_names()), $m->log);
}

sub source { my ($m) = @_; return $m->ctl('status')->{source} }

sub is_following {
	my ($m) = @_;
	return poll(10, sub { (source($m)->{state} // '') eq 'following' });
}

# A martletd with these settings of the group `redis`.
sub follows {
	my (%redis) = @_;
	my $m = Martlet->new(config => { redis => { enable => \1, timeout_ms => 500, %redis } });
	$m->expect_log(qr/^warning: sync: /);
	return $m;
}

# Names that are not served as this Redis has them.
sub _differing {
	my ($m, $redis) = @_;
	my @wrong;

	for my $zone (@{ $redis->cmd('SMEMBERS', 'redins:zones') }) {
		my %labels = @{ $redis->cmd('HGETALL', "redins:zones:$zone") };
		delete $labels{'@'};
		my @names = sort keys %labels;
		my @states = states_of($m, map {"$_.$zone"} @names);
		for my $label (@names) {
			my $served = shift @states;
			push @wrong, "$label.$zone is served as $served, not $labels{$label}"
			  unless $served =~ /^\d+$/ && $labels{$label} eq value($served);
		}
	}
	return @wrong;
}

# In the end: served is what Redis has, nothing is held or in error, status is well.
sub is_as_redis {
	my ($m, $redis, $what) = @_;
	my @wrong;

	return Test::More::ok(
		poll(15, sub {
			@wrong = _differing($m, $redis);
			my ($exit, $status) = $m->ctl('status');
			push @wrong, @{ $status->{problems} } if $exit;
			push @wrong, 'something is held' if @{ $m->ctl('held')->{held} };
			return !@wrong;
		}),
		"$what: all is as in Redis, and well")
	  || Test::More::diag(join("\n", @wrong), "\n", $m->log);
}

# Ask for all names every 100 ms from a process of its own.  An answer is wrong that has no
# address, or that of an older state than an answer before it or `becomes` has seen; the
# latter not with may_go_back, for a source that does so.  Give it to stop_watch.
sub watch {
	my ($m, %opt) = @_;
	my $path = "$m->{dir}/watch";
	my $parent = $$;
	my $pid = fork // die "fork: $!\n";

	return { pid => $pid, path => $path } if $pid;
	my ($stop, $asked, $floor, %seen, @bad) = (0, 0, 0);
	$SIG{TERM} = sub { $stop = 1 };
	while (!$stop && getppid() == $parent) {
		$floor = read_file("$m->{dir}/floor") || 0;
		my @names = all_names();
		my @states = eval { states_of($m, @names) };
		@states = ("no answer: $@") x @names if $@;
		while (my $name = shift @names) {
			my $got = shift @states;
			$asked++;
			if ($got !~ /^\d+$/) {
				push @bad, "$name: $got";
			} elsif (!$opt{may_go_back}) {
				my $least = ($seen{$name} // 0) > $floor ? $seen{$name} : $floor;
				push @bad, "$name: state $got after $least" if $got < $least;
				$seen{$name} = $got;
			}
		}
		sleep 0.1;
	}
	write_file($path, join "\n", "asked $asked", @bad);
	POSIX::_exit(0);
}

sub stop_watch {
	my ($watch, $what) = @_;

	kill 'TERM', $watch->{pid};
	waitpid $watch->{pid}, 0;
	my ($asked, @bad) = split /\n/, read_file($watch->{path});
	return Test::More::ok(!@bad && $asked =~ /[1-9]/, "$what: every answer is right ($asked)")
	  || Test::More::diag(join "\n", @bad[0 .. ($#bad < 9 ? $#bad : 9)]);
}

1;
