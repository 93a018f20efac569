#!/usr/bin/perl
# Keys are for the signer alone: who answers, probes, logs or reports cannot open them, whatever
# it was made to do; and nobody looks into those who have them in memory.

use strict;
use warnings;

use Errno qw(EACCES);
use Fcntl qw(O_RDONLY O_RDWR O_WRONLY O_CREAT);
use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Inside qw(can_intrude open_in);
use Martlet::Process qw(children_of free_port poll);
use Test::More;

my $ZONE = "\@ 3600 IN SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n";
my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
my $is_root = $> == 0 && defined $uid;

sub server {
	my ($name) = @_;
	my $m = Martlet->new(start => 0, zones => { 'example.com' => $ZONE });

	$m->{arg}{config} = {
		dnssec    => { key_dir => $m->dir . '/etc/keys' },
		health    => { enable => \1 },
		http      => { address => '127.0.0.1', port => free_port() },
		query_log => { enable => \1, target => $m->state_dir . '/queries' },
		resolver  => { servers => ['127.0.0.1:9'] },
		$is_root ? (user => 'nobody', group => scalar getgrgid $gid) : (),
	};
	mkdir $m->dir . "/$_" for qw(etc etc/keys state);
	for my $path ($m->dir, map { $m->dir . "/$_" } qw(etc etc/keys state)) {
		chmod 0755, $path;
		chown $uid, $gid, $path if $is_root;
	}
	$m->start;
	is($m->ctl('keys', 'generate', 'example.com')->{zone} // 'example.com', 'example.com', "$name: a key");
	return $m;
}

# What a process is called, by its pid
sub processes {
	my ($m) = @_;
	my ($workers, %found) = (scalar @{ $m->ctl('workers')->{workers} });

	poll(10, sub {
		%found = map { $_->[1] => $_->[0] } children_of($m->pid);
		return $workers == grep { /worker/ } values %found;
	});
	return \%found;
}

SKIP: {
	skip 'no way into other processes here', 1 unless can_intrude();
	my $m = server('shut out');
	my $state = $m->state_dir;
	my ($private) = glob "$state/keys/K*.private";
	my ($generation) = glob "$state/generations/0*";
	my $processes = processes($m);
	my $notices = $m->ctl('status')->{notices};

	skip 'this kernel has no Landlock', 1 if grep { /Landlock/ } @$notices;
	ok($private && $generation, 'there is a key, and a generation');
	ok(-e "$state/queries" || poll(10, sub { $m->ask('example.com', 'SOA'); -s "$state/queries" }),
		'queries are logged beside the keys');
	is(open_in($m->pid, $private, O_RDONLY), 0, 'the master, who is not shut in, could open it');
	my %seen;
	for my $pid (sort { $a <=> $b } keys %$processes) {
		my $name = $processes->{$pid} =~ s/^martletd?:? *//r;

		next unless $name =~ /worker|prober|logger|reporter|resolver/;
		$seen{ $name =~ s/ .*//r }++;
		is(open_in($pid, $private, O_RDONLY), EACCES, "$name: the private half");
		is(open_in($pid, "$state/keys", O_RDONLY), EACCES, "$name: the directory");
		is(open_in($pid, $m->dir . '/etc/keys', O_RDONLY), EACCES, "$name: dnssec.key_dir");
			# the logger makes files in the directory of its log, and so below it; it reads none of them
		is(open_in($pid, "$state/keys/Kexample.com.+013+1.key", O_WRONLY | O_CREAT), EACCES, "$name: no new key")
		  unless $name eq 'logger';
		is(open_in($pid, $m->config_path, O_RDONLY), EACCES, "$name: the configuration")
		  if $m->config_path !~ m{^/(?:etc|run|usr)/};
		is(open_in($pid, '/dev/null', O_RDWR), 0, "$name: /dev/null");
		is(open_in($pid, "$generation/data.mdb", O_RDONLY), $name =~ /reporter/ ? EACCES : 0, "$name: a generation");
	}
	is_deeply([sort keys %seen], [qw(logger prober reporter resolver worker)], 'all of them were tried');
	is($m->ask('ns.example.com', 'A')->rcode, 'NOERROR', 'it serves');
	rename "$state/queries", "$state/queries.1" or die "rename: $!\n";
	kill 'USR1', $m->pid;
	ok(poll(10, sub { $m->ask('example.com', 'SOA'); -s "$state/queries" }), 'a log file is made anew');
	$m->stop;
}

# Whose memory is whose: what is not dumpable belongs to root
SKIP: {
	skip 'only told apart when the server is not root', 1 unless $is_root || $> != 0;
	my $m = server('not dumpable');
	my $processes = processes($m);

	for my $pid (sort { $a <=> $b } keys %$processes) {
		my $name = $processes->{$pid};
		my $owner = (stat "/proc/$pid/mem")[4];

		if ($name =~ /signer|sync/) {
			is($owner, 0, "$name is not dumpable");
		} else {
			is($owner, $is_root ? $uid : $>, "$name can be looked into");
		}
	}
	$m->stop;
}

# A kernel without Landlock, made by a filter of system calls that stays with this test.
SKIP: {
	skip 'the numbers of system calls are those of x86-64', 1 unless can_intrude();
	my ($create_ruleset, $enosys) = (444, 38);
	my $program = pack('(S C C L)*', 0x20, 0, 0, 0, 0x15, 0, 1, $create_ruleset, 0x06, 0, 0, 0x00050000 | $enosys,
		0x06, 0, 0, 0x7fff0000);
	my $filter = pack 'S x6 P', length($program) / 8, $program;

	skip "no filter: $!", 1 if syscall(157, 38, 1, 0, 0, 0) != 0 || syscall(157, 22, 2, $filter) != 0;
	my $m = Martlet->new(start => 0, zones => { 'example.com' => $ZONE });
	$m->expect_log(qr/does not shut this process out/);
	$m->start;
	is($m->ask('ns.example.com', 'A')->rcode, 'NOERROR', 'it serves without Landlock');
	my ($notice) = grep { /Landlock/ } @{ $m->ctl('status')->{notices} };
	like($notice // '', qr{^not shut out of \S+/state/keys \(Landlock: Function not implemented\): workers: a kernel of},
		'and says so');
	$m->stop;
}

done_testing;
