/* How much is served: what the next set is weighed by, and what `status` says. */
#ifndef LOADER_REDIS_FOLLOW_COUNT_H
#define LOADER_REDIS_FOLLOW_COUNT_H

#include "loader/redis/follow_serving.h"
#include "loader/redis/follow_state.h"

/* Say in the region how much is served. */
__attribute__((nonnull))
void follow_count_show(struct follow *f);

/* A set was committed. */
__attribute__((nonnull))
void follow_count_served(struct serving *s);

#endif
