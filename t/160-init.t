#!/usr/bin/perl
# The init script, as a machine without systemd uses it: its exit codes are those of the
# LSB, and what it starts and stops is the real server.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(free_port poll read_file write_file);
use Test::More;

my $SCRIPT = "$Bin/../etc/init.d/martlet";
my $ZONE = "\@ 60 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n";
my %EXIT = (done => 0, failed => 1, dead => 1, usage => 2, not_running => 3,
	not_installed => 5, not_configured => 6, cannot => 7);

my $m = Martlet->new(start => 0, zones => { 'example.com' => $ZONE });
my $run_dir = "$m->{dir}/run";
my $pid_path = "$run_dir/martletd.pid";
$m->{port} = free_port();
$m->write_config({ pid_file => $pid_path, log => { target => './martlet.log' } });

my %settings = (
	DAEMON => Martlet::martletd(),
	CTL => Martlet::martletctl(),
	CONFIG => $m->config_path,
	PIDFILE => $pid_path,
	RUNDIR => $run_dir,
	RUNUSER => '',
	RUNGROUP => '',
);

# Run the script with our settings; what it prints goes to a file, since a server that
# kept the stream open would never end a pipe.
# returns its exit code and the text.
sub init {
	my ($verb, %over) = @_;
	my %set = (%settings, %over);
	my $out = "$m->{dir}/init.out";

	write_file("$m->{dir}/defaults", join '', map { "$_='$set{$_}'\n" } sort keys %set);
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		$ENV{MARTLET_DEFAULTS} = "$m->{dir}/defaults";
		open STDIN,  '<',  '/dev/null' or POSIX::_exit(126);
		open STDOUT, '>',  $out        or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT    or POSIX::_exit(126);
		exec {$SCRIPT} $SCRIPT, $verb or POSIX::_exit(127);
	}
	if (!poll(60, sub { waitpid($pid, POSIX::WNOHANG()) == $pid })) {
		kill 'KILL', $pid;
		waitpid $pid, 0;
		return -1, read_file($out) . "(did not end)\n";
	}
	return $? >> 8, read_file($out);
}

# Is the exit code of `verb` what it should be, and its output like `want`?
sub init_is {
	my ($verb, $exit, $want, $what, %over) = @_;
	my ($got, $text) = init($verb, %over);

	is($got, $EXIT{$exit}, "$what: $verb exits $EXIT{$exit}") or diag($text);
	like($text, $want, "$what: $verb says so");
	return;
}

sub server_pid { return read_file($pid_path) =~ /^(\d+)$/m ? $1 : 0 }

sub is_alive {
	my ($pid) = @_;
	return read_file("/proc/$pid/stat") =~ /\) [^ZX] /;
}

sub answers {
	my $answer = $m->ask('ns.example.com', 'A', seconds => 2);
	return $answer && $answer->rcode eq 'NOERROR';
}

END {
	my $status = $?;
	my $pid = defined $pid_path ? server_pid() : 0;
	kill 'KILL', $pid if $pid && $pid != $$ && read_file("/proc/$pid/comm") eq "martletd\n";
	$? = $status;
}

# nothing runs yet
init_is('status', 'not_running', qr/./, 'before the first start');
init_is('stop', 'done', qr/./, 'before the first start');
init_is('reload', 'cannot', qr/not run/, 'before the first start');
init_is('force-reload', 'cannot', qr/not run/, 'before the first start');
init_is('levitate', 'usage', qr/usage: .*start/, 'an unknown verb');
init_is('start', 'not_installed', qr{/no/martletd}, 'no program', DAEMON => '/no/martletd');
init_is('start', 'not_configured', qr{/no/martlet\.conf}, 'no configuration',
	CONFIG => '/no/martlet.conf');
ok(!-e $run_dir, 'none of these left a directory behind');

