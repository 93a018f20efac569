#!/usr/bin/perl
# martlet-redis(7): what it shows is done as it stands there, against a real Redis.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp qw(tempdir);
use JSON::PP ();
use Martlet;
use Martlet::Process qw(find_program free_port read_file write_file);
use Martlet::Redis;
use Martlet::Stunnel;
use Test::More;

Martlet::Redis::need();

my $dir = tempdir(CLEANUP => 1);
my $redis = Martlet::Redis->new(notify => '');
my $port = $redis->port;

# The examples of one kind, in order, as one reads them.
sub examples {
	my ($kind) = @_;
	my $page = read_file("$Bin/../man/martlet-redis.7");
	my @found = $page =~ /^\.\\" test: \Q$kind\E\n\.Bd [^\n]*\n(.*?)^\.Ed$/msg;

	ok(@found > 0, "examples for $kind");
	return map { s/\\e/\\/gr } @found;
}

# redis-cli as a reader has it, on our port; prompts are not part of a command.
mkdir "$dir/bin";
write_file("$dir/bin/redis-cli", "#!/bin/sh\nexec '" . (find_program('redis-cli') // 'redis-cli') . "' -p $port \"\$@\"\n");
chmod 0755, "$dir/bin/redis-cli";
$ENV{PATH} = "$dir/bin:$ENV{PATH}";

sub shell {
	my ($text, $what) = @_;
	$text =~ s/^[\$>] //mg;
	write_file("$dir/script", "cd '$dir' || exit\n$text");
	my $out = `sh '$dir/script' 2>&1`;
	ok($? == 0 && $out !~ /^(?:\(error\)|ERR|.*Unknown)/m, $what) or diag("$text\n$out");
	return $out;
}

sub address { return JSON::PP->new->decode($redis->cmd('HGET', 'redins:zones:example.com.', 'www'))->{a}{records}[0]{ip} }
sub entries { return map { $_->[1] } @{ $redis->cmd(qw(XRANGE martlet:changes - +)) } }

# ---- the change stream
$redis->cmd('SADD', 'redins:zones', 'example.com.');
$redis->cmd('HSET', 'redins:zones:example.com.', 'old', '{}');
shell($_, 'redis-cli') for examples('redis-cli');
is(address(), '192.0.2.7', 'the address is written');
ok(!$redis->cmd('HEXISTS', 'redins:zones:example.com.', 'old'), 'the old label is gone');
is_deeply($redis->cmd('SISMEMBER', 'redins:zones', 'example.org.'), 1, 'the new zone is listed');
is_deeply([entries()], [[qw(zone example.com. label www label old)], [qw(zone example.org.)]],
	'the stream tells it');

my ($lua) = examples('lua');
write_file("$dir/set-address.lua", $lua);
my ($command) = $lua =~ /\A-- (.*?)\n(?!--)/s;
shell($command =~ s/\\\n--/ /r, 'the script in Lua');
is(address(), '192.0.2.8', 'writes the address');
is_deeply([(entries())[-1]], [[qw(zone example.com. label www)]], 'and tells of it');

SKIP: {
	my $python = find_program('python3') or skip 'python3 is not installed', 2;
	my ($text) = examples('python');
	$text =~ s/6379/$port/;
	write_file("$dir/example.py", $text);
	my $out = `'$python' '$dir/example.py' 2>&1`;
	is($?, 0, 'Python') or diag($out);
	is(address(), '192.0.2.9', 'writes the address');
	is_deeply([(entries())[-1]], [[qw(zone example.com. label www)]], 'and tells of it');
}

# ---- the shell
{
	my $old = (time - 2 * 86_400) * 1000;
	my $client = $redis->new_client(db => 0);
	$client->cmd('DEL', 'martlet:changes');
	$client->cmd('XADD', 'martlet:changes', $old + $_ . '-0', 'zone', 'old.') for 1 .. 1000;
	$client->cmd(qw(XADD martlet:changes * zone new.));
	# no file to rewrite to is what differs here
	shell($_ =~ s/^\$ redis-cli CONFIG REWRITE\n//mr, 'shell') for examples('sh');
	cmp_ok(scalar entries(), '<', 500, 'the stream is trimmed');
	is_deeply([(entries())[-1]], [[qw(zone new.)]], 'by age');
	my %config = @{ $client->cmd(qw(CONFIG GET notify-keyspace-events)) };
	is($config{'notify-keyspace-events'}, 'AK', 'notifications are on');
}

# ---- the user
{
	my ($acl) = examples('acl');
	my (undef, $name, @rules) = split ' ', $acl;
	$redis->cmd('ACL', 'SETUSER', $name, @rules);
	my $reader = $redis->new_client(username => $name, password => 'secret');
	ok($reader->cmd("TIME"), "the user of the manual");
	is_deeply($reader->cmd('HGET', 'redins:zones:example.com.', 'www') ne '', 1, 'may read zones');
	ok(!eval { $reader->cmd(@$_); 1 }, "may not @$_") for
		['SET', 'redins:zones:x', 1], ['HSET', 'redins:zones:example.com.', 'www', ''], ['XADD', 'martlet:changes', '*', 'zone', 'x.'],
		['GET', 'other'], ['FLUSHALL'], ['CONFIG', 'SET', 'save', ''], ['PSUBSCRIBE', '*'];
}

# ---- stunnel
SKIP: {
	skip 'openssl or stunnel4 is not installed', 4
	  unless find_program('openssl') && Martlet::Stunnel::is_installed();
	my ($text) = examples('stunnel');
	my $where = '127.0.0.1:' . free_port();

	system("cd '$dir' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
		. " -subj /CN=redis.example.net -addext subjectAltName=DNS:redis.example.net"
		. " -keyout key.pem -out cert.pem >openssl.log 2>&1") == 0 or die read_file("$dir/openssl.log");
	my $tls = eval { Martlet::Redis->new(requirepass => 'secret', config => {
		'tls-port' => my $tls_port = free_port(), 'tls-auth-clients' => 'no',
		'tls-cert-file' => "$dir/cert.pem", 'tls-key-file' => "$dir/key.pem", 'tls-ca-cert-file' => "$dir/cert.pem" }) };
	skip 'this redis-server knows no TLS', 4 unless $tls;
	my $server = "127.0.0.1:$tls->{config}{'tls-port'}";
	$text =~ s/127\.0\.0\.1:6380/$where/;
	$text =~ s/redis\.example\.net:6379/$server/;
	$text =~ s{/etc/ssl/certs/ca-certificates\.crt}{$dir/cert.pem};
	my $stunnel = Martlet::Stunnel->new(text => $text, where => $where);
	my $client = Martlet::Resp->new($where, password => 'secret');
	is($client->cmd('PING'), 'PONG', 'through stunnel');
	write_file("$dir/pw", "secret\n");
	chmod 0600, "$dir/pw";
	write_file("$dir/example.com.zone", "\$TTL 300\n\@ SOA ns host 17 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n");
	my $ctl = Martlet::martletctl();
	my $out = `'$ctl' import --redis $where --user default --password-file '$dir/pw' '$dir/example.com.zone' 2>&1`;
	is($?, 0, 'martletctl import through it') or diag($out);
	ok($tls->cmd('EXISTS', 'redins:zones:example.com.'), 'has written');
	$stunnel->stop;
	# a server with another name is not talked to
	$stunnel = Martlet::Stunnel->new(text => $text =~ s/checkHost = .*/checkHost = other.example.net/r, where => $where);
	ok(!eval { Martlet::Resp->new($where, password => 'secret'); 1 }, 'a server of another name is refused');
	$stunnel->stop;
	$tls->stop;
}

$redis->stop;
done_testing();
