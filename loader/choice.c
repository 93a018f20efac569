/* Holding a chosen generation, and letting go of it. */
#include "loader/choice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/choice_sign.h"
#include "loader/fallback.h"
#include "loader/job.h"
#include "loader/newest.h"
#include "loader/newest_changes.h"
#include "loader/reload.h"
#include "loader/retention.h"
#include "loader/serve.h"
#include "loader/store/generations.h"
#include "loader/store/overlay_dirs.h"
#include "loader/store/state_files.h"
#include "loader/take_in.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

static void
write_served(struct sync *sync, const struct generation_manifest *manifest,
	     uint64_t begun_ms)
{
	struct json_out *json = &sync->reply.json;

	json_out_begin_object(json, NULL);
	json_out_uint(json, "generation", manifest->id);
	json_out_uint(json, "zones", manifest->zone_count);
	json_out_uint(json, "records", manifest->record_count);
	json_out_uint(json, "took_ms", clock_now_ms() - begun_ms);
	json_out_begin_array(json, "notices");
	json_out_text(
		json, NULL,
		"the configured sources are not followed until `martletctl resume`");
	json_out_end_array(json);
	json_out_end_object(json);
}

static const char held_why[] =
	"`rollback` or `swap` holds the sources off until `martletctl resume`";

/* Write `chosen`; when the disk is too full even for that, old generations go first. */
static int
write_chosen(struct sync *sync, uint64_t id)
{
	int result = state_set_chosen(sync->state_dir, id);

	if (result == ERR_NOSPACE) {
		retention_apply(sync);
		result = state_set_chosen(sync->state_dir, id);
	}
	return result;
}

/* Hold one that was checked: first the note that survives a crash, then the swap. */
static int
hold(struct sync *sync, const struct generation_manifest *manifest,
     char reason[SYNC_REASON_MAX])
{
	uint64_t before = 0;
	int result, was_chosen = state_read_chosen(sync->state_dir, &before);

	result = write_chosen(sync, manifest->id);
	if (result) {
		snprintf(reason, SYNC_REASON_MAX, "%s/chosen cannot be written: %s%s",
			 sync->state_dir, errcode_text(result), sync_remedy(result));
		return result;
	}
	newest_hold(sync, held_why);
	result = serve_generation(sync, manifest, NULL, NULL, reason);
	if (result) {
		if (was_chosen == ERR_NOTFOUND)
			newest_follow(sync);
		if (state_set_chosen(sync->state_dir, was_chosen == 0 ? before : 0) != 0)
			log_errorx("%s/chosen cannot be set back: remove it",
				   sync->state_dir);
		return result;
	}
	atomic_store(&sync->region->swap.verified_id, manifest->id);
	atomic_store(&sync->region->swap.chosen, 1);
	region_set_error(sync->region, "");
	return 0;
}

struct taking_in {
	struct sync *sync;
	const char *dir;
	uint64_t id;
};

static int
run_take_in(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	const struct taking_in *taking = context;
	struct generation_manifest manifest;
	int result;

	result = take_in_generation(taking->sync, taking->dir, taking->id, &manifest,
				    reason);
	if (result == 0)
		job_report_put(report, &manifest, sizeof manifest);
	return result;
}

/* A copy may take long. */
static int
take_in(struct taking_in *taking, struct generation_manifest *manifest,
	char reason[SYNC_REASON_MAX])
{
	const struct job job = { "copier", run_take_in, taking, NULL, false };
	struct job_report report;
	int result = job_run(taking->sync, &job, &report, reason);

	if (result == 0) {
		job_report_take(&report, manifest, sizeof *manifest);
	} else {
		generations_remove_build(taking->sync->state_dir, taking->id);
		generations_remove(taking->sync->state_dir, taking->id);
	}
	job_report_fini(&report);
	return result;
}

/* What is wrong with what was chosen is told to whoever named it, and is no alarm. */
static bool
is_own_failure(int error)
{
	return error == ERR_NOSPACE || error == ERR_NOMEM || error == ERR_CLOSED ||
	       error == ERR_TIMEOUT;
}

