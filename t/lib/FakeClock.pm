package FakeClock;
# Another time than the machine's for a server and its children: a library that is loaded before
# the C library's.  A process that uses this may step it while they run.

use strict;
use warnings;

use Exporter qw(import);
use File::Temp qw(tempdir);
use Martlet::Process qw(find_program write_file);

our @EXPORT_OK = qw(need_clock through_clock step_clock);

my $dir;

# Skip the test where the library cannot be made.
sub need_clock {
	my $cc = find_program('cc') // Test::More::plan(skip_all => 'no compiler');

	$dir = tempdir(CLEANUP => 1);
	write_file("$dir/clock.c", <<'END');
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int64_t *ahead_s;

__attribute__((constructor)) static void
begin(void)
{
	int fd = open(getenv("CLOCK_FILE"), O_RDONLY);

	ahead_s = mmap(NULL, sizeof *ahead_s, PROT_READ, MAP_SHARED, fd, 0);
	unsetenv("LD_PRELOAD");
}

int
clock_gettime(clockid_t clock, struct timespec *out)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, out);

	if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) && ahead_s)
		out->tv_sec += *ahead_s;
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}
END
	system($cc, '-shared', '-fPIC', '-o', "$dir/clock.so", "$dir/clock.c") == 0 or die "$cc: $?\n";
	write_file("$dir/ahead", pack 'q<', 0);
	return;
}

# The command to start a server through.
sub through_clock {
	return ['env', "LD_PRELOAD=$dir/clock.so", "CLOCK_FILE=$dir/ahead",
		'ASAN_OPTIONS=' . join(':', 'verify_asan_link_order=0', $ENV{ASAN_OPTIONS} // ())];
}

# Without truncating the file, which would take the page from under its readers.
sub step_clock {
	my ($ahead_s) = @_;
	open my $file, '+<', "$dir/ahead" or die "$dir/ahead: $!\n";
	syswrite $file, pack 'q<', $ahead_s;
	close $file;
	return;
}

1;
