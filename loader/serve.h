/* Serving a generation, sync's way: loader/publish.h, attending to all else meanwhile. */
#ifndef LOADER_SERVE_H
#define LOADER_SERVE_H

#include "loader/sync.h"
#include "shm/generation.h"

/* Serve a generation that was checked.  returns and `reason` as publish_generation. */
__attribute__((nonnull, warn_unused_result)) int
serve_generation(struct sync *sync, const struct generation_manifest *manifest,
		 char reason[SYNC_REASON_MAX]);

#endif
