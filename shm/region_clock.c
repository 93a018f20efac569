/* Is the machine's clock to be trusted? */
#include "shm/region_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shm/clock.h"
#include "shm/region.h"

enum {
	DAY_S = 86400,
	AHEAD_MOST_S = 10 * 365 * DAY_S, /* ids of a stream need not be times */
	TIME_MAX = 32,
};

static bool
is_set(void)
{
	return clock_wall_s() >= REGION_CLOCK_SET_S;
}

int64_t
region_clock_moved_s(const struct region *region)
{
	int64_t ran_s = (int64_t)((clock_now_ns() - region->started_ns) / 1000000000u);

	if (region->started_wall_s < REGION_CLOCK_SET_S)
		return 0;
	return clock_wall_s() - region->started_wall_s - ran_s;
}

static bool
is_far(int64_t seconds)
{
	return seconds >= REGION_CLOCK_MOVED_S || seconds <= -REGION_CLOCK_MOVED_S;
}

/* By how much it is before what has been; 0: it is not. */
static int64_t
lag_s(const struct region *region)
{
	int64_t past_s = atomic_load(&region->clock.past_s);
	int64_t behind = past_s - clock_wall_s();

	if (atomic_load(&region->clock.is_believed))
		return 0;
	return past_s != 0 && behind >= REGION_CLOCK_MOVED_S ? behind : 0;
}

/* By how much Redis's is ahead of ours, whatever became of ours since it was seen. */
static int64_t
other_ahead_s(const struct region *region)
{
	int64_t offset_s = atomic_load(&region->clock.other_offset_s);

	return offset_s == 0 ? 0
			     : offset_s + (int64_t)(clock_now_ns() / 1000000000u) -
				       clock_wall_s();
}

bool
region_clock_is_doubtful(const struct region *region)
{
	return !is_set() || is_far(region_clock_moved_s(region)) || lag_s(region) != 0 ||
	       is_far(other_ahead_s(region));
}

bool
region_clock_is_unsure(const struct region *region)
{
	return region_clock_is_doubtful(region) || atomic_load(&region->clock.gap_s) != 0;
}

static void
widen(int64_t *span_s, int64_t by_s)
{
	if (by_s > *span_s && by_s < AHEAD_MOST_S)
		*span_s = by_s;
}

/* What is known of the time without the machine's clock. */
static void
span_unset(const struct region *region, int64_t *before_s, int64_t *behind_s)
{
	int64_t other_s = other_ahead_s(region);

	*behind_s = lag_s(region);
	if (other_s > *behind_s)
		*behind_s = other_s;
	*before_s = -*behind_s;
}

void
region_clock_span(const struct region *region, int64_t *before_s, int64_t *behind_s)
{
	int64_t gap_s = atomic_load(&region->clock.gap_s);
	int64_t moved_s = region_clock_moved_s(region);
	int64_t other_s = other_ahead_s(region);

	*before_s = *behind_s = 0;
	if (!is_set()) {
		span_unset(region, before_s, behind_s);
		return;
	}
	if (is_far(moved_s)) {
		widen(before_s, moved_s);
		widen(behind_s, -moved_s);
	}
	if (is_far(other_s)) {
		widen(before_s, -other_s);
		widen(behind_s, other_s);
	}
	widen(behind_s, lag_s(region));
	if (gap_s != 0)
		widen(before_s, clock_wall_s() - gap_s);
}

static void
print_time(int64_t at_s, char out[TIME_MAX])
{
	time_t at = (time_t)at_s;
	struct tm parts;

	out[0] = '\0';
	if (gmtime_r(&at, &parts))
		(void)!strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static void
explain_gap(int64_t gap_s, char out[REGION_CLOCK_TEXT_MAX])
{
	char time[TIME_MAX];

	print_time(gap_s, time);
	snprintf(out, REGION_CLOCK_TEXT_MAX,
		 "all signatures had ended at the start: nothing was made here since %s, "
		 "or the machine's clock is ahead, by %lld days at most; they are made "
		 "anew to hold in both cases, and no key rolls: say with `martletctl "
		 "reload` that the clock is right, or set it right and restart",
		 time, (long long)(clock_wall_s() - gap_s) / DAY_S);
}

static void
explain_past(const struct region *region, char out[REGION_CLOCK_TEXT_MAX])
{
	char time[TIME_MAX];

	print_time(atomic_load(&region->clock.past_s), time);
	snprintf(out, REGION_CLOCK_TEXT_MAX,
		 "the machine's clock is behind by %lld days or more: something here was "
		 "made at %s; what is signed under a wrong time is bogus to validators, "
		 "and no signatures are renewed: set it right, and restart; or say with "
		 "`martletctl reload` that it is",
		 (long long)lag_s(region) / DAY_S, time);
}

bool
region_clock_explain(const struct region *region, char out[REGION_CLOCK_TEXT_MAX])
{
	long long moved_s = region_clock_moved_s(region);
	long long other_s = other_ahead_s(region);
	int64_t gap_s = atomic_load(&region->clock.gap_s);

	if (is_far(moved_s))
		snprintf(out, REGION_CLOCK_TEXT_MAX,
			 "the machine's clock was set %s by %lld days since the start: "
			 "what is signed under a wrong time is bogus to validators, and "
			 "no signatures are renewed: set it right, and restart",
			 moved_s > 0 ? "forward" : "back", llabs(moved_s) / DAY_S);
	else if (lag_s(region) != 0)
		explain_past(region, out);
	else if (is_far(other_s))
		snprintf(out, REGION_CLOCK_TEXT_MAX,
			 "the machine's clock is %lld days %s that of Redis: what is "
			 "signed under a wrong time is bogus to validators, and no "
			 "signatures are renewed: set right the one that is wrong",
			 llabs(other_s) / DAY_S, other_s > 0 ? "behind" : "ahead of");
	else if (gap_s != 0)
		explain_gap(gap_s, out);
	else if (!is_set())
		snprintf(
			out, REGION_CLOCK_TEXT_MAX,
			"the machine's clock is not set: no zone is signed before it is");
	else
		return false;
	return true;
}

void
region_clock_note_past(struct region *region, int64_t at_s)
{
	if (at_s > atomic_load(&region->clock.past_s) &&
	    (!is_set() || at_s - clock_wall_s() < AHEAD_MOST_S))
		atomic_store(&region->clock.past_s, at_s);
}

void
region_clock_note_other(struct region *region, int64_t at_s)
{
	int64_t ahead_s = at_s - clock_wall_s();
	bool is_time =
		at_s >= REGION_CLOCK_SET_S && (!is_set() || ahead_s < AHEAD_MOST_S);

	atomic_store(&region->clock.other_offset_s,
		     is_time ? at_s - (int64_t)(clock_now_ns() / 1000000000u) : 0);
	if (is_time && !is_far(ahead_s))
		region_clock_note_gap(region, 0);
}

void
region_clock_note_gap(struct region *region, int64_t past_s)
{
	atomic_store(&region->clock.gap_s, past_s);
}
