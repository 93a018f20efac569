/* A list and its news. */
#include "loader/redis/redis_fleet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "loader/sign/fleet_list.h"
#include "loader/zone/arena.h"
#include "shm/dname.h"
#include "shm/errcode.h"

struct putting {
	struct redis_link *link;
	const char *stream;
	const struct redis_fleet_list *list;
	struct redis_text zone, key;
	struct arena *arena;
	char *reason;
};

static struct redis_text
text_of(const char *bytes)
{
	return (struct redis_text){ bytes, strlen(bytes) };
}

static int
lose(struct putting *p)
{
	snprintf(p->reason, REDIS_REASON_MAX, "%s", redis_link_reason(p->link));
	return ERR_IO;
}

static int
refuse(struct putting *p, const struct redis_reply *reply, const char *command)
{
	redis_link_explain(reply, command, p->reason);
	return ERR_FORMAT;
}

/* ---- what stands there ---- */

/* The head of the list; number 0 for what is none, or damaged. */
static int
read_head(struct putting *p, struct fleet_head *out)
{
	const struct redis_reply *reply =
		redis_link_ask(p->link, p->arena, "GET %b", p->key.bytes, p->key.len);
	struct redis_text text;

	memset(out, 0, sizeof *out);
	if (!reply)
		return lose(p);
	text = redis_reply_text(reply);
	if (redis_reply_kind(reply) == REDIS_TEXT &&
	    fleet_list_read_head(text.bytes, text.len, p->list->zone, out))
		out->number = 0;
	return ERR_OK;
}

/* Is it ours, or the one that we have taken from whoever wrote it before? */
static bool
is_last(const struct putting *p, const struct fleet_head *head)
{
	return head->number == p->list->number && strcmp(head->node, p->list->node) == 0;
}

/* What is no list is written over. */
static int
look(struct putting *p)
{
	const struct redis_reply *reply =
		redis_link_ask(p->link, p->arena, "WATCH %b", p->key.bytes, p->key.len);
	struct fleet_head head;
	int rc;

	if (!reply)
		return lose(p);
	if (redis_reply_kind(reply) == REDIS_ERROR)
		return refuse(p, reply, "WATCH");
	rc = read_head(p, &head);
	if (rc != ERR_OK || head.number < p->list->number || is_last(p, &head))
		return rc;
	snprintf(p->reason, REDIS_REASON_MAX,
		 "number %" PRIu64 " by %s stands there, after the last one known here, "
		 "%" PRIu64,
		 head.number, head.node, p->list->number);
	return ERR_EXISTS;
}

/* ---- writing ---- */

static int
send_all(struct putting *p)
{
	const struct redis_text set[] = { text_of("SET"),
					  p->key,
					  { p->list->text, p->list->len } };
	const struct redis_text add[] = { text_of("XADD"), text_of(p->stream),
					  text_of("*"),    text_of("zone"),
					  p->zone,         text_of("config"),
					  text_of("1") };
	int rc = redis_link_send(p->link, "MULTI");

	if (rc == ERR_OK)
		rc = redis_link_send_words(p->link, sizeof set / sizeof *set, set);
	if (rc == ERR_OK && p->stream[0] != '\0')
		rc = redis_link_send_words(p->link, sizeof add / sizeof *add, add);
	if (rc == ERR_OK)
		rc = redis_link_send(p->link, "EXEC");
	if (rc == ERR_NOMEM)
		(void)redis_link_fail(p->link, "not enough memory");
	return rc == ERR_OK ? rc : lose(p);
}

static int
receive_all(struct putting *p)
{
	const struct redis_reply *reply, *item;
	int rc = redis_link_receive_exec(p->link, p->arena, 1 + (p->stream[0] != '\0'),
					 &reply);

	if (rc == ERR_IO)
		return lose(p);
	if (rc != ERR_OK && redis_reply_kind(reply) == REDIS_NIL) {
		snprintf(p->reason, REDIS_REASON_MAX,
			 "another list was written just now");
		return ERR_BUSY;
	}
	if (rc != ERR_OK)
		return refuse(p, reply, "EXEC");
	for (item = redis_reply_first(reply); item; item = redis_reply_next(item))
		if (redis_reply_kind(item) == REDIS_ERROR)
			return refuse(p, item, "SET and XADD");
	return ERR_OK;
}

static int
put(struct putting *p)
{
	int rc = look(p);

	if (rc == ERR_OK)
		rc = send_all(p);
	if (rc == ERR_OK)
		return receive_all(p);
	/* whatever comes next on this link begins anew */
	if (rc != ERR_IO && !redis_link_ask(p->link, p->arena, "UNWATCH"))
		rc = lose(p);
	return rc;
}

/* ---- for others ---- */

static int
find(struct putting *p)
{
	struct fleet_head head;
	int rc = read_head(p, &head);

	return rc == ERR_OK && !is_last(p, &head) ? ERR_NOTFOUND : rc;
}

static int
with_link(struct redis_link *link, const struct redis_keys *keys, struct putting *p,
	  int (*act)(struct putting *))
{
	char zone[DNAME_TEXT_MAX], key[REDIS_KEY_MAX];
	int rc;

	snprintf(p->reason, REDIS_REASON_MAX, "%s", errcode_text(ERR_NOMEM));
	p->link = link;
	p->arena = arena_new();
	if (!p->arena)
		return ERR_NOMEM;
	p->zone = (struct redis_text){ zone, dname_to_text(p->list->zone, zone) };
	p->key = (struct redis_text){ key, redis_keys_secret(keys, p->zone,
							     REDIS_LIST_OF_KEYS, key) };
	redis_link_keep_secret(link, true);
	rc = act(p);
	redis_link_keep_secret(link, false);
	arena_wipe(p->arena);
	arena_free(p->arena);
	return rc;
}

int
redis_fleet_put(struct redis_link *link, const struct redis_keys *keys,
		const char *stream, const struct redis_fleet_list *list,
		char reason[REDIS_REASON_MAX])
{
	struct putting p = { .stream = stream, .list = list, .reason = reason };

	return with_link(link, keys, &p, put);
}

int
redis_fleet_find(struct redis_link *link, const struct redis_keys *keys,
		 const struct redis_fleet_list *last, char reason[REDIS_REASON_MAX])
{
	struct putting p = { .list = last, .reason = reason };

	return with_link(link, keys, &p, find);
}
