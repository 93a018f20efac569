#!/usr/bin/perl
# ANAMEs behind a real resolver: unbound, over zones that NSD serves, which changes its mind.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Copy qw(copy);
use Martlet;
use Martlet::Process qw(find_program free_port poll write_file);
use Martlet::Redis;
use Test::More;

Martlet::Redis::need();
for my $program (qw(unbound nsd)) {
	next if find_program($program);
	die "missing: $program (make deps-check)\n" if ($ENV{CI} // '') eq 'true';
	plan(skip_all => "not installed: $program");
}

# A server of others, in a directory of its own.
package Foreign {
	use parent -norequire, 'Martlet::Process';

	sub new {
		my ($class, %arg) = @_;
		my $self = bless { %arg }, $class;

		$self->_prepare;
		$self->{port} = Martlet::Process::free_port();
		return $self;
	}

	sub run {
		my ($self, @command) = @_;
		$self->{command} = \@command if @command;
		$self->_spawn(@{ $self->{command} });
		return;
	}
}

package main;

my $nsd = Foreign->new;
my $unbound = Foreign->new;

sub outside {
	my ($serial, @records) = @_;
	write_file($nsd->dir . '/outside.zone', join "\n", '$ORIGIN outside.test.', '$TTL 6',
		"\@ SOA ns h $serial 1 2 3 6", '@ NS ns', 'ns A 127.0.0.1', @records, '');
	return;
}

outside(1, 'www A 192.0.2.1', 'www A 192.0.2.2', 'www AAAA 2001:db8::1', 'four A 192.0.2.4',
	'chain CNAME mid.elsewhere.test.', 'apex 600 A 192.0.2.9', 'dn DNAME elsewhere.test.');
write_file($nsd->dir . '/elsewhere.zone', join "\n", '$ORIGIN elsewhere.test.', '$TTL 60',
	'@ SOA ns h 1 1 2 3 6', '@ NS ns', 'ns A 127.0.0.1', 'mid CNAME end', 'end A 192.0.2.7', '');
write_file($nsd->dir . '/nsd.conf', <<"END");
server:
  ip-address: 127.0.0.1\@@{[$nsd->port]}
  server-count: 1
  username: ""
  chroot: ""
  pidfile: "@{[$nsd->dir]}/nsd.pid"
  database: ""
  xfrdfile: "@{[$nsd->dir]}/xfrd.state"
  zonelistfile: "@{[$nsd->dir]}/zone.list"
  xfrdir: "@{[$nsd->dir]}"
  zonesdir: "@{[$nsd->dir]}"
  reuseport: no
  zonefiles-check: yes
remote-control:
  control-enable: no
zone:
  name: outside.test
  zonefile: outside.zone
zone:
  name: elsewhere.test
  zonefile: elsewhere.zone
END
write_file($unbound->dir . '/unbound.conf', <<"END");
server:
  interface: 127.0.0.1
  port: @{[$unbound->port]}
  do-daemonize: no
  chroot: ""
  username: ""
  directory: "@{[$unbound->dir]}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  do-not-query-localhost: no
  module-config: "iterator"
  num-threads: 1
  local-zone: "test." nodefault
  cache-max-negative-ttl: 1
  infra-host-ttl: 1
stub-zone:
  name: "outside.test"
  stub-addr: 127.0.0.1\@@{[$nsd->port]}
stub-zone:
  name: "elsewhere.test"
  stub-addr: 127.0.0.1\@@{[$nsd->port]}
remote-control:
  control-enable: no
END
# AppArmor lets the installed one read its own files only
copy(find_program('unbound'), $unbound->dir . '/unbound') or die "unbound: $!\n";
chmod 0755, $unbound->dir . '/unbound';
$nsd->run(find_program('nsd'), '-d', '-c', $nsd->dir . '/nsd.conf');
$unbound->run($unbound->dir . '/unbound', '-d', '-c', $unbound->dir . '/unbound.conf');

my $redis = Martlet::Redis->new(notify => 'KA');
my %labels = ('@' => 'apex.outside.test.', www => 'www.outside.test', four => 'four.outside.test.', chain => 'chain.outside.test.',
	dn => 'end.dn.outside.test.', gone => 'gone.outside.test.');
$redis->cmd('SADD', 'redins:zones', 'an.test.', 'flat.test.');
$redis->cmd('SET', 'redins:zones:an.test.:config', '{"soa":{"serial":7}}');
$redis->cmd('HSET', 'redins:zones:an.test.', (map { ($_ => qq({"aname":{"location":"$labels{$_}"}})) } keys %labels));
$redis->cmd('SET', 'redins:zones:flat.test.:config', '{"soa":{"serial":7},"cname_flattening":true}');
$redis->cmd('HSET', 'redins:zones:flat.test.', 'www', '{"cname":{"host":"chain.outside.test.","ttl":60}}');

my $m = Martlet->new(config => { redis => $redis->settings, resolver => { servers => ['127.0.0.1:' . $unbound->port], timeout_ms => 1000 } });
$m->expect_log(qr/no file here is named|no NS at the top|resolver .* (?:does not answer|cannot be reached|answers again)/);
ok($m->wait_log(qr/reading all zones from Redis.*generation \d+ is served/s, 20), 'it serves') or diag($m->log);

sub becomes {
	my ($name, $type, $want, $seconds) = @_;
	my $got = '';
	ok(poll($seconds // 15, sub { my $r = $m->ask($name, $type); ($got = join ' ', $r->rcode, join ', ', $r->text('answer')) =~ $want }), "$name $type: $want")
	  or diag("$got\n" . explain(($m->ctl('status'))[1]{resolver}) . $unbound->log . $nsd->log);
	return;
}

becomes('an.test', 'A', qr/^NOERROR an\.test\. (?:600|59\d) A 192\.0\.2\.9$/);
becomes('an.test', 'AAAA', qr/^NOERROR $/);
becomes('www.an.test', 'A', qr/^NOERROR www\.an\.test\. [56] A 192\.0\.2\.1, www\.an\.test\. [56] A 192\.0\.2\.2$/);
becomes('www.an.test', 'AAAA', qr/^NOERROR www\.an\.test\. [56] AAAA 2001:db8::1$/);
becomes('four.an.test', 'AAAA', qr/^NOERROR $/);
becomes('chain.an.test', 'A', qr/^NOERROR chain\.an\.test\. [56] A 192\.0\.2\.7$/);
becomes('dn.an.test', 'A', qr/^NOERROR dn\.an\.test\. \d+ A 192\.0\.2\.7$/);
becomes('gone.an.test', 'A', qr/^SERVFAIL $/);
becomes('www.flat.test', 'A', qr/^NOERROR www\.flat\.test\. [56] A 192\.0\.2\.7$/);

$unbound->stop;
ok($m->wait_log(qr/resolver 127\.0\.0\.1 port \d+ (?:does not answer|cannot be reached)/, 20), 'its death');
becomes($_, 'A', qr/192\.0\.2\.\d$/) for qw(an.test www.an.test four.an.test chain.an.test www.flat.test);
ok(poll(20, sub { grep { /none of resolver\.servers answers/ } @{ ($m->ctl('status'))[1]{problems} } }), 'status says so');
outside(2, 'www A 192.0.2.88', 'chain CNAME mid.elsewhere.test.');
kill 'HUP', $nsd->pid;
$unbound->run;
becomes('www.an.test', 'A', qr/^NOERROR www\.an\.test\. [56] A 192\.0\.2\.88$/, 25);
ok(poll(15, sub { grep { ($_->{owner} // '') eq 'four.an.test.' && $_->{state} eq 'stale' } @{ ($m->ctl('errors'))[1]{errors} } }),
	'a name that is gone outside is told');
becomes('four.an.test', 'A', qr/A 192\.0\.2\.4$/);
$unbound->stop;
$nsd->stop;
is($m->stop, 0, 'a clean end');
done_testing();
