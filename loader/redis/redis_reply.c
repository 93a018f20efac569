/* Replies as small headers in an arena, the items of a list linked: a list costs what has
 * come of it, whatever number it was announced with. */
#include "loader/redis/redis_reply.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "loader/zone/zone_messages.h"
#include "shm/errcode.h"

struct redis_reply {
	struct redis_reply *next; /* in its list */
	uint32_t len; /* of a text, which follows */
	uint32_t kind; /* enum redis_kind */
};

struct list_reply {
	struct redis_reply head;
	struct redis_reply *first, *last;
	size_t count; /* that have come */
};

struct number_reply {
	struct redis_reply head;
	long long value;
};

/* ---- building ---- */

/* `size` octets, aligned for any of the structures. */
static void *
take(struct redis_builder *builder, size_t size)
{
	const size_t align = _Alignof(struct list_reply);
	uint8_t *bytes;

	size += align - 1;
	if (size > builder->bytes_max - builder->bytes) {
		builder->is_full = true;
		return NULL;
	}
	builder->bytes += size;
	bytes = arena_take(builder->arena, size);
	return bytes ? bytes + (-(uintptr_t)bytes & (align - 1)) : NULL;
}

static struct redis_reply *
add(struct redis_builder *builder, struct redis_reply *list, enum redis_kind kind,
    size_t size)
{
	struct list_reply *parent = (struct list_reply *)(void *)list;
	struct redis_reply *reply = take(builder, size);

	if (!reply)
		return NULL;
	reply->next = NULL;
	reply->len = 0;
	reply->kind = kind;
	if (!parent)
		return reply;
	if (parent->last)
		parent->last->next = reply;
	else
		parent->first = reply;
	parent->last = reply;
	parent->count++;
	return reply;
}

struct redis_reply *
redis_reply_add_text(struct redis_builder *builder, struct redis_reply *list,
		     enum redis_kind kind, const char *bytes, size_t len)
{
	struct redis_reply *reply = add(builder, list, kind, sizeof *reply + len + 1);

	if (!reply)
		return NULL;
	reply->len = (uint32_t)len;
	memcpy(reply + 1, bytes, len);
	((char *)(reply + 1))[len] = '\0';
	return reply;
}

struct redis_reply *
redis_reply_add_long(struct redis_builder *builder, struct redis_reply *list, size_t len)
{
	struct redis_reply *reply = add(builder, list, REDIS_LONG, sizeof *reply);

	if (reply)
		reply->len = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX;
	return reply;
}

struct redis_reply *
redis_reply_add_list(struct redis_builder *builder, struct redis_reply *list)
{
	struct redis_reply *reply =
		add(builder, list, REDIS_LIST, sizeof(struct list_reply));
	struct list_reply *made = (struct list_reply *)(void *)reply;

	if (!reply)
		return NULL;
	made->first = made->last = NULL;
	made->count = 0;
	return reply;
}

struct redis_reply *
redis_reply_add_number(struct redis_builder *builder, struct redis_reply *list,
		       long long value)
{
	struct redis_reply *reply =
		add(builder, list, REDIS_NUMBER, sizeof(struct number_reply));

	if (reply)
		((struct number_reply *)(void *)reply)->value = value;
	return reply;
}

struct redis_reply *
redis_reply_add_nil(struct redis_builder *builder, struct redis_reply *list)
{
	return add(builder, list, REDIS_NIL, sizeof(struct redis_reply));
}

/* ---- looking ---- */

static const struct list_reply *
as_list(const struct redis_reply *reply)
{
	return reply->kind == REDIS_LIST ? (const struct list_reply *)(const void *)reply
					 : NULL;
}

enum redis_kind
redis_reply_kind(const struct redis_reply *reply)
{
	return (enum redis_kind)reply->kind;
}

struct redis_text
redis_reply_text(const struct redis_reply *reply)
{
	if (reply->kind == REDIS_TEXT || reply->kind == REDIS_ERROR)
		return (struct redis_text){ (const char *)(reply + 1), reply->len };
	return (struct redis_text){ "", 0 };
}

