/* What one zone's reading means for the store. */
#ifndef LOADER_REDIS_FOLLOW_PLAN_H
#define LOADER_REDIS_FOLLOW_PLAN_H

#include "loader/redis/follow_group.h"
#include "loader/redis/follow_state.h"
#include "loader/redis/plan.h"

/* returns 0; ERR_NOMEM, ERR_DAMAGED, ERR_FULL. */
__attribute__((nonnull, warn_unused_result))
int follow_plan_zone(struct follow *f, const struct group *group, uint32_t zone,
		     struct plan *out);

__attribute__((nonnull))
void follow_plan_fini(struct plan *plan);

#endif
