/* Signatures of zones from Redis that end soon, renewed in the overlay: also while Redis
 * cannot be reached. */
#ifndef LOADER_REDIS_FOLLOW_RENEW_H
#define LOADER_REDIS_FOLLOW_RENEW_H

#include "loader/redis/follow_state.h"

/* How long to rest behind a step that took `took_us` and made `made` signatures, when
 * `left_s` are left until the zone's first one ends: as long as three quarters of
 * dnssec.refresh_days are left there is no hurry, in the last quarter half of the time is
 * theirs, between the two a fifth; dnssec.max_rate is never exceeded. */
__attribute__((nonnull, pure))
uint64_t follow_renew_rest_us(const struct settings *settings, uint64_t took_us,
			      uint64_t made, int64_t left_s);

/* A step of that, when one is due. */
__attribute__((nonnull))
void follow_renew_step(struct follow *follow);

/* Is there more to do, at renew_ms? */
__attribute__((nonnull))
bool follow_renew_is_on(const struct follow *follow);

#endif
