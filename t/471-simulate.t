#!/usr/bin/perl
# `martletctl simulate`: shares that are computed, against a model and against what workers
# answer; what shifts; and files of any kind.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Martlet;
use Martlet::Answer;
use Martlet::Geo qw(need_writer write_db);
use Martlet::Process qw(poll read_file slow write_file);
use Martlet::Redis;
use Martlet::Wire qw(encode_query);
use Test::More;

Martlet::Redis::need();
need_writer();

my $json = JSON::PP->new->canonical;
my $dir = tempdir(CLEANUP => 1);
my %places = ('127.0.1.0/24' => ['DE', 52, 13], '127.0.2.0/24' => ['US', 40, -74], '203.0.113.0/24' => ['DE', 52, 13]);

write_db("$dir/country.mmdb", \%places);
write_db("$dir/other.mmdb", { %places, '127.0.2.0/24' => ['DE'] });
write_db("$dir/asn.mmdb", { '127.0.1.0/24' => 64496 }, type => 'asn');

my @records = ({ ip => '192.0.2.1', country => 'DE', weight => 3 }, { ip => '192.0.2.2', country => 'DE', weight => 1 },
	{ ip => '192.0.2.3', country => 'US', weight => 5 }, { ip => '192.0.2.4', country => '' });
my %labels = (
	'@' => { ns => { records => [{ host => 'ns.z.test.' }] } },
	weighted => { a => { filter => { geo_filter => 'country', order => 'weighted', count => 'single' }, records => \@records } },
	rr => { a => { filter => { order => 'rr', first => 2 }, records => \@records } },
	plain => { a => { records => [{ ip => '192.0.2.1' }] } },
	alias => { cname => { host => 'weighted.z.test.' } },
	asn => { a => { filter => { geo_filter => 'asn' }, records => [{ ip => '192.0.2.1', asn => 64496 }, { ip => '192.0.2.2' }] } },
	sticky => { a => { filter => { order => 'rr', sticky => \1, count => 'single' }, records => \@records } },
	v6 => { aaaa => { filter => { order => 'rr', count => 'single' }, records => [{ ip => '2001:db8::1' }, { ip => '2001:db8::2' }] } },
);
my $redis = Martlet::Redis->new(notify => 'KA');
$redis->cmd('SADD', 'redins:zones', 'z.test.');
$redis->cmd('SET', 'redins:zones:z.test.:config', '{"soa":{"serial":7}}');
$redis->cmd('HSET', 'redins:zones:z.test.', map { ($_ => $json->encode($labels{$_})) } keys %labels);

$redis->cmd('SADD', 'redins:zones', 'example.com.');
$redis->cmd('SET', 'redins:zones:example.com.:config', '{"soa":{"serial":7}}');
$redis->cmd('HSET', 'redins:zones:example.com.', '@' => $json->encode($labels{'@'}), www => $json->encode($labels{weighted}));

my $m = Martlet->new(config => { redis => $redis->settings, geoip => { country_db => "$dir/country.mmdb" } });
$m->expect_log(qr/no file here is named/);
ok($m->wait_log(qr/reading all zones from Redis.*generation \d+ is served/s, 20), 'Redis is read and served') or diag($m->log);

my $clients = write_file("$dir/clients", "# in Germany, in the US, nowhere\n127.0.1.1 60\n127.0.2.1\t20\n\n127.0.3.1 19\n127.0.3.2\n");

sub simulate {
	my ($label, $file, @options) = @_;
	my ($exit, $out) = $m->ctl('simulate', "$label.z.test", $label eq 'v6' ? 'AAAA' : 'A', $file, @options);
	is($exit, 0, "$label @options") or diag($m->{ctl_stderr});
	return $out;
}

# "192.0.2.1 0.45>0.30": address, share, share after.
sub shares {
	my ($out, $what) = @_;
	$what //= 'share';
	return join ', ', map { my $r = $_; ($r->{address} =~ /([^.:]+)$/)[0] . ' ' . join '>', map { sprintf '%.4g', $_ } grep { defined } @$r{ $what, "${what}_after" } }
		@{ $out->{simulate} };
}

