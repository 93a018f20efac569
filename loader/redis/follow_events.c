/* Keyspace notifications: which zones have changed, from writers that know nothing of
 * the change stream.  An event names a key, not what has changed in it, and those of one
 * MULTI come one by one: so the zone is read whole, and events meanwhile only mark it.
 *
 * Writers of the change stream cause events, too.  In a MULTI the event of the stream
 * follows those of the data: what it follows is claimed, and a claimed zone that the
 * stream did name is not read again at once but compared a little later. */
#include "loader/redis/follow_events.h"

#include <stdio.h>
#include <string.h>

#include "loader/redis/follow_gap.h"
#include "loader/redis/follow_list.h"
#include "loader/redis/follow_lose.h"
#include "loader/redis/follow_serve.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum {
	EVENTS_MAX = 10000, /* of one step */
	EVENT_OCTETS_MAX = 4 << 20, /* the same: whoever publishes chooses their size */
	QUIET_MS = 3000,
	LATER_MS = 5000,
	LATER_ZONES = 16,
	NAMED_MS = 100,
	LIST_REST = 10, /* comparing the list takes a tenth of the time at most */
};

/* ---- subscribing ---- */

/* Take what a pattern understands literally. */
static size_t
escape(const char *text, size_t len, char *out)
{
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		if (strchr("*?[]\\^-", text[i]))
			out[at++] = '\\';
		out[at++] = text[i];
	}
	return at;
}

int
follow_events_subscribe(struct follow *f)
{
	struct redis_link *link = f->links[LINK_EVENTS];
	size_t suffix_len = strlen(f->settings->redis.suffix);
	char key[REDIS_KEY_MAX], pattern[2 * REDIS_KEY_MAX + 64];
	size_t len = redis_keys_zones(&f->keys, key) - suffix_len, at;
	int rc;

	f->is_subscribed = false;
	f->events_asked_ms = 0;
	if (!f->settings->redis.notifications)
		return ERR_OK;
	at = (size_t)snprintf(pattern, sizeof pattern,
			      "__keyspace@%u__:", f->settings->redis.db);
	at += escape(key, len, pattern + at);
	pattern[at++] = '*';
	at += escape(key + len, suffix_len, pattern + at);
	rc = redis_link_send(link, "PSUBSCRIBE %b", pattern, at);
	if (rc == ERR_OK && f->settings->redis.stream[0] != '\0')
		rc = redis_link_send(link, "SUBSCRIBE __keyspace@%d__:%s",
				     (int)f->settings->redis.db,
				     f->settings->redis.stream);
	if (rc != ERR_OK)
		follow_lose_link(f, LINK_EVENTS);
	return rc;
}

/* ---- events ---- */

/* Everything that waits in `from` waits in `to`. */
static void
move_all(struct dirty_zones *from, struct dirty_zones *to)
{
	struct redis_text name;
	uint64_t since_us;

	while (dirty_zones_take(from, &name, &since_us))
		dirty_zones_mark(to, name, since_us);
	to->has_lost = to->has_lost || from->has_lost;
	dirty_zones_clear(from);
}

void
follow_events_list(struct follow *f, uint64_t now_us)
{
	if (!f->list_is_dirty)
		f->list_since_us = now_us;
	f->list_is_dirty = true;
}

static void
take_key(struct follow *f, struct redis_text key, uint64_t now_us)
{
	struct redis_key parts;

	redis_keys_parse(&f->keys, key, &parts);
	if (parts.zone.len > REDIS_NAME_MAX)
		return; /* no zone is called so */
	switch (parts.kind) {
	case REDIS_KEY_OTHER:
		return;
	case REDIS_KEY_ZONES:
		follow_events_list(f, now_us);
		return;
	case REDIS_KEY_RRSET:
		/* who named it in the stream was read without this type */
		if (redis_keys_learn_type(&f->keys, parts.type)) {
			dirty_zones_mark(&f->dirty, parts.zone, now_us);
			return;
		}
		break;
	case REDIS_KEY_ZONE:
	case REDIS_KEY_CONFIG:
	case REDIS_KEY_SECRET:
		break;
	}
	dirty_zones_mark(&f->fresh, parts.zone, now_us);
}

/* "pmessage", pattern, "__keyspace@0__:KEY", event; or "message", channel, event. */
static void
take_event(struct follow *f, const struct redis_reply *reply, uint64_t now_us)
{
	const struct redis_reply *kind = redis_reply_first(reply), *at;
	struct redis_text channel;
	const char *key;

	if (!kind)
		return;
	at = redis_reply_next(kind);
	if (redis_reply_is(kind, "psubscribe")) {
		f->is_subscribed = true;
		return;
	}
	if (redis_reply_is(kind, "message")) {
		move_all(&f->fresh, &f->claimed);
		return;
	}
	if (!redis_reply_is(kind, "pmessage") || !at || !(at = redis_reply_next(at)))
		return;
	channel = redis_reply_text(at);
	at = redis_reply_next(at);
	key = memchr(channel.bytes, ':', channel.len);
	/* a time to live by itself changes nothing */
	if (!key || !at || redis_reply_is(at, "expire") || redis_reply_is(at, "persist"))
		return;
	key++;
	region_source_add(f->board, SOURCE_redis_events, 1);
	take_key(f,
		 (struct redis_text){ key, channel.len - (size_t)(key - channel.bytes) },
		 now_us);
}

