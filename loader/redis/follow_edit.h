/* A zone that is served, compared name by name with what was read of it. */
#ifndef LOADER_REDIS_FOLLOW_EDIT_H
#define LOADER_REDIS_FOLLOW_EDIT_H

#include "loader/redis/follow_group.h"
#include "loader/redis/follow_state.h"
#include "loader/redis/plan.h"

/* Plan what differs; plan.config is read.
 * returns 0; ERR_RANGE when the zone has to be replaced as a whole; ERR_NOMEM,
 *         ERR_DAMAGED, ERR_FULL. */
__attribute__((nonnull, warn_unused_result))
int follow_edit_plan(struct follow *f, const struct change_zone *zone,
		     const struct group_zone *from, struct plan *plan);

#endif