subtest 'shares' => sub {
	my $out = simulate('weighted', $clients);
	is(shares($out), '1 0.45, 2 0.15, 3 0.2, 4 0.2', 'of weights, for each where it counts');
	is("$out->{clients} $out->{lines} $out->{skipped}", '100 6 0', 'clients, lines');
	is($out->{moved}, undef, 'nothing is changed: nobody moves');
	is(shares(simulate('alias', $clients)), '1 0.45, 2 0.15, 3 0.2, 4 0.2', 'behind an alias');
	my $logged = write_file("$dir/logged", join '', map { qq({"record":"x.\\\\\\"source_ip\\":\\"127.0.9.9.","source_ip":"$_->[0]","client_subnet":"$_->[1]","type":"A"$_->[2]}\n) }
		['127.0.9.1', '203.0.113.0/24/16', ',"sample":60'], ['127.0.2.1', '', ',"sample":20'], ['127.0.3.1', '', ',"sample":19'], ['127.0.3.2', '', '']);
	is(shares(simulate('weighted', $logged)), '1 0.45, 2 0.15, 3 0.2, 4 0.2', 'clients of a query log');
	$out = simulate('rr', $clients);
	is(shares($out), '1 0.25, 2 0.25, 3 0.25, 4 0.25', 'each first as often');
	is(shares($out, 'answered'), '1 0.5, 2 0.5, 3 0.5, 4 0.5', 'two of four answered');
	is(shares(simulate('v6', $clients)), '1 0.5, 2 0.5', 'IPv6');
	is(shares(simulate('asn', $clients)), '1 1, 2 0', 'without a database nothing is chosen by it');
};

subtest 'what shifts' => sub {
	my $out = simulate('weighted', $clients, '--down', '192.0.2.1');
	is(shares($out), '1 0.45>0, 2 0.15>0.6, 3 0.2>0.2, 4 0.2>0.2', 'a record that is down');
	is($out->{moved}, 45, 'so many move');
	is($out->{simulate}[0]{change}, -0.45, 'change');
	is(shares(simulate('weighted', $clients, '--down', '192.0.2.1', '--down', '192.0.2.2')),
		'1 0.45>0, 2 0.15>0, 3 0.2>0.2, 4 0.2>0.8', 'both of a country: the default');
	is(shares(simulate('weighted', $clients, map { ('--down', "192.0.2.$_") } 1 .. 4)), '1 0.45>0.45, 2 0.15>0.15, 3 0.2>0.2, 4 0.2>0.2',
		'all: as if none was');
	is(shares(simulate('weighted', $clients, '--weight', '192.0.2.2=3')), '1 0.45>0.3, 2 0.15>0.3, 3 0.2>0.2, 4 0.2>0.2', 'a weight');
	$out = simulate('weighted', $clients, '--country-db', "$dir/other.mmdb");
	is(shares($out), '1 0.45>0.6, 2 0.15>0.2, 3 0.2>0, 4 0.2>0.2', 'another country database');
	is($out->{moved}, 20, 'so many move');
	is(shares(simulate('asn', $clients, '--asn-db', "$dir/asn.mmdb")), '1 1>0.6, 2 0>0.4', 'an ASN database where there was none');
	is(shares(simulate('weighted', $clients, '--country-db', "$dir/other.mmdb", '--down', '192.0.2.2', '--weight', '192.0.2.3=1')),
		'1 0.45>0.8, 2 0.15>0, 3 0.2>0, 4 0.2>0.2', 'all at once');
	is($m->ctl('simulate', 'weighted.z.test', 'A', $clients)->{simulate}[0]{share}, 0.45, 'and nothing of it stays');
};

# From one address, the one record that is answered.
sub answer_to {
	my ($from, $name) = @_;
	my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => $from, PeerAddr => $m->{address}, PeerPort => $m->{port}) // die "$!\n";
	for (1 .. 3) {
		$socket->send(encode_query($name, 'A'));
		next unless IO::Select->new($socket)->can_read(5 * slow()) && defined $socket->recv(my $wire, 4096);
		return ((Martlet::Answer->new($wire)->text('answer'))[0] =~ /(\S+)$/)[0];
	}
	return '';
}

subtest 'sticky clients are where workers have them' => sub {
	my @from = map { "127.0.$_.9" } 1 .. 60;
	my %answered;
	$answered{ answer_to($_, 'sticky.z.test') }++ for @from;
	my $out = simulate('sticky', write_file("$dir/sticky", join "\n", @from));
	is_deeply({ map { $_->{address} => sprintf '%.0f', $_->{share} * @from } @{ $out->{simulate} } },
		{ map { ("192.0.2.$_" => $answered{"192.0.2.$_"} // 0) } 1 .. 4 }, 'client by client');
	$out = simulate('sticky', "$dir/sticky", '--down', '192.0.2.1');
	is(sprintf('%.0f', $out->{moved}), $answered{'192.0.2.1'} // 0, 'only those of a record that is down move');
};

subtest 'files' => sub {
	my $out = simulate('weighted', write_file("$dir/odd", "\xff\xfe\n127.0.1.1 x\n127.0.1.1 -4\n127.0.1.1/33\n" . 'x' x 100000 . "\n127.0.1.1 2\r\n203.0.113.0/24 2 # why"));
	is("$out->{clients} $out->{lines} $out->{skipped}", '2 7 6', 'what is no client is passed over') or diag($json->encode($out));
	like($out->{notices}[1], qr/^line 2: '127\.0\.1\.1 x' is no client/, 'and told');
	(my $exit, $out) = $m->ctl('simulate', 'weighted.z.test', 'A', write_file("$dir/none", "# nobody\n"));
	is($exit, 1, 'a file without clients');
	like($out->{error}, qr/no client in the file/, 'is refused');
	$out = simulate('weighted', write_file("$dir/many", join '', map { '127.0.' . (1 + $_ % 2) . '.' . $_ % 250 . "\n" } 1 .. 60000));
	is(shares($out), '1 0.375, 2 0.125, 3 0.5, 4 0', 'more than a request holds');
	my $bed = "'" . Martlet::martletctl() . "' --json -s " . $m->control_socket;
	my $piped = $json->decode(scalar `cat $clients | $bed simulate weighted.z.test A -`);
	is(shares($piped), '1 0.45, 2 0.15, 3 0.2, 4 0.2', 'from standard input');
};

subtest 'refused' => sub {
	my @bad = (
		[['plain', $clients], qr/every client gets the same answer/], [['nope', $clients], qr/every client gets the same/],
		[['weighted', $clients, '--down', '192.0.2.9'], qr/192\.0\.2\.9 is no record of this name/],
		[['v6', $clients, '--weight', '2001:db8::9=1'], qr/2001:db8::9 is no record/],
		[['weighted', $clients, '--country-db', $clients], qr/is no whole database/],
		[['weighted', $clients, '--country-db', "$dir/asn.mmdb"], qr/without any country/],
		[['weighted', "$dir/missing"], qr/cannot read .*missing: No such file/],
		[['weighted', $clients, '--asn-db', "$dir/missing"], qr/cannot read .*missing/],
	);
	for (@bad) {
		my ($args, $text) = @$_;
		my ($label, @rest) = @$args;
		my ($exit, $out) = $m->ctl('simulate', "$label.z.test", $label eq 'v6' ? 'AAAA' : 'A', @rest);
		is($exit, 1, "@$args: exit code");
		like($out->{error} . $m->{ctl_stderr}, $text, 'and why');
	}
	my ($exit, $out) = $m->ctl('simulate', 'plain.z.test', 'A', "$dir/many");
	is($exit, 1, 'refused before a long file is through');
	like($out->{error}, qr/same answer/, 'and told all the same');
};

subtest 'the examples of martletctl(8)' => sub {
	my @examples = grep { /martletctl (?:explain|simulate) / } map { /^\$ (.*)/ ? $1 =~ s/\\-/-/gr : () } split /\n/, read_file("$Bin/../man/martletctl.8");

	write_file("$dir/clients.txt", "127.0.1.1\n");
	write_file("$dir/access.log", "127.0.2.1 - - GET /\n");
	rename "$dir/other.mmdb", "$dir/new.mmdb" or die "$!\n";
	is(scalar @examples, 4, 'are found');
	local $ENV{CTL} = Martlet::martletctl();
	local $ENV{SOCKET} = $m->control_socket;
	for (@examples) {
		my $out = `cd $dir && { martletctl() { "\$CTL" -s "\$SOCKET" "\$@"; }; $_; } 2>&1`;
		is($?, 0, $_) or diag($out);
		like($out, qr/192\.0\.2\.\d/, 'an answer');
	}
};

subtest 'for people' => sub {
	local $ENV{COLUMNS} = 80;
	my ($exit, $text) = $m->ctl_text('simulate', 'weighted.z.test', 'A', $clients, '--down', '192.0.2.1');
	is($exit, 0, 'exit code');
	is_deeply([grep { length > 80 } split /\n/, $text], [], 'no line is longer than the terminal');
	like($text, qr/^192\.0\.2\.1 +45\.00 % +0\.00 % +-45\.00 % /m, 'a row') or diag($text);
	like($text, qr/^move to another record: 45 of 100 clients, 45\.00 %$/m, 'who moves');
};

$m->stop;
done_testing();
