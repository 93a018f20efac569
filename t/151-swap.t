#!/usr/bin/perl
# swap, rollback and resume, as an operator uses them.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Martlet;
use Martlet::Zones qw(zone serial_of generation);
use Test::More;

my $m = Martlet->new(zones => { 'a.test' => zone(1), 'b.test' => zone(1) },
	config => { generations => { keep => 10 } });
my ($exit, $json, $out);

($exit, $out) = $m->ctl_text('-c', $m->config_path, 'build', "$m->{dir}/built");
is($exit, 0, 'build') or diag($m->{ctl_stderr});
($exit, $out) = $m->ctl_text('-c', $m->config_path, 'build', $m->{dir});
is($exit, 1, 'build into a directory that is there');
is($m->{ctl_stderr}, "error: $m->{dir} exists: name a new directory\n", 'says so in one line');
($exit, $out) = $m->ctl_text('-c', $m->config_path, '--json', 'build', $m->{dir});
like($out, qr/^\{"error":"no generation was built in [^"]+"\}$/, 'and as an object');
$m->write_zone('a.test', zone(2));
is(($m->ctl('reload'))[0], 0, 'reload');
my $newest = generation($m);

($exit, $json) = $m->ctl('swap', "$m->{dir}/built");
is($exit, 0, 'swap') or diag($m->{ctl_text});
is(serial_of($m, 'a.test'), 1, 'what was built is served');
is(generation($m), $json->{generation}, 'status names it');
cmp_ok($json->{generation}, '>', $newest, 'with a number of its own');
$m->write_zone('a.test', zone(3));
($exit, $json) = $m->ctl('reload');
is($exit, 1, 'reload is refused');
like($json->{error}, qr/martletctl resume/, 'with the hint');
($exit, $json) = $m->ctl('status');
like(join(' ', @{ $json->{problems} // [] }, @{ $json->{notices} // [] }), qr/resume/,
	'status says that the sources are held off');
$m->restart;
is(serial_of($m, 'a.test'), 1, 'it holds across a restart');

($exit, $json) = $m->ctl('resume');
is($exit, 0, 'resume');
is(serial_of($m, 'a.test'), 3, 'brings the present state');
my $third = generation($m);

($exit, $json) = $m->ctl('rollback', $newest);
is($exit, 0, 'rollback to a number');
is(serial_of($m, 'a.test'), 2, 'serves that state');
($exit, $json) = $m->ctl('generations');
my %serving = map { $_->{id} => $_->{serving} } @{ $json->{generations} };
ok($serving{$newest} && !$serving{$third}, 'generations shows which');
is($json->{chosen}, $newest, 'and that it was chosen');
is(($m->ctl('rollback'))[0], 0, 'one more back');
is(serial_of($m, 'a.test'), 1, 'serves the state before');
is(($m->ctl('resume'))[0], 0, 'resume');
is(serial_of($m, 'a.test'), 3, 'the newest again');
is(generation($m), $third, 'none was built for it');

# what must not be served is refused, with its reason
my %spoil = (
	'no manifest' => sub { unlink "$_[0]/manifest" },
	'a short index' => sub { truncate "$_[0]/index", 4096 },
	'a link' => sub {
		rename "$_[0]/data.mdb", "$_[0]/data"; symlink 'data', "$_[0]/data.mdb";
	},
	'a changed octet' => sub {
		open my $file, '+<', "$_[0]/data.mdb" or die; seek $file, 9000, 0;
		print {$file} "\xff\xfe\xfd"; close $file;
	},
);
for my $what (sort keys %spoil) {
	my $dir = "$m->{dir}/spoilt";
	system("rm -rf $dir && cp -r $m->{dir}/built $dir && chmod -R u+w $dir") == 0 or die;
	$spoil{$what}->($dir);
	$m->expect_log(qr/spoilt/);
	($exit, $json) = $m->ctl('swap', $dir);
	is($exit, 1, "$what: swap is refused");
	is(($m->ctl('status'))[0], 0, "$what: which is no alarm");
	like($json->{error}, qr/spoilt/, "$what: the reason names the directory");
	is(serial_of($m, 'a.test'), 3, "$what: served as before");
}
($exit, $json) = $m->ctl('swap', "$m->{dir}/zones");
is($exit, 1, 'a directory of something else');
like($json->{error}, qr{/zones has no file manifest: it is no generation; `martletctl build}, 'is told from a generation');
is(($m->ctl('reload'))[0], 0, 'and the sources are followed still');
$m->stop;
done_testing;
