/* How much may vanish: what would remove more than a share of all that is served, and at
 * least a number of records, in one change set or within any 60 seconds, is not served
 * before somebody has said that it is meant. */
#ifndef LOADER_REDIS_SHRINK_GUARD_H
#define LOADER_REDIS_SHRINK_GUARD_H

#include <stdbool.h>
#include <stdint.h>

enum { SHRINK_WINDOW_S = 60 };

/* All zero but share and min is a good start. */
struct shrink_guard {
	double share;			/* 0..1; 1: never holds for its share */
	uint64_t min;			/* records */
	struct shrink_second {
		uint64_t second, removed;
	} seconds[SHRINK_WINDOW_S + 1];	/* by second modulo its length */
};

/* May these records be removed?  Nothing is noted.
 *
 * now_ms   a clock that only goes forward
 * removed  by which the change set shrinks its zones, each zone for itself
 * served   records that are served, over all, before it
 * is_gap   found missing by a resync after a gap: the share alone decides */
__attribute__((nonnull, warn_unused_result))
bool shrink_guard_admits(const struct shrink_guard *guard, uint64_t now_ms, uint64_t removed,
			 uint64_t served, bool is_gap);

/* They were removed, and count for the next 60 s. */
__attribute__((nonnull))
void shrink_guard_note(struct shrink_guard *guard, uint64_t now_ms, uint64_t removed);

#endif
