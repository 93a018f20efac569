/* Readings of their own: a wish in one MULTI, sent and waited for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_read.h"
#include "loader/zone/grow.h"
#include "shm/errcode.h"

enum {
	CHUNK_LABELS = 2000, /* z42: of one MULTI */
	TRIES = 5, /* z42: while labels come and go */
};

static int
lost(const struct redis_link *link, char reason[REDIS_REASON_MAX])
{
	snprintf(reason, REDIS_REASON_MAX, "%s", redis_link_reason(link));
	return ERR_IO;
}

static int
refused(const struct redis_reply *reply, const char *command, const char *key,
	char reason[REDIS_REASON_MAX])
{
	char text[REDIS_REASON_MAX];

	redis_link_explain(reply, command, text);
	snprintf(reason, REDIS_REASON_MAX, "key %.100s: %.390s", key, text);
	return ERR_FORMAT;
}

static int
take_names(const struct redis_reply *list, struct arena *arena, struct redis_zones *out,
	   char reason[REDIS_REASON_MAX])
{
	int rc = redis_reply_texts(list, arena, &out->names, &out->count);

	if (rc != ERR_OK)
		snprintf(reason, REDIS_REASON_MAX, "%s", errcode_text(rc));
	return rc;
}

int
redis_read_zones(struct redis_link *link, const struct redis_keys *keys,
		 struct arena *arena, struct redis_zones *out,
		 char reason[REDIS_REASON_MAX])
{
	char key[REDIS_KEY_MAX];
	size_t len = redis_keys_zones(keys, key);
	const struct redis_reply *reply =
		redis_link_ask(link, arena, "SMEMBERS %b", key, len);

	*out = (struct redis_zones){ .count = 0 };
	if (!reply)
		return lost(link, reason);
	if (redis_reply_kind(reply) != REDIS_LIST)
		return refused(reply, "SMEMBERS", key, reason);
	out->exists = redis_reply_count(reply) > 0;
	return take_names(reply, arena, out, reason);
}

int
redis_read_some_zones(struct redis_link *link, const struct redis_keys *keys,
		      struct arena *arena, char cursor[REDIS_CURSOR_MAX], unsigned count,
		      struct redis_zones *out, char reason[REDIS_REASON_MAX])
{
	char key[REDIS_KEY_MAX];
	size_t len = redis_keys_zones(keys, key);
	const struct redis_reply *reply = redis_link_ask(
		link, arena, "SSCAN %b %s COUNT %u", key, len, cursor, count);
	const struct redis_reply *next;
	struct redis_text text;

	*out = (struct redis_zones){ .count = 0 };
	if (!reply)
		return lost(link, reason);
	next = redis_reply_first(reply);
	if (redis_reply_count(reply) != 2)
		return refused(reply, "SSCAN", key, reason);
	text = redis_reply_text(next);
	if (text.len == 0 || text.len >= REDIS_CURSOR_MAX)
		return refused(reply, "SSCAN", key, reason);
	memcpy(cursor, text.bytes, text.len);
	cursor[text.len] = '\0';
	return take_names(redis_reply_next(next), arena, out, reason);
}

/* Queue MULTI, the wish, EXEC; returns the number of commands between, or an error. */
static int
send_wish(struct redis_link *link, const struct redis_keys *keys,
	  const struct redis_wish *wish, char reason[REDIS_REASON_MAX])
{
	int code = redis_link_send(link, "MULTI");
	int count = code == ERR_OK ? redis_read_put(link, keys, wish) : code;

	if (count >= 0)
		code = redis_link_send(link, "EXEC");
	if (count >= 0 && code == ERR_OK)
		return count;
	if (!redis_link_is_open(link))
		return lost(link, reason);
	/* half a MULTI is queued: nothing else may follow it */
	redis_link_fail(link, "not enough memory");
	return lost(link, reason);
}

static int
read_wish(struct redis_link *link, const struct redis_keys *keys,
	  const struct redis_wish *wish, struct arena *arena, struct redis_raw *out,
	  const struct redis_reply **list, char reason[REDIS_REASON_MAX])
{
	const struct redis_reply *next;
	int count = send_wish(link, keys, wish, reason), code;

	if (count < 0)
		return count;
	code = redis_link_receive_exec(link, arena, (size_t)count, list);
	if (code == ERR_IO)
		return lost(link, reason);
	if (code != ERR_OK) {
		redis_link_explain(*list, "MULTI", reason);
		return code;
	}
	next = redis_reply_first(*list);
	return redis_read_get(&next, keys, wish, arena, out, reason);
}

