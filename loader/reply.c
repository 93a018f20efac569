/* Frames of a control reply, sent under time limits. */
#include "loader/reply.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/errcode.h"

enum { PROGRESS_MAX = 512 };

static void
hang_up(struct reply *reply)
{
	close(reply->fd);
	reply->fd = -1;
}

/* Wait until the peer takes more.  returns false when it does not in time. */
static bool
wait_writable(struct reply *reply)
{
	struct pollfd wait = { .fd = reply->fd, .events = POLLOUT };
	unsigned limit =
		reply->stall_ms < reply->budget_ms ? reply->stall_ms : reply->budget_ms;
	uint64_t begun_ms = clock_now_ms(), took_ms;
	int ready;

	ready = poll(&wait, 1, (int)limit);
	took_ms = clock_now_ms() - begun_ms;
	reply->budget_ms -=
		took_ms < reply->budget_ms ? (unsigned)took_ms : reply->budget_ms;
	return ready > 0 || (ready < 0 && errno == EINTR);
}

static void
send_all(struct reply *reply, const uint8_t *octets, size_t len)
{
	while (len > 0 && reply->fd >= 0) {
		ssize_t sent = send(reply->fd, octets, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent > 0) {
			octets += sent;
			len -= (size_t)sent;
		} else if (sent < 0 && errno == EINTR) {
			continue;
		} else if (errno != EAGAIN || !wait_writable(reply)) {
			hang_up(reply);
		}
	}
}

/* `frame` has the head's octets in front of `len` octets of payload. */
static void
send_frame(struct reply *reply, uint8_t *frame, enum ctl_kind kind, size_t len,
	   unsigned status)
{
	struct ctl_head head = {
		.magic_be = htons(CTL_MAGIC),
		.version = CTL_VERSION,
		.kind = (uint8_t)kind,
		.status_be = htons((uint16_t)status),
		.len_be = htonl((uint32_t)len),
	};

	memcpy(frame, &head, sizeof head);
	send_all(reply, frame, sizeof head + len);
}

/* The JSON writer is full: its buffer is `piece` behind the room for a head. */
static int
flush_json(void *arg, const void *data, size_t len)
{
	struct reply *reply = arg;

	(void)data;
	if (reply->fd >= 0)
		send_frame(reply, reply->piece, CTL_DATA, len, 0);
	return reply->fd >= 0 ? 0 : ERR_CLOSED;
}

void
reply_open(struct reply *reply, int fd, unsigned stall_ms, unsigned total_ms)
{
	reply->fd = fd;
	reply->stall_ms = stall_ms;
	reply->budget_ms = total_ms;
	json_out_init(&reply->json, (char *)reply->piece + sizeof(struct ctl_head),
		      CTL_DATA_MAX, flush_json, reply);
}

void
reply_progress(struct reply *reply, const char *format, ...)
{
	uint8_t frame[sizeof(struct ctl_head) + PROGRESS_MAX];
	va_list args;
	int len;

	if (reply->fd < 0)
		return;
	va_start(args, format);
	len = vsnprintf((char *)frame + sizeof(struct ctl_head), PROGRESS_MAX, format,
			args);
	va_end(args);
	if (len <= 0)
		return;
	if (len >= PROGRESS_MAX)
		len = PROGRESS_MAX - 1;
	send_frame(reply, frame, CTL_PROGRESS, (size_t)len, 0);
}

bool
reply_is_heard(struct reply *reply)
{
	struct pollfd wait = { .fd = reply->fd, .events = 0 };

	if (reply->fd >= 0 && poll(&wait, 1, 0) > 0 &&
	    (wait.revents & (POLLHUP | POLLERR)))
		hang_up(reply);
	return reply->fd >= 0;
}

void
reply_close(struct reply *reply, unsigned status)
{
	uint8_t frame[sizeof(struct ctl_head)];

	json_out_finish(&reply->json);
	if (reply->fd >= 0)
		send_frame(reply, frame, CTL_END, 0, status);
	if (reply->fd >= 0)
		hang_up(reply);
}
