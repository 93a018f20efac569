/* A set, read and served. */
#ifndef LOADER_REDIS_FOLLOW_SERVE_H
#define LOADER_REDIS_FOLLOW_SERVE_H

#include "loader/redis/follow_state.h"

/* Read f->set and serve it, apart from what is held.
 * cause     for the ring of changes
 * is_gap    what vanishes is held by the share alone
 * returns   0; an error after which everything has been said: the link was lost, or the
 *           store could not be written. */
__attribute__((nonnull, warn_unused_result))
int follow_serve_set(struct follow *f, enum change_cause cause, bool is_gap);

/* Read f->set and only tell which zones differ; with `all` unset those that would shrink
 * are told, and the others served.  Names go into round.differing, what would vanish is
 * added to round.missing.  returns as above. */
__attribute__((nonnull, warn_unused_result))
int follow_serve_compare(struct follow *f, bool all);

#endif
