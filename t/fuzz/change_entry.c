/* What writers put into Redis beside values: entries of the change stream, ids, and keys
 * as notifications name them.  The input is words, each ended by an octet 0. */
#include "loader/redis/change_entry.h"

#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_keys.h"
#include "t/fuzz/target.h"

enum { WORDS_MAX = 64 };

/* Is `part` empty, or one of the words? */
static void
demand_borrowed(struct redis_text part, const struct redis_text *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (part.bytes == words[i].bytes && part.len == words[i].len)
			return;
	abort();
}

static void
read_entry(const struct redis_text *words, size_t count)
{
	struct change_entry entry;
	struct change_item item;
	size_t items = 0, pairs = count / 2;

	change_entry_open(&entry, words, pairs * 2);
	while (change_entry_next(&entry, &item)) {
		demand(item.kind != CHANGE_END);
		if (item.kind != CHANGE_LIST)
			demand_borrowed(item.zone, words, count);
		if (item.kind == CHANGE_LABEL)
			demand_borrowed(item.label, words, count);
		demand(items++ <= pairs);
	}
	demand(entry.bad <= pairs);
}

static void
read_id(struct redis_text text)
{
	char printed[CHANGE_ID_TEXT_MAX];
	struct change_id id, again;

	if (!change_id_parse(text, &id))
		return;
	change_id_print(id, printed);
	demand(change_id_parse((struct redis_text){ printed, strlen(printed) }, &again));
	demand(change_id_compare(id, again) == 0);
}

static void
demand_inside(struct redis_text part, struct redis_text whole)
{
	demand(part.bytes >= whole.bytes &&
	       part.len <= (size_t)(whole.bytes + whole.len - part.bytes));
}

/* Write the key anew from its parts; 0 when they are longer than names can be. */
static size_t
write_key(const struct redis_keys *keys, const struct redis_key *key,
	  char out[REDIS_KEY_MAX])
{
	char type[REDIS_TYPE_MAX + 1] = "";

	if (key->zone.len > REDIS_NAME_MAX || key->label.len > REDIS_NAME_MAX ||
	    key->type.len > REDIS_TYPE_MAX)
		return 0;
	switch (key->kind) {
	case REDIS_KEY_OTHER:
	case REDIS_KEY_SECRET: /* its name says which half */
		break;
	case REDIS_KEY_ZONES:
		return redis_keys_zones(keys, out);
	case REDIS_KEY_ZONE:
		return redis_keys_zone(keys, key->zone, out);
	case REDIS_KEY_CONFIG:
		return redis_keys_config(keys, key->zone, out);
	case REDIS_KEY_RRSET:
		memcpy(type, key->type.bytes, key->type.len);
		return redis_keys_rrset(keys, key->zone, key->label, type, out);
	}
	return 0;
}

/* A key that is one of ours comes out again as it went in. */
static void
read_key(struct redis_text text, enum redis_schema schema)
{
	struct settings settings = { .redis = { .schema = schema,
						.prefix = (char[]){ "p:" },
						.suffix = (char[]){ ":s" } } };
	struct redis_keys keys;
	struct redis_key key = { 0 };
	char again[REDIS_KEY_MAX];
	size_t len;

	redis_keys_init(&keys, &settings);
	redis_keys_parse(&keys, text, &key);
	if (key.kind != REDIS_KEY_OTHER && key.kind != REDIS_KEY_ZONES)
		demand_inside(key.zone, text);
	if (key.kind == REDIS_KEY_RRSET) {
		demand_inside(key.label, text);
		demand_inside(key.type, text);
		(void)redis_keys_learn_type(&keys, key.type);
	}
	len = write_key(&keys, &key, again);
	demand(len == 0 || (len == text.len && memcmp(again, text.bytes, len) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct redis_text words[WORDS_MAX];
	char *copy = malloc(len + 1);
	size_t count = 0, at = 0;

	demand(copy != NULL);
	memcpy(copy, data, len);
	copy[len] = '\0';
	while (at < len && count < WORDS_MAX) {
		words[count] = (struct redis_text){ copy + at, strlen(copy + at) };
		at += words[count++].len + 1;
	}
	read_entry(words, count);
	for (size_t i = 0; i < count; i++) {
		read_id(words[i]);
		read_key(words[i], REDIS_SCHEMA_REDINS);
		read_key(words[i], REDIS_SCHEMA_Z42);
	}
	free(copy);
	return 0;
}
