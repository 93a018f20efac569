/* What the replies to a wish mean. */
#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "loader/redis/redis_read.h"
#include "loader/zone/zone_messages.h"
#include "shm/errcode.h"

/* Of rules, a name and a text: a change of any shows. */
static uint64_t
hash_pair(const struct redis_keys *keys, struct redis_text name, struct redis_text text)
{
	uint64_t seed = XXH3_64bits_withSeed(name.bytes, name.len, keys->rules);

	return XXH3_64bits_withSeed(text.bytes, text.len, seed);
}

/* What is being understood. */
struct taking {
	const struct redis_reply *next;
	const struct redis_keys *keys;
	const struct redis_wish *wish;
	struct arena *arena;
	struct redis_raw *raw;
	size_t room; /* of raw->values */
	int code;
};

/* The next reply, NULL when there is none: then the code says so. */
static const struct redis_reply *
take(struct taking *taking)
{
	const struct redis_reply *reply = taking->next;

	if (reply)
		taking->next = redis_reply_next(reply);
	else if (taking->code == ERR_OK)
		taking->code = ERR_FORMAT;
	return reply;
}

/* In words what cannot be used. */
static struct redis_text
complaint(struct taking *taking, const struct redis_reply *reply, const char *command)
{
	char text[REDIS_REASON_MAX];
	char *copy;

	if (redis_reply_kind(reply) == REDIS_LONG)
		snprintf(text, sizeof text, "is too long: %zu octets, more than 5 MB",
			 redis_reply_len(reply));
	else
		redis_link_explain(reply, command, text);
	copy = arena_copy(taking->arena, text, strlen(text) + 1);
	if (!copy)
		taking->code = ERR_NOMEM;
	return (struct redis_text){ copy ? copy : "", copy ? strlen(copy) : 0 };
}

/* Fill state, text and hash from a reply that should be a text or nil. */
static void
set_value(struct taking *taking, struct redis_value *value,
	  const struct redis_reply *reply, const char *command, struct redis_text name)
{
	switch (redis_reply_kind(reply)) {
	case REDIS_TEXT:
		value->state = REDIS_VALUE_GOOD;
		value->text = redis_reply_text(reply);
		break;
	case REDIS_NIL:
		value->state = REDIS_VALUE_MISSING;
		return;
	case REDIS_LONG:
	case REDIS_NUMBER:
	case REDIS_LIST:
	case REDIS_ERROR:
		value->state = REDIS_VALUE_BAD;
		value->text = complaint(taking, reply, command);
		break;
	}
	value->hash = hash_pair(taking->keys, name, value->text);
}

static void
take_config(struct taking *taking)
{
	static const struct redis_text name = { ":config", 7 };
	const struct redis_reply *reply = take(taking);

	taking->raw->has_config = true;
	taking->raw->config = (struct redis_value){ .label = { "", 0 },
						    .type = "",
						    .text = { "", 0 },
						    .state = REDIS_VALUE_MISSING };
	if (reply)
		set_value(taking, &taking->raw->config, reply, "GET", name);
}

/* Room for `count` values more. */
static bool
make_room(struct taking *taking, size_t count)
{
	struct redis_raw *raw = taking->raw;
	struct redis_value *values;
	size_t room = (raw->count + count) * 2;

	if (taking->code != ERR_OK)
		return false;
	if (taking->room - raw->count >= count)
		return true;
	values = arena_take_items(taking->arena, room, sizeof *values);
	if (!values) {
		taking->code = ERR_NOMEM;
		return false;
	}
	if (raw->count > 0)
		memcpy(values, raw->values, raw->count * sizeof *values);
	raw->values = values;
	taking->room = room;
	return true;
}

/* The zone's own key cannot be read, for one label or all. */
static void
spoil_zone(struct taking *taking, const struct redis_reply *reply, const char *command)
{
	struct redis_value *value = &taking->raw->zone_value;
	char key[REDIS_KEY_MAX], text[2 * REDIS_REASON_MAX];
	struct redis_text why = complaint(taking, reply, command);
	char *printable = arena_take(taking->arena, sizeof text);

	redis_keys_zone(taking->keys, taking->raw->zone, key);
	snprintf(text, sizeof text, "key %.400s: %s", key, why.bytes);
	if (!printable) {
		taking->code = ERR_NOMEM;
		return;
	}
	zone_message_printable(text, printable, sizeof text);
	value->state = REDIS_VALUE_BAD;
	value->text = (struct redis_text){ printable, strlen(printable) };
}