/* ---- whole zones of z42 ---- */

static bool
has_same_labels(const struct redis_wish *a, const struct redis_wish *b)
{
	if (a->label_count != b->label_count)
		return false;
	for (size_t i = 0; i < a->label_count; i++)
		if (a->labels[i].len != b->labels[i].len ||
		    memcmp(a->labels[i].bytes, b->labels[i].bytes, a->labels[i].len) != 0)
			return false;
	return true;
}

/* The values of several readings. */
struct kept_values {
	struct redis_value *values;
	size_t count, room;
};

static int
keep_values(struct kept_values *kept, const struct redis_raw *raw)
{
	struct redis_value *values = grow_items(kept->values, &kept->room,
						kept->count + raw->count, sizeof *values);

	if (!values)
		return ERR_NOMEM;
	kept->values = values;
	if (raw->count > 0)
		memcpy(values + kept->count, raw->values, raw->count * sizeof *values);
	kept->count += raw->count;
	return ERR_OK;
}

/* More labels than one MULTI takes: what is read is as of several moments. */
static int
read_chunks(struct redis_link *link, const struct redis_keys *keys,
	    const struct redis_wish *wish, struct arena *arena, struct redis_raw *out,
	    char reason[REDIS_REASON_MAX])
{
	struct kept_values kept = { .values = NULL };
	struct redis_raw raw = { .count = 0 };
	int code = ERR_OK;

	for (size_t at = 0; at < wish->label_count && code == ERR_OK;
	     at += CHUNK_LABELS) {
		const struct redis_reply *list;
		struct redis_wish part = *wish;

		part.labels += at;
		part.label_count = wish->label_count - at < CHUNK_LABELS
					   ? wish->label_count - at
					   : CHUNK_LABELS;
		part.is_whole = at == 0; /* the set is read once */
		part.wants_config = at == 0 && wish->wants_config;
		code = read_wish(link, keys, &part, arena, &raw, &list, reason);
		if (code != ERR_OK)
			break;
		if (at == 0)
			*out = raw;
		code = keep_values(&kept, &raw);
	}
	if (code == ERR_OK)
		out->values =
			arena_take_items(arena, kept.count + 1, sizeof *kept.values);
	if (code == ERR_OK && out->values && kept.count > 0)
		memcpy(out->values, kept.values, kept.count * sizeof *kept.values);
	out->count = kept.count;
	free(kept.values);
	return code == ERR_OK && !out->values ? ERR_NOMEM : code;
}

/* The labels first, then all in one MULTI; again when they have changed in between. */
static int
read_z42_zone(struct redis_link *link, const struct redis_keys *keys,
	      const struct redis_wish *wish, struct arena *arena, struct redis_raw *out,
	      char reason[REDIS_REASON_MAX])
{
	const struct redis_reply *list;
	struct redis_wish now = *wish, then = *wish;
	struct redis_text *labels;
	int code;

	now.label_count = 0;
	now.wants_config = false;
	code = read_wish(link, keys, &now, arena, out, &list, reason);
	for (unsigned try = 0; try < TRIES && code == ERR_OK; try++) {
		if (out->zone_value.state == REDIS_VALUE_BAD)
			return ERR_OK;
		code = redis_reply_texts(redis_reply_first(list), arena, &labels,
					 &now.label_count);
		now.labels = labels;
		now.wants_config = wish->wants_config;
		if (try > 0 && has_same_labels(&now, &then))
			return ERR_OK;
		then = now;
		if (code == ERR_OK && now.label_count > CHUNK_LABELS)
			return read_chunks(link, keys, &now, arena, out, reason);
		if (code == ERR_OK)
			code = read_wish(link, keys, &now, arena, out, &list, reason);
	}
	if (code == ERR_OK) {
		snprintf(reason, REDIS_REASON_MAX,
			 "its labels change faster than they can be read");
		return ERR_BUSY;
	}
	return code;
}

int
redis_read_zone(struct redis_link *link, const struct redis_keys *keys,
		const struct redis_wish *wish, struct arena *arena, struct redis_raw *out,
		char reason[REDIS_REASON_MAX])
{
	const struct redis_reply *list;

	if (keys->schema == REDIS_SCHEMA_Z42 && wish->is_whole)
		return read_z42_zone(link, keys, wish, arena, out, reason);
	return read_wish(link, keys, wish, arena, out, &list, reason);
}
