/* martletctl's end of a control connection.  The server is not trusted: every head is
 * checked, and nothing is kept. */
#ifndef MASTER_CLIENT_CTL_CLIENT_LINK_H
#define MASTER_CLIENT_CTL_CLIENT_LINK_H

#include <stddef.h>

enum { CTL_LINK_ERROR_MAX = 512 };

struct ctl_link {
	int fd;
	const char *path; /* borrowed, for messages */
	int timeout_ms; /* longest silence of the server; -1: any */
	int notice_ms; /* without a limit: a silence so long is told once; 0: it is not */
	char error[CTL_LINK_ERROR_MAX]; /* one line, when a call has failed */
};

/* What a reply is made of.  A callback that returns other than 0 ends the reply. */
struct ctl_reply_sink {
	void (*progress)(void *arg, const char *text, size_t len);
	int (*data)(void *arg, const char *data, size_t len);
	void *arg;
};

/* Connect to the socket `path`, at which a hung server may have left no room.
 * returns 0; ERR_NOTFOUND when nobody listens there, ERR_RIGHTS, ERR_RANGE when the
 * path is too long for a socket, ERR_TIMEOUT, ERR_IO. */
__attribute__((nonnull, warn_unused_result)) int
ctl_link_open(struct ctl_link *link, const char *path, int timeout_ms);

__attribute__((nonnull)) void ctl_link_close(struct ctl_link *link);

/* Send the arguments as one request.  A server that has closed its end already may have
 * said why: that is no failure here, the reply tells.
 * returns 0; ERR_FULL when they are too many or too long, ERR_TIMEOUT, ERR_IO. */
__attribute__((nonnull, warn_unused_result)) int
ctl_link_send(struct ctl_link *link, int arg_count, char *const *args);

/* Send what can be read from `fd` behind a request, as one file; then, behind the last one,
 * ctl_link_send_end.  A server that has closed its end already: as above.
 * name     of the file, for messages
 * returns  0; ERR_TIMEOUT, ERR_IO */
__attribute__((nonnull, warn_unused_result)) int
ctl_link_send_file(struct ctl_link *link, int fd, const char *name);
__attribute__((nonnull, warn_unused_result)) int ctl_link_send_end(struct ctl_link *link);

/* Read the whole reply.  On 0 *status is its exit code, 0 or 1.  A long silence before it
 * is told as progress.
 * returns ERR_TIMEOUT, ERR_CLOSED when the reply breaks off, ERR_FORMAT when it is not
 * ours, ERR_NEWER or ERR_OLDER when it is another version's, ERR_IO, or what
 * sink->data returned (then `error` is empty). */
__attribute__((nonnull, warn_unused_result)) int
ctl_link_receive(struct ctl_link *link, const struct ctl_reply_sink *sink, int *status);

#endif