static void
add_value(struct taking *taking, struct redis_text label, const struct redis_reply *reply,
	  const char *command)
{
	struct redis_value *value = &taking->raw->values[taking->raw->count++];

	*value = (struct redis_value){ .label = label, .text = { "", 0 } };
	set_value(taking, value, reply, command, label);
}

static void
take_hash(struct taking *taking)
{
	const struct redis_reply *reply = take(taking), *label, *text;
	size_t pairs = reply ? redis_reply_count(reply) / 2 : 0;

	if (!reply)
		return;
	if (redis_reply_kind(reply) != REDIS_LIST) {
		spoil_zone(taking, reply, "HGETALL");
		return;
	}
	taking->raw->is_missing = pairs == 0;
	/* the array is as large as it must be: a hash may have millions of fields */
	taking->raw->values =
		arena_take_items(taking->arena, pairs + 1, sizeof *taking->raw->values);
	if (!taking->raw->values) {
		taking->code = ERR_NOMEM;
		return;
	}
	taking->room = pairs + 1;
	for (label = redis_reply_first(reply); label && pairs > 0; pairs--) {
		text = redis_reply_next(label);
		add_value(taking, redis_reply_text(label), text, "HGETALL");
		label = redis_reply_next(text);
	}
}

static void
take_fields(struct taking *taking)
{
	const struct redis_wish *wish = taking->wish;
	const struct redis_reply *reply, *item;

	if (wish->label_count == 0)
		return;
	reply = take(taking);
	if (!reply)
		return;
	if (redis_reply_kind(reply) != REDIS_LIST) {
		spoil_zone(taking, reply, "HMGET");
		return;
	}
	item = redis_reply_first(reply);
	for (size_t i = 0; i < wish->label_count && make_room(taking, 1); i++) {
		if (!item) {
			taking->code = ERR_FORMAT;
			return;
		}
		add_value(taking, wish->labels[i], item, "HMGET");
		item = redis_reply_next(item);
	}
}

/* ---- replies of z42 ---- */

static void
add_member(struct taking *taking, struct redis_text label, bool is_member)
{
	static const struct redis_text none = { "", 0 };
	struct redis_value value = { .label = label, .text = { "", 0 } };

	if (!make_room(taking, 1))
		return;
	value.state = is_member ? REDIS_VALUE_GOOD : REDIS_VALUE_MISSING;
	value.hash = is_member ? hash_pair(taking->keys, label, none) : 0;
	taking->raw->values[taking->raw->count++] = value;
}

/* A type that is there. */
static void
add_type(struct taking *taking, struct redis_text label, const char *type,
	 const struct redis_reply *reply, bool is_member)
{
	char name[REDIS_NAME_MAX + REDIS_TYPE_MAX + 2];
	struct redis_value value = { .label = label, .type = type, .text = { "", 0 } };
	int len =
		snprintf(name, sizeof name, "%.*s:%s", (int)label.len, label.bytes, type);
	struct redis_text text = { name, len < (int)sizeof name ? (size_t)len
								: sizeof name - 1 };

	if (redis_reply_kind(reply) == REDIS_NIL || !is_member || !make_room(taking, 1))
		return;
	set_value(taking, &value, reply, "GET", text);
	taking->raw->values[taking->raw->count++] = value;
}

static void
take_types(struct taking *taking, struct redis_text label, bool is_member)
{
	const struct redis_reply *reply, *item;
	const char *type;

	for (size_t i = 0; i < REDIS_STRICT_TYPES; i++) {
		reply = take(taking);
		if (reply)
			add_type(taking, label, redis_keys_type(taking->keys, i), reply,
				 is_member);
	}
	reply = take(taking);
	item = reply ? redis_reply_first(reply) : NULL;
	for (size_t i = REDIS_STRICT_TYPES;
	     item && (type = redis_keys_type(taking->keys, i)); i++) {
		add_type(taking, label, type, item, is_member);
		item = redis_reply_next(item);
	}
}

