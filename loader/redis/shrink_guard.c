/* A sliding window of what was removed, in which a zone's own growth takes back what it
 * lost last.
 *
 * Losses stand in a ring in the order of their time; those of zones whose hashes share a
 * slot are chained, the newest first.  A chain ends where its next loss is too old, or
 * overwritten: all behind it are, too. */
#include "loader/redis/shrink_guard.h"

#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

void
shrink_guard_fini(struct shrink_guard *guard)
{
	free(guard->losses);
	free(guard->newest);
	guard->losses = NULL;
	guard->newest = NULL;
}

/* ---- seconds ---- */

static bool
is_recent(uint64_t second, uint64_t now_s)
{
	return second + SHRINK_WINDOW_S >= now_s;
}

static struct shrink_second *
open_second(struct shrink_guard *guard, uint64_t now_s)
{
	struct shrink_second *second = &guard->seconds[now_s % (SHRINK_WINDOW_S + 1)];

	if (second->second != now_s)
		*second = (struct shrink_second){ .second = now_s };
	return second;
}

static struct shrink_second
sum_up(const struct shrink_guard *guard, uint64_t now_s)
{
	struct shrink_second sum = { .second = now_s };

	for (unsigned i = 0; i <= SHRINK_WINDOW_S; i++) {
		const struct shrink_second *second = &guard->seconds[i];

		if (!is_recent(second->second, now_s))
			continue;
		sum.removed += second->removed;
		sum.added += second->added;
	}
	return sum;
}

uint64_t
shrink_guard_lately(const struct shrink_guard *guard, uint64_t now_ms)
{
	return sum_up(guard, now_ms / 1000).removed;
}

bool
shrink_guard_admits(const struct shrink_guard *guard, uint64_t now_ms, uint64_t removed,
		    uint64_t served, bool is_gap)
{
	struct shrink_second lately = sum_up(guard, now_ms / 1000);
	uint64_t sum = lately.removed + removed, whole;

	if (removed == 0 || (sum < guard->min && !is_gap))
		return true;
	whole = served + lately.removed;
	whole -= lately.added < whole ? lately.added : whole;
	return (double)sum <= guard->share * (double)whole;
}

/* ---- zones ---- */

/* Without memory losses cannot be made good, which errs on the safe side. */
static bool
make_room(struct shrink_guard *guard)
{
	if (guard->losses)
		return true;
	guard->losses = calloc(SHRINK_LOSSES, sizeof *guard->losses);
	guard->newest = calloc(SHRINK_SLOTS, sizeof *guard->newest);
	if (guard->losses && guard->newest &&
	    getrandom(&guard->seed, sizeof guard->seed, 0) == (ssize_t)sizeof guard->seed)
		return true;
	shrink_guard_fini(guard);
	return false;
}

/* The loss of that number; NULL when it is too old. */
static struct shrink_loss *
find_loss(const struct shrink_guard *guard, uint64_t number, uint64_t now_s)
{
	struct shrink_loss *loss = &guard->losses[number % SHRINK_LOSSES];

	if (number == 0 || number + SHRINK_LOSSES <= guard->last ||
	    !is_recent(loss->second, now_s))
		return NULL;
	return loss;
}

static void
add_loss(struct shrink_guard *guard, uint64_t zone, uint64_t now_s, uint64_t removed)
{
	uint64_t *newest = &guard->newest[zone % SHRINK_SLOTS];
	struct shrink_loss *loss = find_loss(guard, *newest, now_s);

	if (loss && loss->zone == zone && loss->second == now_s) {
		loss->removed += removed;
		return;
	}
	guard->last++;
	guard->losses[guard->last % SHRINK_LOSSES] = (struct shrink_loss){
		.zone = zone, .older = *newest, .second = now_s, .removed = removed
	};
	*newest = guard->last;
}

/* The zone has grown: that makes good what it lost, the newest first.  returns what is
 * left of it. */
static uint64_t
make_good(struct shrink_guard *guard, uint64_t zone, uint64_t now_s, uint64_t added)
{
	struct shrink_loss *loss =
		find_loss(guard, guard->newest[zone % SHRINK_SLOTS], now_s);

	for (; loss && added > 0; loss = find_loss(guard, loss->older, now_s)) {
		uint64_t part = loss->removed < added ? loss->removed : added;

		if (loss->zone != zone)
			continue;
		loss->removed -= part;
		added -= part;
		open_second(guard, loss->second)->removed -= part;
	}
	return added;
}

void
shrink_guard_note(struct shrink_guard *guard, uint64_t now_ms, const uint8_t *origin,
		  size_t len, uint64_t before, uint64_t after)
{
	uint64_t now_s = now_ms / 1000, zone;
	bool has_room = before != after && make_room(guard);

	zone = XXH3_64bits_withSeed(origin, len, guard->seed);
	if (after < before) {
		open_second(guard, now_s)->removed += before - after;
		if (has_room)
			add_loss(guard, zone, now_s, before - after);
	} else if (after > before) {
		uint64_t added = after - before;

		if (has_room)
			added = make_good(guard, zone, now_s, added);
		open_second(guard, now_s)->added += added;
	}
}
