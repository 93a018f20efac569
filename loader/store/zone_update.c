/* Which zones must be read, reading them, and keeping the rest. */
#include "loader/store/zone_update.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "loader/store/live.h"
#include "loader/store/zone_signer.h"
#include "loader/store/zone_state.h"
#include "loader/zone/sidecar.h"
#include "loader/zone/zone_load.h"
#include "loader/zone/zone_stamp.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	WARNINGS_LOGGED = 20,
	ERROR_TEXT_MAX = PATH_MAX + ZONE_REASON_MAX + 32,
	SETTLE_NS = 21000000, /* a little more than what zone_stamp.c calls recent */
	SETTLED_MAX = 1000, /* files; of many, a few read once more do no harm */
};
#define SECOND_NS INT64_C(1000000000)

/* The zone's state in the base.  returns false when the base has none. */
static bool
find_in_base(const struct zone_update *update, const uint8_t *origin, size_t len,
	     struct zone_state *state)
{
	struct node apex;

	return builder_find(update->builder, origin, len, &apex) == 0 &&
	       zone_state_read(&apex, state);
}

/* Was the sidecar there, if there is one now?  (One that is gone has no stamp.) */
static bool
sidecar_is_known(const struct zone_list_entry *entry, const struct zone_state *state)
{
	const char *path = state->paths;
	char wanted[PATH_MAX];

	if (!sidecar_path(entry, wanted) || !sidecar_exists(wanted))
		return true;
	for (uint32_t i = 0; i < state->source.path_count; i++) {
		if (strcmp(path, wanted) == 0)
			return true;
		path += strlen(path) + 1;
	}
	return false;
}

/* Do the files of the zone have the stamp that is stored with it, and is it signed as it is
 * to be? */
static bool
is_unchanged(const struct zone_update *update, const struct zone_list_entry *entry,
	     const struct zone_state *state)
{
	const char **paths, *path = state->paths;
	uint64_t stamp;

	if (entry->rival || state->error || state->source.kind != SOURCE_FILE ||
	    state->source.stamp == ZONE_STAMP_UNKNOWN ||
	    strcmp(zone_state_path(state), entry->path) != 0)
		return false;
	if (!sidecar_is_known(entry, state))
		return false;
	paths = calloc(state->source.path_count + 1, sizeof *paths);
	if (!paths)
		return false;
	for (uint32_t i = 0; i < state->source.path_count; i++) {
		paths[i] = path;
		path += strlen(path) + 1;
	}
	stamp = zone_stamp_of_files(paths, state->source.path_count);
	free(paths);
	return stamp == state->source.stamp &&
	       zone_signer_is_current(update->signer, entry, state);
}

/* What is wrong with a kept zone is told again.  returns false without memory. */
static bool
tell_kept_faults(struct zone_update *update, size_t order, const struct zone_state *state)
{
	struct rrset_fault fault;
	uint32_t at = 0;

	while (rrset_fault_next(&state->faults, &at, &fault))
		if (!reload_result_add_fault(&update->result,
					     update->list.entries[order].origin, order,
					     &fault))
			return false;
	return true;
}

/* A zone that is served from Redis goes on being served from there.
 * returns false without memory. */
static bool
tell_conflict(struct zone_update *update, size_t order)
{
	const struct zone_list_entry *entry = &update->list.entries[order];
	struct zone_messages messages = { 0 };
	bool is_told;

	zone_messages_add(
		&messages, ZONE_ERROR, entry->path, 0,
		"the zone comes from Redis too, which goes on being served: remove "
		"it here or there");
	is_told = reload_result_add_error(&update->result, entry->origin, order,
					  zone_messages_first_error(&messages), true);
	zone_messages_fini(&messages);
	return is_told;
}

