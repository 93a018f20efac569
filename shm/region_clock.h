/* What is known of the time, apart from the machine's clock: a part of struct region.
 *
 * Signatures that are made under a wrong time are bogus to validators, or end at once; under
 * such a clock all that are served seem to have ended, or to hold for ever.  While it is in
 * doubt, none that is served is replaced, and no key is rolled.  All zero: nothing is known. */
#ifndef SHM_REGION_CLOCK_H
#define SHM_REGION_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct region;

enum {
	REGION_CLOCK_MOVED_S = 86400,	/* so wrong it must be to be in doubt */
	REGION_CLOCK_TEXT_MAX = 512,
};

/* Sync writes. */
struct region_clock {
	_Alignas(128) _Atomic int64_t past_s;	/* Unix time: it has been; 0: none is known */
	_Atomic int64_t other_ahead_s;		/* Redis's clock over ours, when last seen */
	_Atomic bool is_believed;		/* somebody said that ours is right, whatever
						 * has been */
};

/* By how many seconds the machine's clock was set since the start: days, when it is wrong now
 * or was before; 0 when it was not set at all at first. */
__attribute__((nonnull))
int64_t region_clock_moved_s(const struct region *region);

/* Has it moved so far that signatures made under one time may be bogus under the other; is it
 * before what has been, or far from Redis's? */
__attribute__((nonnull))
bool region_clock_is_doubtful(const struct region *region);

/* Why, and what to do: whole sentences for people.  returns false when it is not in doubt. */
__attribute__((nonnull))
bool region_clock_explain(const struct region *region, char out[REGION_CLOCK_TEXT_MAX]);

/* Sync: something was made at this time.  Years ahead of us it means nothing. */
__attribute__((nonnull))
void region_clock_note_past(struct region *region, int64_t at_s);

/* Sync: the time of Redis's host.  A clock that nobody has set, or that is years ahead of ours,
 * is wrong itself: it says nothing of ours. */
__attribute__((nonnull))
void region_clock_note_other(struct region *region, int64_t at_s);

#endif
