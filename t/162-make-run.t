#!/usr/bin/perl
# `make run`, as a newcomer meets it: in a copy of the tree, from the lines that it prints
# to Ctrl-C, and a second time on what the first has left.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp ();
use IO::Socket::INET;
use JSON::PP ();
use Martlet;
use Martlet::Ask;
use Martlet::Process qw(poll read_file);
use POSIX ();
use Test::More;

# etc/run.conf and README name it
use constant PORT => 5300;

plan(skip_all => 'port ' . PORT . ' is in use')
  unless IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => PORT);

# The make that runs the tests must not share its options and job slots with ours.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
my $tmp = File::Temp->newdir('martlet-test-XXXXXX', TMPDIR => 1);
my $copy = "$tmp/martlet";
mkdir $copy or die "$copy: $!\n";
# with what is built, times kept, so that nothing is built again
my @parts = grep { -e } map { "$Martlet::ROOT/$_" } qw(GNUmakefile etc loader man master shm t worker);
system('cp', '-a', @parts, $copy) == 0 or die "cp: $?\n";
system('cp', '-a', $Martlet::BUILD, "$copy/build") == 0 or die "cp: $?\n";

my $server = bless { address => '127.0.0.1', port => PORT }, 'Martlet::Ask';
my $out = "$tmp/out";
my $group;

# In a process group of its own, as a shell does with a job.
sub start {
	$group = fork // die "fork: $!\n";
	if (!$group) {
		POSIX::setpgid(0, 0);
		open STDIN,  '<', '/dev/null' or POSIX::_exit(126);
		open STDOUT, '>', $out        or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT   or POSIX::_exit(126);
		exec 'make', '-C', $copy, 'run' or POSIX::_exit(127);
	}
	return poll(60, sub { defined $server->exchange(
		Martlet::Wire::encode_query('version.bind', 'TXT', class => 3), seconds => 0.2) });
}

# Ctrl-C: the signal goes to make, the server and all its children.
sub interrupt {
	kill 'INT', -$group;
	my $ended = poll(20, sub { waitpid($group, POSIX::WNOHANG()) == $group });
	undef $group if $ended;
	return $ended;
}

END {
	my $status = $?;
	if ($group) {
		kill 'KILL', -$group;
		waitpid $group, 0;
	}
	$? = $status;
}

ok(start(), 'make run serves') or diag(read_file($out));
my ($dig) = read_file($out) =~ /^\s*(dig @.*)$/m;
my ($ctl) = read_file($out) =~ /^\s*(\S*martletctl .*)$/m;
is($dig, "dig \@127.0.0.1 -p @{[ PORT ]} www.example.com", 'it prints a dig line');
like($ctl // '', qr{^build/martletctl -s run/control\.sock status$}, 'and one of martletctl');

my $answer = $server->ask('www.example.com', 'A');
is($answer->rcode, 'NOERROR', 'the name of the dig line exists');
like(join("\n", $answer->brief('answer')), qr/^example\.com\. A 192\.0\.2\.80$/m,
	'and is served');
is($server->ask('www.example.com', 'A', tcp => 1)->rcode, 'NOERROR', 'over TCP, too');
is($server->ask('ns1.physics.example.org', 'A')->brief('additional') + 0 > 0, 1, 'a delegation with glue');
is($server->ask('bob.users.example.net', 'A')->rcode, 'NOERROR', 'a wildcard');
is($server->ask('80.2.0.192.in-addr.arpa', 'PTR')->rcode, 'NOERROR', 'a reverse name');

my $said = `cd $copy && $ctl 2>&1`;
is($?, 0, 'the line of martletctl works') or diag($said);
like($said, qr/^state +serving$/m, 'and says that it serves');
is((stat "$copy/run")[2] & 07777, 0700, './run/ is private');

my $first = $group;
ok(interrupt(), 'Ctrl-C ends it') or diag(read_file($out));
like(read_file($out), qr/stopped/, 'in order');
ok(poll(5, sub { !kill 0, -$first }), 'and nobody is left behind');

ok(start(), 'it starts again') or diag(read_file($out));
my $status = JSON::PP->new->decode(scalar `cd $copy && build/martletctl -s run/control.sock --json status`);
is($status->{generation}, 1, 'on the generation of the first time');
is_deeply($status->{problems}, [], 'without problems');
ok(interrupt(), 'and ends again');

done_testing();
