/* Replies: frames as ctl_proto.h draws them, and no peer that can hold one up. */
#include "loader/reply.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/clock.h"
#include "t/tap.h"

enum { STALL_MS = 100, TOTAL_MS = 300, TEXTS = 100000 };

static struct reply reply;

static int
open_pair(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		bail_out("no socket");
	reply_open(&reply, fds[1], STALL_MS, TOTAL_MS);
	return fds[0];
}

/* 1 MB of JSON: more than any socket buffer takes. */
static void
write_much(void)
{
	json_out_begin_array(&reply.json, NULL);
	for (unsigned i = 0; i < TEXTS; i++)
		json_out_text(&reply.json, NULL, "a text of");
	json_out_end_array(&reply.json);
}

static bool
read_all(int fd, void *data, size_t len)
{
	return len == 0 || recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

/* Read frames to the end.  returns the exit code, -1 for what is no reply; counts. */
static int
read_reply(int fd, size_t *data_len, unsigned *progress_lines)
{
	static char piece[CTL_DATA_MAX];
	struct ctl_head head;

	*data_len = 0;
	*progress_lines = 0;
	while (read_all(fd, &head, sizeof head)) {
		uint32_t len = ntohl(head.len_be);

		if (ntohs(head.magic_be) != CTL_MAGIC || head.version != CTL_VERSION ||
		    head.reserved != 0 || len > CTL_DATA_MAX || !read_all(fd, piece, len))
			return -1;
		if (head.kind == CTL_END)
			return read(fd, piece, 1) == 0 ? ntohs(head.status_be) : -1;
		if (head.kind == CTL_PROGRESS)
			*progress_lines += len == 6 && memcmp(piece, "step ", 5) == 0;
		if (head.kind == CTL_DATA)
			*data_len += len;
	}
	return -1;
}

static void
test_frames(void)
{
	int status, fd = open_pair();
	unsigned lines;
	size_t len;
	pid_t peer = fork();

	if (peer == 0) {
		/* this side: the peer reads */
		close(reply.fd);
		status = read_reply(fd, &len, &lines);
		_exit(status == 7 && len == TEXTS * 12 + 1 && lines == 2 ? 0 : 1);
	}
	close(fd);
	reply_progress(&reply, "step %d", 2);
	write_much();
	reply_progress(&reply, "step %d", 3);
	ok(reply_is_heard(&reply), "somebody listens");
	reply_close(&reply, 7);
	waitpid(peer, &status, 0);
	is_int(status, 0, "a reply of many pieces arrives whole, with its exit code");
}

static void
test_deaf_peer(void)
{
	uint64_t begun_ms = clock_now_ms(), took_ms;
	int fd = open_pair();

	write_much();
	reply_close(&reply, 0);
	took_ms = clock_now_ms() - begun_ms;
	ok(took_ms >= STALL_MS - 1 && took_ms < 10 * STALL_MS,
	   "a peer that does not read costs one wait: %llu ms",
	   (unsigned long long)took_ms);
	ok(!reply_is_heard(&reply), "then it is given up");
	close(fd);
}

static void
test_slow_peer(void)
{
	uint64_t begun_ms = clock_now_ms(), took_ms;
	int fd = open_pair();
	pid_t peer = fork();

	if (peer == 0) {
		static char some[1000];

		close(reply.fd);
		while (read(fd, some, sizeof some) > 0)
			usleep(20000);
		_exit(0);
	}
	close(fd);
	write_much();
	reply_close(&reply, 0);
	took_ms = clock_now_ms() - begun_ms;
	ok(took_ms < 10 * TOTAL_MS, "a slow one costs all waits that there are: %llu ms",
	   (unsigned long long)took_ms);
	kill(peer, SIGKILL);
	waitpid(peer, NULL, 0);
}

static void
test_no_peer(void)
{
	int fd = open_pair();

	close(fd);
	ok(!reply_is_heard(&reply), "a peer that has hung up is noticed");
	write_much();
	reply_progress(&reply, "to nobody");
	reply_close(&reply, 0);
	is_int(reply.fd, -1, "writing on does no harm");

	fd = open_pair();
	close(fd);
	write_much();
	reply_close(&reply, 0);
	is_int(reply.fd, -1, "nor without noticing");

	reply_open(&reply, -1, STALL_MS, TOTAL_MS);
	write_much();
	reply_close(&reply, 0);
	ok(!reply_is_heard(&reply), "a request without a peer has a reply for nobody");
}

int
main(void)
{
	signal(SIGPIPE, SIG_DFL);
	test_frames();
	test_deaf_peer();
	test_slow_peer();
	test_no_peer();
	return done_testing();
}
