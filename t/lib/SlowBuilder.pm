# Processes that make a new generation wait, as long as a test wants them to.
package SlowBuilder;

use strict;
use warnings;

use Exporter qw(import);
use Martlet::Process qw(children_of write_file);
use Martlet::Zones qw(sync_pid);
use Test::More ();

our @EXPORT_OK = qw(slow_builders builder);

# From now on the builders of servers that are started wait before they write through: asleep
# while the first of the files that are returned is there, which is slow work; or stopped when
# the second one is, which is none.
sub slow_builders {
	my ($m) = @_;
	my ($hold, $stop) = map { $m->dir . "/$_" } qw(hold stop);
	my $source = write_file($m->dir . '/slow_disk.c', <<"END");
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static void
wait(void)
{
	struct timespec pause = { .tv_nsec = 20000000 };
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	if (strcmp(name, "compactor") != 0 && strcmp(name, "builder") != 0)
		return;
	while (access("$hold", F_OK) == 0)
		nanosleep(&pause, NULL);
	if (access("$stop", F_OK) == 0)
		raise(SIGSTOP);
}

int
fdatasync(int fd)
{
	int (*real)(int);

	wait();
	*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	return real(fd);
}

int
fsync(int fd)
{
	int (*real)(int);

	wait();
	*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	return real(fd);
}
END
	my $cc = $ENV{CC} // 'cc';
	my $library = $m->dir . '/slow_disk.so';

	system("$cc -shared -fPIC -o '$library' '$source' -ldl") == 0 or Test::More::plan(skip_all => "no $cc");
	$ENV{LD_PRELOAD} = $library;
	$ENV{ASAN_OPTIONS} = join ':', 'verify_asan_link_order=0', $ENV{ASAN_OPTIONS} // ();
	return ($hold, $stop);
}

# The pid of the one that is at work, "builder" or "compactor"; undef when none is.
sub builder {
	my ($m, $name) = @_;
	my ($found) = grep { $_->[0] eq $name } children_of(sync_pid($m));
	return $found && $found->[1];
}

1;
