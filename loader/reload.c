/* The way of a reload: have it read, sealed and verified, then publish. */
#include "loader/reload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attend.h"
#include "loader/clock_watch.h"
#include "loader/fallback.h"
#include "loader/geo_files.h"
#include "loader/newest.h"
#include "loader/redis/follow.h"
#include "loader/redis/redis_zone.h"
#include "loader/reload_build.h"
#include "loader/retention.h"
#include "loader/sealing.h"
#include "loader/settle.h"
#include "loader/store/live.h"
#include "shm/clock.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/log.h"
#include "shm/name_hash.h"

enum {
	FIRST_SPARE_MS = 1000,
	FIRST_LOOK_MS = 20,
	RENEWALS_APART_MS = 60000,
	ASIDE_REST = 4
};

/* The base is what the sources say: serve it, unless it is served already. */
static int
serve_base(struct sync *sync, uint64_t base_id, struct generation_manifest *manifest,
	   char reason[SYNC_REASON_MAX])
{
	bool is_served = atomic_load(&sync->region->swap.published_id) == base_id;
	int result = fallback_check(sync, base_id, !is_served, manifest, reason);

	if (result || is_served)
		return result;
	result = newest_serve(sync, manifest, false, reason);
	if (result == 0)
		atomic_store(&sync->region->swap.verified_id, base_id);
	return result;
}

/* What it is made from must give out zone ids, and hand over its changes. */
static int
run_build(struct reload_build *build, char reason[SYNC_REASON_MAX])
{
	struct sync *sync = build->sync;
	int error = build->base_id != 0 ? newest_open(sync, build->base_id, reason) : 0;

	if (error)
		return error;
	error = reload_build_run(build, reason);
	if (error == ERR_NOSPACE && retention_make_room(sync))
		error = reload_build_run(build, reason);
	return error;
}

/* What is served counts, with the live changes. */
static void
count_served(const struct sync *sync, struct reload_result *result)
{
	struct live_totals totals;

	if (!sync->live || sync->live_id != result->generation ||
	    live_count(sync->live, &totals) != ERR_OK)
		return;
	result->zones = totals.zones;
	result->records = totals.records;
	result->zones_in_error = totals.broken;
	result->rrsets_in_error = totals.faults;
}

/* Of one zone alone that is looked at, the others' times stay. */
static void
note_sign_due(struct sync *sync, int64_t due_s, bool is_only)
{
	if (is_only && sync->sign_due_s != 0 && (due_s == 0 || sync->sign_due_s < due_s))
		return;
	sync->sign_due_s = due_s;
	sync->is_sign_wanted &= is_only;
	atomic_store(&sync->region->signer.renew_at_s, due_s);
}

/* What is looked at, and how. */
struct reload_what {
	const uint8_t *only;
	const struct reload_aside *aside;
	bool reads_redis, is_renewal;
};

static int
build_and_serve(struct sync *sync, uint64_t base_id, const struct reload_what *what,
		struct reload_result *result, char reason[SYNC_REASON_MAX])
{
	struct reload_build build = {
		.sync = sync,
		.base_id = base_id,
		.id = sync_next_id(sync),
		.only = what->only,
		.aside = what->aside,
		.reads_redis = what->reads_redis,
		.is_renewal = what->is_renewal,
		.is_first = !sync_is_serving(sync),
	};
	uint64_t begun_ms = clock_now_ms();
	int error = run_build(&build, reason);

	if (error)
		return error;
	if (build.is_new)
		error = sealing_serve(sync, &build.manifest, build.is_first,
				      what->reads_redis, reason);
	else
		error = serve_base(sync, base_id, &build.manifest, reason);
	if (error) {
		reload_result_fini(&build.result);
		return error;
	}
	note_sign_due(sync, build.sign_due_s, what->only || what->aside);
	if (!what->only && !what->aside)
		atomic_store(&sync->region->swap.checked_at_s, clock_wall_s());
	*result = build.result;
	result->generation = build.manifest.id;
	result->zones = build.manifest.zone_count;
	result->records = build.manifest.record_count;
	result->zones_in_error = build.manifest.broken_count;
	result->rrsets_in_error = build.manifest.fault_count;
	result->took_ms = clock_now_ms() - begun_ms;
	count_served(sync, result);
	return 0;
}

