/* The part of a reload that takes long, done as a job: reading what has changed, sealing
 * and checking a new generation. */
#ifndef LOADER_RELOAD_BUILD_H
#define LOADER_RELOAD_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/store/reload_result.h"
#include "loader/sync_state.h"
#include "shm/generation.h"

struct reload_build {
	/* set by the caller; all else zero */
	struct sync *sync;
	uint64_t base_id;		/* verified; 0 for none */
	uint64_t id;			/* of the new generation */
	const uint8_t *only;		/* see reload_from_files */
	bool reads_redis;		/* anew and all of it; else its zones stay as they are */
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
