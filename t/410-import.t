#!/usr/bin/perl
# martletctl import: zone files into a real Redis, whole and only as they would be served.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp qw(tempdir);
use JSON::PP ();
use Martlet;
use Martlet::Process qw(read_file write_file);
use Martlet::Redis;
use Test::More;

Martlet::Redis::need();

my $dir = tempdir(CLEANUP => 1);
my $json = JSON::PP->new->utf8;
my $redis = Martlet::Redis->new(users => { reader => ['>r', '~*', '+@read'],
	writer => ['>w', '~*', '+@all'] });
my $HEAD = "\$TTL 300\n\@ SOA ns host 17 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n";

# returns exit code, the object, stderr.
sub import {
	my (@args) = @_;
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		open STDOUT, '>', "$dir/out" or die;
		open STDERR, '>', "$dir/err" or die;
		exec Martlet::martletctl(), '--json', 'import', @args or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	my $out = read_file("$dir/out");
	return $? >> 8, ($out ? $json->decode($out) : undef), read_file("$dir/err");
}

sub here { return import('--redis', $redis->where, @_) }

sub zone {
	my ($origin, $text) = @_;
	write_file("$dir/$origin.zone", $text);
	return "$dir/$origin.zone";
}

sub labels { return { $redis->cmd('HGETALL', "redins:zones:$_[0].") ? @{ $redis->cmd('HGETALL', "redins:zones:$_[0].") } : () } }

# what is mistyped is said before Redis is asked
{
	my ($exit, $done, $err) = import('--redis', '127.0.0.1:1', "$dir/none.zone", "$dir/db.example");
	is($exit, 1, 'no file that can be used');
	is($done->{zones_in_error}, 2, 'both are counted');
	is($err, "error: $dir/none.zone: No such file or directory\n"
		. "error: $dir/db.example: the zone's name is not known: name the file <origin>.zone, or write ORIGIN=$dir/db.example\n",
		'a line each');
}

# one zone, whole
{
	my ($exit, $done, $err) = here(zone('example.com', $HEAD . "www A 192.0.2.2\nwww A 192.0.2.3\nh HTTPS 1 . alpn=h2\n"));
	is($exit, 0, 'a zone is imported') or diag($err);
	is($done->{zones}, 1, 'one');
	is($done->{records}, 6, 'with its records');
	is($done->{server}, $redis->where, 'into this Redis');
	is($err, '', 'without a word');
	is($done->{error}, undef, 'and without an error');
	my $labels = labels('example.com');
	is_deeply([sort keys %$labels], ['@', qw(h ns www)], 'a label each');
	is_deeply($json->decode($labels->{www}),
		{ a => { ttl => 300, records => [{ ip => '192.0.2.2' }, { ip => '192.0.2.3' }] } }, 'as redins has it');
	is_deeply($json->decode($labels->{h}), { https => { ttl => 300, rdata => ['1 . alpn=h2'] } }, 'and as it has not');
	my $config = $json->decode($redis->cmd('GET', 'redins:zones:example.com.:config'));
	is($config->{soa}{serial}, 17, 'the SOA is in the config');
	is($config->{soa}{mbox}, 'host.example.com.', 'as names');
	is_deeply($redis->cmd('SMEMBERS', 'redins:zones'), ['example.com.'], 'the zone is listed');
	is_deeply([map { $_->[1] } @{ $redis->cmd(qw(XRANGE martlet:changes - +)) }], [[qw(zone example.com.)]],
		'and the change stream tells it');
}

# replaced whole; under another name
{
	my ($exit) = here(zone('example.com', $HEAD . "mail A 192.0.2.4\n"));
	is($exit, 0, 'again');
	is_deeply([sort keys %{ labels('example.com') }], ['@', qw(mail ns)], 'what has gone from the file is gone');
	write_file("$dir/db.local", $HEAD);
	($exit) = here("Example.NET=$dir/db.local");
	is($exit, 0, 'a file of any name');
	is_deeply([sort @{ $redis->cmd('SMEMBERS', 'redins:zones') }], [qw(example.com. example.net.)], 'with its origin before it');
	($exit, undef, my $err) = here("$dir/db.local");
	is($exit, 1, 'without it');
	like($err, qr/ORIGIN=\S+db[.]local/, 'there is a hint');
}

