/* martletctl's connection: servers that do not take it. */
#include "master/client/ctl_client_link.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/ctl_proto.h"
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

struct late {
	int fd; /* the server's end */
	unsigned progress_count;
};

static void
take_progress(void *arg, const char *text, size_t len)
{
	const struct ctl_head end = { .magic_be = htons(CTL_MAGIC),
				      .version = CTL_VERSION,
				      .kind = CTL_END };
	struct late *late = arg;

	late->progress_count++;
	ok(len > 0 && strstr(text, "still waiting"), "silence is told: %.*s", (int)len,
	   text);
	ok(send(late->fd, &end, sizeof end, 0) == sizeof end, "then the server answers");
}

static int
take_data(void *arg, const char *data, size_t len)
{
	(void)arg, (void)data, (void)len;
	return 0;
}

static void
check_silence(const char *path, int fd)
{
	struct late late = { 0 };
	const struct ctl_reply_sink sink = { take_progress, take_data, &late };
	struct ctl_link link;
	int status = -1;

	is_int(ctl_link_open(&link, path, -1), 0, "a command without a limit");
	late.fd = accept(fd, NULL, NULL);
	link.notice_ms = 1;
	is_int(ctl_link_receive(&link, &sink, &status), 0, "it gets its answer");
	is_int(status, 0, "which is good");
	is_int(late.progress_count, 1, "told once");
	close(late.fd);
	ctl_link_close(&link);
}

int
main(void)
{
	char *dir = scratch_dir_make();
	const char *path = scratch_path(dir, "ctl.sock");
	int fd = open_deaf(path);

	check_silence(path, fd);
	check_deaf(path);
	close(fd);
	check_nobody(path);
	scratch_dir_free(dir);
	return done_testing();
}
