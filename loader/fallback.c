/* Finding a generation that can be served. */
#include "loader/fallback.h"

#include <inttypes.h>
#include <stdio.h>

#include "loader/job.h"
#include "loader/newest.h"
#include "loader/serve.h"
#include "loader/store/generations.h"
#include "loader/store/overlay.h"
#include "loader/store/overlay_dirs.h"
#include "loader/store/state_files.h"
#include "loader/store/state_paths.h"
#include "loader/store/store_verify.h"
#include "shm/errcode.h"
#include "shm/log.h"

/* Is the generation itself bad, not only the circumstances? */
static bool
is_damage(int error)
{
	return error == ERR_DAMAGED || error == ERR_FORMAT;
}

/* Manifest and heads alone; `found` as for store_verify. */
static int
check_heads(const char *dir, uint64_t id, struct generation_manifest *manifest,
	    char found[STORE_VERIFY_REASON_MAX])
{
	struct generation gen;
	int result = generation_open(dir, GENERATION_LAZY, &gen);

	snprintf(found, STORE_VERIFY_REASON_MAX, "%s", errcode_text(result));
	if (result)
		return result;
	*manifest = gen.manifest;
	generation_close(&gen);
	if (manifest->id == id)
		return 0;
	snprintf(found, STORE_VERIFY_REASON_MAX,
		 "is damaged: its manifest has the number %" PRIu64, manifest->id);
	return ERR_DAMAGED;
}

static int
check_whole(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	(void)report;
	return store_verify(context, reason);
}

/* All of it; `found` as for store_verify. */
static int
verify(struct sync *sync, char *dir, char found[STORE_VERIFY_REASON_MAX])
{
	const struct job job = { "checker", check_whole, dir, NULL, false };
	char reason[JOB_REASON_MAX];
	struct job_report report;
	int result = job_run(sync, &job, &report, reason);

	job_report_fini(&report);
	snprintf(found, STORE_VERIFY_REASON_MAX, "%s%.200s",
		 result == ERR_CLOSED || result == ERR_TIMEOUT ? "cannot be checked: "
							       : "",
		 reason);
	return result;
}

int
fallback_check(struct sync *sync, uint64_t id, bool all,
	       struct generation_manifest *manifest, char reason[SYNC_REASON_MAX])
{
	char dir[PATH_MAX], found[STORE_VERIFY_REASON_MAX] = "has too long a path";
	int result = ERR_RANGE;

	if (state_path_generation(sync->state_dir, id, dir)) {
		result = check_heads(dir, id, manifest, found);
		if (result == 0 && all)
			result = verify(sync, dir, found);
	}
	if (result == 0)
		return 0;
	snprintf(reason, SYNC_REASON_MAX, "generation %" PRIu64 " %s", id, found);
	if (is_damage(result))
		state_mark_damaged(sync->state_dir, id, found);
	return result;
}

/* is_chosen: by hand, and no state that changes go to. */
static bool
try_serve(struct sync *sync, uint64_t id, bool check_all, bool is_chosen)
{
	struct generation_manifest manifest;
	char reason[SYNC_REASON_MAX];
	int result = fallback_check(sync, id, check_all, &manifest, reason);

	if (result == 0)
		result = is_chosen ? serve_generation(sync, &manifest, NULL, NULL, reason)
				   : newest_serve(sync, &manifest, false, reason);
	if (result == 0)
		return true;
	sync_note_error(sync, "%s", reason);
	return false;
}

static bool
is_chosen(const struct sync *sync)
{
	uint64_t id;

	return state_read_chosen(sync->state_dir, &id) != ERR_NOTFOUND;
}

static bool
try_stand_in(struct sync *sync, const struct generation_entry *entry, uint64_t lost,
	     bool check_all)
{
	bool is_newest = generation_entry_is_source(entry) && !is_chosen(sync);

	if (is_newest && lost != 0 && !newest_stand_in(sync, entry->manifest.id, lost))
		return false;
	return try_serve(sync, entry->manifest.id, check_all, !is_newest);
}

/* The newest whole one but `except`, states of the sources first.
 * returns false when there is none. */
static bool
serve_other(struct sync *sync, uint64_t except, bool check_all)
{
	struct generation_list list;
	bool is_served = false;

	if (generations_list(sync->state_dir, &list) != 0)
		return false;
	for (int sources = 1; sources >= 0 && !is_served; sources--) {
		for (size_t at = list.count; at-- > 0 && !is_served;) {
			const struct generation_entry *entry = &list.entries[at];

			if (entry->manifest.id == except || entry->damaged ||
			    entry->error ||
			    generation_entry_is_source(entry) != (sources == 1))
				continue;
			is_served = try_stand_in(sync, entry, except, check_all);
		}
	}
	generations_list_free(&list);
	return is_served;
}

