#!/usr/bin/perl
# Figures over HTTP: what is told to whom, what is refused, and that nobody who asks for
# names is touched by what happens there.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Select;
use IPC::Open2;
use Martlet;
use Martlet::Answer;
use Martlet::Http qw(http_connect http_get http_json http_read);
use Martlet::Process qw(free_port poll);
use Martlet::Wire qw(encode_query);
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;

my $zone = "\@ 3600 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\n";
my $port = free_port();
my $m = Martlet->new(zones => { 'example.com' => $zone },
	config => { http => { address => '127.0.0.1', port => 0 + $port, hosts => ['dns1.example.net', 'dns2.example.net.'] } });

sub status_of {
	my ($path, %arg) = @_;
	my $response = http_get($port, $path, %arg) // return;
	return $response->{status};
}

# what there is
is(http_get($port, '/healthz')->{body}, "ok\n", '/healthz');
is(status_of('/readyz'), 200, '/readyz');
my $status = http_json($port, '/status');
is($status->{state}, 'serving', '/status is that of martletctl');
is($status->{http}{listens}, "127.0.0.1 port $port", 'which tells of the reporter');
is_deeply([sort keys %$status], [sort keys %{ $m->ctl('status') }], 'with the same members');
is(scalar @{ http_json($port, '/workers')->{workers} }, 2, '/workers');
is(http_json($port, '/generations')->{generations}[0]{zones}, 1, '/generations');
ok(exists http_json($port, '/changes')->{changes}, '/changes');
ok(http_json($port, '/top')->{top}{zones}, '/top');
ok(!exists http_json($port, '/top')->{top}{sources}, 'without clients');
$m->ask('www.example.com', 'A') for 1 .. 3;
my $live = http_json($port, '/live');
is($live->{counters}{noerror}, 3, '/live has the counters');
is(scalar @{ $live->{workers} }, 2, 'the workers');
cmp_ok(eval { my $n = 0; $n += $_->[1] for @{ $live->{latency} }; $n }, '>=', 3, 'and the times');

