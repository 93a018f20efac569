# martlet-flood for tests and benchmarks.
#
#	my $r = flood('-p', $m->port, '-r', 'example.com', '--count', 100);	# its JSON
#	my $load = flood_start(...);	# the same, while other things are done
#	$r = flood_end($load, 1);	# now, else when it ends by itself
#
# It is started by @FloodTool::through, as ('nice', '-n', 19).  What it writes on standard error is in $r->{stderr}, its exit code in $r->{exit}.
package FloodTool;

use strict;
use warnings;

use Exporter qw(import);
use File::Temp ();
use JSON::PP ();
use Martlet;
use Martlet::Process qw(read_file);
use POSIX ();

our @EXPORT_OK = qw(flood flood_start flood_end);

our @through;

sub program { return "$Martlet::BUILD/martlet-flood" }

sub flood_start {
	my (@args) = @_;
	my $errors = File::Temp->new;
	my $pid = open(my $output, '-|') // die "fork: $!\n";

	if (!$pid) {
		open STDERR, '>', "$errors" or POSIX::_exit(126);
		my @command = (@through, program(), '--json', '--quiet', @args);
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	return { pid => $pid, output => $output, errors => $errors };
}

sub flood_end {
	my ($load, $now) = @_;
	local $/;

	kill 'TERM', $load->{pid} if $now;
	my $text = readline $load->{output};
	close $load->{output};
	my $exit = $? >> 8;
	my $errors = read_file("$load->{errors}");
	my $report = eval { JSON::PP->new->decode($text) } // {};
	return { %$report, exit => $exit, stderr => $errors };
}

sub flood { return flood_end(flood_start(@_)) }

1;
