#!/usr/bin/perl
# What keeps the server from starting: one line that names it and the cure, exit 1.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Cwd qw(abs_path);
use File::Path qw(make_path);
use IO::Socket::INET;
use IO::Socket::UNIX;
use Martlet;
use Martlet::Control;
use Martlet::Process qw(free_port poll read_file write_file);
use Test::More;

my $ZONE = "\@ 3600 IN SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n";

sub prepared {
	my (%arg) = @_;
	my $m = Martlet->new(start => 0, zones => { 'example.com' => $ZONE }, %arg);
	$m->{port} = free_port();
	$m->{may_fail} = 1;
	$m->expect_log(qr/^(?:error|warning):/);
	return $m;
}

# A start that fails: with one line that matches, and nothing left behind.
sub refused {
	my ($m, $what, $want, $exit) = @_;

	$m->write_config;
	my ($code, $output) = $m->run('-f');
	is($code, $exit // 1, "$what: exit " . ($exit // 1));
	my @lines = split /\n/, $output;
	is(scalar @lines, 1, "$what: one line") or diag($output);
	like($output, $want, "$what: names it");
	ok(!-e "$m->{dir}/martletd.pid", "$what: no pid file is left");
	return;
}

my $root = $> == 0;

# the command line
{
	my $m = prepared();
	my ($code, $output) = $m->run('-V');
	is($code, 0, '-V');
	like($output, qr/^martletd \d+\.\d+\.\d+$/, 'prints the version');
	for my $help (qw(-h --help)) {
		($code, $output) = $m->run($help);
		is($code, 0, $help);
		like($output, qr/^usage: martletd .*-c FILE/s, 'prints a short help');
	}
	($code) = $m->run('-x');
	is($code, 2, 'an unknown option');
	($code) = $m->run('more');
	is($code, 2, 'an argument too many');
}

# the configuration
{
	my $m = prepared();
	unlink $m->config_path;
	my ($code, $output) = do { no warnings 'redefine';
		local *Martlet::write_config = sub { }; $m->run('-f') };
	is($code, 1, 'no configuration file');
	like($output, qr/martlet\.conf: cannot be read: No such file.*-c FILE/, 'names it and -c');
	is($output =~ tr/\n//, 1, 'in one line');
}
for my $case (
	[{ user => 5 }, qr/^error: .*martlet\.conf:\d+: user: text/m, 'a wrong type'],
	[{ workers => { cont => 1 } }, qr/nearest is "workers\.count"/, 'a wrong name'],
	[{ dnssec => { role => 'rol' } }, qr{dnssec\.role: .*"rol" is none of follow\|roll}, 'a role that is none'],
	[{ control_socket => '/tmp/' . 'x' x 120 }, qr/control_socket: .* 125 octets, at most 107/,
		'a socket path over 107 octets'],
	[{ listen => [{ address => '192.0.2.7', port => 5399 }] },
		qr/192\.0\.2\.7 port 5399.*freebind/, 'an address that is not ours'],
	[{ zones => { dir => '/nowhere/zones' } }, qr{zones\.dir: there is no directory /nowhere/zones: make it},
		'no zones directory'],
	[{ state_dir => '/nowhere/state' }, qr{state_dir: cannot make the directory /nowhere/state},
		'no place for the state'],
	[{ control_socket => '/nowhere/run/sock' }, qr{control_socket: cannot make the directory /nowhere/run},
		'no place for the socket'],
	[{ log => { target => '/nowhere/log' } }, qr{log\.target: cannot open /nowhere/log: its directory must exist.*: No such file},
		'no place for the log'],
	[{ control_group => 'no-such-group' }, qr/control_group: there is no group "no-such-group"/,
		'no such group'])
{
	my ($change, $want, $what) = @$case;
	refused(prepared(config => $change), $what, $want);
}
{
	my $m = prepared();
	my $file = write_file("$m->{dir}/file", 'not ours');
	for my $case ([{ state_dir => $file }, qr/state_dir: \Q$file\E is no directory: remove it, or set another/],
		[{ control_socket => $file }, qr/control_socket: \Q$file\E exists and is no socket: remove it/],
		[{ control_socket => "$file/sock" }, qr/control_socket: cannot look for \Q$file\E\/sock: its directory/],
		[{ pid_file => "$file/pid" }, qr/pid_file: cannot write \Q$file\E\/pid: user \S+ must be able to write/])
	{
		my $other = prepared(config => $case->[0]);
		refused($other, 'a file in the way of ' . (keys %{ $case->[0] })[0], $case->[1]);
	}
	is(read_file($file), 'not ours', 'the file is left alone');
}
SKIP: {
	skip 'only root changes the user', 11 unless $root;
	refused(prepared(config => { user => 'no-such-user' }), 'no such user',
		qr/user: there is no user "no-such-user": create it \(`useradd/);
	my $m = prepared(config => { user => 'no-such-user' });
	my ($code, $output) = $m->run('-t');
	is($code, 0, 'martletd -t: no such user is no error');
	like($output, qr/^warning: user: there is no user "no-such-user" here/m, 'but a warning');
	refused(prepared(config => { group => 'no-such-group' }), 'no such group',
		qr/group: there is no group "no-such-group"/);
	SKIP: {
		skip 'the group martlet exists here', 1 if getgrnam('martlet');
		my $m = Martlet->new(zones => { 'example.com' => $ZONE },
			config => { group => 'martlet' });
		is(($m->ctl('ready'))[0], 0, 'with the present user the default group is not needed');
	}
}

# ports
for my $proto (qw(udp tcp)) {
	my $m = prepared();
	my $other = IO::Socket::INET->new(Proto => $proto, LocalAddr => '127.0.0.1',
		LocalPort => $m->port, ReusePort => 1, ($proto eq 'tcp' ? (Listen => 1) : ()));
	refused($m, "a port in use over $proto", qr/127\.0\.0\.1 port $m->{port} is in use over \U$proto\E: .*ss -lnp/);
	undef $other;
}

# files in the way
{
	my $m = prepared();
	write_file($m->control_socket, 'precious');
	refused($m, 'a file instead of the socket', qr/control\.sock exists and is no socket: remove it/);
	is(read_file($m->control_socket), 'precious', 'which is untouched');

	$m = prepared();
	my $live = IO::Socket::UNIX->new(Local => $m->control_socket, Listen => 5);
	refused($m, 'another live socket', qr/another server listens on .*control\.sock/);
	ok(-S $m->control_socket, 'which is untouched');
	ok(IO::Socket::UNIX->new(Peer => $m->control_socket), 'and still live');
	undef $live;
	ok(-S $m->control_socket, 'a stale one');
	$m->start;
	my ($status) = Martlet::Control::ask($m->control_socket, 'ready');
	is($status, 0, 'is replaced');
	$m->stop;
	ok(!-e $m->control_socket, 'and removed at the end');
}

# a second server
{
	my $first = Martlet->new(zones => { 'example.com' => $ZONE });
	my $pid = $first->pid;
	is(read_file("$first->{dir}/martletd.pid"), "$pid\n", 'the pid file');

	refused(prepared(config => { state_dir => $first->state_dir }), 'a second server on one state_dir',
		qr/state_dir: another server \(pid $pid\) uses \Q$first->{dir}\E/);
	refused(prepared(config => { pid_file => "$first->{dir}/martletd.pid" }), 'one pid file for two',
		qr/pid_file: another server \(pid $pid\) uses/);
	is(read_file("$first->{dir}/martletd.pid"), "$pid\n", 'the pid file is as it was');
	refused(prepared(config => { control_socket => $first->control_socket }), 'one socket for two',
		qr/another server listens on/);
	is($first->ask('example.com', 'SOA')->rcode, 'NOERROR', 'the first one serves on');

	# killed: its children end, and the next one takes over what is left
	$first->kill_now;
	ok(-e "$first->{dir}/martletd.pid", 'a stale pid file');
	$first->start;
	is(read_file("$first->{dir}/martletd.pid"), $first->pid . "\n", 'is taken over');
	$first->stop;
	ok(!-e "$first->{dir}/martletd.pid", 'and removed at the end');
}

# -t
{
	my $m = prepared();
	$m->write_config;
	my ($code, $output) = $m->run('-t');
	is($code, 0, '-t with nothing wrong');
	is($output, '', 'says nothing');
	$m->write_zone('bad.example', "\@ 3600 IN SOA ns h 1 2 3 4 5\n\@ NS ns\nns A nonsense\n");
	($code, $output) = $m->run('-t');
	is($code, 1, '-t with a bad zone');
	like($output, qr/^error: \S*bad\.example\.zone:3: /m, 'names file and line');
	$m->remove_zone('bad.example');
	for my $option (qw(log query_log)) {
		$m->write_config({ $option => { $option eq 'log' ? () : (enable => \1), target => "$m->{dir}/gone/x.log" } });
		($code, $output) = $m->run('-t');
		is($code, 0, "-t with a file for $option that cannot be made");
		like($output, qr{^warning: $option\.target: \Q$m->{dir}\E/gone/x\.log cannot be written: its directory must exist}m,
			'which is a warning');
		mkdir "$m->{dir}/gone";
		is(($m->run('-t'))[1], '', 'and none when it can');
		mkdir "$m->{dir}/gone/x.log";
		like(($m->run('-t'))[1], qr{^warning: $option\.target: .*x\.log cannot be written: .*Is a directory$}m, 'a directory');
		rmdir "$m->{dir}/gone/x.log";
		rmdir "$m->{dir}/gone";
		$m->write_config({ $option => { target => $option eq 'log' ? 'stderr' : 'syslog' } });
	}
	$m->write_zone('warn.example', "$ZONE\nelse.example. A 192.0.2.1\n");
	($code, $output) = $m->run('-t');
	is($code, 0, '-t with a warning only');
	like($output, qr/^warning: \S*warn\.example\.zone:5: /m, 'which is told');
	$m->write_config({ tcp => { idle_ms => 1 }, user => 1 });
	($code, $output) = $m->run('-t');
	is($code, 1, '-t with a bad configuration');
	is(scalar(() = $output =~ /^error: \S+martlet\.conf:\d+: /mg), 2, 'all errors are told');
}

done_testing();
