#!/usr/bin/perl
# What limits, cookies, figures, logs and profiles cost a query: part of `make bench`.
#
# User instructions are those of a whole worker, sockets' glue included, by valgrind's
# callgrind: two runs of different length, so that start and end do not count.  Time is the
# CPU time of the worker and of the kernel thread that delivers to it: all servers are up at
# once and take turns.  `more` and `ratio` are against the first row, a martletd of before
# there was any of it, frame pointers included: built from this repository's history, else
# named by BENCH_BEFORE; empty, or without a history, the first row is "none", whose settings
# leave counters and the times of the stages.
#
# BENCH_LOADS (hit,nx), BENCH_ROUNDS (5), BENCH_SECONDS (1), BENCH_FEATURES (a pattern of
# rows).

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/../lib";

use BenchFlood qw(best cpu_ns delivers from_client host server_cpu stay_on);
use BenchZones;
use File::Temp ();
use FloodTool;
use List::Util qw(max);
use Martlet;
use Martlet::Process qw(children_of find_program poll read_file);
use POSIX ();

use constant { FEW => 4_000, MANY => 16_000, CONTROL_S => 60, BEFORE => 'bf43e55' };

my @loads = split /,/, $ENV{BENCH_LOADS} // 'hit,nx';
my $rounds = $ENV{BENCH_ROUNDS} // 5;
my $seconds = $ENV{BENCH_SECONDS} // 1;
my $pattern = $ENV{BENCH_FEATURES} // '.';
my $valgrind = find_program('valgrind');
my $tmp = File::Temp->newdir('martlet-bench-XXXXXX', TMPDIR => 1);
my $set = BenchZones::make('names-1000', "$tmp/set");

my %none = (isolation => \0, cookies => { enable => \0 });
# what nobody exceeds who is one of many
my %limits = (client => { rate => 6_000_000, burst => 1_000_000 },
	rrl => { map { ($_ => 100_000) } qw(answers nxdomain referrals errors) });
my @known = ('--sources', '127.1.0.0/20');
my @random = ('--sources', '127.0.0.0/8');

# Name, configuration, what is asked with, a command of martletctl that runs meanwhile.
my @features = (
	['none', { limit => {%none} }],
	['isolation', { limit => { %none, isolation => \1 } }],
	['as by default', {}],
	['default, a client cookie', {}, ['--cookie', 'client']],
	['default, a valid cookie', {}, ['--cookie', 'full']],
	['none, 4,094 clients', { limit => {%none} }, \@known],
	['limits, 4,094 clients', { limit => {%limits} }, \@known],
	['none, random clients', { limit => {%none} }, \@random],
	['limits, random clients', { limit => {%limits} }, \@random],
	['query log to a file', { query_log => { enable => \1, target => "$tmp/log" } }],
	['profile cpu', {}, [], ['profile', 'cpu', CONTROL_S]],
	['trace', {}, [], ['trace', CONTROL_S]],
);
my $before = $ENV{BENCH_BEFORE} // build_before();
unshift @features, ['before', {}, [], undef, $before] if $before;
@features = map { { name => $_->[0], config => $_->[1], args => $_->[2] // [], command => $_->[3],
		program => $_->[4] } } grep { $_->[0] =~ /^(?:before|none)$|$pattern/ } @features;

# The server as it was at that commit; undefined where there is no history.
sub build_before {
	my $dir = "$tmp/before";

	mkdir $dir;
	return "$dir/build/martletd"
	  if system("git -C $Bin/../.. archive @{[BEFORE]} 2>$tmp/errors | tar -x -C $dir 2>>$tmp/errors") == 0
	  && system("make -C $dir -s -j2 BUILD=build build/martletd >$tmp/errors 2>&1") == 0;
	print "no server of before could be built: ", (split /\n/, read_file("$tmp/errors"))[0] // '?', "\n";
	return;
}

sub start {
	my ($feature, @through) = @_;
	return Martlet->new(zone_files => $set->{dir}, through => \@through,
		($feature->{program} ? (program => $feature->{program}) : ()),
		config => { workers => { count => 1, cpus => [server_cpu()] }, log => { level => 'warning' },
			zones => { dir => $set->{dir} }, dns => { rcvbuf_kb => 4096 }, %{ $feature->{config} } });
}

sub worker_of {
	my ($m) = @_;
	return map { $_->[1] } grep { $_->[0] =~ /^worker/ } children_of($m->pid);
}

