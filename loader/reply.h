/* The reply to a control request, written by the process that did the work.
 *
 * The peer is not trusted to read: a write never blocks longer than the limits given,
 * and once one is passed (or the peer is gone) the rest is thrown away, while the work
 * goes on. */
#ifndef LOADER_REPLY_H
#define LOADER_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/ctl_proto.h"
#include "shm/json_out.h"

struct reply {
	int fd;				/* -1: nobody asked, or nobody listens any more */
	unsigned stall_ms;		/* longest wait without progress */
	unsigned budget_ms;		/* what is left of all waiting */
	struct json_out json;		/* the object; write into it between open and close */
	uint8_t piece[sizeof(struct ctl_head) + CTL_DATA_MAX];
};

/* Reply on `fd` (moved; -1 for a request without a peer, whose reply is dropped).
 * stall_ms   longest single wait for the peer
 * total_ms   of all waits together */
__attribute__((nonnull))
void reply_open(struct reply *reply, int fd, unsigned stall_ms, unsigned total_ms);

/* One line for the peer's stderr, without newline. */
__attribute__((nonnull, format(printf, 2, 3)))
void reply_progress(struct reply *reply, const char *format, ...);

/* Does anybody still listen?  Notices a peer that has hung up. */
__attribute__((nonnull, warn_unused_result))
bool reply_is_heard(struct reply *reply);

/* Send the rest of the object, which must be complete, and the end with the exit
 * code; close the connection. */
__attribute__((nonnull))
void reply_close(struct reply *reply, unsigned status);

#endif
