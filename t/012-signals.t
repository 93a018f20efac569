#!/usr/bin/perl
# Signals to the master.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Socket::INET;
use Martlet;
use Martlet::Control;
use Martlet::Process qw(poll read_file slow);
use Test::More;
use Time::HiRes qw(time);

my $ZONE = "\@ 3600 IN SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n";
my $ZONE2 = "$ZONE\nnew A 192.0.2.2\n";

sub status {
	my ($m) = @_;
	return (Martlet::Control::ask($m->control_socket, 'status'))[1];
}

for my $signal (qw(TERM INT)) {
	my $m = Martlet->new(zones => { 'example.com' => $ZONE });
	my @workers = map { $_->{pid} }
	  @{ (Martlet::Control::ask($m->control_socket, 'workers'))[1]{workers} };
	is(scalar @workers, 2, 'two workers');
	kill $signal, $m->pid;
	ok(poll(10, sub { !$m->running }), "SIG$signal ends it");
	is($m->{exit}, 0, 'with exit 0');
	is(scalar(grep { kill 0, $_ } @workers), 0, 'and its workers');
	ok(!-e $m->control_socket, 'the socket is removed');
	like($m->log, qr/stopped\n\z/, 'the last line says so');
}

# a TCP connection in use is drained for 5 s; a second signal ends that
{
	my $m = Martlet->new(zones => { 'example.com' => $ZONE });
	my $tcp = IO::Socket::INET->new(PeerAddr => $m->address, PeerPort => $m->port)
	  or die "connect: $!\n";
	syswrite $tcp, "\0\x20half";	# a message that never ends
	ok(poll(5, sub { $m->ask('example.com', 'SOA') }), 'the server turns');
	my $begun = time;
	kill 'TERM', $m->pid;
	ok(!poll(0.1, sub { !$m->running }), 'one signal: it drains');
	kill 'TERM', $m->pid;
	ok(poll(2, sub { !$m->running }), 'a second one ends it at once');
	cmp_ok(time - $begun, '<', 4 * slow(), 'before the 5 s are over');
	is($m->{exit}, 0, 'with exit 0');
}

# SIGHUP
{
	my $m = Martlet->new(zones => { 'example.com' => $ZONE });
	is($m->ask('new.example.com', 'A')->rcode, 'NXDOMAIN', 'before');
	$m->write_zone('example.com', $ZONE2);
	kill 'HUP', $m->pid;
	ok(poll(10, sub { $m->ask('new.example.com', 'A')->rcode eq 'NOERROR' }),
		'SIGHUP reads the zones again');

	$m->write_config({ dns => { udp_size => 100 } });
	$m->expect_log(qr/dns\.udp_size|reload refused/);
	kill 'HUP', $m->pid;
	ok($m->wait_log(qr/martlet\.conf:\d+: dns\.udp_size: 100 is out of range/),
		'a bad configuration is refused');
	ok($m->wait_log(qr/the earlier settings stay/), 'in words');
	is($m->ask('new.example.com', 'A')->rcode, 'NOERROR', 'and it serves on');

	# one option of each kind: workers follow, sync is started anew, a restart is needed
	mkdir "$m->{dir}/other";
	Martlet::Process::write_file("$m->{dir}/other/example.org.zone", $ZONE);
	$m->write_config({ dns => { udp_size => 1400, version => 'odd' }, workers => { count => 3 },
		zones => { dir => "$m->{dir}/other" } });
	$m->expect_log(qr/only effective after a restart|3 workers share/);
	kill 'HUP', $m->pid;
	ok(poll(10, sub { $m->ask('example.org', 'SOA')->rcode eq 'NOERROR' }),
		'zones.dir changes: the other directory is served');
	is($m->ask('example.com', 'SOA')->rcode, 'REFUSED', 'the first one no longer');
	ok(poll(10, sub {
		my $answer = $m->ask('version.bind', 'TXT', class => 3);
		join('', $answer->text('answer')) =~ /odd/ }), 'workers follow dns.version');
	is_deeply([grep { !/^DNS cookies/ } @{ status($m)->{notices} }], ['changed, but only effective after a restart: workers.count'],
		'status names what needs a restart');
	$m->write_config({ workers => { count => 2 } });
	kill 'HUP', $m->pid;
	ok(poll(10, sub { !grep { /restart/ } @{ status($m)->{notices} } }), 'and no longer when it is taken back');
	$m->stop;
}

# a log file that has reached the limit of its process, as a full disk
SKIP: {
	skip 'prlimit is not installed', 3 unless Martlet::Process::find_program('prlimit');
	my $m = Martlet->new(zones => { 'example.com' => $ZONE },
		config => { log => { target => './martlet.log' } });
	my $path = "$m->{dir}/martlet.log";
	my $limit = 1 << 30;
	is(system('prlimit', '--pid', $m->pid, "--fsize=$limit"), 0, 'a limit');
	truncate $path, $limit or die "$path: $!\n";
	kill 'HUP', $m->pid;
	$m->ctl('reload');
	is(($m->ctl('ready'))[0], 0, 'a log file that has reached it ends nothing');
	truncate $path, 0 or die "$path: $!\n";
	kill 'HUP', $m->pid;
	ok(poll(5, sub { read_file($path) =~ /configuration read again/ }), 'and is written when there is room');
	$m->stop;
}

# SIGUSR1
{
	my $m = Martlet->new(zones => { 'example.com' => $ZONE },
		config => { log => { target => './martlet.log' } });
	my $path = "$m->{dir}/martlet.log";
	ok(poll(5, sub { read_file($path) =~ /serving/ }), 'the log file');
	rename $path, "$path.1" or die "rename: $!\n";
	kill 'USR1', $m->pid;
	ok(poll(5, sub { read_file($path) =~ /log file opened anew/ }), 'SIGUSR1 opens it anew');
	rename $path, "$path.2" or die "rename: $!\n";
	mkdir $path;
	kill 'USR1', $m->pid;
	ok(poll(5, sub { read_file("$path.2") =~ m{error: .*cannot open \S+/martlet\.log: Is a dir} }),
		'a file that cannot be opened is one line');
	kill 'HUP', $m->pid;
	ok(poll(5, sub { read_file("$path.2") =~ /cannot open.*configuration read again/s }),
		'in the earlier file, which stays');
	rmdir $path;
	$m->stop;
}

done_testing();