/* Hold it, its zones signed as they must be.  What was made for this command alone (is_made)
 * is gone if that fails, or if another generation stands for it then.
 * returns 0, or the exit code after having written why not. */
static unsigned
sign_and_hold(struct sync *sync, struct generation_manifest *manifest, bool is_made)
{
	uint64_t id = manifest->id, signed_id;
	char reason[SYNC_REASON_MAX];
	unsigned status = 0;
	int result = choice_sign(sync, false, manifest, reason);

	signed_id = manifest->id;
	if (result)
		status = is_own_failure(result) ? sync_fail(sync, "%s", reason)
						: sync_refuse(sync, "%s", reason);
	else if (hold(sync, manifest, reason) != 0)
		status = sync_fail(sync, "%s", reason);
	if (status && signed_id != id)
		generations_remove(sync->state_dir, signed_id);
	if (is_made && (status || signed_id != id))
		generations_remove(sync->state_dir, id);
	return status;
}

void
choice_renew(struct sync *sync)
{
	uint64_t id = atomic_load(&sync->region->swap.published_id);
	struct generation_manifest manifest;
	char reason[SYNC_REASON_MAX];
	int result = fallback_check(sync, id, false, &manifest, reason);

	if (result == 0)
		result = choice_sign(sync, true, &manifest, reason);
	if (result == 0 && manifest.id != id)
		result = hold(sync, &manifest, reason);
	if (result)
		sync_note_error(sync,
				"signatures of the chosen generation are not renewed: "
				"%s",
				reason);
	else
		retention_apply(sync);
}

unsigned
choice_swap(struct sync *sync, int arg_count, char **args)
{
	struct taking_in taking = { .sync = sync };
	uint64_t begun_ms = clock_now_ms();
	struct generation_manifest manifest;
	char reason[SYNC_REASON_MAX];
	unsigned status;
	int result;

	if (arg_count != 2)
		return sync_refuse(sync, "usage: swap DIR");
	if (args[1][0] != '/')
		return sync_refuse(sync, "swap %s: give the whole path, beginning with /",
				   args[1]);
	taking.dir = args[1];
	taking.id = sync_next_id(sync);
	retention_apply(sync);
	reply_progress(&sync->reply, "copying %s and checking the copy", args[1]);
	result = take_in(&taking, &manifest, reason);
	if (result == ERR_NOSPACE && retention_make_room(sync))
		result = take_in(&taking, &manifest, reason);
	if (result)
		return is_own_failure(result) ? sync_fail(sync, "%s", reason)
					      : sync_refuse(sync, "%s", reason);
	status = sign_and_hold(sync, &manifest, true);
	if (status)
		return status;
	log_info("swap: generation %" PRIu64
		 ", taken from %s, is served; the sources are "
		 "not followed until `martletctl resume`",
		 manifest.id, args[1]);
	write_served(sync, &manifest, begun_ms);
	return 0;
}

static bool
is_good(const struct generation_entry *entry)
{
	return !entry->error && !entry->damaged;
}

/* The newest one below `limit` that `fits`; 0 for none. */
static uint64_t
find_below(const struct sync *sync, uint64_t limit,
	   bool (*fits)(const struct generation_entry *entry))
{
	struct generation_list list;
	uint64_t found = 0;

	if (generations_list(sync->state_dir, &list) != 0)
		return 0;
	for (size_t i = 0; i < list.count && list.entries[i].manifest.id < limit; i++)
		if (fits(&list.entries[i]))
			found = list.entries[i].manifest.id;
	generations_list_free(&list);
	return found;
}

static bool
parse_id(const char *text, uint64_t *id)
{
	char *end;

	errno = 0;
	*id = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *id != 0;
}

/* A generation that takes live changes stands for its sealed state: that is served under a
 * number of its own, so that the changes stay where they are. */