# z42, with prefix, suffix and db
{
	my @where = ('--schema', 'z42', '--prefix', 'p_', '--suffix', '_s', '--db', 3);
	my $client = $redis->new_client(db => 3);
	my ($exit, undef, $err) = here(@where, zone('example.com', $HEAD . "www A 192.0.2.2\nwww AAAA ::1\nx.y TXT t\n"));
	is($exit, 0, 'in the schema of z42') or diag($err);
	is_deeply([sort @{ $client->cmd('SMEMBERS', 'p_z42:zones:example.com.:labels_s') }], ['@', qw(ns www x.y)], 'labels');
	is_deeply($json->decode($client->cmd('GET', 'p_z42:zones:example.com.:labels:www:aaaa_s')),
		{ ttl => 300, records => [{ ip => '::1' }] }, 'an RRset');
	is_deeply($client->cmd('SMEMBERS', 'p_z42:zones_s'), ['example.com.'], 'listed');
	($exit) = here(@where, zone('example.com', $HEAD . "www A 192.0.2.5\n"));
	is($exit, 0, 'again');
	is_deeply([sort @{ $client->cmd('KEYS', '*') }], [sort 'martlet:changes', 'p_z42:zones_s',
		map { "p_z42:zones:example.com.:${_}_s" } qw(config labels labels:@:ns labels:ns:a labels:www:a)],
		'no key of before is left');
}

# what would not come back the same, and zones beside it
for my $case (
	[ "zero 0 A 192.0.2.1\n", qr/zero\.bad\.test\. A with the TTL 0.*redis\.max_ttl = 0/, 'a TTL of 0' ],
	[ "a RRSIG A 13 3 300 20300101000000 20200101000000 1 bad.test. AAAA\n", qr/signed.*unsigned/, 'a signed zone' ],
	[ "a A 192.0.2\n", qr/bad\.test\.zone:5: /, 'a bad file' ],
) {
	my ($text, $why, $what) = @$case;
	my @before = sort @{ $redis->cmd(qw(KEYS *)) };
	my ($exit, $done, $err) = here(zone('bad.test', $HEAD . $text), zone('good.test', $HEAD));
	is($exit, 1, "$what fails");
	like($err, $why, 'it is said why');
	is($done->{zones}, 1, 'the zone beside it is imported');
	is($done->{zones_in_error}, 1, 'one is not');
	ok(!$redis->cmd('EXISTS', 'redins:zones:bad.test.'), 'nothing of it is in Redis');
}
{
	my ($exit, $done, $err) = here(zone('long.test', $HEAD . "a 86400 A 192.0.2.1\n"));
	is($exit, 0, 'a long TTL is imported');
	like($err, qr/^warning: .*the TTLs of 1 records are above redis\.max_ttl and will be served as 3600/, 'with a warning');
	is($json->decode(labels('long.test')->{a})->{a}{ttl}, 86400, 'as it is');
	write_file("$dir/m.conf", "redis = { address = \"@{[ $redis->where ]}\"; max_ttl = 0; };\n");
	($exit, $done, $err) = import('-c', "$dir/m.conf", zone('zero.test', $HEAD . "a 0 A 192.0.2.1\nb 86400 A 192.0.2.1\n"));
	is($exit, 0, 'with redis.max_ttl = 0, all of them');
	is($err, '', 'without a warning');
}

# what Redis refuses
{
	my ($exit, $done, $err) = import('--redis', '127.0.0.1:1', zone('x.test', $HEAD));
	is($exit, 1, 'no Redis');
	like($done->{error}, qr/127\.0\.0\.1:1\b.*refused/i, 'which one, and why');
	write_file("$dir/pw", "r\n");
	chmod 0600, "$dir/pw";
	($exit, $done) = here('--user', 'reader', '--password-file', "$dir/pw", zone('x.test', $HEAD));
	is($exit, 1, 'a user who may not write');
	like($done->{error}, qr/NOPERM|permission/i, 'why');
	unlike($done->{error}, qr/\br\b.*password/, 'no password in it');
	write_file("$dir/pw", "w\n");
	($exit) = here('--user', 'writer', '--password-file', "$dir/pw", zone('x.test', $HEAD));
	is($exit, 0, 'one who may');
	$redis->cmd('SET', 'redins:zones:type.test.', 'no hash');
	($exit) = here(zone('type.test', $HEAD));
	is($exit, 0, 'a key of another type is replaced');
	$redis->cmd('DEL', 'martlet:changes');
	$redis->cmd('SET', 'martlet:changes', 'no stream');
	($exit, $done) = here(zone('y.test', $HEAD));
	is($exit, 1, 'a stream of another type');
	like($done->{error}, qr/martlet:changes is a string and no stream/, 'why');
	ok(!$redis->cmd('EXISTS', 'redins:zones:y.test.'), 'nothing is written');
	$redis->cmd('DEL', 'martlet:changes');
	my $replica = $redis->replica;
	($exit, $done) = import('--redis', $replica->where, zone('z.test', $HEAD));
	is($exit, 1, 'a replica');
	like($done->{error}, qr/READONLY|replica/i, 'why');
	$replica->stop;
}

$redis->stop;
done_testing();
