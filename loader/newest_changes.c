/* Who takes the changes that come from Redis, and when they must wait. */
#include "loader/newest_changes.h"

#include "loader/redis/follow.h"
#include "loader/store/live.h"

uint64_t
newest_bound(const struct sync *sync)
{
	uint64_t bound = sync->settings->generations.overlay_max_records;
	uint64_t share =
		live_generation(sync->live)->manifest.record_count / NEWEST_BASE_SHARE;

	return share > bound ? share : bound;
}

void
newest_give_store(struct sync *sync)
{
	const char *why = sync->held_why;

	if (!sync->follow)
		return;
	if (!why && sync->is_full)
		why = "the overlay is full: changes wait in Redis until a new generation "
		      "has been made from it, once a minute; when that fails, the log "
		      "and `martletctl status` say why";
	if (sync->is_given && why == sync->given_why)
		return;
	follow_set_store(sync->follow, why ? NULL : sync->live, why);
	sync->given_why = why;
	sync->is_given = true;
}

void
newest_hold(struct sync *sync, const char *why)
{
	sync->held_why = why;
	newest_give_store(sync);
}

void
newest_follow(struct sync *sync)
{
	sync->held_why = NULL;
	newest_give_store(sync);
}

void
newest_watch(struct sync *sync)
{
	uint64_t count;

	if (!sync->live)
		return;
	count = overlay_count(live_overlay(sync->live));
	region_source_set(&sync->region->source, SOURCE_overlay_records, count);
	sync->is_full = count > NEWEST_FULL_TIMES * newest_bound(sync);
	newest_give_store(sync);
}
