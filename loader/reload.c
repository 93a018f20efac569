/* The way of a reload: read, seal, verify, publish. */
#include "loader/reload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "loader/fallback.h"
#include "loader/generations.h"
#include "loader/store_verify.h"
#include "loader/zone_update.h"
#include "shm/clock.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/log.h"
#include "shm/name_hash.h"

enum { PROGRESS_FROM_MS = 2000 };

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

/* Write the new generation under its own name.  Before anything is served it need not
 * be durable: the sources can give all of it again. */
static int
seal(struct sync *sync, struct builder *builder, struct generation_manifest *manifest,
     char reason[SYNC_REASON_MAX])
{
	const struct builder_seal_options options = {
		.id = sync_next_id(sync),
		.durable = atomic_load(&sync->region->swap.published_id) != 0,
		.show_progress = true,
	};
	char dir[PATH_MAX];
	int result;

	if (!generations_build_path(sync->state_dir, options.id, dir)) {
		snprintf(reason, SYNC_REASON_MAX, "state_dir %s is too long a path",
			 sync->state_dir);
		return ERR_RANGE;
	}
	result = builder_seal(builder, dir, &options, manifest, reason);
	if (result)
		return result;
	result = generations_finish(sync->state_dir, options.id);
	if (result) {
		snprintf(reason, SYNC_REASON_MAX, "%.300s cannot be renamed: %s%s", dir,
			 errcode_text(result), sync_remedy(result));
		generations_remove_build(sync->state_dir, options.id);
	}
	return result;
}

/* Serve what was just sealed.  A first generation is served before it is verified and
 * durable, any other one after. */
static int
serve_sealed(struct sync *sync, struct generation_manifest *manifest,
	     char reason[SYNC_REASON_MAX])
{
	bool is_first = atomic_load(&sync->region->swap.published_id) == 0;
	char dir[PATH_MAX];
	int result;

	result = fallback_check(sync, manifest->id, !is_first, manifest, reason);
	if (result == 0)
		result = publish_generation(sync->region, sync->state_dir, manifest,
					    reason);
	if (result) {
		generations_remove(sync->state_dir, manifest->id);
		return result;
	}
	if (!is_first)
		atomic_store(&sync->region->swap.verified_id, manifest->id);
	else if (!generations_path(sync->state_dir, manifest->id, dir) ||
		 generations_sync_dir(dir) != 0)
		log_warnx("generation %" PRIu64
			  " cannot be written through to the device",
			  manifest->id);
	return 0;
}

/* The base is what the sources say: serve it, unless it is served already. */
static int
serve_base(struct sync *sync, uint64_t base_id, struct generation_manifest *manifest,
	   char reason[SYNC_REASON_MAX])
{
	bool is_served = atomic_load(&sync->region->swap.published_id) == base_id;
	int result = fallback_check(sync, base_id, !is_served, manifest, reason);

	if (result || is_served)
		return result;
	result = publish_generation(sync->region, sync->state_dir, manifest, reason);
	if (result == 0)
		atomic_store(&sync->region->swap.verified_id, base_id);
	return result;
}

static int
serve_update(struct sync *sync, struct zone_update *update, uint64_t base_id,
	     uint64_t begun_ms, char reason[SYNC_REASON_MAX])
{
	struct generation_manifest manifest;
	bool is_new = base_id == 0 || update->result.changed || update->result.removed;
	int result;

	if (!is_new) {
		result = serve_base(sync, base_id, &manifest, reason);
	} else {
		result = zone_update_keep(update, reason);
		show_step(sync, begun_ms, "writing the new generation");
		if (result == 0)
			result = seal(sync, update->builder, &manifest, reason);
		show_step(sync, begun_ms, "checking and serving the new generation");
		if (result == 0)
			result = serve_sealed(sync, &manifest, reason);
	}
	if (result)
		return result;
	update->result.generation = manifest.id;
	update->result.zones = manifest.zone_count;
	update->result.records = manifest.record_count;
	update->result.zones_in_error = manifest.broken_count;
	update->result.took_ms = clock_now_ms() - begun_ms;
	return 0;
}

