/* Serving a generation, sync's way: loader/publish.h, attending to all else meanwhile. */
#ifndef LOADER_SERVE_H
#define LOADER_SERVE_H

#include "loader/sync_state.h"
#include "shm/generation.h"

/* Serve a generation that was checked.  What is the newest state of the sources goes by
 * way of newest_serve; this alone is for what `rollback` or `swap` chose.
 * complete  see struct publish_steps; NULL for none
 * returns   and `reason` as publish_generation. */
__attribute__((nonnull(1, 2, 5), warn_unused_result))
int serve_generation(struct sync *sync, const struct generation_manifest *manifest,
		     int (*complete)(void *context, char reason[PUBLISH_REASON_MAX]),
		     void *context, char reason[SYNC_REASON_MAX]);

#endif
