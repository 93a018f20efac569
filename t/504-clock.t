#!/usr/bin/perl
# The wall clock is stepped, by hours and both ways, while the server runs: what goes by it
# says what it says then, what measures time does not notice.  A library that is loaded
# before the C library's tells another time than the machine's.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp qw(tempdir);
use JSON::PP ();
use Martlet;
use Martlet::Http qw(http_get http_json);
use Martlet::Process qw(find_program free_port poll read_file write_file);
use Test::More;
use Time::Local qw(timegm);

my $cc = find_program('cc') // plan skip_all => 'no compiler';
my $dir = tempdir(CLEANUP => 1);
write_file("$dir/clock.c", <<'END');
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int64_t *ahead_s;

__attribute__((constructor)) static void
begin(void)
{
	int fd = open(getenv("CLOCK_FILE"), O_RDONLY);

	ahead_s = mmap(NULL, sizeof *ahead_s, PROT_READ, MAP_SHARED, fd, 0);
	unsetenv("LD_PRELOAD");
}

int
clock_gettime(clockid_t clock, struct timespec *out)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, out);

	if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) && ahead_s)
		out->tv_sec += *ahead_s;
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}
END
system($cc, '-shared', '-fPIC', '-o', "$dir/clock.so", "$dir/clock.c") == 0 or die "$cc: $?\n";
write_file("$dir/ahead", pack 'q<', 0);

# without truncating it, which would take the page from under its readers
sub step {
	my ($ahead_s) = @_;
	open my $file, '+<', "$dir/ahead" or die "$dir/ahead: $!\n";
	syswrite $file, pack 'q<', $ahead_s;
	close $file;
	return;
}

my $port = free_port();
my $m = Martlet->new(
	zones => { 'example.com' => "\@ 3600 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\n" },
	through => ['env', "LD_PRELOAD=$dir/clock.so", "CLOCK_FILE=$dir/ahead",
		'ASAN_OPTIONS=' . join(':', 'verify_asan_link_order=0', $ENV{ASAN_OPTIONS} // ())],
	config => {
		http => { address => '127.0.0.1', port => 0 + $port },
		query_log => { enable => \1, target => "$dir/queries.log" },
		limit => { client => { rate => 1, burst => 59, blacklist => ['192.0.2.1'] } },
	});

sub cookie_of {
	my ($answer) = @_;
	my ($found) = grep { $_->[0] == 10 } @{ $answer->{edns}{options} // [] };
	return $found ? $found->[1] : '';
}

sub ask {
	my ($cookie) = @_;
	return cookie_of($m->ask('www.example.com', 'A', edns => 1232, options => pack('n n/a*', 10, $cookie)));
}

# the time in the last line of the query log
sub logged_s {
	my ($line) = read_file("$dir/queries.log") =~ /(.+)\n\z/ or return 0;
	my ($y, $mon, $d, $h, $min, $s) = (JSON::PP->new->decode($line)->{time} // '') =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)/;
	return $y ? timegm($s, $min, $h, $d, $mon - 1, $y) : 0;
}

my $pids = join ' ', sort map { $_->{pid} } $m->workers;
my $old = ask('clientme');
ok(abs(unpack('x12 N', $old) - time) <= 5, 'the clock is right at first');
my $asked = 1;
for my $ahead_s (7200, -7200, 0, 86_400 * 365 * 30, 86_400 * 365 * 100, -1_000_000_000, 0) {
	my $name = sprintf 'a clock that is %d s ahead', $ahead_s;
	step($ahead_s);
	poll(20, sub { my $got = ask('clientme'); $asked++; (unpack('x12 N', $got) - time - $ahead_s) % 2**32 <= 5 })
	  or fail("$name: new cookies have its time");
	my $d = $m->counted(sub { $old = ask($old); $asked++ });
	is($d->{cookies_invalid} // 0, 1, "$name: cookies of before are none");
	$d = $m->counted(sub { ask($old); $asked++ });
	is($d->{cookies_valid} // 0, 1, 'what was given for it is one');
	ok(poll(20, sub { abs(logged_s() - time - $ahead_s) <= 20 }), 'the query log has that time');
	my ($status) = ($m->ctl('status'))[1];
	is_deeply([grep { !/clock was set (?:forward|back) by \d+ days/ } @{ $status->{problems} }], [],
		'the server has no problem but that');
	cmp_ok($status->{uptime_s}, '<', 3600, 'it has not run for longer');
	is(http_get($port, '/readyz')->{status}, 200, '/readyz');
	my @negative = http_get($port, '/metrics')->{body} =~ /^\w+(?:\{[^}]*\})? -.*/mg;
	is("@negative", '', 'no figure is below zero');
	cmp_ok(http_json($port, '/top')->{window_s}, '<', 60, '/top');
	cmp_ok(($_->{uptime_s}), '<', 3600, "worker $_->{id} has not run for longer") for $m->workers;
	last if !ok($asked < 55, 'below the limit');
}

# a minute gives one more, whatever the clock says
$m->expect_log(qr/clock was set (?:forward|back) by \d+ days/);
step(86_400);
my ($pass, $refused) = (0, 0);
for (1 .. 80) {
	$m->ask('www.example.com', 'A')->rcode eq 'REFUSED' ? $refused++ : $pass++;
}
cmp_ok(abs($pass + $asked - 60), '<=', 8, "a day ahead the limit holds: $pass behind $asked");
my ($limit) = @{ $m->ctl('limits')->{limits} };
like("$limit->{class} $limit->{reason}", qr/^client rate$/, 'and tells whom');
is($limit->{count}, $refused, 'how often');
unlike(($m->ctl_text('limits'))[1], qr/^127\S+ .* -\d/m, 'since a time that is not to come');
is(join(' ', sort map { $_->{pid} } $m->workers), $pids, 'no worker was killed');
is(($m->ctl('reload'))[0], 0, 'a reload');
$m->stop;
done_testing();
