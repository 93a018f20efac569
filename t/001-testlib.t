#!/usr/bin/perl
# The tests' own tools: a strict decoder that accepted too much would hide our bugs.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Answer;
use Martlet::Wire qw(encode_query decode name_to_wire name_to_text);
use Test::More;

my $head = pack 'n6', 7, 0x8400, 1, 1, 0, 0;
my $question = name_to_wire('www.example.com') . pack 'n2', 1, 1;
my $record = pack 'n n2 N n/a*', 0xc00c, 1, 1, 300, "\xc0\0\2\1";

sub refused {
	my ($message, $why, $what) = @_;
	my $decoded = eval { decode($message) };
	is($decoded, undef, $what);
	like($@, $why, "$what: with the reason");
	return;
}

my $good = eval { Martlet::Answer->new($head . $question . $record) };
is($@, '', 'a good message decodes');
is_deeply([$good->text('answer')], ['www.example.com. 300 A 192.0.2.1'], 'its answer as text');
is($good->flags, 'qr aa', 'its flags');

refused(substr($head, 0, 11), qr/header/, 'a cut header');
refused($head . $question, qr/over the end/, 'a missing record');
refused($head . $question . $record . "\0", qr/1 octets behind/, 'octets behind the message');
refused($head . $question . substr($record, 0, -1), qr/rdata runs/, 'cut rdata');
refused($head . "\xc0\x0c" . pack('n2', 1, 1), qr/backwards/, 'a pointer to itself');
refused($head . "\xc0\x20" . pack('n2', 1, 1), qr/backwards/, 'a pointer ahead');
refused($head . "\xc0\x02" . pack('n2', 1, 1), qr/header/, 'a pointer into the header');
refused($head . "\x40" . 'a' x 64 . "\0" . pack('n2', 1, 1), qr/label type/, 'a label of 64');
refused($head . "\x01a" x 128 . "\0" . pack('n2', 1, 1), qr/255/, 'a name of 257 octets');

my $opt = pack 'C n2 N n', 0, 41, 1232, 0, 0;
refused(pack('n6', 7, 0x8000, 0, 0, 0, 2) . $opt . $opt, qr/two OPT/, 'two OPT records');
refused(pack('n6', 7, 0x8000, 0, 1, 0, 0) . $opt, qr/OPT outside/, 'OPT as an answer');

my $mx = pack 'n n2 N n', 0xc00c, 15, 1, 300, 4;
my $answer = Martlet::Answer->new($head . $question . $mx . "\0\5\xc0\x10");
is_deeply([$answer->brief('answer')], ['www.example.com. MX 5 example.com.'],
	'compressed rdata is expanded');
refused($head . $question . pack('n n2 N n', 0xc00c, 15, 1, 300, 3) . "\0\5\xc0\x10",
	qr/over its rdata/, 'a name that runs over its rdata');

for my $name ('.', 'a.b.', '\000\255.\.dot.\"x\".', 'sp\032ace.*.\@.') {
	is(name_to_text(name_to_wire($name)), $name, "name $name to wire form and back");
}
my $query = decode(encode_query('a.b', 'TYPE65280', id => 9, edns => 1232, do => 1));
is_deeply($query->{question}, [["\1a\1b\0", 65280, 1]], 'a query decodes');
is_deeply([@{ $query->{edns} }{qw(size do version)}], [1232, 1, 0], 'and its EDNS');

is(Martlet::to_libconfig({ a => 1, b => '1', c => [1, 2], d => [{ e => 'x"y' }], f => \1 }),
	"{ a = 1;\nb = \"1\";\nc = [ 1, 2 ];\nd = ( { e = \"x\\\"y\";\n} );\nf = true;\n}",
	'Perl data as libconfig text');

# a process that was not found must not be everybody
for my $pid (undef, 0, -1) {
	ok(!eval { kill 'CONT', $pid; 1 }, 'kill: ' . ($pid // 'undef'));
	like($@, qr/kill CONT: no process/, 'is refused');
}
is(kill(0, $$), 1, 'one that is there can be');

# ports
{
	my $port = Martlet::Process::free_port();
	my $other = fork // die "fork: $!\n";

	POSIX::_exit(0) if !$other && !Martlet::Process::_take($port);
	POSIX::_exit(1) if !$other;
	waitpid $other, 0;
	is($?, 0, 'a port that was drawn is not drawn again');
	is(system($^X, "-I$Bin/lib", '-MMartlet::Process', '-e', "exit !!Martlet::Process::_take($port)"), 0, 'by nobody');
}

done_testing();