int
reload_from_files(struct sync *sync, uint64_t base_id, const uint8_t *only,
		  struct reload_result *result, char reason[SYNC_REASON_MAX])
{
	struct zone_update update = {
		.only = only,
		.progress = show_progress,
		.context = sync,
	};
	uint64_t begun_ms = clock_now_ms();
	char dir[PATH_MAX];
	int error;

	if (base_id != 0) {
		if (!generations_path(sync->state_dir, base_id, dir)) {
			snprintf(reason, SYNC_REASON_MAX,
				 "state_dir %s is too long a path", sync->state_dir);
			return ERR_RANGE;
		}
		update.base_dir = dir;
	}
	error = zone_update_read(&update, sync->settings, reason);
	if (error == 0)
		error = serve_update(sync, &update, base_id, begun_ms, reason);
	if (error == 0) {
		if (!only)
			atomic_store(&sync->region->swap.checked_at_s, clock_wall_s());
		*result = update.result;
		memset(&update.result, 0, sizeof update.result);
	}
	zone_update_fini(&update);
	return error;
}

/* The error of the only zone that was looked at is the command's. */
static void
write_only_error(struct sync *sync, const struct reload_error *error)
{
	char text[SYNC_REASON_MAX];

	if (error->line > 0)
		snprintf(text, sizeof text, "zone %s: %s:%" PRIu32 ": %s", error->zone,
			 error->path, error->line, error->reason);
	else
		snprintf(text, sizeof text, "zone %s: %s: %s", error->zone, error->path,
			 error->reason);
	json_out_text(&sync->reply.json, "error", text);
}

/* What the master found changed in the configuration, and cannot change while running. */
static void
write_restart_notice(const struct sync *sync, struct json_out *json)
{
	char names[REGION_NOTICE_MAX], text[REGION_NOTICE_MAX + 64];

	region_get_restart_options(sync->region, names);
	if (!names[0])
		return;
	snprintf(text, sizeof text, "changed, but only effective after a restart: %s", names);
	json_out_text(json, NULL, text);
}

static unsigned
write_reply(struct sync *sync, const struct reload_result *result, bool only)
{
	struct json_out *json = &sync->reply.json;
	bool is_failure = only && result->error_count > 0;

	json_out_begin_object(json, NULL);
	reload_result_write(result, json);
	json_out_begin_array(json, "notices");
	if (result->changed == 0 && result->removed == 0)
		json_out_text(json, NULL, "nothing has changed");
	write_restart_notice(sync, json);
	json_out_end_array(json);
	if (is_failure)
		write_only_error(sync, &result->errors[0]);
	json_out_end_object(json);
	return is_failure ? 1 : 0;
}

unsigned
reload_command(struct sync *sync, int arg_count, char **args)
{
	uint8_t zone[DNAME_MAX + NAME_PAD] = { 0 };
	struct reload_result result;
	char reason[SYNC_REASON_MAX];
	unsigned status;
	int error;

	if (arg_count > 2)
		return sync_refuse(sync, "usage: reload [ZONE]");
	if (atomic_load(&sync->region->swap.chosen))
		return sync_refuse(sync,
				   "the sources are held off by `rollback` or `swap`: "
				   "`martletctl resume` ends that and reloads");
	if (arg_count == 2) {
		size_t len = dname_from_text(args[1], zone);

		if (len == 0)
			return sync_refuse(sync, "'%s' is no domain name", args[1]);
		dname_lower(zone, len);
	}
	error = reload_from_files(sync, atomic_load(&sync->region->swap.published_id),
				  arg_count == 2 ? zone : NULL, &result, reason);
	if (error == ERR_NOTFOUND && arg_count == 2)
		return sync_refuse(sync, "%s", reason);
	if (error)
		return sync_fail(sync, "%s", reason);
	region_set_error(sync->region, "");
	reload_result_log(&result);
	status = write_reply(sync, &result, arg_count == 2);
	reload_result_fini(&result);
	return status;
}
