/* Comparing everything with Redis, zone by zone. */
#ifndef LOADER_REDIS_FOLLOW_ROUND_H
#define LOADER_REDIS_FOLLOW_ROUND_H

#include "loader/redis/follow_state.h"

/* Compare some zones, if it is time to. */
__attribute__((nonnull))
void follow_round_step(struct follow *f);

/* In how many ms it wants to go on. */
__attribute__((nonnull, warn_unused_result))
int follow_round_due_ms(const struct follow *f);

/* All zones are as Redis has them at this moment, by a load. */
__attribute__((nonnull))
void follow_round_done(struct follow *f);

#endif
