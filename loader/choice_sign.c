/* Which zones of a generation are not signed as they must be, and making one of it in which
 * they are, in a process of its own. */
#include "loader/choice_sign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/fallback.h"
#include "loader/job.h"
#include "loader/lead_zones.h"
#include "loader/sealing.h"
#include "loader/store/generations.h"
#include "loader/store/live.h"
#include "loader/store/state_paths.h"
#include "loader/store/store_walk.h"
#include "loader/store/zone_reread.h"
#include "loader/store/zone_signer.h"
#include "loader/zone/grow.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum { RETRY_MS = 60000 };

/* A zone to be signed. */
struct due_zone {
	uint8_t origin[DNAME_MAX];
	size_t len;
	struct signing_facts facts; /* how it was signed, or is now */
};

struct choice_signing {
	struct sync *sync;
	uint64_t from_id, id, newest_id; /* newest_id 0: there is none */
	bool is_renewal;
	/* in the job */
	struct builder *builder;
	struct zone_signer *signer;
	struct store_walk *newest; /* NULL: none */
	struct lead_source source;
	struct lead_zones leads; /* zones with names that lead elsewhere now */
	struct due_zone *due; /* owned */
	size_t due_count, due_room, passed;
	/* what comes of it */
	bool is_new;
	int64_t due_s;
	uint64_t leaders;
	struct generation_manifest manifest;
};

/* ---- in the job: which ---- */

/* As the newest state has the zone: 1 signed, -1 not, 0 nothing good of it. */
static int
ask_newest(const struct choice_signing *s, const struct node *apex,
	   struct signing_facts *facts)
{
	struct zone_facts zone;
	struct node there;

	if (!s->newest ||
	    store_walk_find(s->newest, CATALOGUE_ID, node_owner(apex), &there) !=
		    ERR_OK ||
	    !node_zone_facts(&there, &zone) || (zone.flags & ZONE_BROKEN))
		return 0;
	return node_copy_block(&there, BLOCK_SIGNING, facts, sizeof *facts) ? 1 : -1;
}

static int
note_due(struct choice_signing *s, const struct node *apex,
	 const struct signing_facts *facts)
{
	struct due_zone *due =
		grow_items(s->due, &s->due_room, s->due_count + 1, sizeof *due);

	if (!due)
		return ERR_NOMEM;
	s->due = due;
	due += s->due_count++;
	due->len = apex->head.owner_len;
	memcpy(due->origin, node_owner(apex), due->len);
	due->facts = *facts;
	return ERR_OK;
}

/* Is the zone to be signed? */
static int
look_at_zone(void *context, const struct node *apex)
{
	struct choice_signing *s = context;
	struct signing_facts facts = { 0 }, newest = { 0 };
	struct zone_state state;
	int wish = ask_newest(s, apex, &newest);
	bool was_signed = node_copy_block(apex, BLOCK_SIGNING, &facts, sizeof facts);
	bool waits = node_copy_block(apex, BLOCK_UNSIGNED, &facts, sizeof facts);
	struct zone_list_entry entry = {
		.origin = node_owner(apex),
		.origin_len = apex->head.owner_len,
		.sign = true,
	};

	if (!zone_state_read(apex, &state))
		return ERR_DAMAGED;
	if ((state.facts.flags & ZONE_BROKEN) || wish < 0 ||
	    (wish == 0 && !was_signed && !waits) ||
	    (zone_signer_is_current(s->signer, &entry, &state) &&
	     !lead_zones_has(&s->leads, state.facts.zone_id)))
		return ERR_OK;
	return note_due(s, apex, was_signed || waits ? &facts : &newest);
}

/* The others are taken over as they stand.  Zones come in the same order again. */
static int
keep_zone(void *context, const struct node *apex)
{
	struct choice_signing *s = context;

	if (s->passed < s->due_count &&
	    dname_compare(s->due[s->passed].origin, node_owner(apex)) == 0) {
		s->passed++;
		return ERR_OK;
	}
	return builder_keep_apex(s->builder, apex);
}

