/* The follower as a whole: its links, its phases, and what is done when. */
#include "loader/redis/follow.h"

#include <stdlib.h>
#include <string.h>

#include "loader/redis/follow_away.h"
#include "loader/redis/follow_events.h"
#include "loader/redis/follow_gap.h"
#include "loader/redis/follow_key_times.h"
#include "loader/redis/follow_list.h"
#include "loader/redis/follow_load.h"
#include "loader/redis/follow_lose.h"
#include "loader/redis/follow_renew.h"
#include "loader/redis/follow_round.h"
#include "loader/redis/follow_sentinel.h"
#include "loader/redis/follow_server.h"
#include "loader/redis/follow_state.h"
#include "loader/redis/follow_stream.h"
#include "loader/redis/follow_unkept.h"
#include "shm/clock.h"
#include "shm/errcode.h"

/* ---- made and given back ---- */

struct follow *
follow_new(const struct settings *settings, struct region *region, int signer_fd)
{
	struct follow *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	f->settings = settings;
	f->board = &region->source;
	f->region = region;
	f->signing = &region->signer;
	region_signer_set_aside(f->signing, 0, NULL);
	f->facts = &region->swap;
	f->guard.share = settings->redis.shrink_guard;
	f->guard.min = settings->redis.shrink_min;
	f->list_is_known = false;
	f->dirty.limit = f->fresh.limit = f->claimed.limit = f->later.limit = 100000;
	f->aside.limit = SIZE_MAX;
	redis_keys_init(&f->keys, settings);
	f->reader = redis_zone_reader_new(settings);
	f->session = sign_session_new(signer_fd, false);
	f->signer_fd = signer_fd;
	f->connect = redis_connect_new(settings);
	if (settings->redis.sentinel.master[0] != '\0')
		f->sentinel = redis_sentinel_new(settings);
	if (!f->reader || !f->session || !f->connect ||
	    (settings->redis.sentinel.master[0] != '\0' && !f->sentinel)) {
		follow_free(f);
		return NULL;
	}
	region_source_set_state(f->board, SOURCE_CONNECTING);
	return f;
}

void
follow_free(struct follow *f)
{
	if (!f)
		return;
	follow_lose_links(f);
	redis_connect_free(f->connect);
	redis_sentinel_free(f->sentinel);
	redis_zone_reader_free(f->reader);
	sign_session_free(f->session);
	dirty_zones_fini(&f->aside);
	key_table_fini(&f->queued);
	key_table_fini(&f->away);
	change_set_fini(&f->waiting);
	key_table_fini(&f->tried);
	key_table_fini(&f->renewed);
	arena_free(f->arena);
	change_set_fini(&f->set);
	dirty_zones_fini(&f->dirty);
	dirty_zones_fini(&f->fresh);
	dirty_zones_fini(&f->claimed);
	dirty_zones_fini(&f->later);
	dirty_zones_fini(&f->round.differing);
	key_table_fini(&f->round.names);
	follow_list_clear(&f->round.list);
	follow_list_clear(&f->list);
	key_table_fini(&f->named[0]);
	key_table_fini(&f->named[1]);
	held_fini(&f->held);
	shrink_guard_fini(&f->guard);
	free(f);
}

/* ---- connecting ---- */

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
	atomic_store(&f->board->connected_since_ms, clock_wall_ms());
	region_source_set_text(f->board, SOURCE_TEXT_LINK, "%s", "");
	region_source_set_text(f->board, SOURCE_TEXT_STREAM, "%s", "");
	f->next_probe_ms = 0;
	f->is_asking_sentinel = false;
	f->sentinel_due_ms = 0;
	f->list_is_known = f->list_is_counted = false;
	follow_list_clear(&f->list);
	follow_list_clear(&f->round.list);
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
	follow_gap_compare(f, false);
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
	else if (follow_server_identify(f) == ERR_OK &&
		 follow_events_subscribe(f) == ERR_OK)
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

void
follow_resync(struct follow *f)
{
	if (f->live && f->has_place)
		follow_gap_compare(f, false);
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

	if (follow_renew_is_on(f))
		*timeout_ms = sooner(*timeout_ms, until(f->renew_ms));
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
	if (follow_sentinel_poll(f, &fds[count]))
		count++;
	*timeout_ms = sooner(*timeout_ms, follow_sentinel_due_ms(f));
	*timeout_ms = sooner(*timeout_ms, until(f->next_probe_ms));
	if (f->has_more_events)
		*timeout_ms = 0;
	if (f->store_retry_ms != 0)
		*timeout_ms = sooner(*timeout_ms, until(f->store_retry_ms));
	if (can_serve(f)) {
		*timeout_ms = sooner(*timeout_ms, follow_key_times_due_ms(f));
		if (!f->round.is_strict)
			*timeout_ms = sooner(*timeout_ms, follow_events_due_ms(f));
		if (!follow_away_stops_round(f))
			*timeout_ms = sooner(*timeout_ms, follow_round_due_ms(f));
		if (follow_away_is_due(f))
			*timeout_ms = 0;
	}
	return count;
}

static void
ready_step(struct follow *f)
{
	uint64_t now_ms = clock_now_ms();

	if (f->store_retry_ms != 0 && now_ms >= f->store_retry_ms)
		f->store_retry_ms = 0;
	if (f->store_well_ms != 0 && now_ms >= f->store_well_ms) {
		f->store_well_ms = 0;
		region_source_set_text(f->board, SOURCE_TEXT_STORE, "%s", "");
	}
	follow_events_step(f);
	if (can_serve(f) && follow_away_is_due(f))
		follow_away_serve(f);
	if (f->phase == FOLLOW_READY)
		follow_stream_step(f);
	if (can_serve(f))
		follow_unkept_step(f);
	if (can_serve(f))
		follow_key_times_step(f);
	if (can_serve(f) && !f->round.is_strict && !f->round.wants_strict)
		follow_events_serve(f);
	if (f->phase == FOLLOW_READY && now_ms >= f->next_probe_ms)
		follow_server_probe(f);
	if (can_serve(f) && !follow_away_stops_round(f))
		follow_round_step(f);
	if (f->phase == FOLLOW_READY)
		follow_load_prepare(f);
	if (f->phase == FOLLOW_READY)
		follow_sentinel_step(f);
}

void
follow_step(struct follow *f, const struct pollfd *fds, unsigned count)
{
	(void)fds;
	(void)count;
	follow_renew_step(f);
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
