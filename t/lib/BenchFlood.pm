# One CPU for a server's worker, another one for the client that floods it, and what the
# server spends.
#
#	my @pids = (tree($server->pid), delivers());
#	my $before = cpu_ns(@pids);
#	my $r = flood($server, $queries_path, $seconds);	# what martlet-flood tells
#	my $us = (cpu_ns(@pids) - $before) / 1e3 / $r->{answered};
package BenchFlood;

use strict;
use warnings;

use Exporter 'import';
use FloodTool;
use Martlet;
use Martlet::Process qw(find_program read_file);

our @EXPORT_OK = qw(best cpu_ns delivers flood from_client host median server_cpu stay_on tree);

my $taskset = find_program('taskset') or die "taskset is missing (util-linux)\n";
my @cpus = `$taskset -cp $$` =~ /list: (.*)/ ? map { /(\d+)-(\d+)/ ? $1 .. $2 : $_ } split /,/, $1 : (0);
my ($server_cpu, $client_cpu) = @cpus > 1 ? @cpus[0, 1] : @cpus[0, 0];

print "one CPU only: server and client share it, so that nothing can be compared\n" if @cpus < 2;

sub server_cpu { return 0 + $server_cpu }

# This process and those that it starts from now on: on 'server', 'client' or 'all' CPUs.
sub stay_on {
	my %list = (server => $server_cpu, client => $client_cpu, all => join ',', @cpus);
	system "$taskset -cp $list{$_[0]} $$ >/dev/null";
	return;
}

# Whoever reads the table later wants to know.
sub host {
	my ($model) = read_file('/proc/cpuinfo') =~ /^model name\s*:\s*(.*)/m;
	return sprintf '%s, Linux %s, CPUs %d (server) and %d (client)', $model // 'CPU',
	  read_file('/proc/sys/kernel/osrelease') =~ s/\n//r, $server_cpu, $client_cpu;
}

# The process and all below it.
sub tree {
	my ($pid) = @_;
	return $pid, map { tree($_->[1]) } Martlet::Process::children_of($pid);
}

# The kernel's thread that delivers to the server when the CPU is busy, if it is found.
sub delivers {
	my ($pid) = map { m{/proc/(\d+)/comm} } grep { read_file($_) eq "ksoftirqd/$server_cpu\n" }
	  glob '/proc/[0-9]*/comm';
	return $pid // ();
}

# Nanoseconds on a CPU of all threads of these processes.
sub cpu_ns {
	my (@pids) = @_;
	my $sum = 0;
	for my $pid (@pids) {
		$sum += (split / /, read_file($_))[0] // 0 for glob "/proc/$pid/task/*/schedstat";
	}
	return $sum;
}

# A closed loop of 48 queries on each of 4 sockets, whose ports differ so that a server's
# sockets share them.
sub flood {
	my ($server, $queries, $seconds) = @_;
	local @FloodTool::through = from_client();
	my $r = FloodTool::flood('-p', $server->{port}, '-d', $queries, '-l', $seconds, '-c', 4,
		'-t', 0.5, '--spin');
	die "martlet-flood: $r->{stderr}\n" unless defined $r->{answered};
	return $r;
}

# What starts a program on the client's CPU.
sub from_client { return $taskset, '-c', $client_cpu, @_ }

sub best { my ($key, @runs) = @_; return (sort { $a->{$key} <=> $b->{$key} } @runs)[0] }

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[@sorted / 2] }

1;
