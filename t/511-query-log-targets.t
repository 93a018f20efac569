#!/usr/bin/perl
# The query log in a Redis stream, with readers of dnstap, in syslog and in pipes: what they
# get, and that nobody waits for those that are gone, stalled or full.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp qw(tempdir);
use FloodTool ();
use IO::Socket::UNIX;
use JSON::PP ();
use Martlet;
use Martlet::Process qw(find_program poll read_file);
use Martlet::Redis;
use POSIX qw(mkfifo);
use Socket qw(SOCK_DGRAM);
use Test::More;

my $dir  = tempdir(CLEANUP => 1);
my $json = JSON::PP->new->utf8;
my %zones = ('example.com' => "\@ 3600 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n");

# one worker, so that queries are logged in the order in which they were asked
sub server {
	my (%arg) = @_;
	my $m = Martlet->new(zones => \%zones, start => 0, config => { %{ $arg{config} // {} }, workers => { count => 1 },
		query_log => { enable => \1, %{ $arg{query_log} } } });
	$m->expect_log(qr/^warning: .*query.log/);
	$m->start unless exists $arg{start};
	return $m;
}

sub stats { return ($_[0]->ctl('stats'))[1] }
sub problems { return join "\n", @{ ($_[0]->ctl('status'))[1]{problems} } }

# A last line may be written only in part as yet.
sub lines { return map { $json->decode($_) } (-e $_[0] ? read_file($_[0]) : '') =~ /(.*)\n/g }

sub settle {
	my ($m) = @_;
	return poll(20, sub { my $s = stats($m); $s->{query_log_records} <= $s->{query_log_written} });
}

# Ask until the log takes nothing more, and one query more has to be answered.
sub flood {
	my ($m, $count) = @_;
	my $from = stats($m)->{query_log_records};
	$m->ask("flood$_.example.com", 'A') for 1 .. $count;
	my $s = stats($m);
	is($s->{query_log_records} + $s->{query_log_dropped} - $from, $count, 'every query is counted');
	return;
}

subtest 'a stream in Redis' => sub {
	Martlet::Redis->need;
	my $redis = Martlet::Redis->new(requirepass => 'secret');
	my %group = (address => $redis->where, password => 'secret', maxlen => 100);
	my $m = server(query_log => { target => 'redis', redis => { %group, password => 'wrong' } });

	ok(poll(20, sub { problems($m) =~ /AUTH: WRONGPASS .* query_log[.]redis[.]password are not what/ }), 'a wrong password is a problem');
	$m->write_config({ query_log => { redis => \%group } });
	$m->ctl('reload');

	$m->ask("x$_.example.com", 'A') for 1 .. 10;
	ok(settle($m), 'entries are written');
	my %entry = @{ $redis->cmd('XREVRANGE', 'martlet:queries', '+', '-', 'COUNT', 1)->[0][1] };
	is("$entry{record} $entry{type} $entry{response_code} $entry{source_ip}", 'x10.example.com. A 3 127.0.0.1',
		'with the members of a line');
	$m->ask("y$_.example.com", 'A') for 1 .. 500;
	settle($m);
	cmp_ok($redis->cmd('XLEN', 'martlet:queries'), '<=', 300, 'maxlen keeps the stream short');

	$redis->hang;
	$m->ask("h$_.example.com", 'A') for 1 .. 5;
	ok(poll(20, sub { problems($m) =~ /query log: .*Redis/ }), 'a Redis that hangs is a problem');
	is($m->ask('ns.example.com', 'A')->rcode, 'NOERROR', 'queries are answered');
	$redis->go_on;
	ok(settle($m) && poll(20, sub { problems($m) eq '' }), 'it is none when it goes on');

	$redis->kill_now;
	$m->ask("k$_.example.com", 'A') for 1 .. 5;
	ok(poll(20, sub { problems($m) =~ /query log: / }), 'one that is gone is a problem');
	$redis->start;
	ok(settle($m), 'what waited is written when it is back');
	my @records = map { my %e = @{ $_->[1] }; $e{record} } @{ $redis->cmd('XRANGE', 'martlet:queries', '-', '+') };
	is(scalar(grep { /^k\d/ } @records) >= 5, 1, 'all of it');

	$redis->cmd('DEL', 'martlet:queries');
	$redis->cmd('SET', 'martlet:queries', 'x');
	$m->ask('w.example.com', 'A');
	ok(poll(20, sub { problems($m) =~ /query log: .*WRONGTYPE/ }), 'a key of another type is named');
	$redis->cmd('DEL', 'martlet:queries');
	ok(settle($m), 'it goes on without');
	$m->stop;
	$redis->stop;
};

subtest 'domain_id, country, ASN' => sub {
	Martlet::Redis->need;
	my $has_geo = eval { require Martlet::Geo; Martlet::Geo::write_db("$dir/country.mmdb", { '127.0.0.0/8' => ['DE'] });
		Martlet::Geo::write_db("$dir/asn.mmdb", { '127.0.0.0/8' => 64496 }, type => 'asn'); 1 };
	my $redis = Martlet::Redis->new(notify => 'KA');
	my $ask = sub {
		my ($m, $name) = @_;
		my $of_name = sub { return grep { $_->{record} =~ /^\Q$name\E\.?$/ } lines("$dir/ids.log") };
		my $before = () = $of_name->();
		my @lines;
		$m->ask($name, 'A');
		poll(20, sub { @lines = $of_name->(); @lines > $before });
		return $lines[-1];
	};

	for my $zone ('one.test', 'two.test') {
		$redis->cmd('SADD', 'redins:zones', "$zone.");
		$redis->cmd('HSET', "redins:zones:$zone.", '@', '{"ns":{"records":[{"host":"ns.example.com."}]}}');
	}
	$redis->cmd('SET', 'redins:zones:one.test.:config', '{"domain_id":"d-\\"<1>"}');
	my $m = server(query_log => { target => "$dir/ids.log" }, config => { redis => $redis->settings,
		$has_geo ? (geoip => { country_db => "$dir/country.mmdb", asn_db => "$dir/asn.mmdb" }) : () });
	ok(poll(20, sub { $m->ask('one.test', 'SOA')->rcode eq 'NOERROR' }), 'zones from Redis are served');
	my $line = $ask->($m, 'www.one.test');
	is("$line->{zone} $line->{domain_uuid}", 'one.test. d-"<1>', 'the domain_id of a zone');
	is($ask->($m, 'www.two.test')->{domain_uuid}, '', 'a zone without one');
	is($ask->($m, 'www.example.org')->{domain_uuid}, '', 'no zone');
	SKIP: {
		skip 'no writer of mmdb files', 1 unless $has_geo;
		is("$line->{source_country} $line->{source_asn}", 'DE 64496', 'country and ASN of the client');
	}
	$redis->cmd('SET', 'redins:zones:one.test.:config', '{"domain_id":"other"}');
	$redis->cmd('SET', 'redins:zones:two.test.:config', '{"domain_id":"second"}');
	ok(poll(20, sub { $ask->($m, 'www.one.test')->{domain_uuid} eq 'other' }), 'it changes with the zone');
	ok(poll(20, sub { $ask->($m, 'www.two.test')->{domain_uuid} eq 'second' }), 'and comes');
	$redis->cmd('HSET', 'redins:zones:one.test.', '@', '{"ns":{"records":[{"host":"ns2.example.com."}]}}');
	ok(poll(20, sub { join(' ', $m->ask('one.test', 'NS')->text('answer')) =~ /ns2/ }), 'a change of the apex');
	is($ask->($m, 'www.one.test')->{domain_uuid}, 'other', 'leaves it');
	$m->stop;
	$redis->stop;
};

subtest 'a reader of dnstap' => sub {
	plan(skip_all => 'not installed: fstrm_capture, dnstap-ldns')
	  unless find_program('fstrm_capture') && find_program('dnstap-ldns');
	my $socket = "$dir/tap.sock";
	my $capture = sub {
		my ($file) = @_;
		my $pid = fork // die;
		if (!$pid) {
			open STDERR, '>', '/dev/null';
			exec 'fstrm_capture', '-t', 'protobuf:dnstap.Dnstap', '-u', $socket, '-w', $file;
		}
		return $pid;
	};
	my $end = sub { kill $_[1] // 'TERM', $_[0]; waitpid $_[0], 0 };
	my $m = server(query_log => { target => 'dnstap', dnstap => { socket => $socket } });

	$m->ask('early.example.com', 'A');
	ok(poll(20, sub { problems($m) =~ /the reader at .* is not there/ }), 'no reader is a problem');
	my $pid = $capture->("$dir/1.tap");
	ok(settle($m), 'it gets what waited');
	$m->ask('ns.example.com', 'A', tcp => 1);
	$m->exchange(pack('n6', 7, 0, 1, 0, 0, 0) . "\4\xff\0<\e\7example\3com\0" . pack('nn', 1, 1));
	settle($m);

	kill 'STOP', $pid;
	flood($m, 6000);
	ok(poll(20, sub { problems($m) =~ /takes nothing/ }), 'one that is stalled is a problem')
	  or diag(explain(stats($m)));
	is($m->ask('ns.example.com', 'A')->rcode, 'NOERROR', 'queries are answered');
	kill 'CONT', $pid;
	ok(settle($m) && poll(20, sub { problems($m) eq '' }), 'it is none when it reads on');
	$end->($pid);
	$m->ask('between.example.com', 'A') for 1 .. 3;
	poll(20, sub { problems($m) ne '' });
	$pid = $capture->("$dir/2.tap");
	ok(settle($m), 'the next reader gets what waited');
	$m->stop;
	$end->($pid);
	my @first = `dnstap-ldns -r $dir/1.tap`;
	my @second = `dnstap-ldns -r $dir/2.tap`;
	like($first[0], qr/ AR 127\.0\.0\.1 UDP .*(?:version\.bind|early)/, 'messages as dnstap-ldns reads them');
	is(scalar(grep { / AR 127\.0\.0\.1 TCP .*"ns\.example\.com\." IN A/ } @first), 1, 'TCP');
	is(scalar(grep { /"\\255\\000<\\027\.example\.com\."/ } @first), 1, 'any octets');
	is(scalar(grep { /"flood\d+\.example/ } @first), 6000, 'a stalled reader misses nothing that fits the ring');
	ok((grep { /"between\.example\.com/ } @second), 'the second has what came between them');
};

subtest 'syslog' => sub {
	my $m = server(start => 0, query_log => { target => 'syslog' });
	my $dev = "$dir/dev";
	my $make = "mkdir $dev && for f in null zero urandom random; do touch $dev/\$f && mount --bind /dev/\$f $dev/\$f; done"
	  . " && mkdir $dev/shm && mount --bind /dev/shm $dev/shm && ln -s $dir/log.sock $dev/log && mount --rbind $dev /dev";
	my @through = (qw(unshare -m sh -c), "[ -d $dev ] || { $make; } && exec \"\$@\"", 'sh');
	my $works = system(@through, 'test', '-h', '/dev/log') == 0;
	system 'rm', '-rf', $dev;
	plan(skip_all => 'nothing can be mounted here') unless $works;
	my $open = sub {
		unlink "$dir/log.sock";
		return IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$dir/log.sock") // die "log.sock: $!\n";
	};
	my $take = sub { my ($from) = @_; my $text; $from->blocking(0); $from->recv($text, 8192); return $text };
	my $daemon = $open->();

	$m->{arg}{through} = \@through;
	$m->start;
	$m->ask('ns.example.com', 'A');
	my $text;
	ok(poll(20, sub { ($text = $take->($daemon) // '') =~ /"ns\.example\.com\."/ }), 'a message');
	my ($head, $body) = $text =~ /^(<30>\w{3} [ \d]\d \d\d:\d\d:\d\d martletd\[\d+\]: )(.*)\z/s;
	is(eval { $json->decode($body)->{type} }, 'A', 'whose text is a line of JSON');

	close $daemon;
	unlink "$dir/log.sock";
	$m->ask('gone.example.com', 'A');
	ok(poll(20, sub { problems($m) =~ m{/dev/log} }), 'a daemon that is gone is a problem');
	is($m->ask('ns.example.com', 'A')->rcode, 'NOERROR', 'queries are answered');
	$daemon = $open->();
	ok(poll(20, sub { ($take->($daemon) // '') =~ /"gone\.example\.com\."/ }), 'it gets what waited when it is back');
	$m->ask('slow.example.com', 'A') for 1 .. 150;
	ok(poll(20, sub { problems($m) =~ /takes nothing/ }), 'one that stalls is a problem');
	is($m->ask('ns.example.com', 'A')->rcode, 'NOERROR', 'queries are answered');
	my $count = 0;
	ok(poll(20, sub { $count++ while ($take->($daemon) // '') =~ /slow/; $count == 150 }), 'it misses nothing that fits the ring')
	  or diag($count);
	ok(poll(20, sub { problems($m) eq '' }), 'and all is well');
	$m->stop;
};

subtest 'a pipe, and a disk without room' => sub {
	my $pipe = "$dir/pipe";
	mkfifo($pipe, 0600) or die;
	my $m = server(query_log => { target => $pipe });
	ok(poll(20, sub { problems($m) =~ /nobody reads from it/ }), 'a pipe without a reader is a problem');
	open my $reader, '<', $pipe or die;
	$m->ask('ns.example.com', 'A');
	my $line = '';
	while (my $got = <$reader>) { $line = $got; last if $line =~ /"ns\.example/ }
	is(eval { $json->decode($line)->{type} }, 'A', 'one with a reader gets lines');
	$m->ask('stall.example.com', 'A') for 1 .. 1000;
	ok(poll(20, sub { problems($m) =~ /takes nothing/ }), 'a reader that stalls is a problem');
	my $count = 0;
	while ($count < 1000) { my $got = <$reader>; $json->decode($got); $count++ if $got =~ /"stall\./ }
	is($count, 1000, 'it gets whole lines, all of them, when it reads on');
	close $reader;
	$m->ask('lost.example.com', 'A') for 1 .. 3;
	ok(poll(20, sub { problems($m) =~ /query log: / }), 'a reader that has gone is a problem');

	# a ring that is full
	$m->write_config({ query_log => { target => '/dev/full' } });
	is(($m->ctl('reload'))[0], 0, 'a reload takes another target');
	ok(poll(20, sub { problems($m) =~ /No space left on device: make room/ }), 'a full disk is a problem, with its cure');
	flood($m, 100);
	my $small = "$dir/small";
	mkdir $small;
	SKIP: {
		skip 'no file system can be mounted here', 3
		  unless system("mount -t tmpfs -o size=64k tmpfs $small 2>/dev/null") == 0;
		$m->write_config({ query_log => { target => "$small/log" } });
		$m->ctl('reload');
		settle($m);
		$m->ask('fill.example.com', 'A') for 1 .. 800;
		ok(poll(20, sub { problems($m) =~ /No space left/ }), 'so is one that gets full');
		system "mount -o remount,size=4m $small";
		ok(settle($m), 'it goes on when there is room');
		my @lines = split /\n/, read_file("$small/log");
		is(scalar(grep { eval { $json->decode($_); 1 } && /"fill\./ } @lines), 800, 'no line is torn or lost');
	}
	$m->stop;
	system "umount $small 2>/dev/null";
};

subtest 'a ring that is full' => sub {
	plan skip_all => 'in its long form' unless $ENV{MARTLET_SOAK};
	my $pipe = "$dir/full";
	mkfifo($pipe, 0600) or die;
	open my $reader, '+<', $pipe or die;
	my $m = server(query_log => { target => $pipe });
	FloodTool::flood('-s', $m->address, '-p', $m->port, '-r', 'example.com', '--count', 200_000);
	my $s = stats($m);
	cmp_ok($s->{query_log_dropped}, '>', 0, 'drops');
	is($s->{query_log_records} + $s->{query_log_dropped}, $s->{udp_responses}, 'and counts');
	like(join("\n", @{ ($m->ctl('status'))[1]{notices} }), qr/\d+ queries were answered and not logged/, 'status has a notice');
	my $pid = fork // die;
	if (!$pid) {
		1 while sysread $reader, my $buffer, 65536;
		POSIX::_exit(0);
	}
	ok(settle($m), 'what it holds is written when the reader reads on');
	kill 'KILL', $pid;
	waitpid $pid, 0;
	$m->stop;
};

done_testing();
