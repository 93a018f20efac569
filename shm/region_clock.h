/* What is known of the time, apart from the machine's clock: a part of struct region.
 *
 * Signatures that are made under a wrong time are bogus to validators, or end at once; under
 * such a clock all that are served seem to have ended, or to hold for ever.  While it is in
 * doubt, none that is served is replaced, and no key is rolled; what must be signed is signed
 * so that it holds at each of the times that it may be (region_clock_span).
 *
 * A clock that is ahead at the start can show by nothing but this: all signatures have ended.
 * Or the server was off for so long.  They are of no use by this clock, so that new ones are
 * made, which hold by any; only keys do not roll.  All zero: nothing is known. */
#ifndef SHM_REGION_CLOCK_H
#define SHM_REGION_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct region;

enum {
	REGION_CLOCK_SET_S = 1700000000, /* 2023: a clock before that was not set */
	REGION_CLOCK_MOVED_S = 86400,	/* so wrong it must be to be in doubt */
	REGION_CLOCK_TEXT_MAX = 512,
};

/* Sync writes. */
struct region_clock {
	_Alignas(128) _Atomic int64_t past_s;	/* Unix time: it has been; 0: none is known */
	_Atomic int64_t other_offset_s;		/* Redis's clock over CLOCK_MONOTONIC; 0: it is
						 * not known, or says nothing */
	_Atomic int64_t gap_s;			/* Unix time of the last that is known before the
						 * start, when all signatures had ended since; 0:
						 * they had not */
	_Atomic bool is_believed;		/* somebody said that ours is right, whatever
						 * has been */
};

/* By how many seconds the machine's clock was set since the start: days, when it is wrong now
 * or was before; 0 when it was not set at all at first. */
__attribute__((nonnull))
int64_t region_clock_moved_s(const struct region *region);

/* Is it not set, or has it moved so far that signatures made under one time may be bogus under
 * the other; is it before what has been, or far from Redis's? */
__attribute__((nonnull))
bool region_clock_is_doubtful(const struct region *region);

/* The same, or all signatures had ended at the start: no key rolls by such a clock. */
__attribute__((nonnull))
bool region_clock_is_unsure(const struct region *region);

/* By how many seconds the time may be before that of the machine's clock, and behind it; years
 * mean nothing.  One that is not set says nothing itself: before_s is negative then, and the
 * time is that of the last evidence. */
__attribute__((nonnull))
void region_clock_span(const struct region *region, int64_t *before_s, int64_t *behind_s);

/* Why it is unsure, and what to do: whole sentences for people.  returns false when it is not. */
__attribute__((nonnull))
bool region_clock_explain(const struct region *region, char out[REGION_CLOCK_TEXT_MAX]);

/* Sync: something was made at this time.  Years ahead of us it means nothing, unless our clock is
 * not set. */
__attribute__((nonnull))
void region_clock_note_past(struct region *region, int64_t at_s);

/* Sync: all signatures had ended at the start, and this was the last time that is known; 0: one
 * that can be trusted says that the clock is right. */
__attribute__((nonnull))
void region_clock_note_gap(struct region *region, int64_t past_s);

/* Sync: the time of Redis's host.  A clock that nobody has set, or that is years ahead of ours,
 * is wrong itself: it says nothing of ours. */
__attribute__((nonnull))
void region_clock_note_other(struct region *region, int64_t at_s);

#endif
