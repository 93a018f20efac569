/* How much may vanish: what would remove more than a share of all that is served, and at
 * least a number of records, in one change set or within any 60 seconds, is not served
 * before somebody has said that it is meant.
 *
 * What counts is by how much each zone is smaller than it was at its largest within the
 * last 60 seconds, summed over the zones.  So records that are removed and added again
 * count for nothing once they are back, however often that happens; and what is added
 * hides nothing: not in another zone, not earlier in the same one.  Nor does it make the
 * whole larger that the share is taken of, before it is 60 seconds old. */
#ifndef LOADER_REDIS_SHRINK_GUARD_H
#define LOADER_REDIS_SHRINK_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SHRINK_WINDOW_S = 60,
	SHRINK_LOSSES = 1 << 17,	/* remembered by zone; older ones cannot be made good */
	SHRINK_SLOTS = 1 << 15,
};

/* Records that a zone lost within a second and has not got back. */
struct shrink_loss {
	uint64_t zone;			/* hash of its name */
	uint64_t older;			/* number of the loss before it in its slot, 0: none */
	uint64_t second;
	uint64_t removed;
};

/* All zero but share and min is a good start. */
struct shrink_guard {
	double share;			/* 0..1; 1: never holds for its share */
	uint64_t min;			/* records */
	struct shrink_second {
		uint64_t second;
		uint64_t removed;	/* and not made good since */
		uint64_t added;		/* beyond what made losses good */
	} seconds[SHRINK_WINDOW_S + 1];	/* by second modulo its length */
	struct shrink_loss *losses;	/* by number modulo SHRINK_LOSSES; owned, NULL at first */
	uint64_t *newest;		/* by hash: the newest loss in the slot; owned */
	uint64_t last;			/* number of the newest loss, 1.. */
	uint64_t seed;
};

__attribute__((nonnull))
void shrink_guard_fini(struct shrink_guard *guard);

/* May these records be removed?  Nothing is noted.
 *
 * now_ms   a clock that only goes forward
 * removed  by which the change set shrinks its zones, each zone for itself
 * served   records that are served, over all, before it
 * is_gap   found missing by a resync after a gap: the share alone decides */
__attribute__((nonnull, warn_unused_result))
bool shrink_guard_admits(const struct shrink_guard *guard, uint64_t now_ms, uint64_t removed,
			 uint64_t served, bool is_gap);

/* A zone (its name in wire form) had so many records, and has so many now. */
__attribute__((nonnull))
void shrink_guard_note(struct shrink_guard *guard, uint64_t now_ms, const uint8_t *origin,
		       size_t len, uint64_t before, uint64_t after);

/* By how many records the zones are smaller than they were within the last 60 s. */
__attribute__((nonnull, warn_unused_result))
uint64_t shrink_guard_lately(const struct shrink_guard *guard, uint64_t now_ms);

#endif