# it runs
init_is('start', 'done', qr/./, 'the first start');
ok(-d $run_dir, 'the directory for the pid file is made');
ok(answers(), 'queries are answered once start has returned');
my $first = server_pid();
ok(is_alive($first), 'the pid file names the server');
init_is('status', 'done', qr/$first/, 'while it serves');
init_is('start', 'done', qr/$first/, 'a second start');
is(server_pid(), $first, 'a second start leaves the server alone');

# reload
$m->write_zone('example.com', "${ZONE}new A 192.0.2.2\n");
init_is('reload', 'done', qr/./, 'a changed zone');
is($m->ask('new.example.com', 'A')->rcode, 'NOERROR', 'the change is served');
$m->write_zone('example.com', "${ZONE}newer A 192.0.2.3\n");
init_is('force-reload', 'done', qr/./, 'another');
is($m->ask('newer.example.com', 'A')->rcode, 'NOERROR', 'that one, too');
is(server_pid(), $first, 'by the same server');

# a broken configuration, beside the server
my $good = read_file($m->config_path);
write_file($m->config_path, "${good}wrokers = { count = 2; };\n");
init_is('reload', 'failed', qr/wrokers/, 'a broken configuration');
ok(answers(), 'it goes on serving');
write_file($m->config_path, $good);

# restart
init_is('restart', 'done', qr/./, 'a running server');
my $second = server_pid();
isnt($second, $first, 'restart makes a new server');
ok(!is_alive($first), 'the old one has gone');
ok(answers(), 'the new one answers');
init_is('stop', 'done', qr/./, 'a running server');
ok(!is_alive($second), 'stop returns when it has gone');
ok(!-e $pid_path, 'with its pid file');
init_is('status', 'not_running', qr/not run/, 'after the stop');
init_is('try-restart', 'done', qr/^/, 'nothing to restart');
ok(!-e $pid_path, 'try-restart starts nothing');
init_is('restart', 'done', qr/./, 'a stopped server');
ok(answers(), 'restart starts it');

# without its socket it still stops
unlink $m->control_socket or die $m->control_socket . ": $!\n";
my $third = server_pid();
init_is('stop', 'done', qr/./, 'the control socket is gone');
ok(!is_alive($third), 'it stops nevertheless');

# a broken configuration
write_file($m->config_path, "${good}wrokers = { count = 2; };\n");
init_is('start', 'failed', qr/martlet\.conf:\d+: .*wrokers/, 'a broken configuration');
init_is('status', 'not_running', qr/not run/, 'and nothing runs');
write_file($m->config_path, $good);

# the pid file of a server that died, its number now another process's: ours
write_file($pid_path, "$$\n");
init_is('status', 'dead', qr/not run/, 'a pid file left behind');
local $SIG{TERM} = sub { fail('the script leaves other processes alone') };
init_is('stop', 'done', qr/./, 'a pid file left behind');
init_is('start', 'done', qr/./, 'a pid file left behind');
ok(answers(), 'it is no obstacle to a start');

# a server that hangs is killed in the end
my $hung = server_pid();
kill 'STOP', $hung;
init_is('stop', 'done', qr/kill/, 'a server that hangs', STOP_SECONDS => 1);
ok(poll(10, sub { !is_alive($hung) }), 'it has gone');
ok(poll(10, sub { !answers() }), 'with its workers');
init_is('status', 'dead', qr/not run/, 'its pid file is left');
init_is('start', 'done', qr/./, 'after that');
init_is('stop', 'done', qr/./, 'after that');

SKIP: {
	my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
	skip 'only root can give a directory away', 3 if $> != 0 || !defined $uid;
	rmdir $run_dir or die "$run_dir: $!\n";
	my $group = getgrgid $gid;
	init_is('start', 'done', qr/./, 'a user', RUNUSER => 'nobody', RUNGROUP => $group);
	is((stat $run_dir)[4], $uid, 'the directory is that user\'s');
	init('stop');
}

done_testing();
