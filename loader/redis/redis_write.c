/* A zone in one MULTI. */
#include "loader/redis/redis_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_read.h"
#include "loader/zone/arena.h"
#include "shm/dname.h"
#include "shm/errcode.h"

enum { WORDS_MAX = 1024 };

/* One transaction. */
struct writing {
	struct redis_writer *writer;
	const struct zone_values *values;
	struct redis_text zone;
	struct arena *arena; /* for replies and keys */
	char *reason;
	unsigned queued; /* commands after MULTI */
	struct redis_text words[WORDS_MAX]; /* of the command at hand */
	size_t word_count;
};

static struct redis_text
text_of(const char *bytes)
{
	return (struct redis_text){ bytes, strlen(bytes) };
}

/* Queue the command at hand. */
static int
send_words(struct writing *writing)
{
	int code = redis_link_send_words(writing->writer->link, writing->word_count,
					 writing->words);

	writing->queued++;
	writing->word_count = 0;
	return code;
}

static void
add_word(struct writing *writing, struct redis_text word)
{
	writing->words[writing->word_count++] = word;
}

static void
begin_words(struct writing *writing, const char *command, struct redis_text key)
{
	writing->word_count = 0;
	add_word(writing, text_of(command));
	add_word(writing, key);
}

/* Keys must last until they are queued, some longer. */
static struct redis_text
keep_key(struct writing *writing, const char *key, size_t len)
{
	const char *kept = arena_copy(writing->arena, key, len + 1);

	return kept ? (struct redis_text){ kept, len } : (struct redis_text){ "", 0 };
}

static struct redis_text
zone_key(struct writing *writing)
{
	char key[REDIS_KEY_MAX];
	size_t len = redis_keys_zone(&writing->writer->keys, writing->zone, key);

	return keep_key(writing, key, len);
}

static struct redis_text
rrset_key(struct writing *writing, struct redis_text label, const char *type)
{
	char key[REDIS_KEY_MAX];
	size_t len =
		redis_keys_rrset(&writing->writer->keys, writing->zone, label, type, key);

	return keep_key(writing, key, len);
}

/* redins: the hash anew. */
static int
put_labels(struct writing *writing)
{
	const struct zone_values *values = writing->values;
	struct redis_text key = zone_key(writing);
	int code;

	begin_words(writing, "DEL", key);
	code = send_words(writing);
	for (size_t i = 0; i < values->count && !code; i++) {
		const struct zone_value *value = &values->values[i];

		if (writing->word_count == 0)
			begin_words(writing, "HSET", key);
		add_word(writing, text_of(value->label));
		add_word(writing, (struct redis_text){ value->bytes, value->len });
		if (writing->word_count + 2 > WORDS_MAX || i + 1 == values->count)
			code = send_words(writing);
	}
	return code;
}

/* z42: the RRsets that there are go, with the set of labels. */
static int
drop_rrsets(struct writing *writing, const struct redis_raw *old)
{
	int code = 0;

	begin_words(writing, "DEL", zone_key(writing));
	for (size_t i = 0; i < old->count && !code; i++) {
		if (!old->values[i].type)
			continue;
		add_word(writing,
			 rrset_key(writing, old->values[i].label, old->values[i].type));
		if (writing->word_count < WORDS_MAX)
			continue;
		code = send_words(writing);
		begin_words(writing, "DEL", zone_key(writing));
	}
	return code ? code : send_words(writing);
}

static int
put_rrsets(struct writing *writing)
{
	const struct zone_values *values = writing->values;
	int code = 0;

	for (size_t i = 0; i < values->count && !code; i++) {
		const struct zone_value *value = &values->values[i];

		begin_words(writing, "SADD", zone_key(writing));
		add_word(writing, text_of(value->label));
		code = send_words(writing);
		if (code)
			return code;
		begin_words(writing, "SET",
			    rrset_key(writing, text_of(value->label), value->type));
		add_word(writing, (struct redis_text){ value->bytes, value->len });
		code = send_words(writing);
	}
	return code;
}

/* The configuration, the place in the list, and the news of it. */
static int
put_zone(struct writing *writing)
{
	struct redis_writer *writer = writing->writer;
	char key[REDIS_KEY_MAX];
	size_t len = redis_keys_config(&writer->keys, writing->zone, key);
	int code;

	begin_words(writing, "SET", (struct redis_text){ key, len });
	add_word(writing, (struct redis_text){ writing->values->config,
					       writing->values->config_len });
	code = send_words(writing);
	if (code)
		return code;
	len = redis_keys_zones(&writer->keys, key);
	begin_words(writing, "SADD", (struct redis_text){ key, len });
	add_word(writing, writing->zone);
	code = send_words(writing);
	if (code || !*writer->stream)
		return code;
	begin_words(writing, "XADD", text_of(writer->stream));
	add_word(writing, text_of("*"));
	add_word(writing, text_of("zone"));
	add_word(writing, writing->zone);
	return send_words(writing);
}

