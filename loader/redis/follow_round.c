/* Comparing everything: one zone after the other by its digest, at a bounded rate, and at
 * once after each gap.
 *
 * A plain round serves what differs as it is met.  After a gap what shrinks is served at
 * the end, when it is known how much that is in all.  After a gap in the stream all that
 * differs is: entries were lost that named several zones, and half of one must not be
 * seen; the stream waits that long. */
#include "loader/redis/follow_round.h"

#include <string.h>

#include "loader/redis/follow_aside.h"
#include "loader/redis/follow_gap.h"
#include "loader/redis/follow_list.h"
#include "loader/redis/follow_notes.h"
#include "loader/redis/follow_serve.h"
#include "loader/redis/follow_stream.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	MARKS = 256,
	BATCH_MIN = 16, /* however long it takes: each batch is a commit */
	BATCH_MAX = 256,
	BATCH_US = 1000,
	REST = 4, /* of the time a comparison takes, without a gap */
	POLL_MS = 5000, /* at most once in so long a zone is polled */
	DIFFERING_MAX = 4000, /* zones that are served as one after a gap */
};

/* ---- the age of comparisons ---- */

static void
show_oldest(struct follow *f)
{
	int64_t oldest = f->round.marks_ms[0];

	for (unsigned i = 1; i < MARKS; i++)
		if (f->round.marks_ms[i] < oldest)
			oldest = f->round.marks_ms[i];
	atomic_store(&f->board->oldest_digest_ms, oldest);
}

static void
mark(struct follow *f, size_t from, size_t to)
{
	size_t count = f->round.names.count ? f->round.names.count : 1;
	int64_t now_ms = clock_wall_ms();

	for (size_t i = from * MARKS / count; i < MARKS && i * count < to * MARKS; i++)
		f->round.marks_ms[i] = now_ms;
	show_oldest(f);
}

void
follow_round_done(struct follow *f)
{
	for (unsigned i = 0; i < MARKS; i++)
		f->round.marks_ms[i] = clock_wall_ms();
	show_oldest(f);
	f->round.is_open = false;
	f->round.is_urgent = false;
	f->round.is_strict = false;
	f->round.was_complete = true;
	f->round.missing = 0;
	region_source_set_text(f->board, SOURCE_TEXT_GAP, "%s", "");
	region_source_set_state(f->board, SOURCE_FOLLOWING);
}

/* ---- beginning ---- */

/* Zones that are served and no longer listed are weighed and served as one. */
static int
take_gone(struct follow *f, const struct key_table *gone)
{
	char text[DNAME_TEXT_MAX];
	int rc;

	for (uint32_t i = 0; f->round.is_urgent && i < gone->count; i++) {
		size_t len;
		const void *origin = key_table_key(gone, i, &len);
		size_t text_len = dname_to_text(origin, text);
		struct redis_text name = { text, text_len };

		dirty_zones_mark(&f->round.differing, name, 0);
	}
	if (f->round.is_urgent || gone->count == 0)
		return ERR_OK;
	change_set_clear(&f->set);
	rc = follow_list_name_gone(f, gone);
	return rc == ERR_OK ? follow_serve_set(f, CHANGE_DIGEST, false) : rc;
}

static void
begin(struct follow *f)
{
	struct follow_round *round = &f->round;

	arena_free(f->arena);
	f->arena = arena_new();
	if (!f->arena)
		return;
	round->is_urgent = round->wants_urgent;
	round->is_strict = round->is_strict || round->wants_strict;
	round->wants_urgent = round->wants_strict = false;
	key_table_clear(&round->names);
	dirty_zones_clear(&round->differing);
	round->differing.limit = SIZE_MAX;
	round->next = 0;
	round->missing = 0;
	round->began_ms = clock_now_ms();
	round->due_ms = 0;
	round->batch = round->batch ? round->batch : 16;
	if (round->is_strict) {
		struct stream_place place;

		if (follow_stream_place(f, &place) != ERR_OK) {
			round->wants_urgent = round->wants_strict = true;
			return;
		}
		f->place = place; /* noted as that of a gap until all is compared */
		follow_aside_forget(f);
	}
	round->is_open = true;
	follow_list_begin(&round->list);
}

/* The list is read first: what is gone is served, or noted, and the names are what is
 * compared then. */
static void
list_step(struct follow *f)
{
	struct follow_round *round = &f->round;
	int rc = follow_list_step(f, &round->list);

	if (rc == ERR_BUSY)
		return;
	if (rc == ERR_OK) {
		struct key_table old = round->names;

		round->names = round->list.names;
		round->list.names = old;
		f->dirty.limit = f->fresh.limit = f->claimed.limit = f->later.limit =
			2 * round->names.count + 1000;
		rc = take_gone(f, &round->list.gone);
	}
	follow_list_clear(&round->list);
	if (rc == ERR_OK)
		return;
	round->is_open = false;
	round->wants_urgent = round->wants_urgent || round->is_urgent;
	round->due_ms = clock_now_ms() + 1000;
}

