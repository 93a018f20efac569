/* The follower as a whole: its links, its phases, and what is done when. */
#include "loader/redis/follow.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loader/redis/follow_state.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	LOAD_RETRY_MS = 2000,
	STORE_RETRY_MS = 1000,
	CATCH_UP_MS = 30000, /* behind a first load */
};

uint64_t
follow_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* ---- made and given back ---- */

struct follow *
follow_new(const struct settings *settings, struct region *region)
{
	struct follow *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	f->settings = settings;
	f->board = &region->source;
	f->facts = &region->swap;
	f->guard.share = settings->redis.shrink_guard;
	f->guard.min = settings->redis.shrink_min;
	f->list_is_known = false;
	f->dirty.limit = f->fresh.limit = f->claimed.limit = f->later.limit = 100000;
	redis_keys_init(&f->keys, settings);
	f->reader = redis_zone_reader_new(settings);
	f->connect = redis_connect_new(settings);
	if (!f->reader || !f->connect) {
		follow_free(f);
		return NULL;
	}
	region_source_set_state(f->board, SOURCE_CONNECTING);
	return f;
}

static void
drop_links(struct follow *f)
{
	for (unsigned i = 0; i < LINK_COUNT; i++) {
		redis_link_free(f->links[i]);
		f->links[i] = NULL;
	}
	f->is_waiting_entries = false;
}

void
follow_free(struct follow *f)
{
	if (!f)
		return;
	drop_links(f);
	redis_connect_free(f->connect);
	redis_zone_reader_free(f->reader);
	arena_free(f->arena);
	change_set_fini(&f->set);
	dirty_zones_fini(&f->dirty);
	dirty_zones_fini(&f->fresh);
	dirty_zones_fini(&f->claimed);
	dirty_zones_fini(&f->later);
	dirty_zones_fini(&f->round.differing);
	key_table_fini(&f->round.names);
	key_table_fini(&f->named[0]);
	key_table_fini(&f->named[1]);
	held_fini(&f->held);
	free(f);
}

void
follow_close_fds(struct follow *f)
{
	for (unsigned i = 0; i < LINK_COUNT; i++)
		if (f->links[i] && redis_link_fd(f->links[i]) >= 0)
			close(redis_link_fd(f->links[i]));
	if (f->phase == FOLLOW_CONNECTING && redis_connect_fd(f->connect) >= 0)
		close(redis_connect_fd(f->connect));
}

/* ---- losing ---- */

void
follow_lose(struct follow *f, const char *format, ...)
{
	char reason[FOLLOW_REASON_MAX];
	bool was_ready = f->phase == FOLLOW_READY;
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	if (f->backoff_ms < FOLLOW_BACKOFF_MIN_MS || was_ready)
		f->backoff_ms = FOLLOW_BACKOFF_MIN_MS;
	if (was_ready || f->backoff_ms == FOLLOW_BACKOFF_MIN_MS)
		log_warnx("%s; what is served stays as it is", reason);
	drop_links(f);
	f->phase = FOLLOW_DOWN;
	f->wants_load = false;
	f->retry_at_ms = clock_now_ms() + f->backoff_ms;
	f->backoff_ms = f->backoff_ms * 2 > FOLLOW_BACKOFF_MAX_MS ? FOLLOW_BACKOFF_MAX_MS
								  : f->backoff_ms * 2;
	atomic_store(&f->board->connected_since_ms, 0);
	region_source_set_text(f->board, SOURCE_TEXT_ERROR, "%s", reason);
	region_source_set_text(f->board, SOURCE_TEXT_LINK, "Redis cannot be read: %s",
			       reason);
	region_source_set_state(f->board, SOURCE_CONNECTING);
}

void
follow_lose_link(struct follow *f, enum follow_link which)
{
	char reason[REDIS_REASON_MAX];

	if (f->phase == FOLLOW_DOWN || !f->links[which])
		return;
	snprintf(reason, sizeof reason, "%s", redis_link_reason(f->links[which]));
	follow_lose(f, "%s", reason[0] ? reason : "not enough memory");
}

void
follow_store_failed(struct follow *f, int error)
{
	log_errorx("live changes cannot be written into the store: it %s",
		   errcode_text(error));
	region_source_set_text(f->board, SOURCE_TEXT_STORE,
			       "live changes cannot be written into the store: it %s",
			       errcode_text(error));
	f->store_retry_ms = clock_now_ms() + STORE_RETRY_MS;
}

/* ---- the store ---- */

void
follow_show_totals(struct follow *f)
{
	struct live_totals totals;

	if (!f->live || live_count(f->live, &totals) != ERR_OK)
		return;
	atomic_store(&f->facts->zone_count, totals.zones);
	atomic_store(&f->facts->record_count, totals.records);
	atomic_store(&f->facts->broken_count, totals.broken);
	atomic_store(&f->facts->fault_count, totals.faults);
	region_source_set(f->board, SOURCE_redis_zones, totals.redis_zones);
	region_source_set(f->board, SOURCE_bad_rrsets, totals.faults);
}

