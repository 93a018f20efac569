/* One request to the server and its reply. */
#include "master/client/ctl_client_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/ctl_proto.h"
#include "shm/errcode.h"

__attribute__((format(printf, 3, 4))) static int
fail(struct ctl_link *link, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(link->error, sizeof link->error, format, args);
	va_end(args);
	return code;
}

static int
fail_silent(struct ctl_link *link)
{
	return fail(link, ERR_TIMEOUT,
		    "no answer from %s within %g s: the server hangs or is stopped",
		    link->path, link->timeout_ms / 1000.0);
}

/* Connecting to another kind of file fails as if nobody listened, or for its mode. */
static bool
is_other_file(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && !S_ISSOCK(status.st_mode);
}

static int
connect_failed(struct ctl_link *link)
{
	int error = errno;

	if (is_other_file(link->path))
		return fail(link, ERR_NOTFOUND,
			    "%s is no socket: name the server's control_socket with -s",
			    link->path);
	errno = error;
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
	case ENOTSOCK:
	case EPROTOTYPE:
		return fail(
			link, ERR_NOTFOUND,
			"no server at %s: start one with 'martletd' or 'service martlet "
			"start', or name its socket with -s",
			link->path);
	case EACCES:
	case EPERM:
		return fail(
			link, ERR_RIGHTS,
			"no right to use %s: run as root, as the server's user or as a "
			"member of its control_group",
			link->path);
	case EAGAIN:
		return fail_silent(link);
	}
	return fail(link, ERR_IO, "cannot connect to %s: %s", link->path,
		    strerror(errno));
}

