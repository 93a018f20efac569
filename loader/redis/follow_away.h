/* Zones that are to be signed aside, or just now are: their next generation has other ids for
 * their names, so that nothing of what is served of them may change before it is published,
 * and nothing that was changed as one with them may be seen before they are.
 *
 * What is named of them waits, and with it the whole part that names it: the zones of one
 * entry, and all that name one of those later.  Other zones are served meanwhile, and the
 * place in the stream goes on; it is noted as that of a gap until all that waits has been
 * read, as one set, into the next generation before that is published. */
#ifndef LOADER_REDIS_FOLLOW_AWAY_H
#define LOADER_REDIS_FOLLOW_AWAY_H

#include "loader/redis/follow_serving.h"

/* The set was read and is not planned yet: parts that must wait are deferred, and noted.
 * returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result)) int follow_away_defer(struct serving *s);

/* The set is planned and weighed: zones that are to be signed aside are queued, and the
 * parts that they are of wait, too.  What was accepted does not: it would be weighed again.
 * returns as above. */
__attribute__((nonnull, warn_unused_result)) int follow_away_send(struct serving *s);

/* Must the zone wait? */
__attribute__((nonnull, warn_unused_result)) bool
follow_away_has(const struct follow *f, const uint8_t *origin, size_t len);

/* Must the comparison of all wait, since it serves what differs as one? */
__attribute__((nonnull, pure)) bool follow_away_stops_round(const struct follow *f);

/* Is there something that need not wait any more?  Serve it. */
__attribute__((nonnull, pure)) bool follow_away_is_due(const struct follow *f);
__attribute__((nonnull)) void follow_away_serve(struct follow *f);

/* The same, once those that are away stand in the store that changes go to.  returns 0, or an
 * error after which it waits on. */
__attribute__((nonnull, warn_unused_result)) int follow_away_bring(struct follow *f);

#endif
