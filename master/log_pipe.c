/* Takes the children's log lines out of their pipe. */
#include "master/log_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "master/log_sinks.h"
#include "master/poll_set.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	PIPE_LEN = 1024 * 1024,
	DRAIN_READS_MAX = 64, /* a turn of the loop stays short */
};

static struct {
	int fd; /* read end */
	size_t len; /* of an unfinished line */
	char line[2 * LOG_LINE_MAX];
} pipe_in = { .fd = -1 };

/* "<2>worker 3: text" */
static void
put_child_line(char *line)
{
	if (line[0] == '<' && line[1] >= '0' && line[1] <= '0' + LOG_LEVEL_DEBUG &&
	    line[2] == '>')
		log_sinks_put((enum log_level)(line[1] - '0'), line + 3);
	else
		log_sinks_put(LOG_LEVEL_WARNING, line); /* not by shm/log.c */
}

static void
split_lines(void)
{
	char *start = pipe_in.line, *end;

	while ((end = memchr(start, '\n',
			     (size_t)(pipe_in.line + pipe_in.len - start)))) {
		*end = '\0';
		put_child_line(start);
		start = end + 1;
	}
	pipe_in.len = (size_t)(pipe_in.line + pipe_in.len - start);
	memmove(pipe_in.line, start, pipe_in.len);
	if (pipe_in.len == sizeof pipe_in.line - 1) {
		pipe_in.line[pipe_in.len] = '\0';
		put_child_line(pipe_in.line);
		pipe_in.len = 0;
	}
}

void
log_pipe_drain(void)
{
	for (unsigned i = 0; i < DRAIN_READS_MAX && pipe_in.fd >= 0; i++) {
		ssize_t got = read(pipe_in.fd, pipe_in.line + pipe_in.len,
				   sizeof pipe_in.line - 1 - pipe_in.len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return;
		pipe_in.len += (size_t)got;
		split_lines();
	}
}

static void
on_pipe(void *arg, short events)
{
	(void)arg;
	(void)events;
	log_pipe_drain();
}

int
log_pipe_open(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
		log_error("cannot make the log pipe");
		return errcode_from_errno(errno);
	}
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_LEN); /* more lines in a burst, where allowed */
	pipe_in.fd = ends[0];
	poll_set_add(ends[0], POLLIN, on_pipe, NULL);
	return ends[1];
}
