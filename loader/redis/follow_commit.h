/* What is served of a set, in one transaction with the cursor. */
#ifndef LOADER_REDIS_FOLLOW_COMMIT_H
#define LOADER_REDIS_FOLLOW_COMMIT_H

#include "loader/redis/follow_serving.h"

/* The cursor moves on; it does not on failure.  returns 0, with `again` set
 * when nothing was written because zones are to be read whole first; or an error after
 * follow_lose_store. */
__attribute__((nonnull, warn_unused_result))
int follow_commit_set(struct serving *s);

#endif
