/* Taking a generation from a foreign directory into state_dir. */
#ifndef LOADER_TAKE_IN_H
#define LOADER_TAKE_IN_H

#include <stdint.h>

#include "loader/sync_state.h"
#include "shm/generation.h"

/* Copy the generation in `dir` under the number `id`, and check the copy as a whole.
 * Only regular files are read, never links; whoever owns `dir` may change it meanwhile
 * without harm.
 *
 * manifest  of the copy, on success
 * reason    on failure, a sentence that names the file and the remedy
 * returns   0, or an error code and nothing is left behind. */
__attribute__((nonnull, warn_unused_result))
int take_in_generation(const struct sync *sync, const char *dir, uint64_t id,
		       struct generation_manifest *manifest, char reason[SYNC_REASON_MAX]);

#endif
