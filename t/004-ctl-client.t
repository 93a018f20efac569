#!/usr/bin/perl
# martletctl against servers that we play here, honest and hostile ones.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use JSON::PP ();
use Martlet;
use Martlet::Process qw(read_file);
use Socket qw(SOCK_STREAM);
use Test::More;
use Time::HiRes qw(sleep time);

use constant { PROGRESS => 2, DATA => 3, FINAL => 4, MAGIC => 0x4d54 };

my $dir = tempdir(CLEANUP => 1);
my $path = "$dir/ctl.sock";
$ENV{COLUMNS} = 80;

sub frame {
	my ($kind, $data, %over) = @_;
	return pack('n C C n n N', $over{magic} // MAGIC, $over{version} // 1, $kind,
		$over{status} // 0, 0, $over{len} // length $data) . $data;
}

sub object { return frame(DATA, $_[0]) . frame(FINAL, '', status => $_[1] // 0) }

sub request_of {
	my ($peer) = @_;
	my ($head, $body) = ('', '');

	while (length $head < 12) { sysread($peer, $head, 12 - length $head, length $head) or return }
	my $len = unpack 'x8 N', $head;
	while (length $body < $len) { sysread($peer, $body, $len - length $body, length $body) or return }
	return ($head, $body);
}

# Run martletctl against a server that answers `reply` (octets, or code that is called
# with the connection).  returns exit code, stdout, stderr, the request's body.
sub served {
	my ($reply, @args) = @_;
	unlink $path;
	my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $path, Listen => 1)
	  or die "$path: $!\n";
	my $child = fork // die "fork: $!\n";

	if (!$child) {
		local $SIG{PIPE} = 'IGNORE';
		alarm 60;
		my $peer = $server->accept;
		my ($head, $body) = request_of($peer);
		open my $out, '>', "$dir/request";
		print $out $body // '';
		close $out;
		ref $reply ? $reply->($peer) : syswrite $peer, $reply;
		close $peer;
		POSIX::_exit(0);
	}
	close $server;
	my @result = ctl('-s', $path, @args);
	waitpid $child, 0;
	return @result, read_file("$dir/request");
}

sub ctl {
	my (@args) = @_;
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		open STDOUT, '>', "$dir/out" or die;
		open STDERR, '>', "$dir/err" or die;
		exec Martlet::martletctl(), @args or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	die "martletctl died of signal " . ($? & 127) . "\n" . read_file("$dir/err") if $? & 127;
	return $? >> 8, read_file("$dir/out"), read_file("$dir/err");
}

# ---- usage
for my $case (
	[[], qr/^usage/],
	[['-x'], qr/usage/],
	[['statsu'], qr/^martletctl: unknown command 'statsu', nearest is 'stats': see martletctl -h\n$/],
	[['keys', 'generate', 'a.test', 'b.test'], qr/usage: martletctl keys/],
	(map { [[split ' ', "keys $_"], qr/usage: martletctl keys .*roll ZONE/] } 'generate', 'roll', 'unsign', 'ds-seen a.test',
		'roll a.test all', 'roll a.test algorithm', 'roll a.test algorithm x', 'ds-seen a.test x', 'ds-seen a.test 1 -'),
	[['explain', 'a'], qr/usage: martletctl explain NAME TYPE/],
	[['explain', 'a..b', 'A'], qr/'a\.\.b' is no domain name/],
	[['explain', 'a', 'B'], qr/'B' is no type of records/],
	[['explain', 'a', 'A', '--client', '192.0.2'], qr/--client '192\.0\.2' is no address/],
	[['explain', 'a', 'A', '--ecs', '192.0.2.0/33'], qr/--ecs '192\.0\.2\.0\/33' is no prefix/],
	[['explain', 'a', 'A', '--ecs', '2001:db8::/129'], qr/is no prefix/],
	[['simulate', 'a', 'A'], qr/usage: martletctl simulate NAME TYPE FILE/],
	[['simulate', 'a', 'A', '/dev/null', '--down', 'x'], qr/--down 'x' is no address/],
	[['simulate', 'a', 'A', '/dev/null', '--weight', '192.0.2.1=2147483649'], qr/is not ADDRESS=N/],
	[['simulate', 'a', 'A', '/dev/null', '--client', '192.0.2.1'], qr/simulate knows no --client/],
	[['zones', '--client', '192.0.2.1'], qr/zones knows no --client/],
	[['zones', 'a..b'], qr/'a\.\.b' is no domain name/],
	[['zones', 'a', 'b'], qr/usage: martletctl zones \[--digest\] \[NAME\]/],
	[['stats', '--digest'], qr/stats knows no --digest/],
	[['diff', '1'], qr/usage: martletctl diff A B/],
	[['diff', '1', 'x'], qr/'x' is no generation/],
	[['rollback', '-5'], qr/usage/],
	[['accept', 'all'], qr/'all' is no id, see 'martletctl held'/],
	[['import'], qr/usage: martletctl import FILE/],
	[['import', '--db', 'x', 'a.zone'], qr/--db must be a number of 0 to 65535/],
	[['import', '--schema', 'x', 'a.zone'], qr/--schema must be redins or z42/],
	[['import', '--redis', 'nowhere', 'a.zone'], qr/nowhere|host:port/],
	[['zones', '--redis', '127.0.0.1:1'], qr/zones knows no --redis/],
	[['accept'], qr/usage: martletctl accept ID/],
	[['build'], qr/usage: martletctl build DIR/],
	[['-c', 'x', '-s', 'y', 'status'], qr/usage/],
	[['rollback', ''], qr/'' is no generation/],
	[['status', '--per-worker'], qr/status knows no --per-worker/],
	[['-s', '/' . 'x' x 107, 'status'], qr/107 octets/],
) {
	my ($exit, $out, $err) = ctl(@{ $case->[0] });
	is($exit, 2, "exit 2: martletctl @{$case->[0]}");
	like($err, $case->[1], ' with the reason');
	is($out, '', ' and nothing on stdout');
}
{
	my ($exit, $out) = ctl('-h');
	is($exit, 0, '-h');
	like($out, qr/^  \Q$_\E\b/m, "help names $_")
	  for qw(status ready workers stats zones errors changes limits explain simulate reload build swap generations rollback resume diff export held accept import stop);
	is(scalar(grep { length > 80 } split /\n/, $out), 0, 'help fits 80 columns');
	($exit, $out) = ctl('-V');
	like($out, qr/^martletctl \d+\.\d+\.\d+\n$/, '-V');
}

# ---- no server
{
	my ($exit, $out, $err) = ctl('-s', "$dir/none.sock", 'status');
	is($exit, 3, 'no socket: exit 3');
	like($err, qr{^[^\n]*\Q$dir/none.sock\E[^\n]*start[^\n]*\n$}, 'one line names it and the cure');
	($exit, $out, $err) = ctl('-s', "$dir/none.sock", '--json', 'status');
	is($exit, 3, 'the same with --json');
	like(JSON::PP->new->decode($out)->{error}, qr/no server/, 'as an object, too');
	open my $file, '>', "$dir/file"; close $file;
	($exit, $out, $err) = ctl('-s', "$dir/file", 'status');
	is($exit, 3, 'a file that is no socket: exit 3');
	like($err, qr{^martletctl: status: \Q$dir/file\E is no socket: [^\n]*-s\n$}, 'it is named');
	($exit, $out, $err) = ctl('-c', "$dir/none.conf", 'status');
	is($exit, 1, 'no configuration: exit 1');
	like($err, qr{^[^\n]*\Q$dir/none.conf\E: No such file[^\n]*-s\n$}, 'one line names it and the cure');
	($exit, $out, $err) = ctl('-c', "$dir/none.conf", '--json', 'status');
	like(JSON::PP->new->decode($out)->{error}, qr{cannot read \Q$dir/none.conf}, 'as an object, too');
}

# ---- the socket by the configuration
{
	my $config = "$dir/martlet.conf";
	my $named = sub {
		my ($text) = @_;
		open my $out, '>', $config or die; print $out $text; close $out;
		my ($exit, undef, $err) = ctl('-c', $config, 'status');
		is($exit, 3, 'no server as configured');
		return $err;
	};
	like($named->(qq(control_socket = "$dir/here.sock";)), qr{no server at $dir/here\.sock}, 'the configured one');
	like($named->('control_socket = "rel.sock";'), qr{no server at $dir/rel\.sock}, 'relative to the file');
	like($named->(''), qr{no server at /run/martlet/control\.sock}, 'the default one');
	my $err = $named->("nonsense = 1;\ncontrol_socket = \"rel.sock\";\n");
	like($err, qr{martlet\.conf:1: nonsense.*no server at $dir/rel\.sock}s, 'in spite of errors, which are named');
	$err = $named->("control_socket = \"$dir/a.sock\";\n}{\n");
	like($err, qr{martlet\.conf:2: .*no server at $dir/a\.sock}s, 'even of broken syntax');
	my ($exit, $out);
	($exit, $out, $err) = ctl('-c', "$dir/none.conf", 'status');
	is($exit, 1, 'no configuration: exit 1');
	like($err, qr/cannot read .*none\.conf.*-s/, 'named, with the cure');
}
SKIP: {
	skip 'root may connect anywhere', 2 if $> == 0;
	my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "$dir/shut", Listen => 1);
	chmod 0, "$dir/shut";
	my ($exit, undef, $err) = ctl('-s', "$dir/shut", 'status');
	is($exit, 1, 'no right: exit 1');
	like($err, qr/no right.*control_group/, 'with the cure');
}

# ---- requests
is((served(object('{"ready":true}'), 'ready'))[3], "ready\0", 'the request of ready');
is((served(object('{}'), 'stats', '--per-worker'))[3], "stats\0--per-worker\0", 'stats --per-worker');
is((served(object('{}'), 'zones', '--digest', 'a.example'))[3], "zones\0a.example\0--digest\0", 'zones --digest');
is((served(object('{}'), '--json', 'diff', '3', '14'))[3], "diff\0003\00014\0", 'diff A B');
like((served(object('{}'), 'swap', 'some/dir'))[3], qr{^swap\0/.*/some/dir\0$}, 'swap sends an absolute path');
is((served(object('{}'), 'swap', '/a/b'))[3], "swap\0/a/b\0", 'an absolute one as it is');

# ---- --json: as it came
{
	my $text = '{ "workers": [1, 2.50, null],  "x": "\u001b" }';
	my ($exit, $out) = served(join('', map { frame(DATA, $_) } split //, $text) . frame(FINAL, ''),
		'--json', 'workers');
	is($exit, 0, '--json in pieces of one octet');
	is($out, "$text\n", 'comes out as it came');
	($exit, $out) = served(object('{"error":"no"}', 1), 'status', '--json');
	is($exit, 1, '--json behind the command, exit 1');
	is($out, qq({"error":"no"}\n), 'prints the object');
	($exit, $out) = served(object("{\"a\":\"\e]0;x\a\"}"), '--json', 'status');
	unlike($out, qr/[\e\a]/, 'raw control characters do not get through');
	($exit, $out) = served(object('{}', 7), '--json', 'status');
	is($exit, 1, 'any other status is exit 1');
}

# ---- progress
{
	my ($exit, $out, $err) = served(frame(PROGRESS, "loading 3 of 9") . frame(PROGRESS, "evil\e[2J\n")
		. object('{"generation":18,"zones":9,"records":120,"zones_in_error":2,"took_ms":340,"notices":["restart for listen"]}'),
		'reload');
	is($exit, 0, 'reload');
	is($err, "reload: loading 3 of 9\nreload: evil\\x1b[2J\n", 'progress on stderr, harmless');
	is($out, "serving generation 18: 9 zones, 120 records (340.0ms)\n"
		. "zones in error: 2, see 'martletctl errors'\nnotice: restart for listen\n", 'its sentence');
	(undef, $out, $err) = served(object('{"generation":18,"zones":9,"records":120,"zones_in_error":1,"error":"a.zone:3: bad"}', 1),
		'reload', 'example.com');
	is($err, "martletctl: reload: a.zone:3: bad\n", 'an error goes to stderr');
	like($out, qr/^serving generation 18/, 'what is served to stdout');
}

# ---- layouts
sub fits {
	my ($out, $width, $what) = @_;
	my @long = grep { length > $width } split /\n/, $out;
	is(scalar @long, 0, "$what fits $width columns") or diag(@long);
	return;
}
{
	my @rows = map { +{ id => $_, pid => 4_000_000 + $_, cpu => $_, state => 'serving', restarts => 0,
		uptime_s => 273_600 + $_, qps => 123_456.78, queries => 12_345_678_901, generation => 12,
		rss_bytes => 1_288_490_188 } } 0 .. 2;
	my ($exit, $out) = served(object(JSON::PP->new->encode({ workers => \@rows })), 'workers');
	is($exit, 0, 'workers');
	fits($out, 80, 'the table');
	my @lines = split /\n/, $out;
	is(scalar @lines, 4, 'a title and three rows');
	like($lines[1], qr/^ 0  4000000 .*\bserving\b.*3d 4h.* 123456\.8  12345678901 .*1\.2 GiB$/, 'with people\'s figures');
	is(length $lines[0], length $lines[1], 'right-aligned');
	is((served(object('{"workers":[]}'), 'workers'))[1], "no workers\n", 'none');
}
{
	my $long = 'customer-with-a-very-long-name.' x 3 . 'example.com.';
	my $json = JSON::PP->new->encode({ zones => [
		{ name => $long, serial => 4294967295, records => 10, source => '/etc/x', state => 'served',
			loaded_at => '2001-01-01T00:00:00Z', error => undef },
		{ name => "evil\x1b[31m.", serial => undef, records => 0, source => '', state => 'broken',
			loaded_at => undef, error => 'x.zone:7: ' . 'reason ' x 30 } ] });
	my ($exit, $out) = served(object($json), 'zones');
	fits($out, 80, 'zones');
	my @lines = split /\n/, $out;
	is(scalar @lines, 3, 'two zones');
	like($lines[1], qr/^customer-.*\.\..*\.com\.  4294967295 /, 'a long name loses its middle');
	like($lines[2], qr/^evil\\x1b\[31m\.\s+-\s+0\s+broken\s+-\s+x\.zone:7/, 'control characters are escaped, null is -');
	{
		local $ENV{COLUMNS} = 400;
		(undef, $out) = served(object($json), 'zones');
		like($out, qr/\Q$long\E/, 'COLUMNS is the width');
		delete $ENV{COLUMNS};
		my @many = map { { name => "z$_." } } 1 .. 1500;
		(undef, $out) = served(object(JSON::PP->new->encode({ zones => [@many, { name => $long,
			error => 'reason ' x 300 . 'end' }] })), 'zones');
		like($out, qr/^\Q$long\E .*reason end$/m, 'without a terminal nothing is cut');
		(undef, $out) = served(object(JSON::PP->new->encode({ problems => ['word ' x 400 . 'end'] })), 'status');
		like($out, qr/^problem: .* word end$/m, 'nor wrapped');
	}
	(undef, $out) = served(object('{"zones":[{"name":"a.","serial":7,"records":1000,"digest":"00ff00ff00ff00ff"}],'
		. '"digest":"1234567890abcdef"}'), 'zones', '--digest');
	is($out, "zone  serial  records  digest\na.         7     1000  00ff00ff00ff00ff\nall zones: 1234567890abcdef\n",
		'digests');
	(undef, $out) = served(object('{"zones":[{"name":"a.","serial":7,"error":null}]}'), 'zones', 'a');
	is($out, "name    a.\nserial  7\nerror   -\n", 'one zone in lines');
}
{
	my ($exit, $out) = served(object(
		'{"version":"1.0","pid":7,"uptime_s":3700,"state":"serving","source":{"kind":"files",'
		. '"staleness_s":null,"cursor":null},"workers":2,"problems":["' . 'word ' x 40 . '"],"notices":[]}', 1),
		'status');
	is($exit, 1, 'status with problems is exit 1');
	like($out, qr/^uptime_s +1h 1m$/m, 'a duration');
	like($out, qr/^source\.kind +files$/m, 'inner members');
	like($out, qr/^problem: word word.*\n {9}word/m, 'problems, wrapped');
	fits($out, 80, 'status');
	is((served(object('{"ready":true,"generation":3}'), 'ready'))[1], "ready\n", 'ready is one word');
	is((served(object('{"ready":false,"generation":null}', 1), 'ready'))[1], "unready\n", 'unready, too');
}
{
	my ($exit, $out) = served(object('{"stats":[{"id":0,"udp_queries":5}],"udp_queries":12345,"latency_p50_ns":1500}'),
		'stats', '--per-worker');
	like($out, qr/^id +0\n.*udp_queries +5\n\nall workers/s, 'stats of each worker');
	like($out, qr/^udp_queries     12345\nlatency_p50_ns  1\.5us$/m, 'of all, right-aligned');
	(undef, $out) = served(object('{"udp_queries":5,"stages":{"wait":{"count":0,"p50_ns":null},'
		. '"receive_to_send":{"count":123456789012,"mean_ns":1234,"p50_ns":1024,"p90_ns":99000,"p99_ns":1500000,'
		. '"p999_ns":2500000,"max_ns":68000000000,"spent_ns":0},"a\\u001bb":{"count":1}}}'), 'stats');
	like($out, qr/^stage +count +mean +50 % .*99[.]9 % +max$/m, 'stages have a table');
	like($out, qr/^receive_to_send +123456789012 +1\.2us +1\.0us +99\.0us +1\.5ms +2\.5ms +1m 8s$/m, 'with times');
	unlike($out, qr/^wait/m, 'of those that were gone through');
	like($out, qr/^a\\x1bb +1 /m, 'whatever they are called');
	fits($out, 80, 'stats');
}
{
	my ($exit, $out) = served(object('{"errors":[{"zone":"a.example.","source":"/z/a.example.zone","line":12,'
		. '"reason":"no SOA","state":"old"},{"zone":"b.","source":"/z/b.zone","line":null,"reason":"unreadable",'
		. '"state":"broken"}]}'), 'errors');
	is($out, "a.example. (old)\n    /z/a.example.zone:12: no SOA\nb. (broken)\n    /z/b.zone: unreadable\n", 'errors');
	is((served(object('{"errors":[{"zone":null,"owner":null,"type":null,"source":"/g/c.mmdb","line":null,"reason":"geoip.country_db: '
		. 'is damaged","state":"stale"}]}'), 'errors'))[1], "the server (stale)\n    /g/c.mmdb: geoip.country_db: is damaged\n",
		'of no zone');
	is((served(object('{"errors":[]}'), 'errors'))[1], "no errors\n", 'none');
	($exit, $out) = served(object('{"errors":[{"zone":"a.","owner":"x.a.","type":"MX","source":"a x","line":null,"reason":"no",'
		. '"state":"error"},{"zone":"a.","owner":"y.a.","type":null,"source":"a y","line":null,"reason":"bad","state":"error"},'
		. '{"zone":"a.","owner":"z.a.","type":"A","source":"a z","line":null,"reason":"old","state":"stale"}]}'), 'errors');
	is($out, "a. (error)\n    a x: x.a. MX: no\n    a y: y.a.: bad\na. (stale)\n    a z: z.a. A: old\n",
		'those of one zone stand together');
}
{
	my ($exit, $out) = served(object('{"a":1,"b":2,"diff":[{"zone":"a.","name":"w.a.","removed":["w.a. 60 IN A 192.0.2.1"],'
		. '"added":["w.a. 60 IN A 192.0.2.2","w.a. 60 IN A 192.0.2.3"]}]}'), 'diff', 1, 2);
	is($out, "@@ w.a. in zone a. @@\n-w.a. 60 IN A 192.0.2.1\n+w.a. 60 IN A 192.0.2.2\n+w.a. 60 IN A 192.0.2.3\n", 'diff');
}
{
	my ($exit, $out) = served(object('{"generations":[{"id":17,"created":"2024-11-21T04:20:00Z","zones":3,"records":90,'
		. '"bytes":1234567,"serving":true,"state":"ok"}],"chosen":17}'), 'generations');
	like($out, qr/^17  2024-11-21T04:20:00Z +3 +90  1\.2 MiB  yes      ok$/m, 'generations');
	like($out, qr/17 was chosen.*resume/, 'with what holds the sources off');
	is((served(object('{}'), 'stop'))[1], "stopped\n", 'stop');
}

{
	my ($exit, $out) = served(object(JSON::PP->new->canonical->encode({ udp_queries => 5,
		stream_propagation => { count => 100, p50_us => 1024, max_us => 3_000_000,
			buckets => [ { below_us => 960, count => 20 }, { below_us => 1024, count => 70 },
				{ below_us => 4096, count => 9 }, { below_us => undef, count => 1 } ] },
		event_propagation => { count => 0, p50_us => undef, buckets => [] } })), 'stats');
	is($exit, 0, 'stats with times');
	fits($out, 80, 'the picture');
	like($out, qr/^stream_propagation[.]p50_us +1[.]0ms$/m, 'a percentile');
	like($out, qr/^ +below +1[.]0ms +90  #{36}\n +below +2[.]0ms +0\n +below +4[.]1ms +9  #{4}\n/m,
		'a bar for each doubling');
	like($out, qr/^ +below +for ever +1$/m, 'the rest');
	unlike($out, qr/notifications/, 'nothing where nothing was timed');
}
{
	my $json = JSON::PP->new->encode({ changes => [
		{ number => 12, id => '1795226090210-12', cause => 'stream', zone => 'customer.' x 6 . 'example.',
			zones => 1000, added => 12345, removed => 1, written => '2001-01-01T00:00:00.100Z',
			served => '2001-01-01T00:00:00.101Z', took_us => 1234 },
		{ number => 11, id => '1795226090209-0', cause => 'digest', zone => undef, zones => 1, added => 0,
			removed => 1, written => undef, served => '2001-01-01T00:00:00.101Z', took_us => undef } ] });
	my ($exit, $out) = served(object($json), 'changes');
	is($exit, 0, 'changes');
	fits($out, 80, 'the table');
	like($out, qr/^ +ago +id .*took\n[0-9]+d [0-9]+h  1795226090210-12  stream  custom[^ ]+  +1000  12345 +1  1[.]2ms$/m,
		'a row, with its age');
	is((served(object('{"changes":[]}'), 'changes'))[1], "no changes yet\n", 'none');
}

{
	my ($exit, $out) = served(object('{"export":[{"zone":"a.","apex":true,"records":["a. 60 IN SOA b. c. 1 2 3 4 5",'
		. '"a. 60 IN NS b."]},{"zone":"a.","apex":false,"records":["b.a. 60 IN TXT \"\\\\027\u001b\""]}]}'), 'export', 'a');
	is($out, "; zone a.\na. 60 IN SOA b. c. 1 2 3 4 5\na. 60 IN NS b.\nb.a. 60 IN TXT \"\\027\\x1b\"\n", 'export');
}

{
	my ($exit, $out) = served(object('{"held":[{"id":3,"since":"2001-01-01T00:00:00Z","change":"17-0",'
		. '"reason":"too much would vanish within a minute","served":1500,"offered":10,"zones":3,'
		. '"first":[{"zone":"a.","served":500,"offered":5,"reason":"x"}]}]}'), 'held');
	like($out, qr/^3  held [0-9]+d [0-9]+h ago: too much would vanish within a minute\n {4}zones: 3, records: 1500 -> 10\n/, 'held');
	like($out, qr/\n {4}a[.]: 500 records -> 5\n {4}and more\n {4}to serve it .*: martletctl accept 3\n$/, 'with the way out');
	is((served(object('{"held":[]}'), 'held'))[1], "nothing is held\n", 'none');
	is((served(object('{"id":3}'), 'accept', 3))[1], "accepted and served\n", 'accept');
}

# ---- a list that is too long for any memory prints as it comes
{
	my $rows = 50_000;
	my ($exit, $out) = served(sub {
		my ($peer) = @_;
		print $peer frame(DATA, '{"zones":[');
		for my $at (0 .. $rows / 100 - 1) {
			print $peer frame(DATA, join '', map { my $n = 100 * $at + $_;
				($n ? ',' : '') . qq({"name":"zone$n.example.","serial":$n}) } 0 .. 99);
		}
		print $peer object(']}');
	}, 'zones');
	is($exit, 0, 'a long list');
	is(($out =~ tr/\n//), $rows + 1, 'all of it');
}

# ---- hostile and broken servers
for my $case (
	['nothing', '', 3, qr/went away/],
	['a cut head', "MT\1", 3, qr/went away/],
	['a cut object', frame(DATA, '{"a":1'), 3, qr/went away/],
	['cut data', frame(DATA, '{"a', len => 100), 3, qr/went away/],
	['no END', frame(DATA, '{}'), 3, qr/went away/],
	['another protocol', "HTTP/1.1 400 Bad Request\r\n\r\n", 1, qr/no martletd/],
	['a newer version', frame(FINAL, '', version => 9), 1, qr/version 9/],
	['an unknown kind', frame(9, ''), 1, qr/kind 9/],
	['a huge length', frame(DATA, '', len => 0xffffffff), 1, qr/4294967295 octets/],
	['END alone', frame(FINAL, ''), 1, qr/no sense/],
	['no JSON', object('hello'), 1, qr/no sense/],
	['a list', object('[]'), 1, qr/no sense/],
	['half an object', object('{"a":'), 1, qr/no sense/],
	['an open string', object('{"a'), 1, qr/no sense/],
	['closing first', object(']}'), 1, qr/no sense/],
	['two objects', object('{}{}'), 1, qr/no sense/],
	['mixed brackets', object('{"zones":[{]}]}'), 1, qr/no sense/],
	['deep nesting', object('{"a":' . '[' x 60000), 1, qr/no sense/],
	['bad UTF-8', object("{\"a\":\"\xff\"}"), 1, qr/no sense/],
	['octets behind END', object('{}') . 'x' x 1000, 0, undef],
) {
	my ($what, $reply, $want, $why) = @$case;
	my ($exit, $out, $err) = served($reply, 'zones');
	is($exit, $want, "$what: exit $want");
	like($err, $why, ' with the reason') if $why;
	is(($err =~ tr/\n//), 1, ' in one line') if $why;
}
for my $case (
	['wrong kinds of all', '{"zones":[1,null,[],{"name":{},"serial":"x","records":[1],"error":7}]}', 'zones'],
	['errors without members', '{"errors":[{},7,[]]}', 'errors'],
	['diff without members', '{"diff":[{"removed":7,"added":[{},[7],null]}]}', 'diff', 1, 2],
	['reload of another kind', '{"generation":[],"took_ms":"x","zones_in_error":{}}', 'reload'],
	['figures past all', '{"uptime_s":1e300,"rss_bytes":-1e300,"x_ns":1e-300,"big":9223372036854775807,"f":1e308}', 'status'],
	['times that contradict', '{"stream_propagation":{"count":1,"buckets":[{"below_us":1e300,"count":1e300},'
		. '{"below_us":-5,"count":-7},{},7,{"below_us":{},"count":[]}]},"event_propagation":[1]}', 'stats'],
	['lists in lists', '{"zones":[[[{"name":"x"}]]]}', 'zones'],
	['objects nested deep', '{"a":{"b":{"c":{"d":1}}},"' . 'n' x 5000 . '":1}', 'status'],
) {
	my ($what, $json, @args) = @$case;
	my ($exit, $out, $err) = served(object($json), @args);
	is($exit, 0, "$what: printed somehow");
}
{
	my ($exit, $out, $err) = served(sub {
		my ($peer) = @_;
		my $chunk = frame(DATA, 'x' x 65536);
		print $peer frame(DATA, '{"zones":["');
		for (1 .. 1000) { print {$peer} $chunk or last }
	}, 'zones');
	is($exit, 1, 'an item without end is cut off');
	like($err, qr/too long/, ' with the reason');
}
{
	my ($exit, $out, $err) = served(sub { close $_[0] }, 'reload', 'a.example');
	is($exit, 3, 'a server that hangs up');
}

# ---- build needs no server
{
	mkdir "$dir/zones";
	my $write = sub { open my $out, '>', $_[0] or die; print $out $_[1]; close $out };
	$write->("$dir/zones/a.example.zone", "@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n");
	$write->("$dir/build.conf", "zones = { dir = \"zones\"; };\n");
	my ($exit, $out, $err) = ctl('-c', "$dir/build.conf", 'build', "$dir/built");
	is($exit, 0, 'build') or diag($err);
	like($out, qr{^built \Q$dir\E/built: 1 zones, 3 records, \d.* [KM]iB$}, 'says what');
	ok(-s "$dir/built/manifest", 'it is there');
	($exit, $out, $err) = ctl('-c', "$dir/build.conf", '--json', 'build', "$dir/built");
	is($exit, 1, 'not a second time');
	like(JSON::PP->new->decode($out)->{error}, qr/\Q$dir\E/, 'with the reason');
	$write->("$dir/build.conf", "zone = 1;\n");
	($exit, $out, $err) = ctl('-c', "$dir/build.conf", 'build', "$dir/other");
	is($exit, 1, 'a bad configuration');
	like($err, qr/build\.conf:1: zone/, 'is named');
}
done_testing();
