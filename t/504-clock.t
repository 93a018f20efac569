#!/usr/bin/perl
# The wall clock is stepped, by hours and both ways, while the server runs: what goes by it
# says what it says then, what measures time does not notice.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use FakeClock qw(need_clock through_clock step_clock);
use File::Temp qw(tempdir);
use JSON::PP ();
use Martlet;
use Martlet::Http qw(http_get http_json);
use Martlet::Process qw(free_port poll read_file);
use Test::More;
use Time::Local qw(timegm);

need_clock();
my $dir = tempdir(CLEANUP => 1);
my $port = free_port();
my $m = Martlet->new(
	zones => { 'example.com' => "\@ 3600 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\n" },
	through => through_clock(),
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

sub log_lines { return -e "$dir/queries.log" ? read_file("$dir/queries.log") =~ /^(.+)\n/mg : () }

# the times in the lines of the query log but the first $count; those of two workers come in any order
sub logged_since {
	my ($count) = @_;
	my @lines = log_lines();
	my @times = map { [JSON::PP->new->decode($_)->{time} =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)/] } @lines[$count .. $#lines];
	return map { timegm(@$_[5, 4, 3, 2], $_->[1] - 1, $_->[0]) } @times;
}

my $pids = join ' ', sort map { $_->{pid} } $m->workers;
my $old = ask('clientme');
ok(abs(unpack('x12 N', $old) - time) <= 5, 'the clock is right at first');
my $asked = 1;
for my $ahead_s (7200, -7200, 0, 86_400 * 365 * 30, 86_400 * 365 * 100, -1_000_000_000, 0) {
	my $name = sprintf 'a clock that is %d s ahead', $ahead_s;
	my $logged = () = log_lines();
	step_clock($ahead_s);
	poll(20, sub { my $got = ask('clientme'); $asked++; (unpack('x12 N', $got) - time - $ahead_s) % 2**32 <= 5 })
	  or fail("$name: new cookies have its time");
	my $d = $m->counted(sub { $old = ask($old); $asked++ });
	is($d->{cookies_invalid} // 0, 1, "$name: cookies of before are none");
	$d = $m->counted(sub { ask($old); $asked++ });
	is($d->{cookies_valid} // 0, 1, 'what was given for it is one');
	ok(poll(20, sub { grep { abs($_ - time - $ahead_s) <= 20 } logged_since($logged) }), 'the query log has that time');
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
step_clock(86_400);
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