# the page
my $page = http_get($port, '/');
is($page->{status}, 200, 'the page');
is($page->{headers}{'content-type'}, 'text/html; charset=utf-8', 'is HTML');
like($page->{headers}{'content-security-policy'}, qr/^default-src 'self'(?:;|$)/, 'that may load from here only');
is($page->{headers}{'x-content-type-options'}, 'nosniff', 'as the type that it is');
my @used = $page->{body} =~ /(?:src|href)="([^"]*)"/g;
cmp_ok(scalar @used, '>=', 2, 'it names files');
is_deeply([grep { !m{^/} || m{^//} } @used], [], 'of ours alone');
for my $path (grep { m{^/} } @used) {
	my $file = http_get($port, $path);
	is($file->{status}, 200, "$path is there");
	unlike($file->{body}, qr{https?://(?!www\.w3\.org/)}, 'and needs nothing from elsewhere');
	unlike($file->{body}, qr{innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b},
		'and makes no markup of what it is told');
}
unlike($page->{body}, qr{<script>|<style|\son\w+=|\sstyle=}, 'nothing stands inline');

# metrics
my $metrics = http_get($port, '/metrics');
like($metrics->{headers}{'content-type'}, qr{^text/plain; version=0\.0\.4}, '/metrics');
like($metrics->{body}, qr/^martlet_noerror_total 3$/m, 'has the counters');
like($metrics->{body}, qr/^martlet_ready 1$/m, 'readiness');
like($metrics->{body}, qr/^martlet_latency_seconds_count [3-9]$/m, 'times');
SKIP: {
	skip 'promtool is not installed', 1 unless grep { -x "$_/promtool" } split /:/, $ENV{PATH};
	my $pid = open2(my $out, my $in, 'promtool', 'check', 'metrics');
	print $in $metrics->{body};
	close $in;
	my $said = join '', <$out>;
	waitpid $pid, 0;
	is($? >> 8, 0, 'promtool finds nothing wrong') or diag($said);
}
my %names = map { $_ => 1 } $metrics->{body} =~ /^martlet_(\w+?)(?:_total)?(?:\{| )/mg;
my $stats = $m->counters;
my @missing = grep { !ref $stats->{$_} && !/^(?:latency|stream|event)_|_ns$/ && !$names{$_} } sort keys %$stats;
is_deeply(\@missing, [], 'every counter of stats is there') or diag("@missing");

# names from zones do not make series
my $lines = () = $metrics->{body} =~ /\n/g;
$m->write_zone('evil<script>' . chr(92) . '010.test', "\@ 3600 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.53\n");
$m->ctl('reload');
$m->ask("a$_.example.com", 'A') for 1 .. 30;
my $more = http_get($port, '/metrics')->{body};
is(scalar(() = $more =~ /\n/g), $lines, 'no name makes another series');
unlike($more, qr/script|example/, 'nor stands anywhere');

# who is refused, and what
my $before = $m->counters;
is(status_of('/', host => 'evil.test'), 403, 'another Host');
is(status_of('/metrics', host => "evil.test:$port"), 403, 'for everything');
is(status_of('/', host => "dns1.example.net:$port"), 200, 'one of http.hosts');
is(status_of('/', host => $_), 200, "one with the root's dot, as $_") for 'dns2.example.net', 'dns2.example.net.';
is(status_of('/', host => 'localhost'), 200, 'localhost');
is(status_of('/', host => "localhost:$port \t"), 200, 'white space behind it is not part of it');
is(status_of('/', host => undef), 400, 'none');
is(status_of('/', headers => ['Host: evil.test']), 400, 'two');
for my $method (qw(POST PUT DELETE OPTIONS TRACE PATCH BREW)) {
	my $response = http_get($port, '/status', method => $method);
	is($response->{status}, 405, $method);
	is($response->{headers}{allow}, 'GET, HEAD', 'which is told');
}
is(status_of('/', headers => ['Content-Length: 5'], body => 'hello'), 413, 'a body');
my $head = http_get($port, '/status', method => 'HEAD');
is($head->{status}, 200, 'HEAD');
is($head->{body}, '', 'has no body');
cmp_ok($head->{headers}{'content-length'}, '>', 100, 'only its length');
is(status_of($_), 404, "$_ is not there") for '/x', '/../etc/passwd', '/%2e%2e/etc/passwd', '/status/', '//',
  '/healthz%00x', '/live?x=%00';
is(status_of($_), 403, "$_ wants http.debug") for '/limits', '/profile';
my @huge = map { status_of('/', headers => ['X: ' . 'x' x $_], seconds => 3) // 'nothing' } 64_900, 65_000, 65_300, 100_000, 400_000;
is("@huge", '431 431 431 431 431', 'huge headers');
is(status_of('/healthz', headers => [('a:') x 4_000]), 200, 'very many small ones');
my @wrong;
my $malformed = 1 + @huge; # without Host, and these
for my $len (8_000, 15_000 .. 15_010, map { 16_000 + 40 * $_ } 0 .. 20) {
	for my $headers (['X: ' . 'x' x ($len - 3)], [('X: ' . 'x' x 77) x ($len / 82)]) {
		my $request = length(join "\r\n", 'GET /healthz HTTP/1.1', "Host: 127.0.0.1:$port", @$headers, '', '');
		my $got = status_of('/healthz', headers => $headers) // 'nothing';
		$malformed += $request > 16_384;
		push @wrong, "$len, $request: $got" if $got ne ($request <= 16_384 ? 200 : 431);
	}
}
is_deeply(\@wrong, [], 'headers of 16 KiB are served, more get 431') or diag("@wrong");
is($m->counters->{http_malformed} - $before->{http_malformed}, $malformed, 'which are malformed');
{
	# what their clients give up is no more than that
	my @gone = map { http_connect($port) } 1 .. 3;
	print { $gone[1] } 'GET /heal';
	print { $gone[2] } "GET /healthz HTTP/1.1\r\nHost: loc";
	setsockopt $_, SOL_SOCKET, SO_LINGER, pack 'i2', 1, 0 for @gone;
	close $_ for @gone;
}
ok(poll(5, sub { $m->counters->{http_open} == 0 }), 'connections that are reset');
my $raw = http_connect($port);
print $raw "\x16\x03\x01\x02\x00\x01\x00 no HTTP\r\n\r\n";
my $answer = http_read($raw, seconds => 3);
ok(!$answer || $answer->{status} >= 400, 'what is no HTTP');
my $after;
# it is counted when the connection ends
poll(5, sub { $after = $m->counters; $after->{http_malformed} - $before->{http_malformed} > $malformed });
is($after->{http_refused_host} - $before->{http_refused_host}, 3, 'refused for Host: counted');
is($after->{http_refused_method} - $before->{http_refused_method}, 8, 'for method or body');
is($after->{http_refused_path} - $before->{http_refused_path}, 9, 'for path');
is($after->{http_malformed} - $before->{http_malformed}, $malformed + 1, 'malformed');

# the absolute form of RFC 9112, section 3.2.2: its host counts, that of the header does not
is(http_get($port, "http://127.0.0.1:$port/healthz")->{body}, "ok\n", 'a target in absolute form');
is(status_of("HTTP://dns1.example.net/metrics", host => 'evil.test'), 200, 'whatever Host says');
is(status_of("http://localhost:$port"), 200, 'without a path');
is(status_of("http://localhost:$port/live?x=1"), 200, 'with arguments');
is(status_of($_), 403, "not ours: $_") for "http://evil.test:$port/metrics", 'http:///metrics', 'http://u@localhost/metrics',
	'http://' . 'a' x 400 . '/metrics';
is(status_of('https://localhost/metrics'), 404, 'no other scheme');

# hostile names: JSON without control characters, and without octets that are no UTF-8
$m->write_zone('hostile.test', "\@ 3600 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.53\n"
	. '<script> A 192.0.2.1' . "\n" . '\\027[2j A 192.0.2.1' . "\n" . 'a\\010b A 192.0.2.1' . "\n"
	. '\\255\\254 A 192.0.2.1' . "\n" . '\\"\\\\ A 192.0.2.1' . "\n");
is(($m->ctl('reload'))[0], 0, 'hostile names');
for my $label ('<script>', "\e[2j", "a\nb", "\xff\xfe", '"' . chr 92) {
	my $name = join('', map { chr(length) . $_ } $label, 'hostile', 'test') . "\0";
	for my $try (1 .. 5) {
		my $octets = $m->exchange(encode_query(\$name, 'A', id => $try));
		is(Martlet::Answer->new($octets)->rcode, 'NOERROR', 'asked for') if $try == 1;
	}
}
my $told = '';
my @wanted = ('<script>', '\\\\027[2j', 'a\\\\010b', '\\\\255\\\\254', '\\\\\\"\\\\\\\\');
ok(poll(10, sub {
	$told = http_get($port, '/top')->{body};
	!grep { index($told, "$_.hostile.test.") < 0 } @wanted;
}), 'are told as \\DDD') or diag($told);
unlike($told, qr/[^\x20-\x7e]/, 'in printable ASCII alone');

# slow clients, and many
my @slow = map { http_connect($port) } 1 .. 32;
print { $slow[0] } "GET / HTTP/1.1\r\n";
ok(poll(5, sub { $m->counters->{http_open} == 32 }), '32 connections');
my $over = http_connect($port);
ok(IO::Select->new($over)->can_read(5) && !sysread($over, my $octet, 1), 'the next one is closed');
is($m->counters->{http_refused_full}, 1, 'and counted');
is($m->ask('www.example.com', 'A')->rcode, 'NOERROR', 'names are answered meanwhile');
ok(poll(12, sub { syswrite $slow[0], "X: y\r\n"; $m->counters->{http_open} == 0 }),
	'all are closed in time, also who sends a little at a time');
cmp_ok($m->counters->{http_timeouts}, '>=', 32, 'and counted');
@slow = ();
is(status_of('/healthz'), 200, 'and then others are served');

# killed: who is connected waits
my $pid = $m->ctl('status')->{http}{pid};
$m->expect_log(qr/reporter \(pid \d+\) died/);
kill 'KILL', $pid;
is(http_get($port, '/healthz')->{body}, "ok\n", 'a killed reporter is not missed');
$status = $m->ctl('status');
isnt($status->{http}{pid}, $pid, 'it is another one');
is($status->{http}{restarts}, 1, 'counted');
is($m->ask('www.example.com', 'A')->rcode, 'NOERROR', 'names are answered');

# a master that hangs: what the region tells goes on
kill 'STOP', $m->{pid};
is(status_of('/healthz'), 200, 'the master hangs: /healthz');
is(status_of('/readyz'), 200, '/readyz: queries are answered');
is(status_of('/metrics'), 200, '/metrics');
my $silent = http_get($port, '/workers');
is($silent->{status}, 503, 'what it alone knows is not told');
like($silent->{body}, qr/^\{"error":"/, 'and why');
kill 'CONT', $m->{pid};
ok(poll(10, sub { (status_of('/workers') // 0) == 200 }), 'it goes on');

# live changes: off, a port in use, another one
my $other = free_port();
my $taken = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 1) // die $!;
my $second = Martlet->new(start => 0, config => { http => { address => '127.0.0.1', port => 0 + $taken->sockport } });
$second->expect_log(qr/in use/);
$second->{may_fail} = 1;
my ($code, $said) = $second->run('-f');
is($code, 1, 'a port in use: no start');
like($said, qr/^error: http\.address: 127\.0\.0\.1 port \d+ is in use: end the other server .* set another http\.port$/m,
	'and a line that says so');
$m->write_config({ http => { port => 0 + $taken->sockport } });
$m->expect_log(qr/http\.address: .* in use/, qr/reload refused/);
my ($exit, $json) = $m->ctl('reload');
is($exit, 1, 'a port in use: the reload is refused');
like($json->{error}, qr/in use/, 'which it says');
is(status_of('/healthz'), 200, 'the earlier one is served on');
$m->write_config({ http => { port => 0 + $other, debug => \1 } });
is(($m->ctl('reload'))[0], 0, 'another port');
is(http_get($other, '/healthz')->{body}, "ok\n", 'is served');
ok(!IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port), 'the earlier one is not');
is(http_json($other, '/limits')->{log_only}, JSON::PP::false(), 'http.debug tells who is limited');
ok(exists http_json($other, '/top')->{top}{sources}, 'and who asks most');
my $profile = http_json($other, '/profile?seconds=1');
is(ref $profile->{folded}, 'ARRAY', 'and what workers do');
is(http_get($other, "/profile?seconds=$_")->{status}, 400, "not for '$_' s") for qw(0 61 -1 x 99999999999);
is(http_get($other, '/profile', headers => ['Sec-Fetch-Site: cross-site'])->{status}, 403, 'nor for pages of others');
$m->write_config({ http => { address => '0.0.0.0' } });
$m->expect_log(qr/http\.debug: without effect/);
is(($m->ctl('reload'))[0], 0, 'the same port on all addresses');
$port = $other;
is(status_of($_), 200, "$_ there") for '/metrics', '/healthz', '/readyz';
is(status_of($_), 403, "$_ not there") for '/', '/status', '/live', '/limits', '/profile', '/page.js';
$m->write_config({ http => { address => '' } });
is(($m->ctl('reload'))[0], 0, 'off');
ok(!IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port), 'nobody listens');
is($m->ctl('status')->{http}{pid}, undef, 'nor lives');
$m->stop;

done_testing();
