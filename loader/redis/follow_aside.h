/* Zones that are to be signed aside, and those that just now are. */
#ifndef LOADER_REDIS_FOLLOW_ASIDE_H
#define LOADER_REDIS_FOLLOW_ASIDE_H

#include "loader/redis/follow_state.h"
#include "loader/redis/plan.h"

/* A zone is to be signed aside; a double is none.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int follow_aside_add(struct follow *f, const struct change_zone *zone,
		     const struct plan *plan);

/* Is the zone one of these? */
__attribute__((nonnull, warn_unused_result)) bool
follow_aside_has(const struct follow *f, const uint8_t *origin, size_t len);

/* All is compared, or read, anew: none is to be signed, nothing waits for one.  None is being
 * signed just now. */
__attribute__((nonnull)) void follow_aside_forget(struct follow *f);

#endif
