#!/usr/bin/perl
# In the background: the start returns when queries are answered, or says why not.  And
# what the service manager is told.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Select;
use IO::Socket::UNIX;
use Martlet;
use Martlet::Control;
use Martlet::Process qw(free_port poll read_file slow);
use Socket qw(SOCK_DGRAM);
use Test::More;
use Time::HiRes qw(time);

my $ZONE = "\@ 3600 IN SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n";

# returns when the program that was started has returned
sub start_in_background {
	my ($m) = @_;
	$m->{port} //= free_port();
	$m->write_config;
	my ($code) = $m->run;
	my $pid = read_file("$m->{dir}/martletd.pid") =~ /^(\d+)$/ ? $1 : undef;
	return $code, $pid;
}

sub ends {
	my ($pid) = @_;
	return poll(15, sub { !kill 0, $pid });
}

# the default target, on a machine without a syslog daemon: said, and no obstacle
SKIP: {
	skip 'somebody listens on /dev/log', 4 if -S '/dev/log';
	my $m = Martlet->new(start => 0, zones => { 'example.com' => $ZONE });
	$m->expect_log(qr/log\.target/);
	my ($code, $pid) = start_in_background($m);
	is($code, 0, 'without a syslog daemon the start returns 0');
	like($m->log, qr/^warning: log\.target: nobody listens on \/dev\/log.* set log\.target/m,
		'and says where the log is not');
	my (undef, $json) = Martlet::Control::ask($m->control_socket, 'status');
	like($json->{notices}[-1], qr/log lines were lost: nobody listens on \/dev\/log/, 'status, too');
	is((Martlet::Control::ask($m->control_socket, 'stop'))[0], 0, 'stop');
	ends($pid);
}

{
	my $m = Martlet->new(start => 0, zones => { 'example.com' => $ZONE },
		config => { log => { target => 'log/martlet.log' } });
	mkdir "$m->{dir}/log";
	my ($code, $pid) = start_in_background($m);
	is($code, 0, 'the start returns 0');
	my $answer = $m->ask('ns.example.com', 'A');
	is($answer->rcode, 'NOERROR', 'and queries are answered from then on');
	ok($pid && kill(0, $pid), 'the pid file names a process');
	my ($status, $json) = Martlet::Control::ask($m->control_socket, 'status');
	is($status, 0, 'status is fine');
	is($json->{pid}, $pid, 'and has the same pid');
	is(readlink "/proc/$pid/cwd", '/', 'it stands in /');
	is(readlink "/proc/$pid/fd/2", '/dev/null', 'its stderr is closed');
	like(read_file("$m->{dir}/log/martlet.log"), qr/^\S+Z info: master: serving 1 zones/m,
		'the log file is written');
	is($m->log, '', 'and nothing else');

	($code) = start_in_background($m);
	is($code, 1, 'a second start returns 1');
	like($m->log, qr/another server \(pid $pid\)/, 'with the reason on stderr');
	is((Martlet::Control::ask($m->control_socket, 'stop'))[0], 0, 'stop');
	ok(ends($pid), 'ends it');
	ok(!-e "$m->{dir}/martletd.pid" && !-e $m->control_socket, 'nothing is left behind');
	$m->expect_log(qr/another server/);
	$m->{may_fail} = 1;
}

# a generation that cannot be built: the state directory is full of something else
{
	my $m = Martlet->new(start => 0, zones => { 'example.com' => $ZONE },
		config => { log => { target => './martlet.log' } });
	mkdir $m->state_dir;
	Martlet::Process::write_file($m->state_dir . '/generations', "no directory\n");
	my ($code, $pid) = start_in_background($m);
	is($code, 1, 'nothing can be served: the start returns 1');
	like($m->log, qr/\Aerror: [^\n]*generations[^\n]*\n\z/, 'stderr says why, in one line');
	ok(!$pid, 'and no pid file is left');
	ok(!-e $m->control_socket, 'nor a socket');
	$m->expect_log(qr/error:/);
	$m->{may_fail} = 1;
}

# sd_notify
sub datagrams {
	my ($socket, $want) = @_;
	my $text = '';
	my $end = time + 10 * slow();

	while ($text !~ $want && IO::Select->new($socket)->can_read($end - time)) {
		$socket->recv(my $octets, 4096) // last;
		$text .= "$octets\n";
	}
	return $text;
}

for my $kind (qw(path abstract)) {
	my $m = Martlet->new(start => 0, zones => { 'example.com' => $ZONE });
	my $name = $kind eq 'path' ? "$m->{dir}/notify" : "\0martlet-test-$$";
	my $manager = IO::Socket::UNIX->new(Local => $name, Type => SOCK_DGRAM)
	  or die "notify socket: $!\n";
	{
		(my $value = $name) =~ s/^\0/@/;
		local $ENV{NOTIFY_SOCKET} = $value;
		$m->start;
	}
	like(datagrams($manager, qr/READY=1/), qr/^EXTEND_TIMEOUT_USEC=\d+\nSTATUS=.*^READY=1\nSTATUS=serving 1 zones/ms,
		"$kind socket: READY=1");
	kill 'HUP', $m->pid;
	like(datagrams($manager, qr/READY=1/), qr/^RELOADING=1\nMONOTONIC_USEC=\d+\nREADY=1/m,
		"$kind socket: a reload");
	$m->stop;
	like(datagrams($manager, qr/STOPPING=1/), qr/^STOPPING=1/m, "$kind socket: the end");
}

done_testing();
