/* Lock files: held, named, stale, inherited by the children of a dead holder. */
#include "master/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "t/tap.h"

static char dir[] = "/tmp/martlet-lock-XXXXXX";
static char path[64];

static long
pid_in_file(void)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);

	if (fd >= 0 && read(fd, text, sizeof text - 1) < 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	return strtol(text, NULL, 10);
}

static void
test_take(void)
{
	struct lock_file lock = { .path = NULL }, other;
	struct stat status;
	pid_t holder = -1;

	is_int(lock_file_take(path, &lock, &holder), 0, "a new file");
	is_int(pid_in_file(), getpid(), "holds our pid");
	ok(stat(path, &status) == 0 && (status.st_mode & 0777) == 0644,
	   "for all to read");
	is_int(lock_file_take(path, &other, &holder), ERR_BUSY, "held");
	is_int(holder, getpid(), "by us");
	lock_file_remove(&lock);
	ok(access(path, F_OK) != 0, "removed");
	lock_file_remove(&lock);
	ok(true, "twice does no harm");
}

static void
test_stale(void)
{
	struct lock_file lock;
	pid_t holder;
	FILE *file = fopen(path, "w");

	if (!file || fputs("1\n", file) < 0 || fclose(file) != 0)
		bail_out("%s: %s", path, strerror(errno));
	is_int(lock_file_take(path, &lock, &holder), 0, "a file that nobody holds");
	is_int(pid_in_file(), getpid(), "is taken over");
	lock_file_remove(&lock);
}

/* The holder dies; its child keeps the lock a little longer. */
static void
test_inherited(void)
{
	struct lock_file lock;
	int ready[2];
	pid_t holder, parent;
	uint64_t begun_ms;
	char word;

	if (pipe(ready) != 0)
		bail_out("pipe");
	parent = fork();
	if (parent == 0) {
		if (lock_file_take(path, &lock, &holder) != 0)
			_exit(1);
		if (fork() == 0) {
			if (write(ready[1], "1", 1) != 1)
				_exit(1);
			usleep(200000);
			_exit(0);
		}
		pause();
	}
	if (read(ready[0], &word, 1) != 1)
		bail_out("no child");
	is_int(lock_file_take(path, &lock, &holder), ERR_BUSY,
	       "held by a process that lives");
	is_int(holder, parent, "which is named");
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	begun_ms = clock_now_ms();
	is_int(lock_file_take(path, &lock, &holder), 0, "its child's end is waited for");
	ok(clock_now_ms() - begun_ms < LOCK_FILE_WAIT_MS, "in time");
	lock_file_remove(&lock);
}

static void
test_failures(void)
{
	struct lock_file lock;
	char nowhere[96];
	pid_t holder;

	snprintf(nowhere, sizeof nowhere, "%s/no/lock", dir);
	is_int(lock_file_take(nowhere, &lock, &holder), ERR_NOTFOUND, "no directory");
	is_int(errno, ENOENT, "with errno");
	if (symlink("/etc/passwd", path) != 0)
		bail_out("symlink: %s", strerror(errno));
	ok(lock_file_take(path, &lock, &holder) != 0, "a link is not followed");
	unlink(path);
}

int
main(void)
{
	if (!mkdtemp(dir))
		bail_out("mkdtemp: %s", strerror(errno));
	snprintf(path, sizeof path, "%s/lock", dir);
	test_take();
	test_stale();
	test_inherited();
	test_failures();
	rmdir(dir);
	return done_testing();
}