/* Sort the configured zones into those that are kept and those that must be read. */
static int
plan(struct zone_update *update)
{
	size_t count = update->list.count;
	struct zone_state state;

	update->is_done = calloc(count + 1, sizeof *update->is_done);
	update->stale = calloc(count + 1, sizeof *update->stale);
	if (!update->is_done || !update->stale)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct zone_list_entry *entry = &update->list.entries[i];
		bool is_old =
			find_in_base(update, entry->origin, entry->origin_len, &state);

		update->found_in_base += is_old;
		if (update->is_anew ||
		    (update->only && dname_compare(entry->origin, update->only) != 0))
			continue;
		if (is_old && update->has_redis && state.source.kind == SOURCE_REDIS) {
			if (!tell_conflict(update, i))
				return ERR_NOMEM;
		} else if (!is_old || !is_unchanged(update, entry, &state))
			update->stale[update->stale_count++] = entry;
		else if (!tell_kept_faults(update, i, &state))
			return ERR_NOMEM;
	}
	return 0;
}

/* A file that was written within the last tick of its file system's clock has no stamp,
 * and would be read again the next time for nothing: let the tick pass first. */
static void
let_files_settle(const struct zone_update *update)
{
	int64_t newest_ns = 0, age_ns;
	struct timespec now;
	struct stat info;

	if (update->stale_count > SETTLED_MAX)
		return;
	for (size_t i = 0; i < update->stale_count; i++) {
		if (stat(update->stale[i]->path, &info) != 0)
			continue;
		int64_t changed_ns =
			info.st_ctim.tv_sec * SECOND_NS + info.st_ctim.tv_nsec;

		if (changed_ns > newest_ns)
			newest_ns = changed_ns;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	age_ns = now.tv_sec * SECOND_NS + now.tv_nsec - newest_ns;
	if (age_ns < 0 || age_ns >= SETTLE_NS)
		return;
	now = (struct timespec){ .tv_nsec = SETTLE_NS - age_ns };
	nanosleep(&now, NULL);
}

static size_t
order_of(const struct zone_update *update, size_t index)
{
	return (size_t)(update->stale[index] - update->list.entries);
}

static bool
tell_faults(struct zone_update *update, size_t order, const struct zone_records *records)
{
	bool is_told = true;

	for (size_t i = 0; i < zone_records_faults_listed(records) && is_told; i++) {
		const struct zone_fault *from = &records->faults[i];
		const struct rrset_fault fault = {
			.head = { .line = from->line,
				  .type = from->type,
				  .kind = from->kind,
				  .path_len = (uint16_t)strlen(from->path),
				  .reason_len = (uint16_t)strlen(from->reason) },
			.owner = from->owner,
			.path = from->path,
			.reason = from->reason,
		};

		is_told = reload_result_add_fault(&update->result, records->origin, order,
						  &fault);
	}
	return is_told;
}

static int
add_good(struct zone_update *update, size_t index, struct zone_records *records)
{
	bool is_told;
	int result;

	pthread_mutex_lock(&update->lock);
	is_told = tell_faults(update, order_of(update, index), records);
	pthread_mutex_unlock(&update->lock);
	result = is_told ? builder_add(update->builder, records, true) : ERR_NOMEM;
	zone_records_free(records);
	if (result)
		return result;
	pthread_mutex_lock(&update->lock);
	update->result.changed++;
	pthread_mutex_unlock(&update->lock);
	return 0;
}

/* A zone in error: nothing changes when it was so before. */
static int
add_bad(struct zone_update *update, size_t index, const struct zone_message *message)
{
	const struct zone_list_entry *entry = update->stale[index];
	/* the error may be in a file beside the zone's own */
	const char *paths[] = { entry->path, message ? message->path : "" };
	const struct zone_source source = {
		.kind = SOURCE_FILE,
		.stamp = ZONE_STAMP_UNKNOWN,
		.paths = paths,
		.path_count = paths[1][0] && strcmp(paths[1], paths[0]) != 0 ? 2 : 1,
	};
	char text[ERROR_TEXT_MAX] = "not enough memory";
	struct zone_state state;
	bool is_old, is_same, is_stale, is_noted;

	if (message)
		zone_message_to_text(message, text, sizeof text);
	is_old = find_in_base(update, entry->origin, entry->origin_len, &state);
	is_stale = is_old && !(state.facts.flags & ZONE_BROKEN);
	is_same = is_old && state.error && state.error_len == strlen(text) &&
		  memcmp(state.error, text, state.error_len) == 0;
	pthread_mutex_lock(&update->lock);
	update->result.changed += !is_same;
	is_noted = reload_result_add_error(&update->result, entry->origin,
					   order_of(update, index), message, is_stale) &&
		   (!is_old || tell_kept_faults(update, order_of(update, index), &state));
	pthread_mutex_unlock(&update->lock);
	if (!is_noted)
		return ERR_NOMEM;
	if (is_same)
		return builder_keep(update->builder, entry->origin, entry->origin_len);
	if (is_old)
		return builder_keep_with_error(update->builder, entry->origin,
					       entry->origin_len, &source, text);
	return builder_break(update->builder, entry->origin, entry->origin_len, &source,
			     text);
}

/* Warnings of all zones together are few lines; -t shows them all.  Errors are results. */
static void
log_warnings(struct zone_update *update, const struct zone_messages *messages)
{
	char text[ERROR_TEXT_MAX];

	for (size_t i = 0; i < messages->kept_count; i++) {
		if (messages->kept[i].severity != ZONE_WARNING)
			continue;
		if (update->warnings++ >= WARNINGS_LOGGED)
			continue;
		zone_message_to_text(&messages->kept[i], text, sizeof text);
		log_warnx("%s", text);
	}
}

/* One that was signed stays so until no DS of it can be in a cache: its keys say when. */
static bool
is_signed_zone(const struct zone_update *update, const struct zone_records *records)
{
	struct signing_facts facts;
	struct zone_state state;

	return records->signing_wish.is_wanted ||
	       (find_in_base(update, records->origin, records->origin_len, &state) &&
		node_copy_block(&state.apex, BLOCK_SIGNING, &facts, sizeof facts));
}

/* returns the records, signed if they are to be; NULL, with a message, when they cannot be. */
static struct zone_records *
sign(struct zone_update *update, struct zone_records *records,
     struct zone_messages *messages)
{
	if (!records || !is_signed_zone(update, records) ||
	    zone_signer_sign(update->signer, records, messages) == 0)
		return records;
	zone_records_free(records);
	return NULL;
}

/* Called by the reading threads, several at a time. */
static void
take_zone(void *context, size_t index, struct zone_records *records,
	  struct zone_messages *messages)
{
	struct zone_update *update = context;
	int result;

	records = sign(update, records, messages);
	if (messages->kept_count > 0) {
		pthread_mutex_lock(&update->lock);
		log_warnings(update, messages);
		pthread_mutex_unlock(&update->lock);
	}
	if (records)
		result = add_good(update, index, records);
	else
		result = add_bad(update, index, zone_messages_first_error(messages));
	pthread_mutex_lock(&update->lock);
	update->is_done[order_of(update, index)] = true;
	if (result && update->error == 0)
		update->error = result;
	pthread_mutex_unlock(&update->lock);
}

static int
read_stale(struct zone_update *update)
{
	const struct zone_load_job job = {
		.entries = update->stale,
		.count = update->stale_count,
		.done = take_zone,
		.progress = update->progress,
		.context = update,
	};
	int result = update->stale_count > 0 ? zone_load_all(&job) : 0;

	if (update->warnings > WARNINGS_LOGGED)
		log_warnx("and %zu more warnings: martletd -t shows them all",
			  update->warnings - WARNINGS_LOGGED);
	return result ? result : update->error;
}

/* Keep the configured zones that were not read. */
static int
keep_listed(struct zone_update *update)
{
	int result = 0;

	for (size_t i = 0; i < update->list.count && result == 0; i++)
		if (!update->is_done[i])
			result = builder_keep(update->builder,
					      update->list.entries[i].origin,
					      update->list.entries[i].origin_len);
	return result;
}

/* Does a zone of the base that was not looked at stay? */
static bool
stays(const struct zone_update *update, const struct node *apex)
{
	struct zone_state state;

	if (update->is_anew)
		return !update->is_anew(update, node_owner(apex));
	if (update->only)
		return dname_compare(node_owner(apex), update->only) != 0;
	return update->has_redis && zone_state_read(apex, &state) &&
	       state.source.kind == SOURCE_REDIS &&
	       !zone_list_find(&update->list, node_owner(apex));
}

static int
keep_other(void *context, const struct node *apex)
{
	struct zone_update *update = context;

	update->base_count++;
	if (!stays(update, apex))
		return 0;
	update->others_count++;
	return builder_keep_apex(update->builder, apex);
}

/* Count the zones of the base, and hand over those that stay. */
static int
keep_others(struct zone_update *update)
{
	if (update->only || update->is_anew || update->has_redis ||
	    live_overlay(update->base))
		return live_walk_zones(update->base, keep_other, update);
	update->base_count = live_generation(update->base)->head.zone_count;
	return 0;
}

int
zone_update_keep(struct zone_update *update, char reason[ZONE_UPDATE_REASON_MAX])
{
	int result = update->only || update->is_anew ? 0 : keep_listed(update);

	if (result)
		snprintf(reason, ZONE_UPDATE_REASON_MAX,
			 "zones cannot be kept from the generation in %s: %s",
			 update->base_dir ? update->base_dir : "(none)",
			 errcode_text(result));
	return result;
}

static int
list_zones(struct zone_update *update, const struct settings *settings,
	   char reason[ZONE_UPDATE_REASON_MAX])
{
	struct zone_messages messages = { 0 };
	const struct zone_message *error;
	int result = zone_list_make(settings, &update->list, &messages);

	log_warnings(update, &messages);
	if (result) {
		error = zone_messages_first_error(&messages);
		if (error)
			zone_message_to_text(error, reason, ZONE_UPDATE_REASON_MAX);
		else
			snprintf(reason, ZONE_UPDATE_REASON_MAX,
				 "the configured zones cannot be listed: %s",
				 errcode_text(result));
	}
	zone_messages_fini(&messages);
	if (result == 0 && update->only && !zone_list_find(&update->list, update->only)) {
		char name[DNAME_TEXT_MAX];

		dname_to_text(update->only, name);
		snprintf(reason, ZONE_UPDATE_REASON_MAX,
			 "zone %.256s is not configured: neither zones.dir nor "
			 "zones.files has it",
			 name);
		return ERR_NOTFOUND;
	}
	return result;
}

static int
start_signer(struct zone_update *update, const struct settings *settings)
{
	update->signer = zone_signer_new(settings, update->builder, update->signer_fd,
					 update->is_renewal);
	if (!update->signer)
		return ERR_NOMEM;
	zone_signer_count(update->signer, update->board);
	if (update->is_for_swap)
		zone_signer_let_wait(update->signer);
	return 0;
}

int
zone_update_read(struct zone_update *update, const struct settings *settings,
		 char reason[ZONE_UPDATE_REASON_MAX])
{
	int result;

	pthread_mutex_init(&update->lock, NULL);
	update->has_redis = settings->redis.enable && !update->reads_redis;
	result = list_zones(update, settings, reason);
	if (result)
		return result;
	result = builder_new(update->base_dir, NULL, NULL, &update->builder);
	if (result) {
		snprintf(reason, ZONE_UPDATE_REASON_MAX, "%s: %s",
			 update->base_dir ? update->base_dir : "a new generation",
			 errcode_text(result));
		return result;
	}
	update->base = builder_base(update->builder);
	result = start_signer(update, settings);
	if (result == 0)
		result = plan(update);
	if (result == 0) {
		let_files_settle(update);
		result = read_stale(update);
	}
	if (result == 0 && update->base)
		result = keep_others(update);
	if (result) {
		snprintf(reason, ZONE_UPDATE_REASON_MAX, "zones cannot be read: %s",
			 errcode_text(result));
		return result;
	}
	if (!update->only && !update->is_anew)
		update->result.removed =
			update->base_count - update->found_in_base - update->others_count;
	reload_result_sort(&update->result);
	update->sign_due_s = zone_signer_due(update->signer);
	return 0;
}

void
zone_update_fini(struct zone_update *update)
{
	zone_signer_free(update->signer);
	builder_free(update->builder);
	zone_list_fini(&update->list);
	free(update->is_done);
	free(update->stale);
	reload_result_fini(&update->result);
	pthread_mutex_destroy(&update->lock);
}
