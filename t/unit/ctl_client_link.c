/* martletctl's connection: servers that do not take it. */
#include "master/ctl_client_link.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

enum { LINKS_MAX = 64, TIMEOUT_MS = 50 };

/* A server that listens, and never accepts. */
static int
open_deaf(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	ok(bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
		   listen(fd, 1) == 0,
	   "a server listens");
	return fd;
}

static void
check_deaf(const char *path)
{
	static struct ctl_link links[LINKS_MAX];
	uint64_t begun_ms = clock_now_ms();
	int count = 0, code = 0;

	while (count < LINKS_MAX && code == 0)
		code = ctl_link_open(&links[count++], path, TIMEOUT_MS);
	is_int(code, ERR_TIMEOUT, "no room in its queue: we give up");
	ok(clock_now_ms() - begun_ms < 5000, "in time");
	ok(strstr(links[count - 1].error, path) &&
		   strstr(links[count - 1].error, "within 0.05 s"),
	   "the reason names socket and time: %s", links[count - 1].error);
	is_int(links[count - 1].fd, -1, "nothing is left open");
	for (int i = 0; i < count - 1; i++)
		ctl_link_close(&links[i]);
}

static void
check_nobody(const char *path)
{
	struct ctl_link link;

	unlink(path);
	is_int(ctl_link_open(&link, path, TIMEOUT_MS), ERR_NOTFOUND, "no socket");
	is_int(ctl_link_open(&link, "", TIMEOUT_MS), ERR_RANGE, "no path");
}

int
main(void)
{
	char *dir = scratch_dir_make();
	const char *path = scratch_path(dir, "ctl.sock");
	int fd = open_deaf(path);

	check_deaf(path);
	close(fd);
	check_nobody(path);
	scratch_dir_free(dir);
	return done_testing();
}
