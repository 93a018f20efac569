/* Which commands read a wish. */
#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_read.h"
#include "shm/errcode.h"

enum {
	TYPES_MAX = 64 + REDIS_OTHER_TYPES_MAX,
};

static int
put_key(struct redis_link *link, const char *command, const char *key, size_t len)
{
	int code = redis_link_send(link, "%s %b", command, key, len);

	return code == ERR_OK ? 1 : code;
}

static int
put_config(struct redis_link *link, const struct redis_keys *keys, struct redis_text zone)
{
	char key[REDIS_KEY_MAX];

	return put_key(link, "GET", key, redis_keys_config(keys, zone, key));
}

static int
put_redins(struct redis_link *link, const struct redis_keys *keys,
	   const struct redis_wish *wish)
{
	char key[REDIS_KEY_MAX];
	size_t len = redis_keys_zone(keys, wish->zone, key);
	struct redis_text *words;
	int code;

	if (wish->is_whole)
		return put_key(link, "HGETALL", key, len);
	if (wish->label_count == 0)
		return 0;
	words = reallocarray(NULL, wish->label_count + 2, sizeof *words);
	if (!words)
		return ERR_NOMEM;
	words[0] = (struct redis_text){ "HMGET", 5 };
	words[1] = (struct redis_text){ key, len };
	memcpy(words + 2, wish->labels, wish->label_count * sizeof *words);
	code = redis_link_send_words(link, wish->label_count + 2, words);
	free(words);
	return code == ERR_OK ? 1 : code;
}

/* MGET of the types behind the strict ones. */
static int
put_other_types(struct redis_link *link, const struct redis_keys *keys,
		struct redis_text zone, struct redis_text label)
{
	static _Thread_local char names[TYPES_MAX][REDIS_KEY_MAX];
	struct redis_text words[TYPES_MAX + 1] = { { "MGET", 4 } };
	const char *type;
	size_t count = 0;
	int code;

	while ((type = redis_keys_type(keys, REDIS_STRICT_TYPES + count))) {
		words[count + 1] =
			(struct redis_text){ names[count],
					     redis_keys_rrset(keys, zone, label, type,
							      names[count]) };
		count++;
	}
	code = redis_link_send_words(link, count + 1, words);
	return code == ERR_OK ? 1 : code;
}

/* The keys of one label of z42; returns the number of commands. */
static int
put_types(struct redis_link *link, const struct redis_keys *keys, struct redis_text zone,
	  struct redis_text label)
{
	char key[REDIS_KEY_MAX];
	int code = 0;

	for (size_t i = 0; i < REDIS_STRICT_TYPES && code >= 0; i++) {
		const char *type = redis_keys_type(keys, i);
		size_t len = redis_keys_rrset(keys, zone, label, type, key);

		code = put_key(link, "GET", key, len);
	}
	if (code >= 0)
		code = put_other_types(link, keys, zone, label);
	return code < 0 ? code : REDIS_STRICT_TYPES + 1;
}

static int
put_member(struct redis_link *link, const struct redis_keys *keys, struct redis_text zone,
	   struct redis_text label)
{
	char key[REDIS_KEY_MAX];
	size_t len = redis_keys_zone(keys, zone, key);
	int code = redis_link_send(link, "SISMEMBER %b %b", key, len, label.bytes,
				   label.len);

	return code == ERR_OK ? 1 : code;
}

/* A whole zone's labels are known to be members, its set is read once. */
static int
put_z42(struct redis_link *link, const struct redis_keys *keys,
	const struct redis_wish *wish)
{
	char key[REDIS_KEY_MAX];
	int count = 0, more = 0;

	if (wish->is_whole)
		count = more = put_key(link, "SMEMBERS", key,
				       redis_keys_zone(keys, wish->zone, key));
	for (size_t i = 0; i < wish->label_count && more >= 0; i++) {
		if (!wish->is_whole) {
			more = put_member(link, keys, wish->zone, wish->labels[i]);
			count += more;
		}
		if (more >= 0) {
			more = put_types(link, keys, wish->zone, wish->labels[i]);
			count += more;
		}
	}
	return more < 0 ? more : count;
}

int
redis_read_put(struct redis_link *link, const struct redis_keys *keys,
	       const struct redis_wish *wish)
{
	int count = keys->schema == REDIS_SCHEMA_Z42 ? put_z42(link, keys, wish)
						     : put_redins(link, keys, wish);
	int more = 0;

	if (count >= 0 && wish->wants_config)
		more = put_config(link, keys, wish->zone);
	return count < 0 ? count : more < 0 ? more : count + more;
}

int
redis_read_put_known(struct redis_link *link, const struct redis_keys *keys,
		     struct redis_text zone, const struct redis_known_key *known,
		     size_t count)
{
	char key[REDIS_KEY_MAX];
	int code = put_key(link, "SMEMBERS", key, redis_keys_zone(keys, zone, key));

	for (size_t i = 0; i < count && code > 0; i++)
		code = put_key(
			link, "GET", key,
			redis_keys_rrset(keys, zone, known[i].label, known[i].type, key));
	if (code > 0)
		code = put_config(link, keys, zone);
	return code < 0 ? code : (int)count + 2;
}
