#!/usr/bin/perl
# What martletctl and DNS itself tell of zones from Redis, with real servers: the same
# data from files and from Redis, changes, errors, what is held, rights, Redis away.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Process qw(poll read_file write_file);
use Martlet::Redis;
use Martlet::RedisZones;
use Test::More;

Martlet::Redis::need();

my $HEAD = "\$TTL 300\n\@ SOA ns host 17 2 3 4 5\n\@ NS ns\nns A 192.0.2.1\n";
my %zones = map { read_file("$Bin/../etc/zones/$_.zone") ? ($_ => read_file("$Bin/../etc/zones/$_.zone")) : () }
	qw(example.com example.net example.org 2.0.192.in-addr.arpa);
$zones{'many.test'} = $HEAD . join '', map { "n$_ A 192.0.2.7\n*.w$_ TXT \"t$_\" \"u\"\nd$_ NS ns.d$_\nns.d$_ AAAA 2001:db8::$_\n"
	. "s$_ 60 HTTPS 1 . alpn=h2\n\\000$_ SRV 0 1 $_ n$_\n" } 1 .. 300;
my $schema = Martlet::RedisZones->new;

sub ctl_json {
	my ($m, @args) = @_;
	my ($exit, $json) = $m->ctl(@args);
	return wantarray ? ($exit, $json) : $json;
}

sub digests { return { map { $_->{name} => $_->{digest} } @{ ctl_json($_[0], 'zones', '--digest')->{zones} } } }

# ---- from files and from Redis
my $redis = Martlet::Redis->new(notify => 'KA');
my $files = Martlet->new(zones => \%zones);
my $dir = $files->dir;
my $ctl = Martlet::martletctl();
{
	write_file("$dir/$_.zone", $zones{$_}) for keys %zones;
	write_file("$dir/import.conf", "redis = { address = \"@{[ $redis->where ]}\"; max_ttl = 0; };\n");
	my $out = `'$ctl' -c '$dir/import.conf' import @{[ map { "'$dir/$_.zone'" } sort keys %zones ]} 2>&1`;
	is($?, 0, 'zone files are imported') or diag($out);
}
my $m = Martlet->new(config => { redis => $redis->settings(max_ttl => 0, shrink_min => 20), dns => { changes => \1 } });
ok(poll(20, sub { ctl_json($m, 'status')->{source}{state} eq 'following' }), 'a server follows them');
is_deeply(digests($m), digests($files), 'it serves what the files say, digest by digest');
is(ctl_json($m, 'zones', '--digest')->{digest}, ctl_json($files, 'zones', '--digest')->{digest}, 'and as a whole');
is(`'$ctl' -s @{[ $m->control_socket ]} export many.test`, `'$ctl' -s @{[ $files->control_socket ]} export many.test`,
	'as text, too');
{
	my ($exit, $status);
	poll(10, sub { ($exit, $status) = ctl_json($m, 'status'); defined $status->{source}{staleness_s} });
	is($exit, 0, 'status is well') or diag(explain $status->{problems});
	is($status->{source}{kind}, 'redis and files', 'from Redis, and a directory of files');
	ok($status->{source}{connected}, 'connected');
	cmp_ok($status->{source}{staleness_s}, '<=', 5, 'fresh');
	is($status->{records}, ctl_json($files, 'status')->{records}, 'as many records');
	my ($zone) = @{ ctl_json($m, 'zones', 'many.test')->{zones} };
	is($zone->{source}, 'redis', 'zones names the source');
	like($zone->{change}, qr/^\d+-\d+$/, 'and what changed it last');
}