static void
read_held(struct follow *f)
{
	char none;
	int len = live_read_note(f->live, HELD_NOTE, &none, 0);
	void *bytes = len > 0 ? malloc((size_t)len) : NULL;

	held_fini(&f->held);
	if (bytes && (live_read_note(f->live, HELD_NOTE, bytes, (size_t)len) != len ||
		      held_unpack(&f->held, bytes, (size_t)len) != ERR_OK))
		log_errorx(
			"the list of what is held cannot be read; it will be made anew");
	free(bytes);
	f->held_changed = false;
	follow_hold_show(f);
}

static void
read_notes(struct follow *f)
{
	struct follow_cursor_note note;
	char text[CHANGE_ID_TEXT_MAX];

	f->has_place = live_read_note(f->live, FOLLOW_CURSOR_NOTE, &note, sizeof note) ==
		       (int)sizeof note;
	if (live_read_note(f->live, FOLLOW_SERVER_NOTE, &f->known, sizeof f->known) !=
	    (int)sizeof f->known)
		memset(&f->known, 0, sizeof f->known);
	read_held(f);
	if (!f->has_place)
		return;
	f->place = (struct stream_place){ .cursor = { note.ms, note.seq },
					  .was_seen = note.was_seen,
					  .added = note.added };
	if (note.is_in_gap)
		follow_round_want(f, true);
	change_id_print(f->place.cursor, text);
	region_source_set_text(f->board, SOURCE_TEXT_CURSOR, "%s",
			       note.was_seen ? text : "");
}

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
	f->store_retry_ms = 0;
	region_source_set_text(f->board, SOURCE_TEXT_STORE, "%s", "");
	if (live_count(live, &totals) != ERR_OK)
		log_errorx("the zones that are served cannot be counted");
	f->served = totals.records;
	f->served_redis_zones = totals.redis_zones;
	follow_show_totals(f);
	read_notes(f);
	if (f->phase == FOLLOW_READY && f->has_place && !had_place)
		follow_round_want(f, false);
	if (f->phase == FOLLOW_READY && f->has_place)
		follow_stream_wait(f);
}

/* ---- connecting ---- */

void
follow_server_changed(struct follow *f, const char *why)
{
	log_warnx("%s: all zones are compared", why);
	region_source_add(f->board, SOURCE_redis_gaps, 1);
	region_source_set_text(f->board, SOURCE_TEXT_GAP,
			       "%s; all zones are being compared with Redis", why);
	memcpy(f->known.replid, f->server.replid, sizeof f->known.replid);
	memcpy(f->known.run_id, f->server.run_id, sizeof f->known.run_id);
	follow_round_want(f, false);
	/* failing that, the next start compares once more */
	if (f->live && f->has_place && follow_save_place(f) != ERR_OK)
		log_warnx("which server was read could not be noted");
}

static void
start_link(struct follow *f)
{
	redis_connect_start(f->connect);
	f->phase = FOLLOW_CONNECTING;
}

/* Everything stands: what is needed first? */
static void
begin_following(struct follow *f)
{
	atomic_store(&f->board->connected_since_ms, (int64_t)(follow_now_us() / 1000));
	region_source_set_text(f->board, SOURCE_TEXT_LINK, "%s", "");
	region_source_set_text(f->board, SOURCE_TEXT_STREAM, "%s", "");
	f->backoff_ms = 0;
	f->next_probe_ms = 0;
	f->list_is_known = false;
	f->round.was_complete = false;
	f->round.is_open = false;
	f->round.began_ms = 0;
	dirty_zones_clear(&f->dirty);
	dirty_zones_clear(&f->fresh);
	dirty_zones_clear(&f->claimed);
	if (!f->live || !f->has_place)
		return;
	if (strcmp(f->known.replid, f->server.replid) != 0 ||
	    strcmp(f->known.run_id, f->server.run_id) != 0)
		follow_server_changed(
			f, "another server, or one that was started anew, is read");
	follow_round_want(f, false);
	follow_stream_wait(f);
}

static void
links_are_there(struct follow *f)
{
	arena_free(f->arena);
	f->arena = arena_new();
	region_source_set_state(f->board, SOURCE_IDENTIFYING);
	region_source_add(f->board, SOURCE_redis_connects, 1);
	f->phase = FOLLOW_READY;
	if (!f->arena)
		follow_lose(f, "not enough memory");
	else if (follow_identify(f) == ERR_OK && follow_events_subscribe(f) == ERR_OK)
		begin_following(f);
}

