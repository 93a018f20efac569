#!/usr/bin/perl
# Profiles and traces of a server that is asked all the time: files that others' programs
# read, one at a time, and nobody who is asked for much or goes away does any harm.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Cwd qw(getcwd);
use File::Temp qw(tempdir);
use FloodTool;
use JSON::PP ();
use Martlet;
use Martlet::Control;
use Martlet::Process qw(find_program poll read_file write_file);
use Martlet::Wire qw(encode_query);
use POSIX ();
use Socket qw(MSG_DONTWAIT);
use Test::More;
use Time::HiRes qw(sleep);

my $ZONE = "\@ 3600 IN SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n* A 192.0.2.2\n";
my $m = Martlet->new(zones => { 'example.com' => $ZONE });
my $dir = tempdir(CLEANUP => 1);
my $here = getcwd();
my $home = tempdir(CLEANUP => 1);

# Somebody who asks all the time while a profile is taken, many at once: what is rarely seen
# at work leaves no samples.
my $asker = fork // die "fork: $!\n";
if (!$asker) {
	my $socket = $m->udp_socket;
	my $query = encode_query('ns.example.com', 'A', id => 7);

	kill 'STOP', $$;
	while (getppid != 1) {
		$socket->send($query) for 1 .. 64;
		sleep 0.002;
		1 while defined $socket->recv(my $response, 4096, MSG_DONTWAIT);
	}
	POSIX::_exit(0);
}
END { kill 'KILL', $asker if $asker }
waitpid $asker, POSIX::WUNTRACED();

# In the directory for files.  returns exit code, stdout, stderr.
sub ctl {
	my (@args) = @_;
	my $pid = ctl_start(@args);

	waitpid $pid, 0;
	kill 'STOP', $asker;
	return ($? >> 8, read_file("$home/out"), read_file("$home/err"));
}

sub ctl_start {
	my (@args) = @_;
	unlink "$home/err";
	kill 'CONT', $asker;
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		chdir $dir or die;
		open STDOUT, '>', "$home/out" or die;
		open STDERR, '>', "$home/err" or die;
		exec Martlet::martletctl(), '-s', $m->control_socket, @args or POSIX::_exit(127);
	}
	return $pid;
}

sub ask {
	kill 'CONT', $asker;
	my @reply = Martlet::Control::ask($m->control_socket, @_);
	kill 'STOP', $asker;
	return @reply;
}
sub files { return sort map { s{.*/}{}r } glob "$dir/*" }

# what others' programs say of a file: its octets, and the words that must be there
sub go_reads {
	my ($path, $want, $what, @options) = @_;
SKIP: {
		skip 'go is not installed', 1 unless find_program('go');
		local $ENV{HOME} = $home;
		like(scalar `go tool pprof @options -top '$path' 2>&1`, $want, $what);
	}
	return;
}

sub is_xml {
	my ($path, $what) = @_;
SKIP: {
		skip 'python3 is not installed', 1 unless find_program('python3');
		is(system('python3', '-c', 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])', $path),
			0, $what);
	}
	return;
}

