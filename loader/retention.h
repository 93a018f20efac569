/* Which old generations stay, and the removal of the others, by a job: to unlink gigabytes
 * takes seconds. */
#ifndef LOADER_RETENTION_H
#define LOADER_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/store/generations.h"

struct sync;

struct retention_rules {
	unsigned keep;			/* the newest ones */
	unsigned keep_hours;		/* the last one of each of so many clock hours */
	int64_t now_s;			/* Unix time */
	const uint64_t *needed;		/* ids that never go */
	size_t needed_count;
	uint64_t fallback_id;		/* damage falls back to it, it never goes; 0: to the
					 * newest but one of the good ones */
};

/* Set stays[i] for each entry of the list: what the rules keep.  What cannot be
 * served (damaged, unreadable) fills no place of a good one, but stays to be seen
 * while it is among the newest `keep` of all. */
__attribute__((nonnull))
void retention_select(const struct generation_list *list, const struct retention_rules *rules,
		      bool *stays);

/* What goes first when space is short: the oldest that stays.  Never a needed one, and
 * never the one that damage falls back to.
 * returns its place in the list, or list->count when nothing may go. */
__attribute__((nonnull))
size_t retention_next(const struct generation_list *list, const struct retention_rules *rules,
		      const bool *stays);

/* Remove what the settings do not keep, and more while less than
 * generations.reserve_mb is free.  Whatever is served, announced, current, chosen or
 * open in a worker stays, and the newest state of the sources, for `resume`; and the one
 * that this was made from, while that has the changes that were taken over. */
__attribute__((nonnull))
void retention_apply(struct sync *sync);

/* Remove all that may go, for a build that has found no room.
 * returns whether anything was removed: then it may try again. */
__attribute__((nonnull, warn_unused_result))
bool retention_make_room(struct sync *sync);

#endif
