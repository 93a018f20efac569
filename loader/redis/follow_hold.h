/* Holding what must not be served yet, and letting go of it. */
#ifndef LOADER_REDIS_FOLLOW_HOLD_H
#define LOADER_REDIS_FOLLOW_HOLD_H

#include "loader/redis/follow_serving.h"

/* Hold the part whose root is `root`; CHANGE_NONE: all parts that stay, as one.
 * returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int follow_hold_part(struct serving *s, uint32_t root);

/* What is served now is held no more. */
__attribute__((nonnull))
void follow_hold_release(struct serving *s, uint32_t zone);

/* Is what was read what is held under the id that is being accepted? */
__attribute__((nonnull, warn_unused_result))
bool follow_hold_is_same(struct serving *s);

/* In `status`. */
__attribute__((nonnull))
void follow_hold_show(struct follow *f);

#endif
