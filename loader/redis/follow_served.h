/* What is served of a zone, and of a name in it. */
#ifndef LOADER_REDIS_FOLLOW_SERVED_H
#define LOADER_REDIS_FOLLOW_SERVED_H

#include "loader/redis/follow_state.h"
#include "loader/redis/plan.h"

/* The apex as it is served, into the plan; *soa: what its SOA tells.
 * returns 0, also when there is no such zone; or an error of live.h. */
__attribute__((nonnull, warn_unused_result))
int follow_served_read(struct follow *f, const struct change_zone *zone, struct plan *plan,
		       struct zone_config *soa);

/* The node of a name of that zone; returns as live_find. */
__attribute__((nonnull, warn_unused_result))
int follow_served_find(struct follow *f, const struct plan *plan, const uint8_t *owner,
		       size_t len, bool is_apex, struct node *out);

/* The hash of the values that a name was made of, 0 when Redis has not brought it. */
__attribute__((nonnull, warn_unused_result))
uint64_t follow_served_hash(const struct node *node);

/* Records of one type (0: all) at a name; the SOA is the config's and not counted. */
__attribute__((nonnull, warn_unused_result))
uint64_t follow_served_count(const struct node *node, uint16_t type);

#endif