# CPU time
{
	my ($exit, $out, $err, @files);

	# on a busy machine none may be seen in so short a time
	for (1 .. 5) {
		unlink map { "$dir/$_" } files();
		($exit, $out, $err) = ctl('profile', 'cpu', 1);
		@files = files();
		last if $exit || (@files && read_file("$dir/$files[0]") =~ /sendmmsg/);
	}

	is($exit, 0, 'profile cpu') or diag($err);
	like($err, qr/2 workers are sampled for 1 s/, 'says what it does');
	is(scalar @files, 3, 'three files') or diag("@files");
	like($files[0], qr/^profile-cpu-\d{8}T\d{6}Z\.folded$/, 'named by kind and time');
	my $stem = "$dir/" . $files[0] =~ s/\.folded//r;
	my $folded = read_file("$stem.folded");
	like($folded, qr/^stage: \w+;[^;\n]+(?:;[^;\n]+)* \d+$/m, 'folded stacks begin with the stage');
	like($folded, qr/^stage: send;.*worker_run.*udp_serve.*kernel: sendmmsg(?:;\w+_\[k\])* \d+$/m,
		'a system call is a frame behind those who called it');
	unlike($folded, qr/martletd\+0x|;0x/, 'each frame of ours has a name');
	go_reads("$stem.pb.gz", qr/Type: cpu.*Duration: 1s.*kernel: sendmmsg/s, 'pprof reads it');
	go_reads("$stem.pb.gz", qr/Showing nodes/, 'and knows whose samples they are', '-tagfocus=worker=[01]');
	like(read_file("$stem.svg"), qr/<title>kernel: sendmmsg \(/, 'the flame graph has titles');
	is_xml("$stem.svg", 'it is well-formed');
	like($out, qr/of CPU time in 1 s.*\n +[\d.]+ms +[\d.]+ %  \S.*written: /s, 'a summary');
	my ($kernel) = $out =~ /kernel stacks: (.*)/;
	if ($kernel eq 'taken') {
		like($folded, qr/kernel: sendmmsg;.*;udp_sendmsg_\[k\]/, 'stacks go on in the kernel');
	} else {
		like($kernel, qr/^(?:not taken: .*(?:perf_event|begun)|left out, .*kptr_restrict)/,
			'why there are no stacks in the kernel');
	}
	unlink map { "$dir/$_" } @files;
}

# names that are given
{
	my @case = (
		[ 'a.pb.gz', 'a.folded a.pb.gz a.svg' ],
		[ 'b.svg', 'b.folded b.pb.gz b.svg' ],
		[ 'c', 'c c.folded c.svg' ],
	);

	for my $case (@case) {
		my ($exit) = ctl('profile', 'heap', '-o', $case->[0]);
		is("$exit " . join(' ', files()), "0 $case->[1]", "-o $case->[0]");
		go_reads("$dir/$case->[0]", qr/Type: inuse_space/, 'pprof reads it') if $case->[0] ne 'b.svg';
		unlink map { "$dir/$_" } files();
	}
	my ($exit, undef, $err) = ctl('profile', 'heap', '-o', "$dir/none/x");
	is($exit, 1, 'a directory that is not there');
	like($err, qr{cannot write in .*/none: No such file}, 'is named');
	mkdir "$dir/there";
	($exit, my $out, $err) = ctl('profile', 'cpu', 1, '-o', "$dir/there");
	is("$exit $out", '1 ', 'a directory is no file');
	like($err, qr{\Amartletctl: cannot write .*/there: Is a directory\n\z}, 'which is said before anything is sampled');
	rmdir "$dir/there";
}

# memory, and what has changed
{
	my ($exit, $out, $err) = ctl('profile', 'memory', '-o', 'before.json');

	is($exit, 0, 'profile memory') or diag($err);
	like($out, qr/^sync +[\d.]+ [KMGT]iB/m, 'a row for sync');
	like($out, qr/^worker 1 /m, 'and each worker');
	my $json = JSON::PP::decode_json(read_file("$dir/before.json"));
	my %process = map { $_->{process} => $_ } @{ $json->{processes} };
	is($json->{silent}, 0, 'all have told');
	for my $name ('master', 'sync', 'worker 0', 'worker 1') {
		my $p = $process{$name};
		cmp_ok($p->{resident_bytes}, '>', 500_000, "$name is in memory");
		is($p->{shared_bytes} + $p->{private_bytes}, $p->{resident_bytes}, 'with others and alone');
	}
	is($process{'worker 0'}{generations}[0]{generation}, 1, 'a worker maps the generation');
	is($json->{generations}[0]{processes}, 2, 'both do');
	(undef, $out) = ctl('profile', 'memory', '--since', 'before.json');
	like($out, qr/since before\.json:.*^worker 0 +(?:0 B|[+-])/ms, 'the difference');
	write_file("$dir/bad.json", '{"processes":1}');
	($exit, undef, $err) = ctl('profile', 'memory', '--since', 'bad.json');
	is($exit, 1, 'compared with anything else');
	like($err, qr/bad\.json is no file of profile memory/, 'is told');
	unlink map { "$dir/$_" } files();
}

# waiting
{
	my ($exit, $out) = ctl('profile', 'wait', 1);

	is($exit, 0, 'profile wait');
	my ($file) = files();
	my $json = JSON::PP::decode_json(read_file("$dir/$file"));
	is(scalar @{ $json->{waits} }, 2, 'both workers');
	for my $wait (@{ $json->{waits} }) {
		cmp_ok($wait->{wall_ms}, '>=', 1000, 'for a second');
		my $sum = $wait->{cpu_ms} + $wait->{run_queue_ms} + $wait->{receive_ms};
		cmp_ok(abs($sum - $wait->{wall_ms}), '<', 1, 'of which all is told');
		cmp_ok($wait->{receive_waits}, '>', 0, 'it waited for queries');
	}
	unlink "$dir/$file";
}

# stages
{
	my ($exit, $out, $err) = ctl('trace', 1, '-o', 't.json');

	is($exit, 0, 'trace') or diag($err);
	like($out, qr/^\d+ events of stages in 1\.\d s$/m, 'says how many');
	my $json = JSON::PP::decode_json(read_file("$dir/t.json"));
	my @events = grep { $_->{ph} eq 'X' } @{ $json->{traceEvents} };
	my %stages = map { $_->{name} => 1 } @events;
	ok($stages{$_}, "some are of $_") for qw(wait receive lookup answer send);
	is(join(' ', sort map { "$_->{tid} $_->{args}{name}" } grep { $_->{name} eq 'thread_name' } @{ $json->{traceEvents} }),
		'0 worker 0 1 worker 1', 'each worker is a thread');
	my %end;
	my $overlaps = grep { my $late = $_->{ts} < ($end{ $_->{tid} } // 0) - 0.01;
		$end{ $_->{tid} } = $_->{ts} + $_->{dur}; $late } @events;
	is($overlaps, 0, 'one after the other');
	ok((grep { $_->{name} eq 'answer' && $_->{args}{queries} >= 1 } @events) > 0, 'with their queries');
	unlink "$dir/t.json";
}

# a trace that is full ends early: of 64 MiB each of many workers has a small part
{
	my $many = Martlet->new(zones => { 'example.com' => $ZONE }, config => { workers => { count => 32 } });
	my $load = FloodTool::flood_start('-p', $many->port, '-r', 'example.com', '-c', 1, '-q', 1, '-l', 120);
	my $begun = time;
	my ($exit, $out, $err) = ctl('-s', $many->control_socket, 'trace', 60, '-o', 'full.json');
	FloodTool::flood_end($load, 1);
	is($exit, 0, 'a trace that is full') or diag($err);
	cmp_ok(time - $begun, '<', 60, 'ends early');
	like($err, qr/the trace ends early, after [\d.]+ s: its 64 MiB are full/, 'says so');
	like($out, qr/^\d+ events of stages in [\d.]+ s, ended early/m, 'in its last line, too');
	my $text = read_file("$dir/full.json");
	like($text, qr/"otherData":\{"is_full":true\}\}\s*\z/, 'the file is whole');
	my %count;
	$count{$1}++ while $text =~ /"ph":"X"[^}]*?"tid":(\d+)/g;
	my ($most) = sort { $b <=> $a } values %count;
	my $room = (64 << 20) / 32 / 16;
	ok($most <= $room && $most > $room - 32, 'a worker has filled its part') or diag($most);
	is($many->ask('ns.example.com', 'A')->rcode, 'NOERROR', 'names are answered');
	unlink "$dir/full.json";
	$many->stop;
}

