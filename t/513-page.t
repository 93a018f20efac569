#!/usr/bin/perl
# The page in a real browser, where there is one: it shows what happens, makes no markup of
# names, asks nobody but the server, and its console stays empty.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp qw(tempdir);
use FloodTool;
use Martlet;
use Martlet::Http qw(http_get);
use Martlet::Process qw(find_program free_port poll read_file write_file);
use POSIX ();
use Test::More;

my ($browser) = grep { defined } map { find_program($_) } qw(chromium chromium-browser google-chrome);
plan skip_all => 'no chromium is installed' unless $browser;

my @labels = ('<script>document.title=666</script>', '<img\032src=x\032onerror=document.title=667>', '\027[2j', '\"&amp\;');
my $port = free_port();
my $m = Martlet->new(
	zones => { 'example.com' => "\@ 3600 SOA ns h 1 2 3 4 5\n\@ NS ns\nns A 192.0.2.53\n" . join '', map {"$_ A 192.0.2.1\n"} @labels },
	config => { http => { address => '127.0.0.1', port => 0 + $port, debug => \1 } });
my $home = tempdir(CLEANUP => 1);
my $load = FloodTool::flood_start('-p', $m->port, '-l', 120, '-Q', 400, '-d',
	write_file("$home/queries", map {"$_.example.com. A\n"} @labels, 'ns', 'no'));
ok(poll(10, sub { http_get($port, '/top')->{body} =~ /<script>/ }), 'names are asked for');

# What stands in the page after 4 s of its own time, and what the browser has to say.
my @options = ('--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
	"--user-data-dir=$home/profile", '--enable-logging=stderr', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1');
sub look {
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		open STDOUT, '>', "$home/dom";
		open STDERR, '>', "$home/errors";
		$ENV{HOME} = $home;
		exec 'timeout', 60, $browser, @options, '--virtual-time-budget=4000', '--dump-dom', "http://127.0.0.1:$port/"
		  or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return (read_file("$home/dom"), read_file("$home/errors"));
}

# its own time runs ahead of the server's second on a busy machine
my ($dom, $errors);
for (1 .. 5) {
	($dom, $errors) = look();
	last if $dom !~ /<html/ || $dom =~ /id="qps">[1-9]/;
}
SKIP: {
	skip "the browser does not work here: $errors", 8 if $dom !~ /<html/;
	ok($dom =~ qr{id="state"[^>]*>serving<}, 'the state');
	ok($dom =~ qr{id="qps">[1-9][\d,]*<}, 'queries a second');
	ok($dom =~ qr{<em>\#1</em>}, 'the generation');
	ok($dom =~ qr{&lt;script&gt;document\.title=666}, 'a hostile name is text');
	ok($dom =~ qr{\\027\[2j}, 'control characters are \\DDD');
	ok($dom =~ qr{<title>martlet[^6]*</title>}, 'none has become markup');
	is(() = $dom =~ /<script\b/g, 3, 'nor a script');
	is(join('', grep {/CONSOLE/} map {"$_\n"} split /\n/, $errors), '', 'nothing on the console');
}
is(FloodTool::flood_end($load, 1)->{stderr}, '', 'the load had no trouble');
$m->stop;
done_testing();