static void
subscribe_refused(struct follow *f, const struct redis_reply *reply)
{
	char reason[REDIS_REASON_MAX];

	if (f->is_subscribed)
		return; /* the stream's own events only save some reading */
	redis_link_explain(reply, "PSUBSCRIBE", reason);
	f->notifications_on = false;
	region_source_set_text(f->board, SOURCE_TEXT_NOTIFY,
			       "notifications cannot be subscribed: %.400s", reason);
}

/* Silence is usual here, and it could be that of a line that is gone.  An error is a reply
 * as good as any other. */
static void
ask_when_quiet(struct follow *f)
{
	struct redis_link *link = f->links[LINK_EVENTS];
	uint64_t now_ms = clock_now_ms(), heard_ms = redis_link_heard_ms(link);

	if (!f->is_subscribed || now_ms < heard_ms + QUIET_MS)
		return;
	if (f->events_asked_ms <= heard_ms) {
		f->events_asked_ms = now_ms;
		if (redis_link_send(link, "PING") == ERR_OK)
			return;
	} else if (now_ms <= f->events_asked_ms + f->settings->redis.timeout_ms) {
		return;
	} else {
		(void)redis_link_fail(link, "no reply to PING where notifications come");
	}
	follow_lose_link(f, LINK_EVENTS);
}

void
follow_events_step(struct follow *f)
{
	struct redis_link *link = f->links[LINK_EVENTS];
	struct arena *arena = arena_new();
	uint64_t now_us = (uint64_t)clock_wall_us();
	int rc = arena ? ERR_OK : ERR_NOMEM;

	for (unsigned i = 0;
	     rc == ERR_OK && i < EVENTS_MAX && arena_bytes(arena) < EVENT_OCTETS_MAX;
	     i++) {
		const struct redis_reply *reply;

		rc = redis_link_try(link, arena, &reply);
		if (rc == ERR_OK && redis_reply_kind(reply) == REDIS_ERROR)
			subscribe_refused(f, reply);
		else if (rc == ERR_OK)
			take_event(f, reply, now_us);
	}
	arena_free(arena);
	f->has_more_events = rc == ERR_OK;
	if (rc != ERR_OK && rc != ERR_BUSY && rc != ERR_NOMEM) {
		follow_lose_link(f, LINK_EVENTS);
		return;
	}
	move_all(&f->fresh, &f->dirty);
	region_source_set(f->board, SOURCE_redis_waiting, f->dirty.waiting);
	ask_when_quiet(f);
}

/* ---- what the stream has served ---- */

static void
rotate_named(struct follow *f, uint64_t now_ms)
{
	struct key_table old = f->named[1];

	if (now_ms - f->named_since_ms < NAMED_MS)
		return;
	f->named[1] = f->named[0];
	f->named[0] = old;
	key_table_clear(&f->named[0]);
	if (now_ms - f->named_since_ms >= 2 * NAMED_MS)
		key_table_clear(&f->named[1]);
	f->named_since_ms = now_ms;
}

void
follow_events_named(struct follow *f)
{
	uint32_t number;

	if (!f->notifications_on)
		return;
	rotate_named(f, clock_now_ms());
	for (size_t i = 0; i < f->set.count; i++)
		if (key_table_add(&f->named[0], 0, f->set.zones[i].origin,
				  f->set.zones[i].origin_len, &number) != ERR_OK)
			return;
}

static bool
is_named(const struct follow *f, struct redis_text name)
{
	uint8_t origin[DNAME_MAX + NAME_PAD];
	const char *reason;
	size_t len = redis_zone_origin(name, origin, &reason);
	uint32_t number;

	return len > 0 &&
	       (key_table_find(&f->named[0], 0, origin, len, &number) == ERR_OK ||
		key_table_find(&f->named[1], 0, origin, len, &number) == ERR_OK);
}

static void
settle_claimed(struct follow *f)
{
	struct redis_text name;
	uint64_t since_us;

	rotate_named(f, clock_now_ms());
	while (dirty_zones_take(&f->claimed, &name, &since_us))
		dirty_zones_mark(is_named(f, name) ? &f->later : &f->dirty, name,
				 since_us);
	f->dirty.has_lost = f->dirty.has_lost || f->claimed.has_lost;
	dirty_zones_clear(&f->claimed);
}

/* ---- serving ---- */

