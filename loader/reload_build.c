/* Reading, sealing, checking, in a process of its own. */
#include "loader/reload_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "loader/job.h"
#include "loader/redis/redis_update.h"
#include "loader/sealing.h"
#include "loader/store/generations.h"
#include "loader/store/state_paths.h"
#include "loader/store/zone_update.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum { PROGRESS_FROM_MS = 2000 };

/* ---- in the job's process ---- */

static void
show_progress(void *context, const struct zone_load_progress *progress)
{
	const struct zone_update *update = context;
	struct reload_build *build = update->context;

	log_info("reading zones: %zu of %zu, %" PRIu64 " MB", progress->zones_done,
		 progress->zones_count, progress->bytes >> 20);
	reply_progress(&build->sync->reply, "reading zones: %zu of %zu, %" PRIu64 " MB",
		       progress->zones_done, progress->zones_count,
		       progress->bytes >> 20);
}

static void
show_redis_progress(void *context, const struct redis_load_progress *progress)
{
	const struct zone_update *update = context;
	const struct reload_build *build = update->context;

	log_info("reading Redis: %zu of %zu zones, %" PRIu64 " records",
		 progress->zones_done, progress->zones_count, progress->records);
	region_source_set_text(
		&build->sync->region->source, SOURCE_TEXT_LOADING,
		"reading all zones from Redis: %zu of %zu, %" PRIu64 " records",
		progress->zones_done, progress->zones_count, progress->records);
}

static void
show_step(struct sync *sync, uint64_t begun_ms, const char *text)
{
	if (clock_now_ms() - begun_ms < PROGRESS_FROM_MS)
		return;
	log_info("%s", text);
	reply_progress(&sync->reply, "%s", text);
}

static int
seal(struct reload_build *build, struct zone_update *update, uint64_t begun_ms,
     char reason[JOB_REASON_MAX])
{
	int result = zone_update_keep(update, reason);

	show_step(build->sync, begun_ms, "writing the new generation");
	if (result == 0)
		result = sealing_write(build->sync, update->builder, build->id,
				       build->is_first,
				       build->reads_redis ? GENERATION_LOADED : 0,
				       &build->manifest, reason);
	show_step(build->sync, begun_ms, "serving the new generation");
	return result;
}

static int
compare_origins(const void *left, const void *right)
{
	return dname_compare(left, right);
}

static bool
is_anew(const void *context, const uint8_t *origin)
{
	const struct zone_update *update = context;
	const struct reload_build *build = update->context;
	const struct reload_aside *aside = build->aside;

	return bsearch(origin, aside->origins, aside->origin_count,
		       sizeof aside->origins[0], compare_origins) != NULL;
}

static int
update_from(struct reload_build *build, const char *base_dir, struct job_report *report,
	    char reason[JOB_REASON_MAX])
{
	struct zone_update update = {
		.base_dir = base_dir,
		.only = build->only,
		.signer_fd = build->sync->signer_fd,
		.board = &build->sync->region->signer,
		.is_renewal = build->is_renewal,
		.reads_redis = build->reads_redis,
		.progress = show_progress,
		.is_anew = build->aside ? is_anew : NULL,
		.context = build,
	};
	uint64_t begun_ms = clock_now_ms();
	int result;

	result = zone_update_read(&update, build->sync->settings, reason);
	if (result == 0 && build->reads_redis)
		result = redis_update_read(&update, build->sync->settings,
					   show_redis_progress, reason);
	if (result == 0 && build->aside)
		result = redis_update_read_some(&update, build->sync->settings,
						build->aside->names, build->aside->count,
						reason);
	build->is_new = !base_dir || build->reads_redis || update.result.changed ||
			update.result.removed;
	if (result == 0 && build->is_new)
		result = seal(build, &update, begun_ms, reason);
	if (result)
		return result;
	job_report_put(report, &build->is_new, sizeof build->is_new);
	job_report_put(report, &build->manifest, sizeof build->manifest);
	job_report_put(report, &update.sign_due_s, sizeof update.sign_due_s);
	reload_result_put(&update.result, report);
	return 0;
}

/* The end of the process frees all that there is. */
static int
run(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	struct reload_build *build = context;
	char dir[PATH_MAX];

	if (build->base_id == 0)
		return update_from(build, NULL, report, reason);
	if (!state_path_generation(build->sync->state_dir, build->base_id, dir)) {
		snprintf(reason, JOB_REASON_MAX, "state_dir %s is too long a path",
			 build->sync->state_dir);
		return ERR_RANGE;
	}
	return update_from(build, dir, report, reason);
}

/* ---- in sync ---- */

int
reload_build_run(struct reload_build *build, char reason[SYNC_REASON_MAX])
{
	const struct job job = {
		.name = "builder",
		.run = run,
		.context = build,
		.answer = sealing_answer,
	};
	struct job_report report;
	int result;

	/* what a builder left that died with an earlier sync */
	generations_remove_build(build->sync->state_dir, build->id);
	result = job_run(build->sync, &job, &report, reason);
	if (build->reads_redis)
		region_source_set_text(&build->sync->region->source, SOURCE_TEXT_LOADING,
				       "%s", "");
	if (result == 0) {
		job_report_take(&report, &build->is_new, sizeof build->is_new);
		job_report_take(&report, &build->manifest, sizeof build->manifest);
		job_report_take(&report, &build->sign_due_s, sizeof build->sign_due_s);
		if (!reload_result_take(&build->result, &report)) {
			snprintf(reason, SYNC_REASON_MAX, "%s", errcode_text(ERR_NOMEM));
			result = ERR_NOMEM;
		}
	}
	if (result)
		generations_remove_build(build->sync->state_dir, build->id);
	job_report_fini(&report);
	return result;
}
