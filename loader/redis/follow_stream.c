/* The change stream: a connection of its own waits in XREAD; what it brings is read and
 * served at once, many entries together when many are there. */
#include "loader/redis/follow_stream.h"

#include "loader/redis/follow_behind.h"
#include "loader/redis/follow_events.h"
#include "loader/redis/follow_lose.h"
#include "loader/redis/follow_serve.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

/* So long an XREAD with an old cursor may wait for what never comes. */
enum { BLOCK_MS = 1000 };

/* Of many that wait so large a part is taken at a time: all others are looked through for
 * each, see loader/redis/follow_behind.h. */
enum { SHARE = 8, COUNT_MAX = 20000 };

static bool
is_paused(const struct follow *f)
{
	return f->stream_is_bad || f->round.is_strict || f->round.wants_strict ||
	       !f->live || !f->has_place || f->store_retry_ms != 0;
}

void
follow_stream_wait(struct follow *f)
{
	struct redis_link *link = f->links[LINK_STREAM];
	char id[CHANGE_ID_TEXT_MAX];
	size_t count;

	if (f->settings->redis.stream[0] == '\0' || f->is_waiting_entries || is_paused(f))
		return;
	change_id_print(f->place.cursor, id);
	count = f->behind / SHARE;
	count = count > FOLLOW_ENTRIES_MAX ? count : FOLLOW_ENTRIES_MAX;
	count = count < COUNT_MAX ? count : COUNT_MAX;
	if (redis_link_send(link, "XREAD COUNT %d BLOCK %d STREAMS %s %s", (int)count,
			    (int)BLOCK_MS, f->settings->redis.stream, id) != ERR_OK)
		follow_lose_link(f, LINK_STREAM);
	f->is_waiting_entries = f->phase == FOLLOW_READY;
	f->entries_due_ms = clock_now_ms() + BLOCK_MS + f->settings->redis.timeout_ms;
}

/* This connection alone hangs: others tell of entries only once a second. */
static bool
is_overdue(const struct follow *f)
{
	uint64_t heard_ms = redis_link_heard_ms(f->links[LINK_STREAM]);
	uint64_t now_ms = clock_now_ms();

	return f->is_waiting_entries && now_ms > f->entries_due_ms &&
	       now_ms > heard_ms + f->settings->redis.timeout_ms;
}

/* [[key, [entry, ...]]] -> the first entry */
static const struct redis_reply *
entries_of(const struct redis_reply *reply)
{
	const struct redis_reply *stream = redis_reply_first(reply);
	const struct redis_reply *key = stream ? redis_reply_first(stream) : NULL;
	const struct redis_reply *entries = key ? redis_reply_next(key) : NULL;

	return entries ? redis_reply_first(entries) : NULL;
}

static size_t
labels_of(const struct change_set *set)
{
	return set->labels.count + set->count;
}

static int
take_entries(struct follow *f, const struct redis_reply *first)
{
	size_t bad = 0, taken = 0;
	int rc = ERR_OK;

	change_set_clear(&f->set);
	for (const struct redis_reply *at = first;
	     rc == ERR_OK && at && labels_of(&f->set) < FOLLOW_GROUP_LABELS;
	     at = redis_reply_next(at)) {
		const struct redis_text *words;
		struct change_id id;
		size_t count;

		if (!follow_behind_entry(at, f->arena, &id, &words, &count))
			continue;
		if (change_id_compare(id, f->place.cursor) <= 0)
			continue;
		rc = change_set_add(&f->set, words, count, id, &bad);
		taken++;
	}
	region_source_add(f->board, SOURCE_redis_entries, taken);
	region_source_add(f->board, SOURCE_redis_bad_entries, bad);
	return rc;
}

