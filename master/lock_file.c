/* Lock files with a pid inside. */
#include "master/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "master/alloc.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

static pid_t
read_pid(int fd)
{
	char text[32] = "";

	if (pread(fd, text, sizeof text - 1, 0) <= 0)
		return 0;
	return (pid_t)strtol(text, NULL, 10);
}

static bool
write_pid(int fd)
{
	char text[32];
	int len = snprintf(text, sizeof text, "%d\n", (int)getpid());

	return fchmod(fd, 0644) == 0 && ftruncate(fd, 0) == 0 &&
	       pwrite(fd, text, (size_t)len, 0) == len;
}

/* The holder may have removed the file between our open and our lock. */
static bool
is_still_there(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 &&
	       ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

/* returns a descriptor with the lock, or an error code. */
static int
try_lock(const char *path, pid_t *holder)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	int saved;

	if (fd < 0)
		return errcode_from_errno(errno);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		if (is_still_there(fd, path))
			return fd;
		close(fd);
		return ERR_BUSY;
	}
	saved = errno;
	*holder = read_pid(fd);
	close(fd);
	errno = saved;
	return errcode_from_errno(saved);
}

/* Has the process ended, although its parent may not have seen it yet? */
static bool
is_zombie(pid_t pid)
{
	char path[32], state = '?';
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	fclose(file);
	return state == 'Z' || state == 'X';
}

/* Has the holder ended, so that its children will any moment? */
static bool
is_ending(pid_t holder)
{
	return holder <= 0 || (kill(holder, 0) != 0 && errno == ESRCH) ||
	       is_zombie(holder);
}

int
lock_file_take(const char *path, struct lock_file *out, pid_t *holder)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	uint64_t end_ms = clock_now_ms() + LOCK_FILE_WAIT_MS;
	int fd;

	do {
		*holder = 0;
		fd = try_lock(path, holder);
		if (fd != ERR_BUSY || !is_ending(*holder))
			break;
		nanosleep(&pause, NULL);
	} while (clock_now_ms() < end_ms);
	if (fd < 0)
		return fd;
	out->path = alloc_text(path);
	out->fd = fd;
	if (!write_pid(fd))
		log_warn("%s: cannot write our pid into it", path);
	return 0;
}

void
lock_file_remove(struct lock_file *lock)
{
	if (!lock->path)
		return;
	unlink(lock->path);
	close(lock->fd);
	free(lock->path);
	lock->path = NULL;
}
