/* Removing old generations by age, number and free space. */
#include "loader/retention.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "loader/job.h"
#include "loader/store/overlay_dirs.h"
#include "loader/store/state_files.h"
#include "loader/sync_state.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum { HOUR_S = 3600 };

static bool
is_needed(const struct retention_rules *rules, uint64_t id)
{
	for (size_t i = 0; i < rules->needed_count; i++)
		if (rules->needed[i] == id)
			return true;
	return false;
}

static bool
is_good(const struct generation_entry *entry)
{
	return entry->error == 0 && !entry->damaged;
}

/* Is no later good one of the same clock hour in the list? */
static bool
is_last_of_hour(const struct generation_list *list, size_t at)
{
	int64_t hour = list->entries[at].manifest.created_s / HOUR_S;

	for (size_t i = at + 1; i < list->count; i++)
		if (is_good(&list->entries[i]) &&
		    list->entries[i].manifest.created_s / HOUR_S == hour)
			return false;
	return true;
}

void
retention_select(const struct generation_list *list, const struct retention_rules *rules,
		 bool *stays)
{
	size_t good = 0;

	for (size_t seen = 0; seen < list->count; seen++) {
		size_t at = list->count - 1 - seen;
		const struct generation_entry *entry = &list->entries[at];
		int64_t age_hours =
			rules->now_s / HOUR_S - entry->manifest.created_s / HOUR_S;

		stays[at] = is_needed(rules, entry->manifest.id) ||
			    entry->manifest.id == rules->fallback_id;
		if (!is_good(entry)) {
			stays[at] |= seen < rules->keep;
			continue;
		}
		stays[at] |= good++ < rules->keep ||
			     (age_hours < rules->keep_hours && is_last_of_hour(list, at));
	}
}

/* What damage falls back to. */
static size_t
find_fallback(const struct generation_list *list, const struct retention_rules *rules,
	      const bool *stays)
{
	unsigned good = 0;

	for (size_t at = list->count; at-- > 0;)
		if (rules->fallback_id != 0
			    ? list->entries[at].manifest.id == rules->fallback_id
			    : stays[at] && is_good(&list->entries[at]) && ++good == 2)
			return at;
	return list->count;
}

size_t
retention_next(const struct generation_list *list, const struct retention_rules *rules,
	       const bool *stays)
{
	size_t fallback = find_fallback(list, rules, stays);

	for (size_t at = 0; at < list->count; at++)
		if (stays[at] && at != fallback &&
		    !is_needed(rules, list->entries[at].manifest.id))
			return at;
	return list->count;
}

static bool
space_is_short(const struct settings *settings)
{
	struct statvfs info;

	if (statvfs(settings->state_dir, &info) != 0)
		return false;
	return (uint64_t)info.f_bavail * info.f_frsize >> 20 <
	       settings->generations.reserve_mb;
}

static const struct generation_entry *
find_newest_source(const struct generation_list *list)
{
	for (size_t at = list->count; at-- > 0;)
		if (generation_entry_is_source(&list->entries[at]))
			return &list->entries[at];
	return NULL;
}

/* The base of the newest state of the sources, if it has the live changes that were taken
 * over: none that is newer, a copy for `rollback` say, has them.  returns 0 for none. */
static uint64_t
find_fallback_id(const char *state_dir, const struct generation_list *list)
{
	const struct generation_entry *newest = find_newest_source(list), *base;

	if (!newest)
		return 0;
	base = generations_find(list, newest->manifest.base_id);
	return base && is_good(base) &&
			       overlay_dirs_has_retired(state_dir, base->manifest.id)
		       ? base->manifest.id
		       : 0;
}

/* All ids in use, into `out` (room for 5 and 3 a worker).  returns their number. */
static size_t
collect_needed(const char *state_dir, const struct region *region,
	       const struct generation_list *list, uint64_t *out)
{
	const struct generation_entry *newest = find_newest_source(list);
	size_t count = 0;
	uint64_t id;

	out[count++] = atomic_load(&region->swap.published_id);
	out[count++] = atomic_load(&region->swap.announced_id);
	if (state_read_current(state_dir, &id) == 0)
		out[count++] = id;
	if (state_read_chosen(state_dir, &id) == 0)
		out[count++] = id;
	if (newest)
		out[count++] = newest->manifest.id;
	for (uint32_t i = 0; i < region->worker_count; i++) {
		const struct worker_slot *slot = &region->slots[i];

		if (atomic_load(&slot->pid) == 0)
			continue;
		out[count++] = atomic_load(&slot->serving_id);
		out[count++] = atomic_load(&slot->ready_id);
	}
	return count;
}