/* An error reply: the key holds something else, or the user may not read it. */
static void
stream_refused(struct follow *f, const struct redis_reply *reply)
{
	char reason[REDIS_REASON_MAX];

	redis_link_explain(reply, "XREAD", reason);
	f->stream_is_bad = true;
	region_source_set_text(f->board, SOURCE_TEXT_STREAM,
			       "the change stream %.100s cannot be read: %.300s",
			       f->settings->redis.stream, reason);
	log_errorx("the change stream %s cannot be read: %s", f->settings->redis.stream,
		   reason);
}

/* returns 0; ERR_NOTFOUND when there is none; or as follow_serve_set. */
static int
serve_entries(struct follow *f, const struct redis_reply *first)
{
	int rc;

	if (is_paused(f)) /* fetched again when they can be served */
		return ERR_BUSY;
	rc = take_entries(f, first);
	if (rc == ERR_OK && f->set.entry_count == 0)
		rc = ERR_NOTFOUND;
	if (rc == ERR_OK)
		rc = follow_serve_set(f, CHANGE_STREAM, false);
	if (rc == ERR_OK)
		follow_events_named(f);
	return rc;
}

void
follow_stream_step(struct follow *f)
{
	const struct redis_reply *reply;
	struct arena *arena = arena_new();
	int rc;

	if (!arena)
		return;
	rc = redis_link_try(f->links[LINK_STREAM], arena, &reply);
	if (rc == ERR_BUSY && is_overdue(f))
		rc = redis_link_fail(f->links[LINK_STREAM], "no whole reply to XREAD");
	if (rc != ERR_BUSY)
		f->is_waiting_entries = false;
	if (rc == ERR_OK && redis_reply_kind(reply) == REDIS_ERROR)
		stream_refused(f, reply);
	else if (rc == ERR_OK)
		(void)!serve_entries(f, entries_of(reply)); /* fetched again */
	else if (rc != ERR_BUSY)
		follow_lose_link(f, LINK_STREAM);
	arena_free(arena);
	if (f->phase == FOLLOW_READY)
		follow_stream_wait(f);
}

int
follow_stream_catch_up(struct follow *f)
{
	const struct redis_reply *reply;
	struct arena *arena;
	struct change_id id;
	char from[CHANGE_ID_TEXT_MAX];
	int rc = ERR_NOTFOUND;

	if (f->settings->redis.stream[0] == '\0')
		return ERR_NOTFOUND;
	if (is_paused(f))
		return ERR_BUSY;
	arena = arena_new();
	if (!arena)
		return ERR_NOMEM;
	id = f->place.cursor;
	id.ms += id.seq == UINT64_MAX;
	id.seq++;
	change_id_print(id, from);
	reply = redis_link_ask(f->links[LINK_COMMAND], arena, "XRANGE %s %s + COUNT %d",
			       f->settings->redis.stream, from, (int)FOLLOW_ENTRIES_MAX);
	if (!reply)
		follow_lose_link(f, LINK_COMMAND), rc = ERR_CLOSED;
	else if (redis_reply_kind(reply) == REDIS_ERROR)
		stream_refused(f, reply);
	else
		rc = serve_entries(f, redis_reply_first(reply));
	arena_free(arena);
	return rc;
}

int
follow_stream_place(struct follow *f, struct stream_place *out)
{
	const struct redis_reply *reply;
	struct stream_facts facts;

	*out = (struct stream_place){ .added = 0 };
	if (f->settings->redis.stream[0] == '\0')
		return ERR_OK;
	if (redis_link_send(f->links[LINK_COMMAND], "XINFO STREAM %s",
			    f->settings->redis.stream) != ERR_OK ||
	    !(reply = redis_link_receive(f->links[LINK_COMMAND], f->arena))) {
		follow_lose_link(f, LINK_COMMAND);
		return ERR_CLOSED;
	}
	stream_facts_read(reply, &facts);
	f->stream_is_bad = facts.is_wrong_type;
	if (!f->stream_is_bad)
		region_source_set_text(f->board, SOURCE_TEXT_STREAM, "%s", "");
	if (facts.exists)
		*out = (struct stream_place){ .cursor = facts.last,
					      .was_seen = true,
					      .added = facts.added };
	return ERR_OK;
}
