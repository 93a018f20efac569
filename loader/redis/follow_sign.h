/* Zones that are to be signed: their keys, and what a reading means for their signatures. */
#ifndef LOADER_REDIS_FOLLOW_SIGN_H
#define LOADER_REDIS_FOLLOW_SIGN_H

#include "loader/redis/follow_group.h"
#include "loader/redis/plan.h"

/* The config of a zone that is listed is known: hand its keys to the signer, and see whether
 * it is signed as it is to be (is_sign_due, was_tried); one that is signed stays so.  The
 * plan may be an error then: it cannot be signed.
 * returns 0; ERR_CLOSED after follow_lose; ERR_TIMEOUT: the signer does not answer; or as
 *         usual. */
__attribute__((nonnull, warn_unused_result))
int follow_sign_plan(struct follow *f, const struct change_zone *zone,
		     const struct group_zone *from, struct plan *plan);

/* Have the records of a PLAN_PUT signed, or make it a PLAN_ASIDE.  A zone that cannot be
 * signed makes the plan an error, or with redis.unsigned_ok its config one of an unsigned
 * zone: its records must be made anew then.  returns as above. */
__attribute__((nonnull, warn_unused_result))
int follow_sign_records(struct follow *f, struct plan *plan);

/* A plan that is_refused, or a PLAN_ASIDE, takes effect: the same is not tried again. */
__attribute__((nonnull))
void follow_sign_note_tried(struct follow *f, const struct change_zone *zone,
			    const struct plan *plan);

#endif
