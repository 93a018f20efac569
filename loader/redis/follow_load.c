/* The store that changes go into: its first filling, and what comes into one that is built
 * of another before it is published. */
#include "loader/redis/follow_load.h"

#include <stdio.h>
#include <string.h>

#include "loader/redis/follow_aside.h"
#include "loader/redis/follow_away.h"
#include "loader/redis/follow_count.h"
#include "loader/redis/follow_events.h"
#include "loader/redis/follow_gap.h"
#include "loader/redis/follow_key_times.h"
#include "loader/redis/follow_notes.h"
#include "loader/redis/follow_round.h"
#include "loader/redis/follow_stream.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	LOAD_RETRY_MS = 2000,
	CATCH_UP_MS = 30000, /* behind a first load */
	BRING_MS = 5000, /* while workers wait for zones that were signed aside */
};

void
follow_set_store(struct follow *f, struct live *live, const char *waiting)
{
	bool had_place = f->has_place;
	struct live_totals totals = { 0 };

	f->live = live;
	f->is_held_off = !live && waiting;
	region_source_set_text(f->board, SOURCE_TEXT_BACKLOG, "%s",
			       f->is_held_off ? waiting : "");
	if (!live)
		return;
	if (live_set_signer(live, f->settings, f->signer_fd) != ERR_OK)
		log_errorx("changes of signed zones: %s", errcode_text(ERR_NOMEM));
	follow_key_times_learn(f);
	f->store_retry_ms = f->store_well_ms = 0;
	region_source_set_text(f->board, SOURCE_TEXT_STORE, "%s", "");
	if (live_count(live, &totals) != ERR_OK)
		log_errorx("the zones that are served cannot be counted");
	f->served = totals.records;
	f->served_redis_zones = totals.redis_zones;
	follow_count_show(f);
	follow_notes_read(f);
	if (f->phase == FOLLOW_READY && f->has_place && !had_place)
		follow_gap_compare(f, false);
	if (f->phase == FOLLOW_READY && f->has_place)
		follow_stream_wait(f);
}

/* ---- the first load ---- */

void
follow_load_prepare(struct follow *f)
{
	if (f->wants_load || f->is_held_off || (f->live && f->has_place) ||
	    clock_now_ms() < f->load_retry_ms)
		return;
	if (follow_stream_place(f, &f->load_place) != ERR_OK)
		return;
	region_source_set_state(f->board, SOURCE_LOADING);
	f->wants_load = true;
}

bool
follow_wants_load(const struct follow *f)
{
	return f->wants_load;
}

void
follow_fail_load(struct follow *f)
{
	f->wants_load = false;
	f->load_retry_ms = clock_now_ms() + LOAD_RETRY_MS;
}

static int
refuse_load(struct follow *f, int error, char reason[FOLLOW_REASON_MAX])
{
	if (f->phase != FOLLOW_READY)
		snprintf(reason, FOLLOW_REASON_MAX,
			 "Redis was lost while the first load was caught up with");
	else
		snprintf(reason, FOLLOW_REASON_MAX,
			 "what changed during the first load cannot be served: %s",
			 errcode_text(error));
	f->live = NULL;
	f->has_place = false;
	follow_fail_load(f);
	return error;
}

/* Serve all that has changed since the place that was noted. */
static int
catch_up(struct follow *f)
{
	uint64_t until_ms = clock_now_ms() + CATCH_UP_MS;

	follow_events_step(f);
	for (;;) {
		struct change_id before = f->place.cursor;

		if (f->phase != FOLLOW_READY)
			return ERR_CLOSED;
		(void)!follow_stream_catch_up(f);
		if (f->phase != FOLLOW_READY)
			return ERR_CLOSED;
		if (f->store_retry_ms != 0)
			return ERR_IO;
		follow_events_step(f);
		if (f->phase == FOLLOW_READY)
			follow_events_serve(f);
		if (f->phase != FOLLOW_READY)
			return ERR_CLOSED;
		if (change_id_compare(before, f->place.cursor) == 0 &&
		    f->dirty.waiting == 0 && !f->list_is_dirty && !f->list.is_open)
			return ERR_OK;
		if (clock_now_ms() > until_ms)
			return ERR_TIMEOUT;
	}
}

int
follow_finish_load(struct follow *f, struct live *live, char reason[FOLLOW_REASON_MAX])
{
	int rc;

	if (f->phase != FOLLOW_READY)
		return refuse_load(f, ERR_CLOSED, reason);
	follow_set_store(f, live, NULL);
	follow_aside_forget(f);
	f->place = f->load_place;
	f->has_place = true;
	memcpy(f->known.replid, f->server.replid, sizeof f->known.replid);
	memcpy(f->known.run_id, f->server.run_id, sizeof f->known.run_id);
	rc = follow_notes_save(f);
	if (rc == ERR_OK)
		rc = catch_up(f);
	if (rc != ERR_OK)
		return refuse_load(f, rc, reason);
	f->wants_load = false;
	follow_round_done(f);
	f->round.began_ms = clock_now_ms();
	follow_events_list(f, (uint64_t)clock_wall_us());
	follow_stream_wait(f);
	return ERR_OK;
}

/* ---- with zones that were signed aside ---- */

/* The stream up to where it ends now: it was written before the build read its zones, or as
 * one with what it read. */
static int
reach_end(struct follow *f)
{
	uint64_t until_ms = clock_now_ms() + BRING_MS;
	struct stream_place end;
	int rc;

	arena_free(f->arena);
	f->arena = arena_new();
	rc = f->arena ? follow_stream_place(f, &end) : ERR_NOMEM;
	while (rc == ERR_OK && !f->stream_is_bad &&
	       change_id_compare(f->place.cursor, end.cursor) < 0) {
		rc = follow_stream_catch_up(f);
		if (rc == ERR_OK && clock_now_ms() > until_ms)
			rc = ERR_TIMEOUT;
	}
	return rc == ERR_NOTFOUND ? ERR_OK : rc; /* the last ones were deleted */
}

int
follow_finish_aside(struct follow *f, struct live *live, char reason[FOLLOW_REASON_MAX])
{
	struct stream_place before = f->place;
	int rc = ERR_CLOSED;

	if (f->away.count == 0)
		return ERR_OK;
	if (f->phase == FOLLOW_READY) {
		follow_set_store(f, live, NULL);
		rc = reach_end(f);
	}
	if (rc == ERR_OK)
		rc = follow_away_bring(f);
	f->aside_fate = rc == ERR_OK ? ASIDE_BROUGHT : ASIDE_PUT_OFF;
	f->aside_put_offs = rc == ERR_BUSY ? f->aside_put_offs + 1 : 0;
	if (rc == ERR_OK)
		return ERR_OK;
	f->place = before;
	if (f->phase != FOLLOW_READY)
		snprintf(reason, FOLLOW_REASON_MAX, "Redis was lost before they were");
	else if (rc == ERR_BUSY)
		snprintf(reason, FOLLOW_REASON_MAX,
			 "more that belongs to them changed meanwhile");
	else
		snprintf(reason, FOLLOW_REASON_MAX,
			 "what was changed with them cannot be served: %s",
			 errcode_text(rc));
	return rc;
}
