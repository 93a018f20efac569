/* A sliding window of what was removed. */
#include "loader/redis/shrink_guard.h"

static uint64_t
removed_lately(const struct shrink_guard *guard, uint64_t now_s)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i <= SHRINK_WINDOW_S; i++)
		if (guard->seconds[i].second + SHRINK_WINDOW_S >= now_s)
			sum += guard->seconds[i].removed;
	return sum;
}

bool
shrink_guard_admits(const struct shrink_guard *guard, uint64_t now_ms, uint64_t removed,
		    uint64_t served, bool is_gap)
{
	uint64_t before, sum;

	if (removed == 0)
		return true;
	before = removed_lately(guard, now_ms / 1000);
	sum = before + removed;
	if (sum < guard->min && !is_gap)
		return true;
	return (double)sum <= guard->share * (double)(served + before);
}

void
shrink_guard_note(struct shrink_guard *guard, uint64_t now_ms, uint64_t removed)
{
	uint64_t now_s = now_ms / 1000;
	struct shrink_second *second = &guard->seconds[now_s % (SHRINK_WINDOW_S + 1)];

	if (second->second != now_s)
		*second = (struct shrink_second){ .second = now_s };
	second->removed += removed;
}
