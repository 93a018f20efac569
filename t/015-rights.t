#!/usr/bin/perl
# Started as root: which user everything runs as, and who may use the control socket.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Socket::INET;
use Martlet;
use Martlet::Control;
use Martlet::Process qw(children_of find_program free_port poll read_file);
use POSIX ();
use Test::More;

plan skip_all => 'only root can become somebody else' unless $> == 0;
my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
my $group = getgrgid $gid;
my $other_gid = getgrnam 'daemon';
my $other_uid = getpwnam 'daemon';
plan skip_all => 'needs the users nobody and daemon' unless defined $uid && defined $other_uid;

my $ZONE = "\@ 3600 IN SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n";

# Run `code` as somebody else; returns what it returns, a short text.
sub as_user {
	my ($to_uid, $to_gid, $groups, $code) = @_;
	pipe my $in, my $out or die "pipe: $!\n";
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		close $in;
		$) = join ' ', $to_gid, @$groups ? @$groups : $to_gid;
		$( = $to_gid;
		POSIX::setuid($to_uid);
		print {$out} $code->() // 'none';
		close $out;
		POSIX::_exit(0);
	}
	close $out;
	my $text = do { local $/; <$in> };
	waitpid $pid, 0;
	return $text;
}

sub ids {
	my ($pid) = @_;
	my $status = read_file("/proc/$pid/status");
	return map { $status =~ /^$_:\s+(.*)$/m ? $1 : '?' } qw(Uid Gid Groups CapEff CapPrm);
}

sub server {
	my (%config) = @_;
	my $m = Martlet->new(start => 0, zones => { 'example.com' => $ZONE },
		config => { user => 'nobody', group => $group, %config });
	chmod 0755, $m->{dir};
	return $m;
}

{
	my $m = server(pid_file => undef, state_dir => undef, control_socket => undef);
	mkdir "$m->{dir}/run";
	chown $uid, $gid, "$m->{dir}/run";
	$m->{arg}{config}{$_->[0]} = "$m->{dir}/run/$_->[1]"
	  for [pid_file => 'pid/martletd.pid'], [state_dir => 'state'], [control_socket => 'sock/s'];
	no warnings 'redefine';
	local *Martlet::control_socket = sub { "$_[0]{dir}/run/sock/s" };
	$m->start;
	for my $process (['master', $m->pid], children_of($m->pid)) {
		my ($uids, $gids, $groups, @caps) = ids($process->[1]);
		is($uids, join("\t", ($uid) x 4), "$process->[0] runs as nobody");
		is($gids, join("\t", ($gid) x 4), "$process->[0] has its group");
		unlike($groups, qr/\b0\b/, "$process->[0] is not in root's groups");
		is_deeply(\@caps, ['0' x 16, '0' x 16], "$process->[0] has no capability");
	}
	for my $path (map { "$m->{dir}/run/$_" } qw(state state/lock sock sock/s pid pid/martletd.pid)) {
		is((stat $path)[4], $uid, "$path is its own");
	}
	is((stat "$m->{dir}/run/state")[2] & 07777, 0750, 'state_dir has mode 0750');
	is((stat "$m->{dir}/run/sock/s")[2] & 07777, 0600, 'the socket is for the owner');
	is($m->ask('ns.example.com', 'A')->rcode, 'NOERROR', 'it serves');
	is((Martlet::Control::ask($m->control_socket, 'reload'))[0], 0, 'root may reload');
	is(as_user($uid, $gid, [], sub { (Martlet::Control::ask($m->control_socket, 'reload'))[0] }),
		0, 'its own user may');
	is(as_user($other_uid, $other_gid, [], sub { Martlet::Control->new($m->control_socket) ? 'in' : 'out' }),
		'out', 'another user cannot even connect');
	$m->stop;
	ok(!-e "$m->{dir}/run/sock/s" && !-e "$m->{dir}/run/pid/martletd.pid", 'both files are removed');
}

