/* What martletctl sends behind a request of simulate: files that it has read with its own
 * rights, so that the server opens nothing that a peer names (shm/ctl_proto.h). */
#ifndef EXPLAIN_SIMULATE_INPUT_H
#define EXPLAIN_SIMULATE_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "shm/ctl_proto.h"

enum {
	SIMULATE_LINE_MAX = 4096,	/* octets; of a longer one the rest is dropped */
	SIMULATE_WAIT_S = 600,		/* for the next piece: what makes it may take long */
	SIMULATE_IDLE_S = 60,		/* renewed while it waits, see alarm(2) */
	SIMULATE_DB_MAX_MB = 512,
};

struct simulate_input {
	int fd;				/* borrowed */
	bool is_over;			/* nothing more comes */
	bool is_failed;			/* it is gone, or sent what it may not */
	size_t at, len;			/* of the piece that is being read */
	char piece[CTL_DATA_MAX];
};

__attribute__((nonnull))
void simulate_input_open(struct simulate_input *input, int fd);

/* Copy the next file into one in memory.
 * returns its descriptor, owned by the caller, or an error code: ERR_CLOSED, ERR_RANGE when
 * it is too large, ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int simulate_input_save(struct simulate_input *input);

/* The next line of the present file, without its end, NUL-terminated.
 * returns false behind the last one. */
__attribute__((nonnull, warn_unused_result))
bool simulate_input_line(struct simulate_input *input, char line[SIMULATE_LINE_MAX]);

/* Take what still comes, and drop it: a peer that sends does not yet read.  To be called before
 * the reply ends. */
__attribute__((nonnull))
void simulate_input_drain(struct simulate_input *input);

#endif
