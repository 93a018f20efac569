/* Files that a process gives up (Landlock): from then on it reads what programs and libraries
 * need, and of state_dir what is served; never keys.  A process that was taken over can then
 * neither open the keys nor trace one that could.
 *
 * The kernel has no "all but": places are opened one by one, and what is not is shut. */
#ifndef SHM_FENCE_H
#define SHM_FENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "shm/heritage.h"

#define FENCE_KEYS_DIR "keys"		/* in state_dir */

/* Who stands behind one: bits of region_fence.missing. */
enum fence_who {
	FENCE_WORKER,
	FENCE_PROBER,
	FENCE_LOGGER,
	FENCE_REPORTER,
	FENCE_RESOLVER,
	FENCE_COUNT
};

/* What stays open besides. */
struct fence_gate {
	bool has_store;			/* generations, geoip, resolved, watch: read; files in
					 * them that are there (locks) opened for writing */
	/* files, whose directories are opened, so that they may be replaced; NULL or "": none */
	const char *reads;
	const char *writes;		/* and makes and removes */
};

/* Shut the calling process in, before it has other threads.  What hinders that is written to
 * the log and into the region: it goes on without. */
__attribute__((nonnull))
void fence_enter(const struct heritage *heritage, enum fence_who who,
		 const struct fence_gate *gate);

/* "workers" */
__attribute__((const, returns_nonnull))
const char *fence_who_name(enum fence_who who);

#endif
