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

/* What is no list, or damaged, is written over. */
static int
look(struct putting *p)
{
	const struct redis_reply *reply =
		redis_link_ask(p->link, p->arena, "WATCH %b", p->key.bytes, p->key.len);
	struct fleet_head head;
	struct redis_text text;

	if (reply && redis_reply_kind(reply) == REDIS_ERROR)
		return refuse(p, reply, "WATCH");
	if (reply)
		reply = redis_link_ask(p->link, p->arena, "GET %b", p->key.bytes,
				       p->key.len);
	if (!reply)
		return lose(p);
	text = redis_reply_text(reply);
	if (redis_reply_kind(reply) != REDIS_TEXT ||
	    fleet_list_read_head(text.bytes, text.len, p->list->zone, &head) ||
	    head.number < p->list->number)
		return ERR_OK;
	/* ours, or the one that we have taken from whoever wrote it before */
	if (head.number == p->list->number && strcmp(head.node, p->list->node) == 0)
		return ERR_OK;
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

int
redis_fleet_put(struct redis_link *link, const struct redis_keys *keys,
		const char *stream, const struct redis_fleet_list *list,
		char reason[REDIS_REASON_MAX])
{
	char zone[DNAME_TEXT_MAX], key[REDIS_KEY_MAX];
	struct putting p = {
		.link = link,
		.stream = stream,
		.list = list,
		.zone = { zone, dname_to_text(list->zone, zone) },
		.arena = arena_new(),
		.reason = reason,
	};
	int rc;

	snprintf(reason, REDIS_REASON_MAX, "%s", errcode_text(ERR_NOMEM));
	if (!p.arena)
		return ERR_NOMEM;
	p.key = (struct redis_text){ key, redis_keys_secret(keys, p.zone,
							    REDIS_LIST_OF_KEYS, key) };
	redis_link_keep_secret(link, true);
	rc = put(&p);
	redis_link_keep_secret(link, false);
	arena_wipe(p.arena);
	arena_free(p.arena);
	return rc;
}