static int
set_apart(struct sync *sync, struct generation_manifest *manifest,
	  char reason[SYNC_REASON_MAX])
{
	uint64_t from = manifest->id;
	int result;

	if (!overlay_dirs_has(sync->state_dir, from))
		return 0;
	result = generations_alias(sync->state_dir, from, sync_next_id(sync),
				   GENERATION_TAKEN_IN, manifest);
	if (result)
		snprintf(reason, SYNC_REASON_MAX,
			 "generation %" PRIu64 " cannot be served without its live "
			 "changes: %s%s",
			 from, errcode_text(result), sync_remedy(result));
	else
		log_info("generation %" PRIu64 " is %" PRIu64 " without its live changes",
			 manifest->id, from);
	return result;
}

unsigned
choice_rollback(struct sync *sync, int arg_count, char **args)
{
	uint64_t begun_ms = clock_now_ms(), id;
	struct generation_manifest manifest;
	char reason[SYNC_REASON_MAX];
	unsigned status;
	int result;

	if (arg_count > 2)
		return sync_refuse(sync, "usage: rollback [ID]");
	if (arg_count == 2) {
		if (!parse_id(args[1], &id))
			return sync_refuse(sync, "'%s' is no generation's number",
					   args[1]);
	} else {
		id = find_below(sync, atomic_load(&sync->region->swap.published_id),
				is_good);
		if (id == 0)
			return sync_refuse(sync, "there is no earlier generation");
	}
	result = fallback_check(sync, id, true, &manifest, reason);
	if (result == ERR_NOTFOUND)
		return sync_refuse(sync,
				   "there is no generation %" PRIu64
				   ": `martletctl generations` lists them",
				   id);
	if (result == 0)
		result = set_apart(sync, &manifest, reason);
	if (result)
		return sync_fail(sync, "%s", reason);
	status = sign_and_hold(sync, &manifest, manifest.id != id);
	if (status)
		return status;
	log_info("rollback: generation %" PRIu64
		 " is served; the sources are not followed "
		 "until `martletctl resume`",
		 manifest.id);
	write_served(sync, &manifest, begun_ms);
	return 0;
}

/* The newest one that is whole, to build on; 0 for none. */
static uint64_t
find_base(struct sync *sync)
{
	struct generation_manifest manifest;
	char reason[SYNC_REASON_MAX];
	uint64_t id = UINT64_MAX, lost = 0;

	while ((id = find_below(sync, id, generation_entry_is_source)) != 0) {
		if (fallback_check(sync, id, true, &manifest, reason) == 0)
			break;
		sync_note_error(sync, "%s", reason);
		lost = lost ? lost : id;
	}
	if (id != 0 && lost != 0 && !newest_stand_in(sync, id, lost))
		return 0;
	return id;
}

unsigned
choice_resume(struct sync *sync, int arg_count, char **args)
{
	struct json_out *json = &sync->reply.json;
	struct reload_result result;
	char reason[SYNC_REASON_MAX];
	uint64_t base_id;
	int error;

	(void)args;
	if (arg_count != 1)
		return sync_refuse(sync, "usage: resume");
	base_id = find_base(sync);
	if (base_id == 0 && sync->follow)
		return sync_fail(sync,
				 "no state of the sources is whole: `rollback` to one "
				 "that can be served, or start anew with an empty "
				 "state_dir");
	if (reload_from_files(sync, base_id, NULL, &result, reason) != 0)
		return sync_fail(sync, "%s", reason);
	error = state_set_chosen(sync->state_dir, 0);
	if (error) {
		reload_result_fini(&result);
		return sync_fail(sync,
				 "%s/chosen cannot be removed: %s; remove it by hand",
				 sync->state_dir, errcode_text(error));
	}
	atomic_store(&sync->region->swap.chosen, 0);
	log_info("resume: the sources are followed again");
	region_set_error(sync->region, "");
	reload_result_log(&result);
	json_out_begin_object(json, NULL);
	reload_result_write(&result, json);
	json_out_begin_array(json, "notices");
	json_out_end_array(json);
	json_out_end_object(json);
	reload_result_fini(&result);
	return 0;
}
