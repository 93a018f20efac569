/* Moving all workers from one generation to another (README, "Hot swap").
 *
 *	sync                               each worker's helper thread
 *	announced_id, announce_seq, wake   opens and populates that generation
 *	waits                              ready_id, or open_error and failed_id
 *	`current` renamed
 *	facts, then published_id           (each worker's next batch takes it)
 *
 * A crash between any two steps leaves `current` naming a whole generation. */
#ifndef LOADER_PUBLISH_H
#define LOADER_PUBLISH_H

#include <stdint.h>

#include "shm/generation.h"
#include "shm/region.h"

enum {
	PUBLISH_READY_MS = 5000,	/* for a worker to get ready, else it is killed */
	PUBLISH_REASON_MAX = 512,
};

/* What the caller does meanwhile; both may be NULL. */
struct publish_steps {
	/* instead of sleeping for a millisecond */
	void (*pause)(void *context);
	/* when the workers are ready, in front of the swap: what must be done before it, and
	 * undone by the caller if that fails.  returns 0 or an error code with a reason. */
	int (*complete)(void *context, char reason[PUBLISH_REASON_MAX]);
	void *context;
};

/* Serve generation `manifest->id` of state_dir from now on.  Workers that run get
 * ready first; without any it is done at once, and those that start take it.
 *
 * returns 0; else the old generation goes on being served, `current` is as before,
 * and `reason` is a sentence that says why:
 *   ERR_DAMAGED, ERR_FORMAT, ...  what a worker found when it opened it
 *   ERR_IO, ERR_NOSPACE, ...      `current` could not be changed
 *   what `complete` returned */
__attribute__((nonnull, warn_unused_result))
int publish_generation(struct region *region, const char *state_dir,
		       const struct generation_manifest *manifest,
		       const struct publish_steps *steps, char reason[PUBLISH_REASON_MAX]);

/* An id above all that the region's workers know and above `newest`: a worker never
 * sees one number stand for two generations. */
__attribute__((nonnull, warn_unused_result))
uint64_t publish_next_id(const struct region *region, uint64_t newest);

/* Have the workers' helpers look at what is told to them, now. */
__attribute__((nonnull))
void publish_wake(struct region *region);

#endif