int
reload_from_files(struct sync *sync, uint64_t base_id, const uint8_t *only,
		  struct reload_result *result, char reason[SYNC_REASON_MAX])
{
	const struct reload_what what = { .only = only };

	return build_and_serve(sync, base_id, &what, result, reason);
}

bool
reload_wants_redis(const struct sync *sync)
{
	return sync->follow && !atomic_load(&sync->region->swap.chosen) &&
	       follow_wants_load(sync->follow);
}

void
reload_from_redis(struct sync *sync)
{
	const struct reload_what what = { .reads_redis = true };
	uint64_t base =
		sync->is_base_lost ? 0 : atomic_load(&sync->region->swap.published_id);
	struct reload_result result;
	char reason[SYNC_REASON_MAX];

	log_info("reading all zones from Redis");
	if (build_and_serve(sync, base, &what, &result, reason) != 0) {
		sync_note_error(sync, "the zones in Redis are not served yet: %s",
				reason);
		follow_fail_load(sync->follow);
		return;
	}
	region_set_error(sync->region, "");
	reload_result_log(&result);
	reload_result_fini(&result);
	retention_apply(sync);
}

/* What was due at the last renewal and is still, as it could not be made, is not tried all the
 * time; a key's time is kept to the second, however lately another zone was signed. */
static bool
is_time_to_sign(const struct sync *sync)
{
	bool is_due = sync->sign_due_s != 0 && clock_wall_s() >= sync->sign_due_s;
	bool may_retry = sync->renewed_ms == 0 ||
			 clock_now_ms() - sync->renewed_ms >= RENEWALS_APART_MS;

	return may_retry ? is_due || sync->is_sign_wanted
			 : is_due && sync->sign_due_s > sync->renewed_s;
}

bool
reload_renewal_is_due(const struct sync *sync)
{
	return is_time_to_sign(sync) && sync_is_serving(sync) && !sync->is_base_lost &&
	       !region_clock_is_doubtful(sync->region) &&
	       !atomic_load(&sync->region->swap.chosen);
}

void
reload_renew(struct sync *sync)
{
	const struct reload_what what = { .is_renewal = true };
	struct reload_result result;
	char reason[SYNC_REASON_MAX];

	log_info("renewing signatures");
	sync->renewed_ms = clock_now_ms();
	sync->renewed_s = clock_wall_s();
	if (sync->follow)
		follow_look_at_signed(sync->follow);
	if (build_and_serve(sync, atomic_load(&sync->region->swap.published_id), &what,
			    &result, reason) != 0) {
		sync_note_error(sync, "signatures are not renewed: %s", reason);
		return;
	}
	region_set_error(sync->region, "");
	reload_result_log(&result);
	reload_result_fini(&result);
	retention_apply(sync);
}

/* ---- zones from Redis that are signed aside ---- */

bool
reload_wants_aside(const struct sync *sync)
{
	return sync->follow && sync->live && follow_wants_aside(sync->follow) &&
	       clock_now_ms() >= sync->aside_due_ms && sync_is_serving(sync) &&
	       !sync->is_base_lost && !atomic_load(&sync->region->swap.chosen);
}

static int
compare_origins(const void *left, const void *right)
{
	return dname_compare(left, right);
}

static struct reload_aside *
take_aside(struct sync *sync)
{
	struct reload_aside *aside = calloc(1, sizeof *aside);

	if (!aside)
		return NULL;
	aside->count = follow_take_aside(sync->follow, aside->names, RELOAD_ASIDE_MAX);
	for (size_t i = 0; i < aside->count; i++) {
		const struct redis_text name = { aside->names[i],
						 strlen(aside->names[i]) };
		uint8_t origin[DNAME_MAX + NAME_PAD];
		const char *reason;
		size_t len = redis_zone_origin(name, origin, &reason);

		if (len > 0)
			memcpy(aside->origins[aside->origin_count++], origin, len);
	}
	if (aside->origin_count > 1)
		qsort(aside->origins, aside->origin_count, sizeof *aside->origins,
		      compare_origins);
	return aside;
}

static void
free_aside(struct reload_aside *aside)
{
	for (size_t i = 0; i < aside->count; i++)
		free(aside->names[i]);
	free(aside);
}