# control_group
{
	my $m = server(control_group => 'daemon');
	chown $uid, $gid, $m->{dir};
	chmod 0755, $m->{dir};
	$m->start;
	my @status = stat $m->control_socket;
	is($status[2] & 07777, 0660, 'the socket is for the group');
	is($status[5], $other_gid, 'that control_group names');
	my $ask = sub {
		my ($command) = @_;
		return sub {
			my ($status, $json) = Martlet::Control::ask($m->control_socket, $command);
			return ($status // 'none') . ' ' . ($json->{error} // '');
		};
	};
	for my $command (qw(status ready workers stats zones errors generations)) {
		like(as_user($other_uid, $other_gid, [], $ask->($command)), qr/^0 $/,
			"a member may use $command");
	}
	like(as_user($other_uid, 65_000, [65_000, $other_gid], $ask->('status')), qr/^0 $/,
		'also by a supplementary group');
	for my $command (qw(reload stop resume rollback swap)) {
		like(as_user($other_uid, $other_gid, [], $ask->($command)),
			qr/^1 permission denied: $command is for root and user nobody, this is uid $other_uid$/,
			"but not $command");
	}
	# who gets through the file's mode by other means is asked for its rights
	chmod 0666, $m->control_socket;
	like(as_user($other_uid, 65_000, [65_000], $ask->('status')),
		qr/^1 permission denied: status is for .* members of control_group/, 'others may not read');
	like(as_user($other_uid, 65_000, [65_000], $ask->('nonsense')), qr/^1 permission denied$/,
		'nor learn what there is');
	$m->stop;
}

# directories that the user cannot use
{
	my $m = server();
	$m->{may_fail} = 1;
	$m->expect_log(qr/error/);
	$m->{port} = free_port();
	mkdir $m->state_dir, 0755;
	chmod 0755, $m->state_dir;
	my ($code, $output) = do { $m->write_config; $m->run('-f') };
	is($code, 1, 'a state_dir of root');
	like($output, qr/^error: state_dir: user nobody may not write in \S+state: .*chown nobody/m, 'is named');
	rmdir $m->state_dir;

	chown $uid, $gid, $m->{dir};
	chmod 0700, "$m->{dir}/zones";
	($code, $output) = $m->run('-f');
	is($code, 1, 'a zones.dir that it cannot read');
	like($output, qr/^error: zones\.dir: user nobody may not read in \S+zones: /m, 'is named');
}

# not root: a low port needs a right
{
	my $m = server(user => '', group => '', listen => [{ address => '127.0.0.1', port => 53 }]);
	$m->{port} = 53;
	chown $other_uid, $other_gid, $m->{dir};
	$m->write_config;
	my $text = as_user($other_uid, $other_gid, [], sub {
		open STDERR, '>&', \*STDOUT;
		return scalar qx{@{[ Martlet::martletd() ]} -f -c @{[ $m->config_path ]} 2>&1};
	});
	my $low = read_file('/proc/sys/net/ipv4/ip_unprivileged_port_start');
	SKIP: {
		skip 'this machine lets everybody bind port 53', 1 if $low ne '' && $low <= 53;
		like($text, qr/error: no right to listen on 127\.0\.0\.1 port 53: .*CAP_NET_BIND_SERVICE/,
			'port 53 without the right is one line with the cure');
	}
	$m->{stopped} = 1;
}

# the right alone, as a service manager gives it
SKIP: {
	my $setpriv = find_program('setpriv');
	skip 'needs setpriv', 4 unless $setpriv;
	my $m = server(user => '', group => '', listen => [{ address => '127.7.7.7', port => 53 }]);
	chown $other_uid, $other_gid, $m->{dir};
	chmod 0755, $m->{dir};
	@$m{qw(address port stopped)} = ('127.7.7.7', 53, 1);
	$m->write_config;
	chmod 0644, $m->config_path;
	system $setpriv, "--reuid=$other_uid", "--regid=$other_gid", '--clear-groups',
	  '--inh-caps=+net_bind_service', '--ambient-caps=+net_bind_service',
	  Martlet::martletd(), '-c', $m->config_path;
	skip 'setpriv may not give it', 4 if $? && !-e "$m->{dir}/martletd.pid";
	is($?, 0, 'CAP_NET_BIND_SERVICE is enough for port 53');
	is($m->ask('ns.example.com', 'A')->rcode, 'NOERROR', 'it serves');
	my (undef, $json) = Martlet::Control::ask($m->control_socket, 'status');
	my @held = grep { join('', (ids($_->[1]))[3, 4]) =~ /[^0]/ }
	  ['master', $json->{pid}], children_of($json->{pid});
	is(scalar @held, 0, 'and no process keeps it');
	is((Martlet::Control::ask($m->control_socket, 'stop'))[0], 0, 'stop');
}

# not root, default user: just runs as who started it
{
	my $m = server(dns => { rcvbuf_kb => 900_000 });
	chown $other_uid, $other_gid, $m->{dir};
	chmod 0755, $m->{dir};
	$m->{port} = free_port();
	$m->write_config;
	chmod 0644, $m->config_path;
	my $text = as_user($other_uid, $other_gid, [], sub {
		my $out = qx{@{[ Martlet::martletd() ]} -c @{[ $m->config_path ]} 2>&1};
		return ($? >> 8) . " $out";
	});
	my ($status, $json) = Martlet::Control::ask($m->control_socket, 'status');
	is($status, 0, 'not started as root, user = "nobody" is not looked at') or diag($text);
	like((ids($json->{pid}))[0], qr/^$other_uid\t/, 'it runs as who started it');
	like("@{ $json->{notices} }", qr/hold \d+ KiB instead of dns\.rcvbuf_kb = 900000: set `sysctl -w net\.core\.rmem_max=921600000`/,
		'a receive buffer that the kernel does not grant is a notice, with the cure');
	is((Martlet::Control::ask($m->control_socket, 'stop'))[0], 0, 'stop');
	$m->{stopped} = 1;
}

done_testing();