/* ---- signing ---- */

static int
fail(const struct due_zone *due, int rc, const struct zone_messages *messages,
     char reason[JOB_REASON_MAX])
{
	const struct zone_message *message = zone_messages_first_error(messages);
	char name[DNAME_TEXT_MAX];

	dname_to_text(due->origin, name);
	snprintf(reason, JOB_REASON_MAX,
		 "zone %.250s would be bogus to validators: %.200s", name,
		 message ? message->reason : errcode_text(rc));
	return rc;
}

static int
sign_zone(struct choice_signing *s, const struct due_zone *due,
	  char reason[JOB_REASON_MAX])
{
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	struct live *base = builder_base(s->builder);
	int rc = zone_reread(base, due->origin, due->len, &zone);

	if (rc == ERR_OK)
		rc = lead_zones_add_records(base, &s->source, zone);
	if (rc == ERR_OK) {
		zone->signing_wish = (struct zone_signing_wish){
			.is_wanted = !(due->facts.flags & SIGNING_LEAVING),
			.has_denial = (due->facts.flags & SIGNING_OWN_DENIAL) != 0,
			.denial = due->facts.denial,
			.is_by_sidecar = (due->facts.flags & SIGNING_BY_SIDECAR) != 0,
		};
		rc = zone_signer_sign(s->signer, zone, &messages);
	}
	if (rc == ERR_OK)
		rc = builder_add(s->builder, zone, true);
	if (rc != ERR_OK)
		rc = fail(due, rc, &messages, reason);
	zone_messages_fini(&messages);
	zone_records_free(zone);
	return rc;
}

static int
make_new(struct choice_signing *s, char reason[JOB_REASON_MAX])
{
	int rc = live_walk_zones(builder_base(s->builder), keep_zone, s);

	if (rc != ERR_OK)
		return rc;
	reply_progress(&s->sync->reply, "signing %zu zone%s anew", s->due_count,
		       s->due_count == 1 ? "" : "s");
	for (size_t i = 0; i < s->due_count && rc == ERR_OK; i++)
		rc = sign_zone(s, &s->due[i], reason);
	if (rc == ERR_OK)
		rc = sealing_write(s->sync, s->builder, s->id, false, GENERATION_TAKEN_IN,
				   &s->manifest, reason);
	return rc;
}

static int
make(struct choice_signing *s, char reason[JOB_REASON_MAX])
{
	int rc = live_walk_zones(builder_base(s->builder), look_at_zone, s);

	snprintf(reason, JOB_REASON_MAX, "generation %" PRIu64 " %s", s->from_id,
		 errcode_text(rc ? rc : ERR_DAMAGED));
	s->is_new = s->due_count > 0;
	return rc == ERR_OK && s->is_new ? make_new(s, reason) : rc;
}

/* The end of the process frees all that there is. */
static int
run(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	struct choice_signing *s = context;
	const struct sync *sync = s->sync;
	char dir[PATH_MAX], newest[PATH_MAX];
	int rc = ERR_RANGE;

	snprintf(reason, JOB_REASON_MAX, "generation %" PRIu64 " cannot be opened",
		 s->from_id);
	if (state_path_generation(sync->state_dir, s->from_id, dir))
		rc = builder_new(dir, NULL, NULL, &s->builder);
	if (rc != ERR_OK)
		return rc;
	if (s->newest_id &&
	    state_path_generation(sync->state_dir, s->newest_id, newest) &&
	    store_walk_open_live(newest, &s->newest) != ERR_OK)
		s->newest = NULL;
	if (resolved_store_open_snapshot(sync->state_dir, &s->source.resolved) != ERR_OK)
		s->source.resolved = NULL;
	rc = lead_zones_find(dir, builder_base(s->builder), &s->source, &s->leads);
	if (rc != ERR_OK)
		return rc;
	s->leaders = s->leads.leaders;
	s->signer = zone_signer_new(sync->settings, s->builder, sync->signer_fd,
				    s->is_renewal);
	rc = s->signer ? make(s, reason) : ERR_NOMEM;
	if (rc != ERR_OK)
		return rc;
	s->due_s = zone_signer_due(s->signer);
	job_report_put(report, &s->is_new, sizeof s->is_new);
	job_report_put(report, &s->due_s, sizeof s->due_s);
	job_report_put(report, &s->leaders, sizeof s->leaders);
	job_report_put(report, &s->manifest, sizeof s->manifest);
	return ERR_OK;
}