int
redis_reply_texts(const struct redis_reply *list, struct arena *arena,
		  struct redis_text **out, size_t *count)
{
	struct redis_text *texts =
		arena_take_items(arena, redis_reply_count(list) + 1, sizeof *texts);

	*count = 0;
	*out = texts;
	if (!texts)
		return ERR_NOMEM;
	for (list = redis_reply_first(list); list; list = redis_reply_next(list))
		texts[(*count)++] = redis_reply_text(list);
	return ERR_OK;
}

size_t
redis_reply_len(const struct redis_reply *reply)
{
	return reply->len;
}

long long
redis_reply_number(const struct redis_reply *reply)
{
	return reply->kind == REDIS_NUMBER
		       ? ((const struct number_reply *)(const void *)reply)->value
		       : 0;
}

size_t
redis_reply_count(const struct redis_reply *reply)
{
	const struct list_reply *list = as_list(reply);

	return list ? list->count : 0;
}

const struct redis_reply *
redis_reply_first(const struct redis_reply *reply)
{
	const struct list_reply *list = as_list(reply);

	return list ? list->first : NULL;
}

const struct redis_reply *
redis_reply_next(const struct redis_reply *item)
{
	return item->next;
}

bool
redis_reply_is(const struct redis_reply *reply, const char *text)
{
	return reply->kind == REDIS_TEXT && reply->len == strlen(text) &&
	       memcmp(reply + 1, text, reply->len) == 0;
}

/* ---- for people ---- */

/* What an error begins with, and what to do about it. */
static const struct {
	const char *error, *remedy;
} remedies[] = {
	{ "NOAUTH", "set redis.password or redis.password_file" },
	{ "WRONGPASS", "redis.username and redis.password are not what the server has" },
	{ "ERR invalid password", "redis.password is not what the server has" },
	{ "ERR Client sent AUTH", "the server has no password: remove redis.password" },
	{ "ERR AUTH", "the server has no password: remove redis.password" },
	{ "NOPERM", "the user lacks a right: martlet-redis(7) lists what it needs" },
	{ "ERR DB index", "redis.db names no database of it" },
	{ "LOADING", "it loads its data set, and is asked again" },
	{ "MASTERDOWN", "a replica that lost its primary and has "
			"replica-serve-stale-data no; it is asked again" },
	{ "READONLY", "it is a replica, or a primary that is not writable" },
	{ "WRONGTYPE", "the key is not of the type that the schema has there" },
	{ "BUSY", "a script runs there for too long: SCRIPT KILL ends it" },
	{ "DENIED", "it is in protected mode and takes local peers only" },
	{ "MOVED", "Redis Cluster is not supported: use a primary with replicas" },
	{ "ASK", "Redis Cluster is not supported: use a primary with replicas" },
	{ "CLUSTERDOWN", "Redis Cluster is not supported: use a primary with replicas" },
	{ "CROSSSLOT", "Redis Cluster is not supported: use a primary with replicas" },
	{ "ERR max number of clients", "raise its maxclients" },
};

static const char *
find_remedy(const char *error)
{
	for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
		if (strncmp(error, remedies[i].error, strlen(remedies[i].error)) == 0)
			return remedies[i].remedy;
	return NULL;
}

void
redis_link_explain(const struct redis_reply *reply, const char *command,
		   char out[REDIS_REASON_MAX])
{
	char error[300], printable[300];
	const char *remedy;

	if (reply->kind != REDIS_ERROR) {
		snprintf(out, REDIS_REASON_MAX, "%s: a reply of an unexpected kind",
			 command);
		return;
	}
	/* an unknown command's error quotes the arguments, a password maybe */
	snprintf(error, sizeof error, "%.*s",
		 (int)strcspn(redis_reply_text(reply).bytes, ",\r\n"),
		 redis_reply_text(reply).bytes);
	zone_message_printable(error, printable, sizeof printable);
	remedy = find_remedy(error);
	snprintf(out, REDIS_REASON_MAX, "%s: %s%s%s", command, printable,
		 remedy ? "; " : "", remedy ? remedy : "");
}