# ---- a change, told by DNS itself
sub served_cursor { return (($m->ask('changes.server', 'TXT', class => 3)->{answer}[0] // [])->[4] // '') =~ /cursor=(\d+)-(\d+)/ ? [ $1, $2 ] : [ 0, 0 ] }
sub is_served { my ($ms, $seq) = split /-/, $_[0]; my $at = served_cursor(); return $at->[0] > $ms || $at->[0] == $ms && $at->[1] >= $seq }

sub change {
	my ($zone, $label, $rrsets) = @_;
	return ($redis->multi(sub {
		$_[0]->cmd(@$_) for $schema->set_label($zone, $label, $rrsets);
		$_[0]->cmd('XADD', 'martlet:changes', '*', 'zone', "$zone.", 'label', $label);
	}))[-1];
}
{
	my $id = change('many.test', 'new', { a => { ttl => 60, records => [{ ip => '192.0.2.99' }] } });
	ok(poll(5, sub { is_served($id) }), 'changes.server tells when a change is served');
	is($m->ask('new.many.test', 'A')->rcode, 'NOERROR', 'and then it is');
	my ($change) = grep { ($_->{id} // '') eq $id } @{ ctl_json($m, 'changes')->{changes} };
	is($change->{cause}, 'stream', 'changes lists it');
	is($change->{zone}, 'many.test.', 'with its zone');
	is($change->{added}, 1, 'and what it added');
	cmp_ok($change->{took_us}, '<', 2_000_000, "and how long it took ($change->{took_us} us)");
	my $stats = ctl_json($m, 'stats');
	cmp_ok($stats->{stream_propagation}{count}, '>=', 1, 'stats has the times');
	is($stats->{stream_propagation}{count}, eval { my $n = 0; $n += $_->{count} for @{ $stats->{stream_propagation}{buckets} }; $n },
		'in buckets that add up');
	my $diff = ctl_json($m, 'diff', ctl_json($m, 'status')->{generation}, 'live')->{diff};
	my ($name) = grep { $_->{name} eq 'new.many.test.' } @$diff;
	is_deeply($name && $name->{added}, ['new.many.test. 60 IN A 192.0.2.99'], 'diff live shows it');
	is($files->ask('changes.server', 'TXT', class => 3)->rcode, 'REFUSED', 'without dns.changes nothing is told');
}

# ---- values that cannot be used
{
	$m->expect_log(qr/no IPv4 address/);
	my $before = ctl_json($m, 'status')->{records};
	my $id = change('many.test', 'new', { a => { records => [{ ip => '192.0.2' }] }, txt => { records => [{ text => 'x' }] } });
	ok(poll(5, sub { is_served($id) }), 'a bad value');
	my ($error) = @{ ctl_json($m, 'errors')->{errors} };
	is($error->{owner}, 'new.many.test.', 'errors names the owner');
	is($error->{type}, 'A', 'the type');
	is($error->{source}, 'redins:zones:many.test. new', 'the key');
	like($error->{reason}, qr/^a\.records\[0\]\.ip: .*no IPv4 address/, 'the place and what is wrong');
	is($error->{state}, 'stale', 'older data are served');
	my ($exit, $status) = ctl_json($m, 'status');
	is($exit, 1, 'status fails');
	like("@{ $status->{problems} }", qr/1 RRset is not served as the source has it/, 'with the reason');
	is($status->{records}, $before + 1, 'and counts what is served');
	$id = change('many.test', 'new', { a => { ttl => 60, records => [{ ip => '192.0.2.98' }] } });
	ok(poll(5, sub { is_served($id) }), 'a good one again');
	is_deeply(ctl_json($m, 'errors')->{errors}, [], 'no errors');
	is((ctl_json($m, 'status'))[0], 0, 'status is well again');
}

# ---- what is held, and accepted
{
	$m->expect_log(qr/held|vanish/);
	my @gone = map { "n$_" } 1 .. 300;
	$redis->multi(sub {
		$_[0]->cmd('HDEL', 'redins:zones:many.test.', @gone, (map { ("s$_", "*.w$_") } 1 .. 300));
		$_[0]->cmd('XADD', 'martlet:changes', '*', 'zone', 'many.test.');
	});
	ok(poll(5, sub { @{ ctl_json($m, 'held')->{held} } }), 'what would vanish is held');
	my ($set) = @{ ctl_json($m, 'held')->{held} };
	is($set->{zones}, 1, 'one zone');
	is($set->{first}[0]{zone}, 'many.test.', 'by name');
	cmp_ok($set->{served} - $set->{offered}, '>=', 900, 'with its loss');
	my ($exit, $status) = ctl_json($m, 'status');
	is($exit, 1, 'status fails');
	like("@{ $status->{problems} }", qr/martletctl (?:held|accept)/, 'and says what to do');
	is($m->ask('n7.many.test', 'A')->rcode, 'NOERROR', 'all is still served');
	($exit, my $reply) = ctl_json($m, 'accept', $set->{id} + 1000);
	is($exit, 1, 'another id is refused');
	ok($reply->{error}, "with a reason: $reply->{error}");
	($exit, $reply) = ctl_json($m, 'accept', $set->{id});
	is($exit, 0, 'accepted') or diag($reply->{error});
	is($m->ask('n7.many.test', 'A')->rcode, 'NXDOMAIN', 'and served at once');
	is_deeply(ctl_json($m, 'held')->{held}, [], 'nothing is held');
	is((ctl_json($m, 'status'))[0], 0, 'status is well again');
}

# ---- notifications off
{
	$m->expect_log(qr/notify-keyspace-events/);
	$redis->cmd(qw(CONFIG SET), 'notify-keyspace-events', '');
	my $cure;
	ok(poll(15, sub { ($cure) = "@{ ctl_json($m, 'status')->{problems} }" =~ /redis-cli (CONFIG SET notify-keyspace-events \S+)/ }),
		'notifications off are a problem that shows its cure');
	$redis->cmd(split ' ', $cure // 'PING');
	ok(poll(15, sub { (ctl_json($m, 'status'))[0] == 0 }), 'which cures it');
}

# ---- Redis away
{
	$m->expect_log(qr/Redis|another server/);
	$redis->kill_now;
	ok(poll(10, sub { !ctl_json($m, 'status')->{source}{connected} }), 'Redis is away');
	my ($exit, $status) = ctl_json($m, 'status');
	is($exit, 1, 'status fails');
	ok($status->{source}{last_error}, "why: $status->{source}{last_error}");
	is((ctl_json($m, 'ready'))[0], 0, 'ready is not concerned');
	is($m->ask('new.many.test', 'A')->rcode, 'NOERROR', 'all is served');
	$redis->start;
	ok(poll(15, sub { ctl_json($m, 'status')->{source}{connected} }), 'it is back');
	is($m->ask('new.many.test', 'A')->rcode, 'NOERROR', 'empty, and all is served');
}
$m->stop;
$redis->stop;

# ---- the user of the manual
for my $kind (qw(redins z42)) {
	my ($acl) = read_file("$Bin/../man/martlet-redis.7") =~ /^\.\\" test: acl\n\.Bd [^\n]*\n(.*?)^\.Ed$/ms;
	my (undef, $name, @rules) = split ' ', $acl =~ s/redins:/$kind:/gr;
	push @rules, '+scan' if $kind eq 'z42';
	my $guarded = Martlet::Redis->new(notify => 'KA', users => { $name => \@rules });
	my $its = Martlet::RedisZones->new(schema => $kind);
	$its->load($guarded, { 'example.com' => Martlet::RedisZones::bulk_zone(1, 5) });
	my $reader = Martlet->new(config => { redis =>
		$guarded->settings(username => $name, password => 'secret', schema => $kind) });
	$reader->expect_log(qr/redis[.]password: everybody/);
	ok(poll(20, sub { ctl_json($reader, 'status')->{source}{state} eq 'following' }), "with the user of the manual, for $kind");
	is((ctl_json($reader, 'status'))[0], 0, 'a server follows without a problem') or diag(explain ctl_json($reader, 'status')->{problems});
	$guarded->cmd(@$_) for $its->set_label('example.com', 'x', { a => { records => [{ ip => '192.0.2.1' }] } });
	ok(poll(5, sub { $reader->ask('x.example.com', 'A')->rcode eq 'NOERROR' }), 'by notifications');
	$guarded->cmd(@$_) for $its->set_label('example.com', 'y', { a => { records => [{ ip => '192.0.2.1' }] } });
	$guarded->cmd(qw(XADD martlet:changes * zone example.com. label y));
	ok(poll(5, sub { $reader->ask('y.example.com', 'A')->rcode eq 'NOERROR' }), 'and by the stream');
	# a type that is not asked for until a key has named it; a starved server may come to
	# comparing before it hears of one, but not of each
	my $cause = 'digest';
	for my $type (65400 .. 65402) {
		$guarded->multi(sub {
			$_[0]->cmd(@$_) for map { $its->set_label('example.com', "many$type-$_", { a => { records => [{ ip => '192.0.2.1' }] } }) } 1 .. 1000;
			$_[0]->cmd(@$_) for $its->set_label('example.com', "z$type", { "type$type" => { rdata => ['\# 1 ff'] } });
			$_[0]->cmd(qw(XADD martlet:changes * zone example.com.));
		});
		last unless poll(20, sub { @{ $reader->ask("z$type.example.com", $type)->{answer} } });
		$cause = ctl_json($reader, 'changes')->{changes}[0]{cause};
		last if $cause ne 'digest';
	}
	isnt($cause, 'digest', 'a rare type is served, and not found by comparing')
	  or diag(explain ctl_json($reader, 'changes'));
	my ($reload, $status) = map { scalar ctl_json($reader, $_) } qw(reload status);
	is($reload->{records}, $status->{records}, 'reload counts them as status does');
	is_deeply([map { my %e = @$_; "$e{reason} $e{object}" } @{ $guarded->cmd(qw(ACL LOG)) }], [], 'and asks for nothing that it may not');
	$reader->stop;
	$guarded->stop;
}
$files->stop;
done_testing();