static void
take_z42(struct taking *taking)
{
	const struct redis_wish *wish = taking->wish;
	const struct redis_reply *reply;

	if (wish->is_whole) {
		reply = take(taking);
		if (reply && redis_reply_kind(reply) != REDIS_LIST)
			spoil_zone(taking, reply, "SMEMBERS");
		else if (reply)
			taking->raw->is_missing = redis_reply_count(reply) == 0;
	}
	for (size_t i = 0; i < wish->label_count && taking->code == ERR_OK; i++) {
		bool is_member = true;

		if (!wish->is_whole) {
			reply = take(taking);
			if (reply && redis_reply_kind(reply) == REDIS_ERROR)
				spoil_zone(taking, reply, "SISMEMBER");
			is_member = reply && redis_reply_number(reply) == 1;
		}
		add_member(taking, wish->labels[i], is_member);
		take_types(taking, wish->labels[i], is_member);
	}
}

/* ---- z42 by keys that are known ---- */

/* The keys of one label. */
static const struct redis_known_key *
find_known(const struct redis_known_key *known, size_t count, struct redis_text label)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (redis_text_compare(known[middle].label, label) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return known + low;
}

/* The values of one label; `replies` are those to all keys of the zone. */
static void
take_known_label(struct taking *taking, struct redis_text label,
		 const struct redis_known_key *known, size_t count,
		 const struct redis_reply *const *replies)
{
	const struct redis_known_key *key = find_known(known, count, label);

	add_member(taking, label, true);
	for (; key < known + count && redis_text_compare(key->label, label) == 0; key++)
		add_type(taking, label, key->type, replies[key - known], true);
}

static void
take_known(struct taking *taking, const struct redis_known_key *known, size_t count)
{
	const struct redis_reply *members = take(taking), *member;
	const struct redis_reply **replies =
		arena_take_items(taking->arena, count + 1, sizeof *replies);

	if (!replies)
		taking->code = ERR_NOMEM;
	for (size_t i = 0; i < count && taking->code == ERR_OK; i++)
		replies[i] = take(taking);
	if (taking->code != ERR_OK || !members)
		return;
	if (redis_reply_kind(members) != REDIS_LIST) {
		spoil_zone(taking, members, "SMEMBERS");
		return;
	}
	taking->raw->is_missing = redis_reply_count(members) == 0;
	for (member = redis_reply_first(members); member;
	     member = redis_reply_next(member))
		take_known_label(taking, redis_reply_text(member), known, count, replies);
}

static int
finish_taking(const struct taking *taking, const struct redis_reply **next,
	      char reason[REDIS_REASON_MAX])
{
	*next = taking->next;
	if (taking->code == ERR_FORMAT)
		snprintf(reason, REDIS_REASON_MAX,
			 "fewer replies came than commands were sent");
	else if (taking->code != ERR_OK)
		snprintf(reason, REDIS_REASON_MAX, "%s", errcode_text(taking->code));
	return taking->code;
}

int
redis_read_get_known(const struct redis_reply **next, const struct redis_keys *keys,
		     struct redis_text zone, const struct redis_known_key *known,
		     size_t count, struct arena *arena, struct redis_raw *out,
		     char reason[REDIS_REASON_MAX])
{
	struct taking taking = {
		.next = *next, .keys = keys, .arena = arena, .raw = out
	};

	*out = (struct redis_raw){ .zone = zone, .is_whole = true };
	take_known(&taking, known, count);
	take_config(&taking);
	return finish_taking(&taking, next, reason);
}

int
redis_read_get(const struct redis_reply **next, const struct redis_keys *keys,
	       const struct redis_wish *wish, struct arena *arena, struct redis_raw *out,
	       char reason[REDIS_REASON_MAX])
{
	struct taking taking = {
		.next = *next, .keys = keys, .wish = wish, .arena = arena, .raw = out
	};

	*out = (struct redis_raw){ .zone = wish->zone, .is_whole = wish->is_whole };
	if (keys->schema == REDIS_SCHEMA_Z42)
		take_z42(&taking);
	else if (wish->is_whole)
		take_hash(&taking);
	else
		take_fields(&taking);
	if (wish->wants_config)
		take_config(&taking);
	return finish_taking(&taking, next, reason);
}
