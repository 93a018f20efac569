/* Questions to resolvers under way, each by itself: c-ares stays behind this file.
 *
 * Every question has a socket, hence a port, and a random id of its own, goes to one server
 * once, and over TCP when its answer was cut short.  It ends in bounded time. */
#ifndef LOADER_RESOLVE_RESOLVE_ASK_H
#define LOADER_RESOLVE_RESOLVE_ASK_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/settings.h"

enum {
	RESOLVE_ASK_MAX = 256,		/* questions at one time */
	RESOLVE_ASK_FDS_MAX = 2 * RESOLVE_ASK_MAX,
};

/* What became of a question; borrowed during the call. */
struct resolve_reply {
	const uint8_t *message;		/* NULL: none came */
	size_t len;
	const char *reason;		/* then: the rest of a sentence that begins with the
					 * server */
};

typedef void resolve_ask_done_fn(void *context, uint64_t number,
				 const struct resolve_reply *reply);

struct resolve_ask;

/* returns NULL without memory. */
__attribute__((nonnull(1), warn_unused_result))
struct resolve_ask *resolve_ask_new(resolve_ask_done_fn *done, void *context);

/* Ask.  `number` is handed back with the reply, from resolve_ask_step.
 * returns 0; ERR_BUSY when there are RESOLVE_ASK_MAX, ERR_NOMEM, ERR_IO */
__attribute__((nonnull, warn_unused_result))
int resolve_ask_start(struct resolve_ask *ask, const struct listen_address *server,
		      unsigned timeout_ms, const uint8_t *name, size_t name_len, uint16_t type,
		      uint64_t number);

/* What to wait for.  *timeout_ms is lowered to when something is due.  returns their number. */
__attribute__((nonnull, warn_unused_result))
unsigned resolve_ask_poll(struct resolve_ask *ask, struct pollfd fds[RESOLVE_ASK_FDS_MAX],
			  int *timeout_ms);

/* Go on with what has come: `fds` as poll left them.  Replies are told from here only. */
__attribute__((nonnull))
void resolve_ask_step(struct resolve_ask *ask, const struct pollfd *fds, unsigned count);

#endif