void
reload_sign_aside(struct sync *sync)
{
	struct reload_aside *aside = take_aside(sync);
	const struct reload_what what = { .aside = aside };
	uint64_t begun_ms = clock_now_ms();
	struct reload_result result;
	char reason[SYNC_REASON_MAX];
	int error;

	if (!aside)
		return;
	log_info("signing %zu zones from Redis aside", aside->count);
	error = build_and_serve(sync, atomic_load(&sync->region->swap.published_id),
				&what, &result, reason);
	if (error) {
		if (error == ERR_BUSY)
			log_info("zones from Redis are signed once more: %s", reason);
		else
			sync_note_error(sync, "zones from Redis are not signed: %s",
					reason);
		follow_fail_aside(sync->follow);
	} else {
		region_set_error(sync->region, "");
		reload_result_log(&result);
		reload_result_fini(&result);
		retention_apply(sync);
	}
	free_aside(aside);
	follow_end_aside(sync->follow);
	sync->aside_due_ms = clock_now_ms() + ASIDE_REST * (clock_now_ms() - begun_ms);
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
	snprintf(text, sizeof text, "changed, but only effective after a restart: %s",
		 names);
	json_out_text(json, NULL, text);
}

/* Databases of which the one before stays in use, or none is. */
static void
write_geo_notices(const struct sync *sync, struct json_out *json)
{
	for (unsigned kind = 0; kind < GEO_KINDS; kind++) {
		char text[REGION_GEO_PATH_MAX + REGION_GEO_REASON_MAX + 64];
		struct region_geo_fault fault;

		if (!region_get_geo_fault(sync->region, (enum geo_db_kind)kind, &fault))
			continue;
		snprintf(text, sizeof text, "%s: %s %s",
			 geo_db_kind_name((enum geo_db_kind)kind), fault.path,
			 fault.reason);
		json_out_text(json, NULL, text);
	}
}

static unsigned
write_reply(struct sync *sync, const struct reload_result *result, bool only)
{
	struct json_out *json = &sync->reply.json;
	bool is_failure = only && reload_result_bad_zones(result) > 0;

	json_out_begin_object(json, NULL);
	reload_result_write(result, json);
	json_out_begin_array(json, "notices");
	if (result->changed == 0 && result->removed == 0)
		json_out_text(json, NULL, "nothing has changed");
	write_restart_notice(sync, json);
	write_geo_notices(sync, json);
	json_out_end_array(json);
	if (is_failure)
		write_only_error(sync, &result->errors[0]);
	json_out_end_object(json);
	return is_failure ? 1 : 0;
}

/* An empty generation is no answer to a Redis that cannot be read: wait for it, in case
 * that its address has just been mended. */
static bool
load_first(struct sync *sync)
{
	uint64_t until_ms =
		clock_now_ms() + sync->settings->redis.timeout_ms + FIRST_SPARE_MS;

	while (!reload_wants_redis(sync) && clock_now_ms() < until_ms)
		attend_wait(sync, -1, FIRST_LOOK_MS);
	if (reload_wants_redis(sync))
		reload_from_redis(sync);
	return sync_is_serving(sync) && settle_served(sync);
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
	if (sync->is_base_lost)
		return sync_refuse(
			sync, "what is served is damaged: all is read anew as soon as "
			      "Redis can be read");
	if (arg_count == 2) {
		size_t len = dname_from_text(args[1], zone);

		if (len == 0)
			return sync_refuse(sync, "'%s' is no domain name", args[1]);
		dname_lower(zone, len);
	}
	if (!sync_is_serving(sync) && !sync_has_files(sync) && !load_first(sync))
		return sync_refuse(sync, "nothing is served yet: the zones are in Redis, "
					 "which could not be read so far; `martletctl "
					 "status` says why");
	if (arg_count == 1) {
		geo_files_look(sync, true);
		clock_watch_believe(sync);
	}
	error = reload_from_files(sync, atomic_load(&sync->region->swap.published_id),
				  arg_count == 2 ? zone : NULL, &result, reason);
	if (error == ERR_NOTFOUND && arg_count == 2)
		return sync_refuse(sync, "%s", reason);
	if (error)
		return sync_fail(sync, "%s", reason);
	region_set_error(sync->region, "");
	if (arg_count == 1 && sync->follow)
		follow_resync(sync->follow);
	reload_result_log(&result);
	status = write_reply(sync, &result, arg_count == 2);
	reload_result_fini(&result);
	return status;
}