/* Bound the time that connect() waits for room in the server's queue. */
static void
limit_connect(const struct ctl_link *link)
{
	const struct timeval limit = { .tv_sec = link->timeout_ms / 1000,
				       .tv_usec = link->timeout_ms % 1000 * 1000 };

	if (link->timeout_ms > 0)
		setsockopt(link->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

int
ctl_link_open(struct ctl_link *link, const char *path, int timeout_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int code;

	memset(link, 0, sizeof *link);
	link->fd = -1;
	link->path = path;
	link->timeout_ms = timeout_ms;
	if (len == 0 || len >= sizeof address.sun_path)
		return fail(link, ERR_RANGE, "%s: a socket path has 1 to %zu octets",
			    path, sizeof address.sun_path - 1);
	memcpy(address.sun_path, path, len);
	link->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (link->fd < 0)
		return fail(link, ERR_IO, "cannot make a socket: %s", strerror(errno));
	limit_connect(link);
	if (connect(link->fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return 0;
	code = connect_failed(link);
	ctl_link_close(link);
	return code;
}

void
ctl_link_close(struct ctl_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
}

/* returns 0 once the socket is ready for `events` */
static int
wait_for(struct ctl_link *link, short events)
{
	struct pollfd poll_fd = { .fd = link->fd, .events = events };
	int ready;

	do
		ready = poll(&poll_fd, 1, link->timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (ready > 0)
		return 0;
	if (ready == 0)
		return fail_silent(link);
	return fail(link, ERR_IO, "waiting for %s: %s", link->path, strerror(errno));
}

/* Send all; *is_closed when the server did not want the rest. */
static int
send_all(struct ctl_link *link, const void *data, size_t len, int *is_closed)
{
	const char *at = data;

	while (len > 0 && !*is_closed) {
		ssize_t sent = send(link->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int code;

		if (sent >= 0) {
			at += sent;
			len -= (size_t)sent;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			*is_closed = 1;
		} else if (errno == EAGAIN) {
			code = wait_for(link, POLLOUT);
			if (code)
				return code;
		} else if (errno != EINTR) {
			return fail(link, ERR_IO, "sending to %s: %s", link->path,
				    strerror(errno));
		}
	}
	return 0;
}

int
ctl_link_send(struct ctl_link *link, int arg_count, char *const *args)
{
	struct ctl_head head = { .magic_be = htons(CTL_MAGIC),
				 .version = CTL_VERSION,
				 .kind = CTL_REQUEST };
	size_t len = 0;
	int is_closed = 0, code;

	for (int i = 0; i < arg_count; i++)
		len += strlen(args[i]) + 1;
	if (len > CTL_REQUEST_MAX || arg_count > CTL_ARGS_MAX)
		return fail(link, ERR_FULL,
			    "a request has at most %d arguments of %d octets together",
			    CTL_ARGS_MAX, CTL_REQUEST_MAX);
	head.len_be = htonl((uint32_t)len);
	code = send_all(link, &head, sizeof head, &is_closed);
	for (int i = 0; i < arg_count && !code; i++)
		code = send_all(link, args[i], strlen(args[i]) + 1, &is_closed);
	return code;
}

/* One frame; *is_closed as in send_all. */
static int
send_frame(struct ctl_link *link, enum ctl_kind kind, const char *piece, size_t len,
	   int *is_closed)
{
	const struct ctl_head head = {
		.magic_be = htons(CTL_MAGIC),
		.version = CTL_VERSION,
		.kind = (uint8_t)kind,
		.len_be = htonl((uint32_t)len),
	};
	int code = send_all(link, &head, sizeof head, is_closed);

	return code ? code : send_all(link, piece, len, is_closed);
}

int
ctl_link_send_file(struct ctl_link *link, int fd, const char *name)
{
	static char piece[CTL_DATA_MAX];
	int is_closed = 0, code = 0;
	ssize_t got = 1;

	while (got > 0 && !is_closed && !code) {
		do
			got = read(fd, piece, sizeof piece);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return fail(link, ERR_IO, "reading %s: %s", name,
				    strerror(errno));
		code = send_frame(link, CTL_INPUT, piece, (size_t)got, &is_closed);
	}
	return code;
}

int
ctl_link_send_end(struct ctl_link *link)
{
	int is_closed = 0;

	return send_frame(link, CTL_END, "", 0, &is_closed);
}

static int
receive_all(struct ctl_link *link, void *data, size_t len)
{
	char *at = data;

	while (len > 0) {
		ssize_t got = recv(link->fd, at, len, MSG_DONTWAIT);
		int code;

		if (got > 0) {
			at += got;
			len -= (size_t)got;
		} else if (got == 0 || errno == ECONNRESET) {
			return fail(link, ERR_CLOSED,
				    "the server at %s went away without an answer",
				    link->path);
		} else if (errno == EAGAIN) {
			code = wait_for(link, POLLIN);
			if (code)
				return code;
		} else if (errno != EINTR) {
			return fail(link, ERR_IO, "reading from %s: %s", link->path,
				    strerror(errno));
		}
	}
	return 0;
}

static int
check_head(struct ctl_link *link, const struct ctl_head *head)
{
	if (ntohs(head->magic_be) != CTL_MAGIC)
		return fail(link, ERR_FORMAT, "what answers at %s is no martletd",
			    link->path);
	if (head->version != CTL_VERSION)
		return fail(link, head->version > CTL_VERSION ? ERR_NEWER : ERR_OLDER,
			    "the server at %s speaks version %u, this is %d: use the "
			    "martletctl of the server's release",
			    link->path, head->version, CTL_VERSION);
	if (head->kind != CTL_PROGRESS && head->kind != CTL_DATA && head->kind != CTL_END)
		return fail(link, ERR_FORMAT, "unknown answer (kind %u) from %s",
			    head->kind, link->path);
	if (ntohl(head->len_be) > CTL_DATA_MAX)
		return fail(link, ERR_FORMAT, "answer of %u octets from %s: %d at most",
			    ntohl(head->len_be), link->path, CTL_DATA_MAX);
	return 0;
}

/* An operator wants to know why nothing happens; later on the server tells by itself. */
static void
tell_silence(const struct ctl_link *link, const struct ctl_reply_sink *sink)
{
	static const char text[] = "no answer yet: the server is busy with something "
				   "else, or a process of it "
				   "is stopped, see 'martletctl status'; still waiting";
	struct pollfd poll_fd = { .fd = link->fd, .events = POLLIN };

	if (link->timeout_ms < 0 && link->notice_ms > 0 &&
	    poll(&poll_fd, 1, link->notice_ms) == 0)
		sink->progress(sink->arg, text, sizeof text - 1);
}

int
ctl_link_receive(struct ctl_link *link, const struct ctl_reply_sink *sink, int *status)
{
	static char piece[CTL_DATA_MAX];

	tell_silence(link, sink);
	for (;;) {
		struct ctl_head head;
		size_t len;
		int code = receive_all(link, &head, sizeof head);

		if (!code)
			code = check_head(link, &head);
		if (code)
			return code;
		len = ntohl(head.len_be);
		code = receive_all(link, piece, len);
		if (!code && head.kind == CTL_DATA)
			code = sink->data(sink->arg, piece, len);
		else if (!code && head.kind == CTL_PROGRESS)
			sink->progress(sink->arg, piece, len);
		if (code)
			return code;
		if (head.kind == CTL_END) {
			*status = head.status_be ? 1 : 0;
			return 0;
		}
	}
}
