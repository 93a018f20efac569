#!/usr/bin/perl
# The query log in a file: what a line says, whatever was asked; sampling, hidden clients,
# rotation, and what becomes of it when the file or the logger goes away.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::PP ();
use Martlet;
use Martlet::Process qw(find_program poll read_file write_file);
use Martlet::Wire qw(encode_query);
use Test::More;

my $m = Martlet->new(
	zones => { 'example.com' => "\@ 3600 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n*.w A 192.0.2.3\n" },
	config => { dns => { version => 'x' } });
my $path = "$m->{dir}/queries.log";
my $json = JSON::PP->new->utf8;

# EDNS Client Subnet 198.51.100.0/24
my $ecs = pack 'n n n C C a3', 8, 7, 1, 24, 0, "\xc6\x33\x64";

sub stats { return ($m->ctl('stats'))[1] }

# what was handed over is written
sub settle {
	return poll(20, sub {
		my $s = stats();
		return $s->{query_log_records} <= $s->{query_log_written} + $s->{query_log_lost};
	});
}

sub lines {
	my @lines = split /\n/, -e $path ? read_file($path) : '';
	return map { my $o = eval { $json->decode($_) }; $o // { bad => $_ } } @lines;
}

# the lines that come of what `$do` asks
sub logged {
	my ($do) = @_;
	settle();
	my $before = lines();
	$do->();
	settle() or diag('not all is written');
	my @all = lines();
	return @all[$before .. $#all];
}

sub configure {
	my (%options) = @_;
	$m->write_config({ query_log => { enable => \1, target => $path,
		client => 'full', v4_prefix => 24, sample => 1, %options } });
	my ($exit) = $m->ctl('reload');
	is($exit, 0, 'a reload takes the options of the query log');
	poll(20, sub { ($m->ctl('status'))[1]{query_log}{pid} }) or diag('no logger');
	return;
}

sub set {
	configure(@_);
	# workers have taken the options, and what was asked to find out is written
	my $n = stats()->{query_log_records};
	poll(20, sub { $m->ask('version.bind', 'TXT', class => 3); stats()->{query_log_records} > $n });
	settle();
	return;
}

ok(!stats()->{query_log_records} && !($m->ctl('status'))[1]{query_log}{pid}, 'off by default');
set();

# ---- a line ----

my ($line) = logged(sub { $m->ask('NS.example.COM', 'A') });
like(delete $line->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'time is UTC, with milliseconds');
like(delete $line->{process_time}, qr/^\d+$/, 'process_time is whole milliseconds');
like(delete $line->{process_time_us}, qr/^\d+$/, 'process_time_us is microseconds');
is_deeply($line, { level => 'info', log_type => 'request', msg => 'dns request', record => 'ns.example.com.',
	type => 'A', response_code => 0, source_ip => '127.0.0.1', client_subnet => '', domain_uuid => '',
	protocol => 'udp', size => 48, zone => 'example.com.' }, 'a query over UDP');
($line) = logged(sub { $m->ask('ns.example.com', 'TYPE65280', tcp => 1) });
is("$line->{protocol} $line->{type} $line->{response_code}", 'tcp TYPE65280 0', 'one over TCP, of a type without a name');
($line) = logged(sub { $m->ask('example.org', 'A') });
is($line->{response_code}, 5, 'REFUSED');
ok(!exists $line->{zone}, 'no zone is no zone');
($line) = logged(sub { $m->ask('nx.example.com', 'A') });
is($line->{response_code}, 3, 'NXDOMAIN');
($line) = logged(sub { $m->ask('version.bind', 'TXT', class => 3) });
is("$line->{class} $line->{record}", 'CH version.bind.', 'class CH');
($line) = logged(sub { $m->ask('ns.example.com', 'A', edns => 1232, options => $ecs) });
is($line->{client_subnet}, '198.51.100.0/24/0', 'a client subnet, with its scope');

# ---- names that bite ----

my $hostile = join '', map { chr } 0 .. 62;
my @labels = ('<script>', "\e[31m", "a\nb", "\xff\xfe", '"', '\\', '","source_ip":"6.6.6.6', "\0", "\x7f\x80", $hostile);
my %found = map { $_->{record} => $_ } logged(sub {
	for my $label (@labels) {
		$m->exchange(pack('n6', 7, 0, 1, 0, 0, 0) . pack('C/a*', $label) . "\1w\7example\3com\0" . pack('nn', 1, 1));
	}
});
for my $label (@labels) {
	my $want = join '', map { /[!-~]/ && !/[".();\@\$\\]/ ? $_ : /[".();\@\$\\]/ ? "\\$_" : sprintf '\\%03d', ord } split //, lc $label;
	my $found = $found{"$want.w.example.com."};
	is($found && $found->{source_ip}, '127.0.0.1', 'a label of ' . length($label) . " octets: $want");
}
unlike(read_file($path), qr/[^\n -~]/, 'the file is printable ASCII');
($line) = logged(sub { $m->exchange(pack 'n6', 9, 0, 0, 0, 0, 0) });
ok($line->{response_code} == 1 && !exists $line->{record}, 'a message without a question');
is(() = logged(sub { $m->exchange('x', seconds => 0.05) }), 0, 'what is not answered is not logged');

# ---- clients, samples ----

set(client => 'prefix', v4_prefix => 8);
($line) = logged(sub { $m->ask('ns.example.com', 'A', edns => 1232, options => $ecs) });
is("$line->{source_ip} $line->{client_subnet}", '127.0.0.0 198.0.0.0/8/0', 'prefixes of clients');
set(client => 'none');
($line) = logged(sub { $m->ask('ns.example.com', 'A', edns => 1232, options => $ecs) });
ok(!exists $line->{source_ip} && !exists $line->{client_subnet}, 'no clients');
set(sample => 10);
my @some = logged(sub { $m->ask('ns.example.com', 'A') for 1 .. 400 });
cmp_ok(scalar @some, '>', 10, 'a sample of 400 has some');
cmp_ok(scalar @some, '<', 100, 'and not most');
is($some[0]{sample}, 10, 'which says what it is');

# ---- the file and the logger go away ----

set();
rename $path, "$path.1" or die;
$m->ask('ns.example.com', 'A');
settle();
ok(!-e $path, 'a file that is renamed is written on');
kill 'USR1', $m->{pid};
ok(poll(20, sub { -e $path }), 'SIGUSR1 makes a new one');
is(() = logged(sub { $m->ask('ns.example.com', 'A') }), 1, 'which is written to');
unlink "$path.1";

my $pid = ($m->ctl('status'))[1]{query_log}{pid};
is(($m->ctl('status'))[1]{query_log}{restarts}, 0, 'what reloads have asked for is no restart');
kill 'STOP', $pid;
$m->ask("k$_.example.com", 'A') for 1 .. 50;
$m->expect_log(qr/^warning: .*logger .*died/);
kill 'KILL', $pid;
ok(poll(20, sub { (($m->ctl('status'))[1]{query_log}{pid} // $pid) != $pid }), 'a logger that is killed is started anew');
settle();
my %seen = map { ($_->{record} // '') => 1 } lines();
is(scalar(grep { $seen{"k$_.example.com."} } 1 .. 50), 50, 'what was asked meanwhile is there');
is(($m->ctl('status'))[1]{query_log}{restarts}, 1, 'status counts it');

$m->expect_log(qr/^warning: .*query log: cannot open/);
configure(target => "$m->{dir}/gone/queries.log");
$m->ask('ns.example.com', 'A');
ok(poll(20, sub { "@{ ($m->ctl('status'))[1]{problems} }" =~ m{query log: cannot open .*gone/queries.log: No such file} }),
	'a directory that is gone is a problem');
is($m->ask('ns.example.com', 'A')->rcode, 'NOERROR', 'answering goes on');
mkdir "$m->{dir}/gone" or die;
ok(poll(20, sub { !@{ ($m->ctl('status'))[1]{problems} } }), 'it is none when the directory is there');
ok(poll(20, sub { -s "$m->{dir}/gone/queries.log" }), 'and what waited is written');

$m->write_config({ query_log => { enable => \0 } });
$m->ctl('reload');
ok(poll(20, sub { !($m->ctl('status'))[1]{query_log}{pid} }), 'a reload ends it');
my $records = stats()->{query_log_records};
poll(2, sub { $m->ask('ns.example.com', 'A'); my $n = stats()->{query_log_records}; my $same = $n == $records; $records = $n; $same });
is(stats()->{query_log_records}, $records, 'and nothing is recorded any more');

# a file that has reached the limit of its process, as a full disk
SKIP: {
	skip 'prlimit is not installed', 5 unless find_program('prlimit');
	$m->expect_log(qr/File too large/);
	my $long = "$m->{dir}/long.log";
	my $limit = 1 << 30;
	write_file($long, '');
	set(target => $long);
	ok(poll(20, sub { ($m->ctl('status'))[1]{query_log}{pid} }), 'a logger');
	$pid = ($m->ctl('status'))[1]{query_log}{pid};
	is(system('prlimit', '--pid', $pid, "--fsize=$limit"), 0, 'that may write so much');
	truncate $long, $limit - 100 or die "$long: $!\n";
	$m->ask("e$_.example.com", 'A') for 1 .. 3;
	ok(poll(20, sub { "@{ ($m->ctl('status'))[1]{problems} }" =~ /query log: .*File too large: make room/ }), 'has a problem');
	truncate $long, 0;
	ok(poll(20, sub { !@{ ($m->ctl('status'))[1]{problems} } }), 'until there is room');
	is(($m->ctl('status'))[1]{query_log}{pid}, $pid, 'and lives');
}

# what the rings hold when it is turned off
set();
$pid = ($m->ctl('status'))[1]{query_log}{pid};
kill 'STOP', $pid;
$m->ask("k$_.example.com", 'A') for 1 .. 20;
my $before = stats();
$m->write_config({ query_log => { enable => \0 } });
$m->ctl('reload');
ok(poll(20, sub { !($m->ctl('status'))[1]{query_log}{pid} }), 'turned off again');
my $s = stats();
cmp_ok($s->{query_log_lost} - $before->{query_log_lost}, '>=', 20, 'what had not been written is counted');
is($s->{query_log_records}, $s->{query_log_written} + $s->{query_log_lost}, 'and nothing is missing');
cmp_ok(($m->ctl('status'))[1]{query_log}{dropped}, '>=', 20, 'status tells it');
$m->stop;
done_testing();
