/* The list of zones, compared with what is served. */
#ifndef LOADER_REDIS_FOLLOW_LIST_H
#define LOADER_REDIS_FOLLOW_LIST_H

#include "loader/redis/follow_group.h"
#include "loader/redis/follow_state.h"

/* Compare the list of zones with what is served: origins (wire form) that are served from
 * Redis and not listed, and names (as written) that are listed and not served, or served
 * from a file without a word about it. */
__attribute__((nonnull, warn_unused_result))
int follow_list_compare(struct follow *f, const struct redis_text *list, size_t count,
			struct key_table *gone, struct key_table *fresh);

/* The list was read with the set: what it adds and lacks joins the set, to be read with it.
 * What it lacks is one part, so that it is weighed together.
 * *grew: there is such a zone. */
__attribute__((nonnull, warn_unused_result))
int follow_list_join(struct follow *f, const struct group *group, bool *grew);

#endif