# The command that runs as long as the server is measured.
sub start_command {
	my ($feature, $m) = @_;
	return unless $feature->{command};
	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	chdir "$tmp" or POSIX::_exit(126);
	open STDOUT, '>', '/dev/null';
	open STDERR, '>&', \*STDOUT;
	exec { Martlet::martletctl() } 'martletctl', '-s', $m->control_socket, @{ $feature->{command} }
	  or POSIX::_exit(127);
}

sub end_command {
	my ($pid) = @_;
	return unless $pid;
	kill 'TERM', $pid;
	waitpid $pid, 0;
	return;
}

sub flood {
	my ($m, $feature, $load, @args) = @_;
	local @FloodTool::through = from_client();
	return FloodTool::flood('-p', $m->port, '-d', $set->{queries}{$load}, '-c', 4, @{ $feature->{args} }, @args);
}

# ---- instructions

# Of the worker of a server that is asked `count` queries.
sub instructions_of {
	my ($feature, $load, $count) = @_;
	my $m = start($feature, $valgrind, '--tool=callgrind', '--trace-children=yes',
		"--callgrind-out-file=$tmp/callgrind.%p", '-q');
	# valgrind does not know all system calls
	$m->expect_log(qr/Function not implemented/);
	my $command = start_command($feature, $m);
	my ($worker) = worker_of($m);
	my $r = flood($m, $feature, $load, '--count', $count, '-t', 20);
	end_command($command);
	$m->stop;
	my $path = "$tmp/callgrind.$worker";
	poll(10, sub { -s $path && read_file($path) =~ /^totals: \d+/m }) or return;
	return unless $r->{answered} == $count;
	my ($total) = read_file($path) =~ /^totals: (\d+)/m;
	return $total;
}

sub instructions {
	my ($feature, $load) = @_;
	return unless $valgrind;
	my ($few, $many) = map { instructions_of($feature, $load, $_) } FEW, MANY;
	return defined $few && defined $many ? ($many - $few) / (MANY - FEW) : undef;
}

# ---- time

my %fastest;

sub measure {
	my ($m, $feature, $load) = @_;
	my @pids = (worker_of($m), delivers());
	my $before = cpu_ns(@pids);
	my $r = flood($m, $feature, $load, '-l', $seconds, '--spin');
	my $spent = cpu_ns(@pids) - $before;
	$fastest{ $feature->{name} } = max($fastest{ $feature->{name} } // 0, $r->{answered_qps} // 0);
	return { us => $r->{answered} ? $spent / 1e3 / $r->{answered} : 9e9 };
}

sub times_of {
	my ($load, $up) = @_;
	my %runs;

	for (1 .. $rounds) {
		for my $feature (@features) {
			my $m = $up->{ $feature->{name} };
			my $command = start_command($feature, $m);
			push @{ $runs{ $feature->{name} } }, measure($m, $feature, $load);
			end_command($command);
		}
	}
	return map { ($_ => best('us', @{ $runs{$_} })->{us}) } keys %runs;
}

$| = 1;
printf "%s, best of %d runs of %g s\n", host(), $rounds, $seconds;
stay_on('server');
my %up = map { ($_->{name} => start($_)) } @features;
stay_on('all');
for my $load (@loads) {
	my %us = times_of($load, \%up);
	my ($first) = map { $us{ $_->{name} } } @features;
	my $least;

	printf "\n%-26s %9s %7s %9s %6s\n", $load, 'instr/q', 'more', 'us CPU/q', 'ratio';
	for my $feature (@features) {
		my $count = instructions($feature, $load);
		$least //= $count;
		printf "%-26s %9s %7s %9.3f %6.2f\n", $feature->{name},
		  map({ defined $_ ? sprintf '%.0f', $_ : '-' } $count, defined $count ? $count - $least : undef),
		  $us{ $feature->{name} }, $us{ $feature->{name} } / $first;
	}
}

# whether the logger keeps up with that
for my $feature (grep { $_->{config}{query_log} } @features) {
	my $stats = $up{ $feature->{name} }->counters;
	printf "\n%s: at up to %.0f q/s %d records, %d dropped\n", $feature->{name}, $fastest{ $feature->{name} },
	  @$stats{qw(query_log_records query_log_dropped)};
}
$_->stop for values %up;
