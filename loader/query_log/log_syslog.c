/* The system's log: each query as one message, whose text is a line of JSON. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "loader/query_log/log_target.h"

enum {
	MESSAGES_MAX = 256,
	HEAD_MAX = 64, /* "<30>Nov 21 19:55:01 martletd[1234]: " */
	MESSAGE_MAX = 4096,
	PRIORITY = 3 << 3 | 6, /* daemon, info */
};

struct log_syslog {
	struct log_target target;
	unsigned count, done; /* messages, and of these sent */
	uint16_t lens[MESSAGES_MAX];
	char messages[MESSAGES_MAX][MESSAGE_MAX];
};

/* RFC 3164, as the C library writes it; the time is that of the query. */
static size_t
print_head(const struct query_record *record, char out[HEAD_MAX])
{
	time_t when = (time_t)(record->received_us / 1000000);
	char text[32];
	struct tm parts;

	localtime_r(&when, &parts);
	strftime(text, sizeof text, "%b %e %H:%M:%S", &parts);
	return (size_t)snprintf(out, HEAD_MAX, "<%d>%s martletd[%d]: ", PRIORITY, text,
				(int)getpid());
}

static enum log_add
add(struct log_target *target, const struct query_record *record,
    const struct query_line *line)
{
	struct log_syslog *syslog = (struct log_syslog *)target;
	size_t head, len;
	char *message;

	if (syslog->count == MESSAGES_MAX)
		return LOG_ADD_FULL;
	message = syslog->messages[syslog->count];
	head = print_head(record, message);
	len = query_line_print(line, message + head, MESSAGE_MAX - head);
	if (len == 0)
		return LOG_ADD_NEVER;
	syslog->lens[syslog->count++] = (uint16_t)(head + len - 1); /* no line end */
	return LOG_ADD_DONE;
}

static void
close_socket(struct log_target *target)
{
	if (target->fd >= 0)
		close(target->fd);
	target->fd = -1;
}

static bool
open_socket(struct log_target *target)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX,
					     .sun_path = "/dev/log" };

	target->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	target->events = POLLOUT;
	if (target->fd >= 0 &&
	    connect(target->fd, (const struct sockaddr *)&address, sizeof address) == 0) {
		target->opened_count++;
		return true;
	}
	log_target_fail(target, "nobody listens on /dev/log (%s): start a syslog daemon",
			strerror(errno));
	close_socket(target);
	return false;
}

static enum log_flush
flush(struct log_target *target)
{
	struct log_syslog *syslog = (struct log_syslog *)target;

	if (target->fd < 0 && !open_socket(target))
		return LOG_FLUSH_AGAIN;
	while (syslog->done < syslog->count) {
		ssize_t len = send(target->fd, syslog->messages[syslog->done],
				   syslog->lens[syslog->done], MSG_NOSIGNAL);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && (errno == EAGAIN || errno == ENOBUFS))
			return LOG_FLUSH_AGAIN;
		if (len < 0 && errno != EMSGSIZE) {
			log_target_fail(target, "/dev/log: %s", strerror(errno));
			close_socket(target);
			return LOG_FLUSH_AGAIN;
		}
		syslog->done++;
	}
	syslog->count = syslog->done = 0;
	target->why[0] = '\0';
	return LOG_FLUSH_DONE;
}

static void
free_syslog(struct log_target *target)
{
	close_socket(target);
	free(target);
}

static const struct log_target_calls calls = { true, add, flush, NULL, free_syslog };

struct log_target *
log_syslog_new(void)
{
	struct log_syslog *syslog = calloc(1, sizeof *syslog);

	if (!syslog)
		return NULL;
	syslog->target.calls = &calls;
	syslog->target.fd = -1;
	return &syslog->target;
}
