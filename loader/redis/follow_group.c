/* One consistent reading: everything that a set names in one MULTI, with what the change
 * stream holds behind it. */
#include "loader/redis/follow_group.h"

#include <string.h>

#include "loader/redis/follow_behind.h"
#include "loader/redis/follow_lose.h"
#include "loader/redis/follow_wish.h"
#include "shm/errcode.h"

enum {
	ROUNDS_NARROW =
		4, /* then zones are read whole: soon nothing is outside of them */
	ROUNDS_MAX = 64,
};

/* ---- sending ---- */

struct sending {
	struct follow *f;
	struct redis_link *link;
	size_t count; /* replies to come, MULTI's own not counted */
	struct redis_wish *wishes;
};

static int
send_key(struct sending *out, const char *command, const char *key, size_t len)
{
	int rc = redis_link_send(out->link, "%s %b", command, key, len);

	out->count++;
	return rc;
}

static int
send_zone(struct sending *out, const struct redis_wish *wish)
{
	struct follow *f = out->f;
	char key[REDIS_KEY_MAX];
	size_t len = redis_keys_zones(&f->keys, key);
	int rc = redis_link_send(out->link, "SISMEMBER %b %b", key, len, wish->zone.bytes,
				 wish->zone.len);

	out->count++;
	if (rc == ERR_OK) {
		len = redis_keys_zone(&f->keys, wish->zone, key);
		rc = send_key(out, "EXISTS", key, len);
	}
	if (rc == ERR_OK) {
		rc = redis_read_put(out->link, &f->keys, wish);
		if (rc > 0)
			out->count += (size_t)rc;
	}
	return rc < 0 ? rc : ERR_OK;
}

static int
send_all(struct sending *out)
{
	struct follow *f = out->f;
	char key[REDIS_KEY_MAX];
	size_t len = redis_keys_zones(&f->keys, key);
	int rc = redis_link_send(out->link, "MULTI");

	if (rc == ERR_OK)
		rc = send_key(out, f->set.has_list ? "SMEMBERS" : "SCARD", key, len);
	for (size_t i = 0; rc == ERR_OK && i < f->set.count; i++)
		rc = send_zone(out, &out->wishes[i]);
	if (rc == ERR_OK)
		rc = follow_behind_send(f, &out->count);
	if (rc == ERR_OK)
		rc = redis_link_send(out->link, "EXEC");
	return rc;
}

/* ---- receiving ---- */

/* The list that EXEC gave; NULL after follow_lose. */
static const struct redis_reply *
receive(struct follow *f, size_t count)
{
	struct redis_link *link = f->links[LINK_COMMAND];
	const struct redis_reply *reply;
	char reason[REDIS_REASON_MAX];
	int rc = redis_link_receive_exec(link, f->arena, count, &reply);

	if (rc == ERR_IO) {
		follow_lose_link(f, LINK_COMMAND);
		return NULL;
	}
	if (rc == ERR_OK && redis_reply_count(reply) == count)
		return reply;
	redis_link_explain(reply, "MULTI", reason);
	follow_lose(f, "%s", reason);
	return NULL;
}

/* It is not listed as it was: perhaps as it was written now. */
static bool
is_renamed(const struct follow *f, const struct change_zone *zone,
	   const struct redis_wish *wish)
{
	size_t len;
	const char *written = key_table_key(&f->set.texts, zone->text, &len);

	return !zone->is_as_written &&
	       (len != wish->zone.len || memcmp(written, wish->zone.bytes, len) != 0);
}

static int
take_zone(struct follow *f, const struct redis_reply **next, uint32_t number,
	  const struct redis_wish *wish, struct group_zone *out, bool *is_same)
{
	struct change_zone *zone = &f->set.zones[number];
	char reason[REDIS_REASON_MAX];
	int rc;

	out->is_listed = redis_reply_number(*next) == 1;
	if (!out->is_listed && is_renamed(f, zone, wish)) {
		zone->is_as_written = true;
		*is_same = false;
	}
	*next = redis_reply_next(*next);
	if (*next) {
		out->has_key = redis_reply_number(*next) == 1;
		*next = redis_reply_next(*next);
	}
	if (*next && wish->is_whole && f->keys.schema == REDIS_SCHEMA_Z42 &&
	    redis_reply_kind(*next) == REDIS_LIST && !follow_wish_has_labels(wish, *next))
		*is_same = false;
	rc = redis_read_get(next, &f->keys, wish, f->arena, &out->raw, reason);
	if (rc != ERR_OK)
		follow_lose(f, "%s", reason);
	return rc;
}

/* What zones there are is not told: nothing can be said of any. */
static int
lose_list(struct follow *f, const struct redis_reply *reply)
{
	char key[REDIS_KEY_MAX], reason[REDIS_REASON_MAX];

	redis_keys_zones(&f->keys, key);
	redis_link_explain(reply, f->set.has_list ? "SMEMBERS" : "SCARD", reason);
	follow_lose(f, "key %.100s: %s", key, reason);
	return ERR_FORMAT;
}

/* One reading.  *again: something has changed meanwhile, it must be repeated. */
static int
read_once(struct follow *f, struct group *out, bool *again)
{
	struct sending sending = { .f = f, .link = f->links[LINK_COMMAND] };
	const struct redis_reply *list, *next;
	bool is_same = true;
	int rc = follow_wish_all(f, &sending.wishes);

	out->zones = arena_take_items(f->arena, f->set.count + 1, sizeof *out->zones);
	if (rc == ERR_OK && !out->zones)
		rc = ERR_NOMEM;
	if (rc == ERR_OK)
		rc = send_all(&sending);
	if (rc != ERR_OK) {
		follow_lose_link(f, LINK_COMMAND);
		return rc;
	}
	list = receive(f, sending.count);
	if (!list)
		return ERR_CLOSED;
	next = redis_reply_first(list);
	if (redis_reply_kind(next) != (f->set.has_list ? REDIS_LIST : REDIS_NUMBER))
		return lose_list(f, next);
	out->listed_count = f->set.has_list ? redis_reply_count(next)
					    : (uint64_t)redis_reply_number(next);
	if (f->set.has_list)
		rc = redis_reply_texts(next, f->arena, &out->list, &out->list_count);
	next = redis_reply_next(next);
	for (uint32_t i = 0; rc == ERR_OK && i < f->set.count; i++)
		rc = take_zone(f, &next, i, &sending.wishes[i], &out->zones[i], &is_same);
	if (rc == ERR_OK)
		rc = follow_behind_take(f, next, out, again);
	*again = *again || !is_same;
	return rc;
}

/* ---- for others ---- */

int
follow_group_read(struct follow *f, struct group *out)
{
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		bool again = false;
		int rc;

		*out = (struct group){ .zones = NULL };
		if (round >= ROUNDS_NARROW)
			change_set_widen(&f->set);
		rc = read_once(f, out, &again);
		if (rc != ERR_OK || !again)
			return rc;
	}
	follow_lose(f, "zones change faster than they can be read as one");
	return ERR_BUSY;
}
