/* Signatures of zones from Redis that end soon, renewed in the overlay: also while Redis
 * cannot be reached. */
#ifndef LOADER_REDIS_FOLLOW_RENEW_H
#define LOADER_REDIS_FOLLOW_RENEW_H

#include "loader/redis/follow_state.h"

/* A step of that, when one is due. */
__attribute__((nonnull))
void follow_renew_step(struct follow *follow);

/* Is there more to do, at renew_ms? */
__attribute__((nonnull))
bool follow_renew_is_on(const struct follow *follow);

#endif
