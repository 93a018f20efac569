/* Sealing base and overlay into a new base. */
#include "loader/compaction.h"

#include <inttypes.h>
#include <stdio.h>

#include "loader/job.h"
#include "loader/newest_changes.h"
#include "loader/retention.h"
#include "loader/sealing.h"
#include "loader/store/builder.h"
#include "loader/store/generations.h"
#include "loader/store/live.h"
#include "loader/store/state_paths.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum { YIELDS_MAX = 3 }; /* then requests wait for once */

bool
compaction_is_due(const struct sync *sync)
{
	if (!sync->live || atomic_load(&sync->region->swap.chosen))
		return false;
	if (sync->compacted_ms != 0 &&
	    clock_now_ms() - sync->compacted_ms < COMPACTION_EVERY_MS)
		return false;
	return overlay_count(live_overlay(sync->live)) > newest_bound(sync) ||
	       overlay_is_short(live_overlay(sync->live));
}

struct compaction {
	struct sync *sync;
	uint64_t base_id, id;
};

/* ---- in the job's process ---- */

static int
keep(void *context, const struct node *apex)
{
	return builder_keep_apex(context, apex);
}

/* All zones as they stand; which of them still have a source is a reload's question. */
static int
seal_all(struct compaction *c, const char *dir, struct job_report *report,
	 char reason[JOB_REASON_MAX])
{
	struct generation_manifest manifest;
	struct builder *builder;
	int result = builder_new(dir, NULL, NULL, &builder);

	if (result == 0)
		result = live_walk_zones(builder_base(builder), keep, builder);
	if (result) {
		snprintf(reason, JOB_REASON_MAX, "%.400s: %s", dir, errcode_text(result));
		return result;
	}
	result = sealing_write(c->sync, builder, c->id, false, 0, &manifest, reason);
	if (result == 0)
		job_report_put(report, &manifest, sizeof manifest);
	return result;
}

/* The end of the process frees all that there is. */
static int
run(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	struct compaction *c = context;
	char dir[PATH_MAX];

	if (state_path_generation(c->sync->state_dir, c->base_id, dir))
		return seal_all(c, dir, report, reason);
	snprintf(reason, JOB_REASON_MAX, "state_dir %s is too long a path",
		 c->sync->state_dir);
	return ERR_RANGE;
}

/* ---- in sync ---- */

static int
build(struct compaction *c, struct generation_manifest *manifest,
      char reason[SYNC_REASON_MAX])
{
	const struct job job = {
		.name = "compactor",
		.run = run,
		.context = c,
		.answer = sealing_answer,
		.yields = c->sync->yields < YIELDS_MAX,
	};
	struct job_report report;
	int result;

	generations_remove_build(c->sync->state_dir, c->id);
	result = job_run(c->sync, &job, &report, reason);
	if (result == 0)
		job_report_take(&report, manifest, sizeof *manifest);
	else
		generations_remove_build(c->sync->state_dir, c->id);
	job_report_fini(&report);
	return result;
}

void
compaction_run(struct sync *sync)
{
	struct compaction c = { sync, sync->live_id, sync_next_id(sync) };
	uint64_t begun_ms = clock_now_ms(), count;
	struct generation_manifest manifest;
	char reason[SYNC_REASON_MAX];
	int result;

	sync->compacted_ms = begun_ms;
	count = overlay_count(live_overlay(sync->live));
	log_info("sealing a new generation: the overlay of generation %" PRIu64
		 " has %" PRIu64 " records",
		 c.base_id, count);
	retention_apply(sync);
	result = build(&c, &manifest, reason);
	if (result == ERR_NOSPACE && retention_make_room(sync))
		result = build(&c, &manifest, reason);
	if (result == 0)
		result = sealing_serve(sync, &manifest, false, false, reason);
	if (result == ERR_BUSY) {
		log_info("%s", reason);
		sync->yields++;
		sync->compacted_ms = 0;
		return;
	}
	sync->yields = 0;
	if (result) {
		sync->compacted_ms = clock_now_ms(); /* however long it took to fail */
		sync_note_error(sync, "no new generation could be sealed: %s", reason);
		return;
	}
	region_source_add(&sync->region->source, SOURCE_redis_compactions, 1);
	log_info("generation %" PRIu64 " is served: %" PRIu64 " zones, %" PRIu64
		 " records; sealed from %" PRIu64 " and its overlay in %" PRIu64 " ms",
		 manifest.id, manifest.zone_count, manifest.record_count, c.base_id,
		 clock_now_ms() - begun_ms);
	retention_apply(sync);
}
