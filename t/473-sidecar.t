#!/usr/bin/perl
# Sidecars: `<origin>.json` beside zone files, merged over them, reloaded when they alone have
# changed, and as good or bad as the zone file itself.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::PP ();
use Martlet;
use Martlet::Process qw(poll read_file write_file);
use Test::More;

my $json = JSON::PP->new->canonical;
my $zone = <<'Z';
@ 300 SOA ns hostmaster 1 2 3 4 60
@ 300 NS ns
ns 300 A 192.0.2.53
www 300 A 192.0.2.1
www 300 AAAA 2001:db8::1
www 300 TXT "of the file"
alias 300 CNAME www
Z

my $m = Martlet->new(zones => { 'side.test' => $zone }, config => { workers => { count => 1 } });

sub sidecar { return $m->zone_path($_[0] // 'side.test') =~ s/zone$/json/r }

sub put {
	my ($value, $origin) = @_;
	write_file(sidecar($origin), ref $value ? $json->encode($value) : $value);
	return;
}

sub answer {
	my ($name, $type) = @_;
	my $r = $m->ask($name, $type);
	return join '; ', $r->rcode, sort $r->text('answer');
}

my @two = ({ ip => '192.0.2.8' }, { ip => '192.0.2.9' });

subtest 'merged over the file' => sub {
	is(answer('www.side.test', 'A'), 'NOERROR; www.side.test. 300 A 192.0.2.1', 'the file alone');
	put({ www => { a => { ttl => 30, filter => { count => 'single' }, records => \@two } }, new => { txt => { records => [{ text => 'of the sidecar' }] } } });
	my ($exit, $out) = $m->ctl('reload');
	is($exit, 0, 'a sidecar alone is a change') or diag(explain($out));
	is(answer('www.side.test', 'A'), 'NOERROR; www.side.test. 30 A 192.0.2.8', 'its RRset in the place of the file\'s');
	is(answer('www.side.test', 'AAAA'), 'NOERROR; www.side.test. 300 AAAA 2001:db8::1', 'other types as they were');
	is(answer('www.side.test', 'TXT'), 'NOERROR; www.side.test. 300 TXT "of the file"', 'all of them');
	is(answer('new.side.test', 'TXT'), 'NOERROR; new.side.test. 300 TXT "of the sidecar"', 'a new name, with the TTL of the SOA');
	is(answer('alias.side.test', 'A'), 'NOERROR; alias.side.test. 300 CNAME www.side.test.; www.side.test. 30 A 192.0.2.8', 'by a CNAME of the file');
	my @texts = map { @{ $_->{records} } } @{ $m->ctl('export', 'side.test')->{export} };
	is_deeply([grep { /^;/ } @texts], ['; www.side.test. IN A is steered: count single, order none: 192.0.2.8, 192.0.2.9'], 'export tells it');
};

subtest 'as the manual has it' => sub {
	my ($text) = read_file("$Bin/../man/martlet.conf.5") =~ /^\.\\" test: sidecar\n\.Bd [^\n]*\n(.*?)^\.Ed$/ms;
	put($text);
	is(($m->ctl('reload', 'side.test'))[0], 0, 'it is taken');
	is(answer('www.side.test', 'A'), 'NOERROR; www.side.test. 300 A 192.0.2.1; www.side.test. 300 A 192.0.2.2', 'and served');
	is(answer('alias.side.test', 'A'), 'NOERROR; alias.side.test. 300 A 192.0.2.1; alias.side.test. 300 A 192.0.2.2', 'flattened');
};

subtest 'changed, and gone' => sub {
	put({ www => { a => { ttl => 31, filter => { first => 1 }, records => [reverse @two] } } });
	$m->ctl('reload', 'side.test');
	is(answer('www.side.test', 'A'), 'NOERROR; www.side.test. 31 A 192.0.2.9', 'changed alone');
	is(answer('new.side.test', 'TXT'), 'NXDOMAIN', 'a name that it no longer has');
	my $generation = $m->ctl('status')->{generation};
	poll(5, sub { $m->ctl('reload'); my $now = $m->ctl('status')->{generation}; my $same = $now == $generation; $generation = $now; $same });
	is($m->ctl('status')->{generation}, $generation, 'unchanged: nothing is built');
	unlink sidecar();
	$m->ctl('reload');
	is(answer('www.side.test', 'A'), 'NOERROR; www.side.test. 300 A 192.0.2.1', 'gone: the file alone again');
};

subtest 'as bad as a bad zone file' => sub {
	put({ www => { a => { filter => { count => 'single' }, records => \@two } } });
	$m->ctl('reload');
	my $path = sidecar();
	my @cases = (
		["{\n\"www\":\n{\"a\":}\n}", 3, qr/is not JSON/],
		['[]', undef, qr/must be an object/],
		['{"www":{"a":{"ttl":-1}}}', undef, qr/^www[.]a[.]ttl: must be a whole number/],
		['{"a..b":{}}', undef, qr/^a[.][.]b: is no name|^a[.][.]b: /],
		['{"www":{"txt":{}},"WWW":{"a":{"records":[{"ip":"192.0.2.1"}]},"txt":{}}}', undef, qr/two labels mean www[.]side[.]test/],
		['{"alias":{"a":{"records":[{"ip":"192.0.2.1"}]}}}', undef, qr/CNAME: alias[.]side[.]test[.] A$/],
		['{"@config":{"cname_flattening":1}}', undef, qr/^\@config[.]cname_flattening: must be true or false/],
	);
	$m->expect_log(qr/side[.]json|side\.test|in error/);
	for my $case (@cases) {
		my ($text, $line, $reason) = @$case;
		put($text);
		my ($exit) = $m->ctl('reload', 'side.test');
		is($exit, 1, "$text: refused");
		my ($row) = @{ $m->ctl('errors')->{errors} };
		like($row->{reason}, $reason, 'the reason');
		is($row->{line}, $line, 'the line') if $line;
		like($row->{source}, qr/side[.]test[.](?:json|zone)/, 'the file');
		is(answer('www.side.test', 'A'), 'NOERROR; www.side.test. 300 A 192.0.2.8', 'the last good one is served');
	}
	is($m->ctl('errors')->{errors}[0]{state}, 'stale', 'and told to be old');
	put({});
	is(($m->ctl('reload'))[0], 0, 'mended');
	is_deeply($m->ctl('errors')->{errors}, [], 'no errors');
	is(answer('www.side.test', 'A'), 'NOERROR; www.side.test. 300 A 192.0.2.1', 'an empty one changes nothing');
};

subtest 'a bad record costs itself alone' => sub {
	put({ www => { a => { filter => { order => 'weighted' }, records => [{ ip => '192.0.2.7', weight => -1 }, @two] } } });
	$m->ctl('reload');
	is(answer('www.side.test', 'A'), 'NOERROR; www.side.test. 300 A 192.0.2.8; www.side.test. 300 A 192.0.2.9', 'the others are served');
	my ($row) = @{ $m->ctl('errors')->{errors} };
	is_deeply([@$row{qw(owner type state source)}], ['www.side.test.', 'A', 'partial', sidecar()], 'it is told where');
	like($row->{reason}, qr/^www[.]a[.]records\[0\][.]weight: must be/, 'and why');
};

subtest 'of a zone in another place' => sub {
	mkdir "$m->{dir}/else" or die $!;
	write_file("$m->{dir}/else/db.file", $zone);
	write_file("$m->{dir}/else/other.test.json", $json->encode({ www => { a => { ttl => 5, records => [$two[0]] } } }));
	$m->write_config({ zones => { files => [{ origin => 'other.test', file => "$m->{dir}/else/db.file" }] } });
	$m->ctl('reload');
	is(answer('www.other.test', 'A'), 'NOERROR; www.other.test. 5 A 192.0.2.8', 'by the zone\'s name in the file\'s directory');
};

subtest 'checked without a server' => sub {
	put('{"www":{"a":{"records":[{"ip":"192.0.2.1"}],"filter":{"order":"what"}},"mx":7}}');
	my $out = qx{$Martlet::BUILD/martletd -c @{[$m->config_path]} -t 2>&1};
	is($? >> 8, 1, 'exit 1');
	like($out, qr/^error: \S+side[.]test[.]json: www[.]mx: must be an object$/m, 'an error');
	like($out, qr/^warning: \S+side[.]test[.]json: www[.]a[.]filter[.]order: "what" is not known/m, 'a warning');
	put({ www => { a => { ttl => 9, filter => { count => 'single' }, records => \@two } } });
	my ($exit) = $m->ctl_text('-c', $m->config_path, 'build', "$m->{dir}/built");
	is($exit, 0, 'build takes it') or diag($m->{ctl_stderr});
	is(($m->ctl('swap', "$m->{dir}/built"))[0], 0, 'and is served');
	is(answer('www.side.test', 'A'), 'NOERROR; www.side.test. 9 A 192.0.2.8', 'with it');
};

$m->stop;
done_testing();
