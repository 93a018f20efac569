/* While a primary is read, the Sentinels are asked in turn whether it still is the one: a
 * primary that was cut off from them goes on answering us, and nobody writes there. */
#ifndef LOADER_REDIS_FOLLOW_SENTINEL_H
#define LOADER_REDIS_FOLLOW_SENTINEL_H

#include <poll.h>

#include "loader/redis/follow_state.h"

/* A conversation goes on, or begins when it is time; takes no time.  When there is a later
 * primary, all links are lost. */
__attribute__((nonnull))
void follow_sentinel_step(struct follow *f);

/* Milliseconds until it wants to be called; -1: no Sentinels. */
__attribute__((nonnull, warn_unused_result))
int follow_sentinel_due_ms(const struct follow *f);

/* For poll.  returns false when there is nothing to be polled. */
__attribute__((nonnull, warn_unused_result))
bool follow_sentinel_poll(const struct follow *f, struct pollfd *out);

#endif
