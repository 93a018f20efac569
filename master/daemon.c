/* Going into the background. */
#include "master/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "shm/log.h"

static int ready_fd = -1;
static pid_t child; /* of who waits for it */

void
daemon_hold_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Who gives up waiting wants no server that comes up later. */
static void
give_up(int number)
{
	(void)number;
	kill(child, SIGTERM);
	_exit(1);
}

/* The parent's end: wait for the child's word. */
static _Noreturn void
wait_ready(int fd)
{
	static const int cancelling[] = { SIGINT, SIGTERM, SIGHUP };
	char word;
	ssize_t got;

	for (size_t i = 0; i < sizeof cancelling / sizeof *cancelling; i++)
		signal(cancelling[i], give_up);
	do
		got = read(fd, &word, 1);
	while (got < 0 && errno == EINTR);
	_exit(got == 1 ? 0 : 1);
}

void
daemon_start(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0) {
		log_error("cannot go into the background");
		exit(1);
	}
	if (child > 0) {
		close(ends[1]);
		wait_ready(ends[0]);
	}
	close(ends[0]);
	ready_fd = ends[1];
	setsid();
	if (chdir("/") != 0)
		log_warn("cannot change to /");
}

static void
drop_streams(int keep_stderr)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return;
	dup2(null_fd, STDIN_FILENO);
	dup2(null_fd, STDOUT_FILENO);
	if (!keep_stderr)
		dup2(null_fd, STDERR_FILENO);
	close(null_fd);
}

static void
close_ready(void)
{
	close(ready_fd);
	ready_fd = -1;
}

void
daemon_ready(int keep_stderr)
{
	if (ready_fd < 0)
		return;
	drop_streams(keep_stderr);
	if (write(ready_fd, "1", 1) != 1)
		log_debug("nobody waits for the start any more");
	close_ready();
}

void
daemon_enter_child(void)
{
	if (ready_fd < 0)
		return;
	drop_streams(0);
	close_ready();
}
