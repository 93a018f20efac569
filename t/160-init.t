#!/usr/bin/perl
# The init script, as a machine without systemd uses it: its exit codes are those of the
# LSB, and what it starts and stops is the real server.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(children_of free_port poll read_file slow write_file);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

my $SCRIPT = "$Bin/../etc/init.d/martlet";
my $ZONE = "\@ 60 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n";
my %EXIT = (done => 0, failed => 1, dead => 1, usage => 2, not_running => 3,
	unknown => 4, not_installed => 5, not_configured => 6, cannot => 7);

# Servers that have ended stay zombies until we look, as with a lazy process 1.
my %prctl = (x86_64 => 157, aarch64 => 167);
my $machine = (POSIX::uname())[4];
my $is_lazy = $prctl{$machine} && syscall($prctl{$machine}, 36, 1, 0, 0, 0) == 0;

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
# kept the stream open would never end a pipe.  `verb` may have arguments.
# returns its exit code and the text.
sub init {
	my ($verb, %over) = @_;
	my @words = split / /, $verb;
	my %set = (%settings, %over);
	my $out = "$m->{dir}/init.out";

	write_file("$m->{dir}/defaults", join '', map { "$_='$set{$_}'\n" } sort keys %set);
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		$ENV{MARTLET_DEFAULTS} = "$m->{dir}/defaults";
		open STDIN,  '<',  '/dev/null' or POSIX::_exit(126);
		open STDOUT, '>',  $out        or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT    or POSIX::_exit(126);
		exec {$SCRIPT} $SCRIPT, @words or POSIX::_exit(127);
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
init_is('status', 'done', qr/runs and serves, pid $first\n.*\bserving\b/s, 'while it serves');
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

# back, and forth again
init_is('rollback', 'done', qr/./, 'a bad change');
is($m->ask('newer.example.com', 'A')->rcode, 'NXDOMAIN', 'rollback takes it back');
init_is('reload', 'failed', qr/resume/, 'after a rollback');
init_is('resume', 'done', qr/./, 'after a rollback');
is($m->ask('newer.example.com', 'A')->rcode, 'NOERROR', 'resume brings it back');
init_is('rollback 1', 'done', qr/./, 'by number');
is($m->ask('new.example.com', 'A')->rcode, 'NXDOMAIN', 'the first generation is served');
init_is('rollback 77', 'failed', qr/77/, 'a number that there is not');
init_is('resume', 'done', qr/./, 'once more');

# it runs, but does it serve?
{
	my $ctl = write_file("$m->{dir}/ctl", "#!/bin/sh\n[ \$3 = ready ] && echo unready\n" .
		"[ \$3 = status ] && echo 'no queries are answered yet'\nexit 1\n");
	chmod 0755, $ctl;
	init_is('status', 'unknown', qr/runs, pid $first, but does not answer.*answered yet/s,
		'a server that does not serve', CTL => $ctl);
	write_file($ctl, "#!/bin/sh\necho 'no right to use it' >&2\nexit 1\n");
	init_is('status', 'unknown', qr/runs, pid $first, but cannot be asked.*no right/s,
		'a server that does not let us ask', CTL => $ctl);
	rename $m->control_socket, "$m->{dir}/moved" or die "rename: $!\n";
	init_is('status', 'unknown', qr/runs, pid $first, but cannot be asked.*control\.sock/s,
		'without its control socket');
	rename "$m->{dir}/moved", $m->control_socket or die "rename: $!\n";
}

# without martletctl
{
	my @none = (CTL => '/no/martletctl');
	init_is('status', 'done', qr{runs, pid $first; .*/no/martletctl}, 'no martletctl', @none);
	$m->write_zone('example.com', "${ZONE}newest A 192.0.2.4\n");
	init_is('reload', 'done', qr/told pid $first/, 'no martletctl', @none);
	ok(poll(10, sub { $m->ask('newest.example.com', 'A')->rcode eq 'NOERROR' }),
		'the change comes to be served');
	init_is('rollback', 'not_installed', qr{/no/martletctl}, 'no martletctl', @none);
}

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
my $begun = time;
init_is('stop', 'done', qr/^martletd has stopped$/, 'a running server');
cmp_ok(time - $begun, '<', 0.75 * slow(), 'nothing keeps a stop waiting');
ok(!is_alive($second), 'stop returns when it has gone');
SKIP: {
	skip "how to keep zombies is not known on $machine", 1 unless $is_lazy;
	ok(-d "/proc/$second", 'although nobody has looked after it yet');
}
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
my @family = map { $_->[1] } children_of($hung);
cmp_ok(scalar @family, '>=', 3, 'workers and sync');
init_is('stop', 'done', qr/kill/, 'a server that hangs', STOP_SECONDS => 1);
is_deeply([grep { is_alive($_) } $hung, @family], [], 'all of it has gone');
init_is('status', 'not_running', qr/not run/, 'its pid file, too');
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
