/* Which resolver is asked: the first one that works.  One that did not answer several times in
 * a row is left out, and tried with a single question now and then. */
#ifndef LOADER_RESOLVE_SERVERS_H
#define LOADER_RESOLVE_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/settings.h"

enum {
	SERVERS_FAILURES = 3,		/* in a row, and it is down */
	SERVERS_RETRY_MS = 5000,
};

struct servers {
	const struct listen_address *addresses;
	unsigned count;
	struct {
		unsigned failures;	/* in a row */
		uint64_t retry_ms;	/* while it is down: when it is tried again */
		uint64_t answered_ms;	/* when it answered last */
	} states[SETTINGS_SERVERS_MAX];
};

static inline bool
servers_is_down(const struct servers *servers, unsigned server)
{
	return servers->states[server].failures >= SERVERS_FAILURES;
}

/* The one to ask next in a look-up that has asked those in `tried` (a bit each) before.
 * returns -1 when none is left; the first time there is always one. */
__attribute__((nonnull, warn_unused_result))
int servers_choose(struct servers *servers, uint32_t tried, uint64_t now_ms);

/* It has answered, whatever it said.  returns whether it was down. */
__attribute__((nonnull))
bool servers_note_answer(struct servers *servers, unsigned server, uint64_t now_ms);

/* It has not, what it was asked at `asked_ms`; that says something of the name and not of it,
 * when it has answered others since.  returns whether it is down from now on. */
__attribute__((nonnull))
bool servers_note_silence(struct servers *servers, unsigned server, uint64_t asked_ms,
			  uint64_t now_ms);

/* How many are down? */
__attribute__((nonnull, pure))
unsigned servers_down(const struct servers *servers);

#endif