# one at a time, and who goes away leaves it to others
{
	my $pid = ctl_start('profile', 'cpu', 300);
	ok(poll(10, sub { -s "$home/err" }), 'one runs');
	for my $second ([qw(profile cpu 1)], [qw(trace 1)], [qw(profile heap)], [qw(profile memory)], [qw(profile wait 1)]) {
		my ($status, $json) = ask(@$second);
		is($status, 1, "@$second beside it: refused");
		like($json->{error}, qr/^busy: another profile or trace runs \(pid \d+\)/, 'with the reason');
	}
	kill 'KILL', $pid;
	waitpid $pid, 0;
	my $status;
	ok(poll(10, sub { ($status) = ask(qw(profile heap)); $status == 0 }), 'once it has gone another one may');
	is_deeply([ files() ], [], 'it left no file');
}

# a worker dies meanwhile
{
	my $pid = ctl_start('profile', 'cpu', 1, '-o', 'dying');
	ok(poll(10, sub { -s "$home/err" }), 'a profile runs');
	my $worker = ($m->workers)[0]{pid};
	$m->expect_log(qr/worker 0 .* died/);
	kill 'KILL', $worker;
	waitpid $pid, 0;
	is($?, 0, 'a worker dies, the profile does not');
	ok(poll(10, sub { my ($now) = $m->workers; $now->{pid} && $now->{pid} != $worker }), 'there is another worker');
	go_reads("$dir/dying", qr/Type: cpu/, 'and the file is whole');
	unlink map { "$dir/$_" } files();
}