static void
remove_entry(const struct settings *settings, const struct generation_list *list,
	     size_t at, const char *why)
{
	const struct generation_entry *entry = &list->entries[at];

	log_info("generation %" PRIu64 " removed, %" PRIu64 " kB: %s", entry->manifest.id,
		 entry->bytes >> 10, why);
	generations_remove(settings->state_dir, entry->manifest.id);
}

/* What is to be removed, and when that is enough. */
struct removal {
	const struct settings *settings;
	const struct region *region;
	bool (*is_short)(const struct settings *settings);
	const char *why_short;
	bool only_looks;
};

/* What the rules do not keep, then more while space is short.  returns how many go; of
 * those that only_looks is to find, whether there are any. */
static uint64_t
apply_rules(const struct removal *removal, const struct generation_list *list,
	    const struct retention_rules *rules, bool *stays)
{
	const struct settings *settings = removal->settings;
	uint64_t count = 0;
	size_t at;

	retention_select(list, rules, stays);
	for (at = 0; at < list->count; at++) {
		if (stays[at])
			continue;
		if (!removal->only_looks)
			remove_entry(settings, list, at,
				     "older than generations.keep holds");
		count++;
	}
	while (removal->is_short(settings)) {
		at = retention_next(list, rules, stays);
		if (at == list->count)
			break;
		count++;
		if (removal->only_looks)
			break;
		stays[at] = false;
		remove_entry(settings, list, at, removal->why_short);
	}
	return count;
}

static uint64_t
apply(const struct removal *removal)
{
	const struct settings *settings = removal->settings;
	struct retention_rules rules = {
		.keep = settings->generations.keep,
		.keep_hours = settings->generations.keep_hours,
		.now_s = clock_wall_s(),
	};
	struct generation_list list;
	uint64_t *needed, count = 0;
	bool *stays;

	if (generations_list(settings->state_dir, &list) != 0)
		return 0;
	needed = calloc(5 + 2 * (size_t)removal->region->worker_count, sizeof *needed);
	stays = calloc(list.count + 1, sizeof *stays);
	if (needed && stays) {
		rules.needed = needed;
		rules.needed_count = collect_needed(settings->state_dir, removal->region,
						    &list, needed);
		rules.fallback_id = find_fallback_id(settings->state_dir, &list);
		count = apply_rules(removal, &list, &rules, stays);
	}
	free(needed);
	free(stays);
	generations_list_free(&list);
	return count;
}

/* ---- as a job ---- */

static int
run(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	const struct removal *removal = context;
	uint64_t count;

	(void)reason;
	/* of a remover that died; one job at a time, so that none of them is in use */
	generations_remove_leftovers(removal->settings->state_dir);
	count = apply(removal);
	job_report_put(report, &count, sizeof count);
	return 0;
}

/* Remove, when there is something to be removed.  returns whether anything was. */
static bool
remove_aside(struct sync *sync, bool (*is_short)(const struct settings *settings),
	     const char *why_short)
{
	struct removal removal = { sync->settings, sync->region, is_short, why_short,
				   true };
	const struct job job = { "remover", run, &removal, NULL, false };
	char reason[JOB_REASON_MAX];
	struct job_report report;
	uint64_t count = 0;
	int result;

	if (apply(&removal) == 0)
		return false;
	removal.only_looks = false;
	result = job_run(sync, &job, &report, reason);
	if (result == ERR_CLOSED) {
		job_report_fini(&report);
		result = job_run(sync, &job, &report, reason);
	}
	if (result == 0)
		job_report_take(&report, &count, sizeof count);
	else
		log_warnx("old generations cannot be removed: %s", reason);
	job_report_fini(&report);
	return count > 0;
}

void
retention_apply(struct sync *sync)
{
	(void)remove_aside(sync, space_is_short,
			   "less than generations.reserve_mb is free");
}

static bool
always_short(const struct settings *settings)
{
	(void)settings;
	return true;
}

bool
retention_make_room(struct sync *sync)
{
	return remove_aside(sync, always_short, "a new generation needs the room");
}
