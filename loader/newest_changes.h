/* Who takes the changes that come from Redis, and when they must wait there. */
#ifndef LOADER_NEWEST_CHANGES_H
#define LOADER_NEWEST_CHANGES_H

#include "loader/sync_state.h"

enum {
	NEWEST_FULL_TIMES = 4,		/* of newest_bound: no more is taken */
	NEWEST_BASE_SHARE = 10,		/* a tenth of the base may be in the overlay */
};

/* Let changes wait in the source, `why` says for what; and let them come again, unless
 * they must wait for another reason.  A `why` of NULL holds nothing. */
__attribute__((nonnull(1)))
void newest_hold(struct sync *sync, const char *why);
__attribute__((nonnull))
void newest_follow(struct sync *sync);

/* Tell the follower where changes go, when that is news: after sync->live, held_why,
 * is_full or is_given was set. */
__attribute__((nonnull))
void newest_give_store(struct sync *sync);

/* The overlay holds too many records to take more, or less: see that changes wait or
 * come.  To be called now and then. */
__attribute__((nonnull))
void newest_watch(struct sync *sync);

/* Records in the overlay from which on a new generation is due. */
__attribute__((nonnull))
uint64_t newest_bound(const struct sync *sync);

#endif