/* What is held by `rollback` or `swap` stays held when another one takes its place. */
static void
follow_choice(struct sync *sync)
{
	uint64_t id, served = atomic_load(&sync->region->swap.published_id);
	int result = state_read_chosen(sync->state_dir, &id);

	if (result == ERR_NOTFOUND || (result == 0 && id == served))
		return;
	result = state_set_chosen(sync->state_dir, served);
	if (result)
		sync_note_error(sync, "%s/chosen cannot be written: %s", sync->state_dir,
				errcode_text(result));
}

static void
note_stand_in(struct sync *sync, uint64_t wanted)
{
	char before[256];

	region_get_error(sync->region, before);
	sync_note_error(sync, "%s%sgeneration %" PRIu64 " is served instead of %" PRIu64,
			before, before[0] ? "; " : "",
			atomic_load(&sync->region->swap.published_id), wanted);
	follow_choice(sync);
}

/* The overlay of what is served, or would be, is damaged: it goes, and what is served is
 * the sealed state until the source has been read again. */
static void
replace_overlay(struct sync *sync, uint64_t id, const char *found)
{
	char reason[SYNC_REASON_MAX];

	sync_note_error(sync,
			"the overlay of generation %" PRIu64
			" %s: what changed since it was made is read again",
			id, found);
	if (newest_replace_overlay(sync, id, reason) != 0)
		sync_note_error(sync, "%s", reason);
}

/* Workers serve it already: go on writing where the sync before this one stopped. */
static void
take_up(struct sync *sync, uint64_t served)
{
	char reason[SYNC_REASON_MAX];
	int result = newest_open(sync, served, reason);

	if (is_damage(result))
		replace_overlay(sync, served, errcode_text(result));
	else if (result)
		sync_note_error(sync, "%s", reason);
}

bool
fallback_serve_first(struct sync *sync)
{
	uint64_t served = atomic_load(&sync->region->swap.published_id);
	uint64_t wanted = 0, chosen = 0;
	int result;

	result = state_read_current(sync->state_dir, &wanted);
	if (result != 0 && result != ERR_NOTFOUND)
		sync_note_error(sync, "%s/current %s", sync->state_dir,
				errcode_text(result));
	if (state_read_chosen(sync->state_dir, &chosen) == 0)
		wanted = chosen;
	if (served != 0 && (wanted == 0 || wanted == served)) {
		if (!is_chosen(sync))
			take_up(sync, served);
		return true;
	}
	if (wanted != 0 && try_serve(sync, wanted, false, is_chosen(sync)))
		return true;
	if (served != 0)
		return true;
	if (!serve_other(sync, wanted, false))
		return false;
	if (wanted != 0)
		note_stand_in(sync, wanted);
	return true;
}

static int
check_overlay(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	(void)report;
	return overlay_check(context, reason);
}

/* By a child, as for a generation: LMDB does not withstand all damage. */
static void
verify_overlay(struct sync *sync, uint64_t id)
{
	char dir[PATH_MAX], path[PATH_MAX], reason[JOB_REASON_MAX];
	const struct job job = { "checker", check_overlay, path, NULL, false };
	struct job_report report;
	int result;

	if (!overlay_dirs_has(sync->state_dir, id) ||
	    !state_path_generation(sync->state_dir, id, dir) ||
	    !state_path_print(path, "%s/" OVERLAY_DIR, dir))
		return;
	result = job_run(sync, &job, &report, reason);
	job_report_fini(&report);
	if (is_damage(result))
		replace_overlay(sync, id, reason);
	else if (result)
		sync_note_error(sync, "the overlay of generation %" PRIu64 ": %s", id,
				reason);
}

bool
fallback_verify_served(struct sync *sync)
{
	uint64_t served = atomic_load(&sync->region->swap.published_id);
	struct generation_manifest manifest;
	char reason[SYNC_REASON_MAX];
	int result;

	if (atomic_load(&sync->region->swap.verified_id) == served)
		return true;
	result = fallback_check(sync, served, true, &manifest, reason);
	if (result == 0) {
		verify_overlay(sync, served);
	} else {
		sync_note_error(sync, "%s", reason);
		if (!is_damage(result))
			return true;
		if (!serve_other(sync, served, true))
			return false;
		note_stand_in(sync, served);
	}
	atomic_store(&sync->region->swap.verified_id,
		     atomic_load(&sync->region->swap.published_id));
	return true;
}
