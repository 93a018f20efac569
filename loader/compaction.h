/* Compaction: when the overlay of the newest generation has grown, a new generation is
 * sealed from both, by a job, while changes go on. */
#ifndef LOADER_COMPACTION_H
#define LOADER_COMPACTION_H

#include <stdbool.h>

#include "loader/sync_state.h"

enum { COMPACTION_EVERY_MS = 60000 }; /* at most one */

/* Is the overlay over its bound, and the last compaction long enough ago? */
__attribute__((nonnull, warn_unused_result))
bool compaction_is_due(const struct sync *sync);

/* Do one.  A failure is stated, and changes nothing; a request that comes first has it
 * given up. */
__attribute__((nonnull))
void compaction_run(struct sync *sync);

#endif