# lines
{
	my ($exit, $out) = ctl('schedtrace', 1, 2);

	is($exit, 0, 'schedtrace');
	my @lines = $out =~ /^SCHED \d+ms: workers=2 serving=2 qps=(\d+) drops=\d+ generation=1 0\[qps=\d+ batch=[\d.]+ busy=\d+% runqueue=[\d.]+ms stage=\w+\] 1\[.*\]$/mg;
	is(scalar @lines, 2, 'two lines') or diag($out);
	ok((grep { $_ > 0 } @lines) > 0, 'with queries');
	my ($status, $json) = ask('schedtrace', 0);
	is($status, 1, 'each 0 s: refused');
}

# with names, for who has not the file
{
	my ($status, $json);

	for (1 .. 5) {
		($status, $json) = ask(qw(profile cpu 1 --folded));
		last if $status || @{ $json->{folded} };
	}
	is($status, 0, 'profile cpu --folded');
	like((join "\n", map { $_->{stack} } @{ $json->{folded} }), qr/^stage: \w+;.*worker_run/m, 'has names');
}

# what makes no sense
for my $case (
	[ 2, qr/'0' is no number of seconds from 1 to 300/, 'profile', 'cpu', 0 ],
	[ 2, qr/'301' is no number of seconds/, 'profile', 'wait', 301 ],
	[ 2, qr/'1s' is no number/, 'trace', '1s' ],
	[ 2, qr/'disk' is none of cpu, heap, memory, wait/, 'profile', 'disk' ],
	[ 2, qr/profile/, 'profile' ],
	[ 2, qr/status knows no -o/, 'status', '-o', 'x' ],
	[ 2, qr/status knows no --since/, 'status', '--since', 'x' ],
	[ 2, qr/schedtrace knows no -o/, 'schedtrace', '-o', 'x' ],
	[ 2, qr/with --json nothing is written/, '--json', 'profile', 'heap', '-o', 'x' ],
	[ 2, qr/trace knows no --since/, 'trace', 1, '--since', 'x' ],
	[ 1, qr/takes no seconds/, 'profile', 'heap', 1 ],
	[ 3, qr/./, '-s', "$home/none", 'profile', 'heap' ]) {
	my ($want, $error, @args) = @$case;
	my ($exit, undef, $err) = ctl(@args);
	is($exit, $want, "@args");
	like($err, $error, 'and why');
}
for my $args ([qw(profile)], [qw(profile x)], [qw(profile cpu 99999999999)], [qw(profile cpu -1)], [qw(profile cpu 1 2)],
	[qw(trace)], [qw(trace 301)], [qw(profile cpu 1 2 3 4)], [ 'profile', 'cpu', '' ]) {
	my ($status, $json) = ask(@$args);
	ok($status == 1 && length $json->{error}, "the server takes no @$args");
}
is_deeply([ files() ], [], 'no files of that');

# of such a directory nothing is left
is($m->ask('ns.example.com', 'A')->rcode, 'NOERROR', 'queries are answered all the while');
kill 'KILL', $asker;
waitpid $asker, 0;
$m->stop;
done_testing();
