/* The part of a reload that takes long, done as a job: reading what has changed, sealing
 * and checking a new generation. */
#ifndef LOADER_RELOAD_BUILD_H
#define LOADER_RELOAD_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/store/reload_result.h"
#include "loader/sync_state.h"
#include "shm/dname.h"
#include "shm/generation.h"

/* Zones from Redis that are to be signed into a new generation. */
enum { RELOAD_ASIDE_MAX = 1000 };
struct reload_aside {
	char *names[RELOAD_ASIDE_MAX];	/* as listed; owned by whoever fills it in */
	uint8_t origins[RELOAD_ASIDE_MAX][DNAME_MAX]; /* in canonical order */
	size_t count, origin_count;
};

struct reload_build {
	/* set by the caller; all else zero */
	struct sync *sync;
	uint64_t base_id;		/* verified; 0 for none */
	uint64_t id;			/* of the new generation */
	const uint8_t *only;		/* see reload_from_files */
	bool reads_redis;		/* anew and all of it; else its zones stay as they are */
	const struct reload_aside *aside; /* NULL; or zones from Redis that alone are looked at */
	bool is_renewal;		/* signatures are renewed */
	bool is_first;			/* nothing is served: neither durable nor checked */

	/* results */
	bool is_new;			/* something has changed: there is a new one */
	struct generation_manifest manifest;
	int64_t sign_due_s;		/* when signatures are to be renewed; 0: never */
	struct reload_result result;	/* changed, removed and errors; owned */
};

/* When is_new is set, the new generation is complete under the name of one that is being
 * built.  After a failure nothing of it is left.
 * reason   on failure, a sentence that says why
 * returns  0, or an error code (ERR_NOTFOUND: `only` is not configured). */
__attribute__((nonnull, warn_unused_result))
int reload_build_run(struct reload_build *build, char reason[SYNC_REASON_MAX]);

#endif