/* Put zones from a queue into the set.  returns how many. */
static size_t
fill_set(struct follow *f, struct dirty_zones *from, size_t max)
{
	struct redis_text name;
	uint64_t since_us;

	change_set_clear(&f->set);
	while (f->set.count < max && dirty_zones_take(from, &name, &since_us)) {
		size_t before = f->set.count;

		if (change_set_add_zone(&f->set, name) == ERR_OK && f->set.count > before)
			f->set.zones[before].since_us = since_us;
	}
	return f->set.count;
}

/* What could not be served now waits again. */
static void
put_back(struct follow *f, struct dirty_zones *to)
{
	for (size_t i = 0; i < f->set.count; i++) {
		struct redis_text name;

		name.bytes =
			key_table_key(&f->set.texts, f->set.zones[i].text, &name.len);
		if (f->set.zones[i].is_from_event)
			dirty_zones_mark(to, name, f->set.zones[i].since_us);
	}
}

/* All is being compared, and that weighs what is gone: the list may be half of what it was
 * for what made the gap, as when a server that was started empty is filled. */
static bool
is_after_gap(const struct follow *f)
{
	return f->round.is_urgent || f->round.wants_urgent;
}

/* The list has been compared: what is new is read as if events had named it, what is gone
 * is served as one. */
static int
serve_listed(struct follow *f)
{
	int rc;

	for (uint32_t i = 0; i < f->list.fresh.count; i++) {
		struct redis_text name;

		name.bytes = key_table_key(&f->list.fresh, i, &name.len);
		dirty_zones_mark(&f->dirty, name, f->list_since_us);
	}
	if (is_after_gap(f)) {
		f->list_has_gone = f->list_has_gone || f->list.gone.count > 0;
		return ERR_OK;
	}
	change_set_clear(&f->set);
	rc = follow_list_name_gone(f, &f->list.gone);
	if (rc == ERR_OK && f->set.count > 0)
		rc = follow_serve_set(f, CHANGE_EVENT, false);
	return rc;
}

/* Go on with the list, a step. */
static void
serve_list(struct follow *f)
{
	int rc;

	if (f->list_has_gone && !is_after_gap(f)) {
		f->list_has_gone = false; /* it may have ended behind that comparison */
		follow_events_list(f, (uint64_t)clock_wall_us());
	}
	if (!f->list.is_open) {
		if (!f->list_is_dirty || clock_now_ms() < f->list_due_ms)
			return;
		f->list_is_dirty = false;
		follow_list_begin(&f->list);
	}
	rc = follow_list_step(f, &f->list);
	if (rc == ERR_BUSY)
		return;
	if (rc == ERR_OK)
		rc = serve_listed(f);
	if (rc != ERR_OK)
		follow_events_list(f, f->list_since_us);
	f->list_is_known = false;
	f->list_is_counted = rc == ERR_OK;
	f->list_count = f->list.names.count;
	f->list_due_ms = clock_now_ms() + LIST_REST * f->list.took_us / 1000;
	follow_list_clear(&f->list);
}

/* Zones that the stream has changed, and that somebody else may have, too. */
static void
serve_later(struct follow *f, uint64_t now_ms)
{
	uint64_t since_us, now_us = (uint64_t)clock_wall_us();

	if (now_ms < f->later_due_ms || !dirty_zones_oldest(&f->later, &since_us) ||
	    since_us + LATER_MS * UINT64_C(1000) > now_us)
		return;
	if (fill_set(f, &f->later, LATER_ZONES) > 0 &&
	    follow_serve_set(f, CHANGE_DIGEST, false) != ERR_OK)
		put_back(f, &f->later);
	f->later_due_ms = clock_now_ms() + 4 * (clock_now_ms() - now_ms) + 1;
}

void
follow_events_serve(struct follow *f)
{
	uint64_t now_ms = clock_now_ms();

	settle_claimed(f);
	if (f->dirty.has_lost) {
		dirty_zones_clear(&f->dirty);
		follow_gap_compare(f, false);
		return;
	}
	if (fill_set(f, &f->dirty, FOLLOW_GROUP_ZONES) > 0) {
		if (follow_serve_set(f, CHANGE_EVENT, false) != ERR_OK)
			put_back(f, &f->dirty);
	} else if (f->later.waiting > 0) {
		serve_later(f, now_ms);
	}
	if (f->phase == FOLLOW_READY && f->store_retry_ms == 0)
		serve_list(f);
	region_source_set(f->board, SOURCE_redis_waiting, f->dirty.waiting);
}

int
follow_events_due_ms(const struct follow *f)
{
	uint64_t now_ms = clock_now_ms();

	if (f->dirty.waiting > 0 || f->claimed.waiting > 0 || f->dirty.has_lost)
		return 0;
	if (f->list.is_open)
		return 0;
	if (f->list_is_dirty)
		return now_ms >= f->list_due_ms ? 0 : (int)(f->list_due_ms - now_ms);
	return f->later.waiting > 0 ? 200 : -1;
}
