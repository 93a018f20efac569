#!/usr/bin/perl
# `make install` into a staging directory: what is there, that it fits together, and that
# a second one keeps what an operator has changed.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp ();
use Martlet;
use Martlet::Process qw(find_program read_file write_file);
use Test::More;

# The make that runs the tests must not share its options and job slots with ours.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL DESTDIR PREFIX)};
umask 022;
my $tmp = File::Temp->newdir('martlet-test-XXXXXX', TMPDIR => 1);

# returns the exit code; what was printed is in $output
my $output;

sub run {
	my (@command) = @_;
	my $pid = open(my $from, '-|') // die "fork: $!\n";

	if (!$pid) {
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		exec {$command[0]} @command or POSIX::_exit(127);
	}
	local $/;
	$output = <$from> // '';
	close $from;
	return $? >> 8;
}

sub install_is {
	my ($want, $stage, $prefix) = @_;
	my @build = defined $ENV{BUILD} ? "BUILD=$ENV{BUILD}" : ();
	my $got = run('make', '-C', $Martlet::ROOT, @build, "DESTDIR=$stage", "PREFIX=$prefix", 'install');

	is($got ? 'fails' : 'works', $want, "make install PREFIX=$prefix $want") or diag($output);
	return;
}

sub mode { return sprintf '%04o', ((stat $_[0])[2] // 0) & 07777 }

my @PROGRAMS = qw(martletd martletctl martlet-flood);

for my $prefix (qw(/usr /opt/dns)) {
	my $stage = "$tmp/stage$prefix";
	my %mode = (
		"$prefix/lib/systemd/system/martlet.service" => '0644',
		"$prefix/lib/sysusers.d/martlet.conf" => '0644',
		"$prefix/lib/tmpfiles.d/martlet.conf" => '0644',
		"$prefix/share/doc/martlet/examples/martlet.conf" => '0644',
		'/etc/init.d/martlet' => '0755',
		'/etc/default/martlet' => '0644',
		'/etc/logrotate.d/martlet' => '0644',
		'/etc/martlet/martlet.conf' => '0644',
	);
	$mode{"$prefix/sbin/$_"} = '0755' for @PROGRAMS;
	for my $page (glob "$Martlet::ROOT/man/*.[1-8]") {
		my ($name, $section) = $page =~ m{([^/]+[.](\d))$};
		$mode{"$prefix/share/man/man$section/$name"} = '0644';
	}

	install_is('works', $stage, $prefix);
	is(mode("$stage$_"), $mode{$_}, "$_ is there with mode $mode{$_}") for sort keys %mode;
	for my $name (@PROGRAMS) {
		is(run("$stage$prefix/sbin/$name", '-V'), 0, "$name -V runs");
		like($output, qr/^$name \d+[.]\d+/, 'and tells its version');
	}

	# whatever starts them has to find them
	for my $path ("$prefix/lib/systemd/system/martlet.service", '/etc/init.d/martlet') {
		my %named = map { $_ => 1 } read_file("$stage$path") =~ m{(/[\w/]+/martlet(?:d|ctl))\b(?!\.)}g;
		is_deeply([sort keys %named], [map {"$prefix/sbin/$_"} qw(martletctl martletd)],
			"$path names the programs where they are");
	}
	is(run('sh', '-n', "$stage/etc/init.d/martlet"), 0, 'the init script parses') or diag($output);
	is(run("$stage$prefix/sbin/martletd", '-t', '-c', "$stage/etc/martlet/martlet.conf"), 0,
		'the configuration is good') or diag($output);
}

# a second time, over what the operator has changed
my $stage = "$tmp/stage/usr";
my @kept = map { "$stage/etc/$_" } qw(martlet/martlet.conf default/martlet logrotate.d/martlet);
write_file($_, "# ours\n") for @kept, "$stage/etc/init.d/martlet";
install_is('works', $stage, '/usr');
is(read_file($_), "# ours\n", "$_ is kept") for @kept;
isnt(read_file("$stage/etc/init.d/martlet"), "# ours\n", 'the init script is replaced');

install_is('fails', "$tmp/other", 'usr');
like($output, qr/PREFIX is 'usr': give an absolute path/, 'with the reason');
ok(!-e "$tmp/other" && !-e "$tmp/otherusr", 'and nothing is installed');

SKIP: {
	my $systemd = find_program('systemd-analyze') or skip 'no systemd-analyze here', 1;
	my $unit = read_file("$stage/usr/lib/systemd/system/martlet.service");
	# it wants the programs to be where the unit says
	$unit =~ s{/usr/sbin/}{$stage/usr/sbin/}g;
	$unit =~ s{^Documentation=.*\n}{}m;
	my $path = write_file("$tmp/martlet.service", $unit);
	run($systemd, 'verify', '--man=no', $path);
	unlike($output, qr{martlet\.service}, 'systemd finds nothing to complain about in the unit');
}

done_testing();