static void
connect_step(struct follow *f)
{
	int rc = redis_connect_step(f->connect);

	if (rc == ERR_BUSY)
		return;
	if (rc != ERR_OK) {
		follow_lose(f, "%s", redis_connect_reason(f->connect));
		return;
	}
	f->links[f->connecting++] = redis_connect_take(f->connect);
	if (f->connecting < LINK_COUNT)
		start_link(f);
	else
		links_are_there(f);
}

/* ---- the first load ---- */

/* Note the place, then the load may begin: nothing that changes from here on is missed. */
static void
prepare_load(struct follow *f)
{
	if (f->wants_load || f->is_held_off || (f->live && f->has_place) ||
	    clock_now_ms() < f->load_retry_ms)
		return;
	if (follow_read_place(f, &f->load_place) != ERR_OK)
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

		follow_stream_catch_up(f);
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
		    f->dirty.waiting == 0 && !f->list_is_dirty)
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
	f->place = f->load_place;
	f->has_place = true;
	memcpy(f->known.replid, f->server.replid, sizeof f->known.replid);
	memcpy(f->known.run_id, f->server.run_id, sizeof f->known.run_id);
	rc = follow_save_place(f);
	if (rc == ERR_OK)
		rc = catch_up(f);
	if (rc != ERR_OK)
		return refuse_load(f, rc, reason);
	f->wants_load = false;
	follow_round_done(f);
	f->round.began_ms = clock_now_ms();
	f->list_is_dirty = true;
	follow_stream_wait(f);
	return ERR_OK;
}

void
follow_resync(struct follow *f)
{
	if (f->live && f->has_place)
		follow_round_want(f, false);
}

/* ---- the loop ---- */

static int
sooner(int timeout_ms, int other_ms)
{
	if (other_ms < 0)
		return timeout_ms;
	return timeout_ms < 0 || other_ms < timeout_ms ? other_ms : timeout_ms;
}

static int
until(uint64_t at_ms)
{
	uint64_t now_ms = clock_now_ms();

	return at_ms <= now_ms ? 0 : (int)(at_ms - now_ms);
}

static bool
can_serve(const struct follow *f)
{
	return f->phase == FOLLOW_READY && f->live && f->has_place &&
	       f->store_retry_ms == 0;
}

unsigned
follow_poll_fds(struct follow *f, struct pollfd fds[FOLLOW_FDS_MAX], int *timeout_ms)
{
	unsigned count = 0;

	if (f->phase == FOLLOW_DOWN) {
		*timeout_ms = sooner(*timeout_ms, until(f->retry_at_ms));
		return 0;
	}
	if (f->phase == FOLLOW_CONNECTING) {
		*timeout_ms = sooner(*timeout_ms, redis_connect_due_ms(f->connect));
		if (redis_connect_fd(f->connect) < 0)
			return 0;
		fds[0] = (struct pollfd){ .fd = redis_connect_fd(f->connect),
					  .events = redis_connect_events(f->connect) };
		return 1;
	}
	for (unsigned i = LINK_STREAM; i < LINK_COUNT; i++)
		fds[count++] =
			(struct pollfd){ .fd = redis_link_fd(f->links[i]),
					 .events = redis_link_events(f->links[i]) };
	*timeout_ms = sooner(*timeout_ms, until(f->next_probe_ms));
	if (f->store_retry_ms != 0)
		*timeout_ms = sooner(*timeout_ms, until(f->store_retry_ms));
	if (can_serve(f)) {
		if (!f->round.is_strict)
			*timeout_ms = sooner(*timeout_ms, follow_events_due_ms(f));
		*timeout_ms = sooner(*timeout_ms, follow_round_due_ms(f));
	}
	return count;
}

static void
ready_step(struct follow *f)
{
	uint64_t now_ms = clock_now_ms();

	if (f->store_retry_ms != 0 && now_ms >= f->store_retry_ms) {
		f->store_retry_ms = 0;
		region_source_set_text(f->board, SOURCE_TEXT_STORE, "%s", "");
	}
	follow_events_step(f);
	if (f->phase == FOLLOW_READY)
		follow_stream_step(f);
	if (can_serve(f) && !f->round.is_strict && !f->round.wants_strict)
		follow_events_serve(f);
	if (f->phase == FOLLOW_READY && now_ms >= f->next_probe_ms)
		follow_probe(f);
	if (can_serve(f))
		follow_round_step(f);
	if (f->phase == FOLLOW_READY)
		prepare_load(f);
}

void
follow_step(struct follow *f, const struct pollfd *fds, unsigned count)
{
	(void)fds;
	(void)count;
	switch (f->phase) {
	case FOLLOW_DOWN:
		if (clock_now_ms() < f->retry_at_ms)
			return;
		f->connecting = LINK_COMMAND;
		start_link(f);
		connect_step(f);
		return;
	case FOLLOW_CONNECTING:
		connect_step(f);
		return;
	case FOLLOW_READY:
		ready_step(f);
		return;
	}
}
