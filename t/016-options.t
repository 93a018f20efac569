#!/usr/bin/perl
# Options that take effect at a reload do so, and those of the start do what they say.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Select;
use Martlet;
use Martlet::Process qw(poll read_file write_file);
use Martlet::Zones qw(zone serial_of);
use Test::More;

my $m = Martlet->new(zones => { 'a.test' => zone(1, "www A 192.0.2.1\nwww AAAA 2001:db8::1\n"
		. join('', map { "big TXT \"$_" . ('x' x 200) . "\"\n" } 1 .. 6)) });

# Change options of the running server.
sub set {
	my (%change) = @_;
	$m->write_config({%change});
	my ($exit, $json) = $m->ctl('reload');
	is($exit, 0, 'reload: ' . join ' ', map { ref $change{$_} ? "$_." . join '', keys %{ $change{$_} } : $_ }
		sort keys %change) or diag($json->{error});
	return $json;
}

# dns
is($m->ask('www.a.test', 'ANY')->flags, 'qr aa', 'ANY is answered over UDP');
is(scalar @{ $m->ask('www.a.test', 'ANY')->{answer} }, 1, 'with one RRset');
set(dns => { any => 'tcp' });
is($m->ask('www.a.test', 'ANY')->flags, 'qr aa tc', 'any = "tcp" sends ANY there');
is(scalar @{ $m->ask('www.a.test', 'ANY', tcp => 1)->{answer} }, 2, 'where all is');
set(dns => { udp_size => 1500 });
is($m->ask('big.a.test', 'TXT', edns => 4096)->flags, 'qr aa', 'udp_size grows');
set(dns => { udp_size => 1232 });
is($m->ask('big.a.test', 'TXT', edns => 4096)->flags, 'qr aa tc', 'and shrinks');
is($m->ask('id.server', 'TXT', class => 3)->rcode, 'REFUSED', 'no identity');
set(dns => { identity => 'me' });
like(join('', $m->ask('id.server', 'TXT', class => 3)->text('answer')), qr/me/, 'an identity');
set(dns => { identity => '' });
is($m->ask('id.server', 'TXT', class => 3)->rcode, 'REFUSED', 'none again');

# tcp
set(tcp => { queries => 2 });
my $d = $m->counted(sub {
	my $socket = $m->tcp_socket;
	$m->tcp_write($socket, Martlet::Wire::encode_query('www.a.test', 'A', id => $_)) for 1 .. 2;
	$m->tcp_read($socket) for 1 .. 2;
	ok(IO::Select->new($socket)->can_read(5) && !sysread($socket, my $octet, 1),
		'tcp.queries: closed after the second');
});
is($d->{tcp_closed_queries}, 1, 'and counted');
set(tcp => { queries => 0, idle_ms => 1000 });
{
	my $socket = $m->tcp_socket;
	ok(IO::Select->new($socket)->can_read(8) && !sysread($socket, my $octet, 1),
		'tcp.idle_ms: closed when it is over');
}
set(tcp => { idle_ms => 10_000, per_client => 1 });
{
	my $first = $m->tcp_socket;
	ok(poll(5, sub { $m->counters->{tcp_open} == 1 }), 'one connection');
	my $second = $m->tcp_socket;
	ok(IO::Select->new($second)->can_read(5), 'tcp.per_client: a second one is closed');
}

# generations
set(generations => { keep => 5, keep_hours => 0 });
for (2 .. 7) {
	$m->write_zone('a.test', zone($_));
	$m->ctl('reload');
}
ok(poll(5, sub { 5 == @{ $m->ctl('generations')->{generations} } }), 'generations.keep');
set(generations => { keep => 2 });
ok(poll(5, sub { 2 == @{ $m->ctl('generations')->{generations} } }), 'fewer');
# as if the process that removes them had been killed half-way
my $half = $m->state_dir . '/generations/00000001.tmp';
mkdir $half or die "$half: $!\n";
write_file("$half/index", 'half');
$m->write_zone('a.test', zone(8));
$m->ctl('reload');
ok(poll(5, sub { !-e $half }), 'what was left half removed goes with the next one');

# log
set(log => { target => './other.log' });
my $path = "$m->{dir}/other.log";
$m->write_zone('a.test', zone(8));
$m->ctl('reload');
ok(poll(5, sub { read_file($path) =~ /info: sync: generation \d+ is served/ }), 'log.target');
set(log => { level => 'error' });
my $before = -s $path;
$m->write_zone('a.test', zone(9));
$m->ctl('reload');
is(serial_of($m, 'a.test'), 9, 'a change');
unlike(substr(read_file($path), $before), qr/^\S+ (?:info|warning): sync/m, 'log.level: is no error');

# zones
write_file("$m->{dir}/elsewhere", zone(77));
set(zones => { files => [{ origin => 'b.test', file => './elsewhere' }] });
is(serial_of($m, 'b.test'), 77, 'zones.files, from the directory of the configuration');
is(serial_of($m, 'a.test'), 9, 'beside zones.dir');
$m->stop;

# at the start
my $two = Martlet->new(zones => { 'a.test' => zone(1) },
	config => { workers => { count => 2, steer => 'cpu', cpus => [0] } });
is(serial_of($two, 'a.test'), 1, 'workers.steer = "cpu"') for 1 .. 20;
is(serial_of($two, 'a.test', tcp => 1), 1, 'over TCP') for 1 .. 5;
is_deeply([map { $_->{cpu} } $two->workers], [0, 0], 'workers.cpus');
$two->stop;

done_testing();
