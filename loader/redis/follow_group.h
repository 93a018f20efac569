/* One consistent reading of what a set names. */
#ifndef LOADER_REDIS_FOLLOW_GROUP_H
#define LOADER_REDIS_FOLLOW_GROUP_H

#include "loader/redis/follow_state.h"

struct group_zone {
	struct redis_raw raw;
	bool is_listed;
	bool has_key;			/* the zone's own key exists */
};

struct group {
	struct group_zone *zones;	/* by number in the set; in f->arena */
	struct redis_text *list;	/* set.has_list: the list of zones */
	size_t list_count;
	uint64_t listed_count;		/* how many are listed */
	struct stream_facts facts;
	size_t behind;			/* entries behind the set; SIZE_MAX: not known */
};

/* Read what f->set names, and join what the stream holds behind it and overlaps.
 * returns 0; ERR_CLOSED etc. after follow_lose; ERR_OLDER: the stream has a gap (which
 *         is noted). */
__attribute__((nonnull, warn_unused_result))
int follow_group_read(struct follow *f, struct group *out);

#endif