/* What stands in the way: an error, or a reply that is none of these. */
static int
fail(struct writing *writing, const struct redis_reply *reply, const char *command)
{
	if (!reply)
		snprintf(writing->reason, REDIS_REASON_MAX, "%s",
			 redis_link_reason(writing->writer->link));
	else
		redis_link_explain(reply, command, writing->reason);
	return ERR_IO;
}

/* An error is the reply, or one of those that an EXEC gave. */
static const struct redis_reply *
find_error(const struct redis_reply *reply)
{
	if (redis_reply_kind(reply) == REDIS_ERROR)
		return reply;
	if (redis_reply_kind(reply) != REDIS_LIST)
		return NULL;
	for (const struct redis_reply *item = redis_reply_first(reply); item;
	     item = redis_reply_next(item))
		if (redis_reply_kind(item) == REDIS_ERROR)
			return item;
	return NULL;
}

static int
receive_all(struct writing *writing)
{
	struct redis_link *link = writing->writer->link;
	const struct redis_reply *reply, *error;
	int code = redis_link_receive_exec(link, writing->arena, writing->queued, &reply);

	if (code == ERR_IO)
		return fail(writing, NULL, "MULTI");
	error = find_error(reply);
	if (error)
		return fail(writing, error, "MULTI");
	return code == ERR_OK ? 0 : fail(writing, reply, "EXEC");
}

static int
write_all(struct writing *writing, const struct redis_raw *old)
{
	struct redis_link *link = writing->writer->link;
	int code = redis_link_send(link, "MULTI");

	if (!code)
		code = old ? drop_rrsets(writing, old) : put_labels(writing);
	if (!code && old)
		code = put_rrsets(writing);
	if (!code)
		code = put_zone(writing);
	if (!code)
		code = redis_link_send(link, "EXEC");
	if (code == ERR_CLOSED)
		return fail(writing, NULL, "MULTI");
	return code ? code : receive_all(writing);
}

/* A type that another writer gives a label between reading and writing stays, as if it had
 * been given behind. */
static int
write_rrsets(struct writing *writing)
{
	struct redis_writer *writer = writing->writer;
	const struct redis_wish wish = { .zone = writing->zone, .is_whole = true };
	struct redis_raw old;
	int code = redis_read_zone(writer->link, &writer->keys, &wish, writing->arena,
				   &old, writing->reason);

	return code ? code : write_all(writing, &old);
}

int
redis_write_zone(struct redis_writer *writer, const uint8_t *origin,
		 const struct zone_values *values, char reason[REDIS_REASON_MAX])
{
	static struct writing writing;
	char zone[DNAME_TEXT_MAX];
	size_t len = dname_to_text(origin, zone);
	int code = ERR_NOMEM;

	writing = (struct writing){ .writer = writer,
				    .values = values,
				    .zone = { zone, len },
				    .arena = arena_new(),
				    .reason = reason };
	snprintf(reason, REDIS_REASON_MAX, "%s", errcode_text(ERR_NOMEM));
	if (writing.arena)
		code = writer->keys.schema == REDIS_SCHEMA_Z42
			       ? write_rrsets(&writing)
			       : write_all(&writing, NULL);
	/* half a MULTI may be queued: nothing else may follow it */
	if (code == ERR_NOMEM)
		redis_link_drop(writer->link);
	arena_free(writing.arena);
	return code;
}

/* A key must be of this type, or not be there. */
static int
check_type(struct writing *writing, struct redis_text key, const char *type)
{
	struct redis_link *link = writing->writer->link;
	const struct redis_reply *reply =
		redis_link_ask(link, writing->arena, "TYPE %b", key.bytes, key.len);

	if (!reply || redis_reply_kind(reply) != REDIS_TEXT)
		return fail(writing, reply, "TYPE");
	if (redis_reply_is(reply, type) || redis_reply_is(reply, "none"))
		return 0;
	snprintf(writing->reason, REDIS_REASON_MAX,
		 "the key %.200s is a %.20s and no %s: rename it, or use other names",
		 key.bytes, redis_reply_text(reply).bytes, type);
	return ERR_IO;
}

int
redis_write_check(struct redis_writer *writer, char reason[REDIS_REASON_MAX])
{
	char key[REDIS_KEY_MAX];
	struct writing *writing = calloc(1, sizeof *writing);
	int code = ERR_NOMEM;

	snprintf(reason, REDIS_REASON_MAX, "%s", errcode_text(ERR_NOMEM));
	if (!writing)
		return ERR_NOMEM;
	*writing = (struct writing){ .writer = writer,
				     .arena = arena_new(),
				     .reason = reason };
	redis_keys_zones(&writer->keys, key);
	if (writing->arena)
		code = check_type(writing, text_of(key), "set");
	if (code == 0 && *writer->stream)
		code = check_type(writing, text_of(writer->stream), "stream");
	arena_free(writing->arena);
	free(writing);
	return code;
}
