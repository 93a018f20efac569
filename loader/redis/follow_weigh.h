/* What may be served of a set, part by part, and what stays. */
#ifndef LOADER_REDIS_FOLLOW_WEIGH_H
#define LOADER_REDIS_FOLLOW_WEIGH_H

#include "loader/redis/follow_serving.h"

/* What is held of the zones read, and what is held with them, joins the set; `again` is set
 * when that has to be read. */
__attribute__((nonnull))
void follow_weigh_join(struct serving *s);

/* By how much each part shrinks, and whether it must stay whatever that is. */
__attribute__((nonnull))
void follow_weigh_parts(struct serving *s);

/* Of a comparison: what differs is noted, to be served at its end, when all is known. */
__attribute__((nonnull))
void follow_weigh_defer(struct serving *s);

/* Which parts stay?  Those must have been read whole, to be known exactly; else `again` is
 * set. */
__attribute__((nonnull))
void follow_weigh_decide(struct serving *s);

#endif