/* ---- in sync ---- */

static uint64_t
find_newest(const struct sync *sync)
{
	struct generation_list list;
	uint64_t found = 0;

	if (generations_list(sync->state_dir, &list) != ERR_OK)
		return 0;
	for (size_t i = 0; i < list.count; i++)
		if (generation_entry_is_source(&list.entries[i]))
			found = list.entries[i].manifest.id;
	generations_list_free(&list);
	return found;
}

static int
finish(struct choice_signing *s, struct generation_manifest *manifest,
       char reason[SYNC_REASON_MAX])
{
	int rc = generations_finish(s->sync->state_dir, s->id);

	if (rc == ERR_OK)
		rc = fallback_check(s->sync, s->id, false, manifest, reason);
	else
		snprintf(reason, SYNC_REASON_MAX,
			 "generation %" PRIu64 " cannot be renamed: %s%s", s->id,
			 errcode_text(rc), sync_remedy(rc));
	if (rc == ERR_OK)
		log_info("generation %" PRIu64 " is %" PRIu64 " with zones signed anew",
			 s->id, s->from_id);
	else
		generations_remove(s->sync->state_dir, s->id);
	return rc;
}

int
choice_sign(struct sync *sync, bool is_renewal, struct generation_manifest *manifest,
	    char reason[SYNC_REASON_MAX])
{
	struct choice_signing s = {
		.sync = sync,
		.from_id = manifest->id,
		.id = sync_next_id(sync),
		.newest_id = find_newest(sync),
		.is_renewal = is_renewal,
	};
	const struct job job = { "signing", run, &s, sealing_answer, false };
	uint32_t resolved = atomic_load(&sync->region->resolver.commit_seq);
	struct job_report report;
	int rc;

	generations_remove_build(sync->state_dir, s.id);
	rc = job_run(sync, &job, &report, reason);
	if (rc == ERR_OK) {
		job_report_take(&report, &s.is_new, sizeof s.is_new);
		job_report_take(&report, &s.due_s, sizeof s.due_s);
		job_report_take(&report, &s.leaders, sizeof s.leaders);
		job_report_take(&report, &s.manifest, sizeof s.manifest);
		sync->choice_due_s = s.due_s ? s.due_s : INT64_MAX;
		sync->choice_leaders = s.leaders;
		sync->choice_resolved = resolved;
		atomic_store(&sync->region->signer.renew_at_s, s.due_s);
	} else {
		generations_remove_build(sync->state_dir, s.id);
	}
	if (is_renewal)
		sync->choice_signed_ms = clock_now_ms();
	job_report_fini(&report);
	return rc == ERR_OK && s.is_new ? finish(&s, manifest, reason) : rc;
}

/* May names lead elsewhere than they did? */
static bool
has_resolved_more(const struct sync *sync)
{
	return sync->choice_leaders > 0 &&
	       sync->choice_resolved != atomic_load(&sync->region->resolver.commit_seq);
}

bool
choice_sign_is_due(const struct sync *sync)
{
	return atomic_load(&sync->region->swap.chosen) && sync_is_serving(sync) &&
	       (clock_wall_s() >= sync->choice_due_s || has_resolved_more(sync)) &&
	       !region_clock_is_doubtful(sync->region) &&
	       (sync->choice_signed_ms == 0 ||
		clock_now_ms() - sync->choice_signed_ms >= RETRY_MS);
}
