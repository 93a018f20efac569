/* One plan into the store. */
#ifndef LOADER_REDIS_FOLLOW_APPLY_H
#define LOADER_REDIS_FOLLOW_APPLY_H

#include "loader/redis/follow_state.h"
#include "loader/redis/plan.h"

/* Inside of a transaction.  returns 0 or an error of live.h. */
__attribute__((nonnull, warn_unused_result))
int follow_apply_plan(struct follow *f, const struct change_zone *zone, struct plan *plan);

#endif
