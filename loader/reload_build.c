/* Reading, sealing, checking, in a process of its own. */
#include "loader/reload_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "loader/builder.h"
#include "loader/generations.h"
#include "loader/job.h"
#include "loader/store_verify.h"
#include "loader/zone_update.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum { PROGRESS_FROM_MS = 2000 };

/* ---- in the job's process ---- */

static void
show_progress(void *context, const struct zone_load_progress *progress)
{
	const struct zone_update *update = context;
	struct sync *sync = update->context;

	log_info("reading zones: %zu of %zu, %" PRIu64 " MB", progress->zones_done,
		 progress->zones_count, progress->bytes >> 20);
	reply_progress(&sync->reply, "reading zones: %zu of %zu, %" PRIu64 " MB",
		       progress->zones_done, progress->zones_count,
		       progress->bytes >> 20);
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
check(uint64_t id, const char *dir, char reason[JOB_REASON_MAX])
{
	char found[STORE_VERIFY_REASON_MAX];
	int result = store_verify(dir, found);

	if (result)
		snprintf(reason, JOB_REASON_MAX,
			 "generation %" PRIu64 ", just written, %s", id, found);
	return result;
}

/* Before anything is served it need not be durable: the sources can give all of it
 * again; and it is checked once it is served. */
static int
seal(struct reload_build *build, struct zone_update *update, uint64_t begun_ms,
     char reason[JOB_REASON_MAX])
{
	const struct builder_seal_options options = {
		.id = build->id,
		/* serving anything at all comes before leaving room */
		.reserve_bytes =
			build->is_first
				? 0
				: (uint64_t)build->sync->settings->generations.reserve_mb
					  << 20,
		.durable = !build->is_first,
		.show_progress = true,
	};
	char dir[PATH_MAX];
	int result;

	if (!generations_build_path(build->sync->state_dir, build->id, dir)) {
		snprintf(reason, JOB_REASON_MAX, "state_dir %s is too long a path",
			 build->sync->state_dir);
		return ERR_RANGE;
	}
	result = zone_update_keep(update, reason);
	show_step(build->sync, begun_ms, "writing the new generation");
	if (result == 0)
		result = builder_seal(update->builder, dir, &options, &build->manifest,
				      reason);
	show_step(build->sync, begun_ms, "checking and serving the new generation");
	if (result == 0 && !build->is_first)
		result = check(build->id, dir, reason);
	return result;
}

static int
update_from(struct reload_build *build, const char *base_dir, struct job_report *report,
	    char reason[JOB_REASON_MAX])
{
	struct zone_update update = {
		.base_dir = base_dir,
		.only = build->only,
		.progress = show_progress,
		.context = build->sync,
	};
	uint64_t begun_ms = clock_now_ms();
	int result;

	result = zone_update_read(&update, build->sync->settings, reason);
	build->is_new = !base_dir || update.result.changed || update.result.removed;
	if (result == 0 && build->is_new)
		result = seal(build, &update, begun_ms, reason);
	if (result)
		return result;
	job_report_put(report, &build->is_new, sizeof build->is_new);
	job_report_put(report, &build->manifest, sizeof build->manifest);
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
	if (!generations_path(build->sync->state_dir, build->base_id, dir)) {
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
	const struct job job = { "builder", run, build };
	struct job_report report;
	int result;

	/* what a builder left that died with an earlier sync */
	generations_remove_build(build->sync->state_dir, build->id);
	result = job_run(build->sync, &job, &report, reason);
	if (result == 0) {
		job_report_take(&report, &build->is_new, sizeof build->is_new);
		job_report_take(&report, &build->manifest, sizeof build->manifest);
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