/* ---- going on ---- */

static int
compare_batch(struct follow *f)
{
	struct follow_round *round = &f->round;
	size_t first = round->next, count = 0;
	int rc = ERR_OK;

	change_set_clear(&f->set);
	for (; round->next < round->names.count && count < round->batch; round->next++) {
		struct redis_text name;

		name.bytes =
			key_table_key(&round->names, (uint32_t)round->next, &name.len);
		if (change_set_add_zone(&f->set, name) == ERR_OK)
			count++;
	}
	if (count > 0)
		rc = round->is_urgent ? follow_serve_compare(f, round->is_strict)
				      : follow_serve_set(f, CHANGE_DIGEST, false);
	if (rc != ERR_OK) {
		round->next = first;
		return rc;
	}
	region_source_add(f->board, SOURCE_redis_digests, count);
	mark(f, first, round->next);
	return ERR_OK;
}

/* Serve what was found to differ, as one as far as it goes. */
static int
serve_differing(struct follow *f)
{
	struct redis_text name;
	uint64_t since_us;
	int rc = ERR_OK;

	while (rc == ERR_OK && f->round.differing.waiting > 0) {
		change_set_clear(&f->set);
		while (f->set.count < DIFFERING_MAX &&
		       dirty_zones_take(&f->round.differing, &name, &since_us))
			if (change_set_add_zone(&f->set, name) == ERR_NOMEM)
				return ERR_NOMEM;
		rc = follow_serve_set(f, CHANGE_RESYNC, true);
	}
	return rc;
}

static void
end(struct follow *f)
{
	struct follow_round *round = &f->round;
	bool is_urgent = round->is_urgent, is_strict = round->is_strict;

	if (serve_differing(f) != ERR_OK) {
		round->is_open = false;
		round->wants_urgent = true;
		round->wants_strict = is_strict;
		return;
	}
	if (is_urgent) {
		region_source_add(f->board, SOURCE_redis_resyncs, 1);
		log_info("all %zu zones were compared with Redis in %llu ms",
			 round->names.count,
			 (unsigned long long)(clock_now_ms() - round->began_ms));
	}
	f->list_offset = round->names.count - f->served_redis_zones;
	f->list_is_known = true;
	follow_round_done(f);
	if (is_strict && follow_notes_save(f) != ERR_OK)
		follow_gap_compare(f, true);
	round->due_ms = clock_now_ms();
}

/* How long a round takes in all, when nothing is urgent. */
static uint64_t
round_ms(const struct follow *f)
{
	return f->notifications_on ? f->settings->redis.reconcile_s * UINT64_C(1000)
				   : POLL_MS;
}

/* When the next batch is due, after one that took so long. */
static uint64_t
next_due(const struct follow *f, uint64_t now_ms, uint64_t took_us)
{
	const struct follow_round *round = &f->round;
	uint64_t rest_ms = REST * took_us / 1000, share_ms;
	size_t count = round->names.count ? round->names.count : 1;

	if (round->is_urgent)
		return now_ms;
	share_ms = round_ms(f) * round->batch / count;
	return now_ms + (rest_ms > share_ms ? rest_ms : share_ms);
}

void
follow_round_step(struct follow *f)
{
	struct follow_round *round = &f->round;
	uint64_t now_ms = clock_now_ms(), began_us;

	if (round->wants_urgent && (!round->is_urgent || round->wants_strict))
		round->is_open = false;
	if (!round->is_open) {
		if (follow_round_due_ms(f) == 0)
			begin(f);
		return;
	}
	if (round->list.is_open) {
		list_step(f);
		return;
	}
	if (now_ms < round->due_ms)
		return;
	began_us = (uint64_t)clock_wall_us();
	if (compare_batch(f) != ERR_OK) {
		round->due_ms = now_ms + 100;
		return;
	}
	if (round->next >= round->names.count) {
		end(f);
		return;
	}
	began_us = (uint64_t)clock_wall_us() - began_us;
	if (began_us > BATCH_US && round->batch > BATCH_MIN)
		round->batch /= 2;
	else if (began_us < BATCH_US / 2 && round->batch < BATCH_MAX)
		round->batch *= 2;
	round->due_ms = next_due(f, clock_now_ms(), began_us);
}

int
follow_round_due_ms(const struct follow *f)
{
	const struct follow_round *round = &f->round;
	uint64_t now_ms = clock_now_ms(), due_ms = round->due_ms;

	if (!round->is_open && !round->wants_urgent &&
	    due_ms < round->began_ms + round_ms(f))
		due_ms = round->began_ms + round_ms(f);
	if (now_ms >= due_ms)
		return 0;
	return due_ms - now_ms > 1000 ? 1000 : (int)(due_ms - now_ms);
}
