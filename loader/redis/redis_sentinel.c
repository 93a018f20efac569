/* A conversation with one Sentinel: password, epoch, address. */
#include "loader/redis/redis_sentinel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/clock.h"
#include "shm/errcode.h"

enum step { STEP_IDLE, STEP_DIAL, STEP_AUTH, STEP_EPOCH, STEP_ADDRESS, STEP_DONE };

struct redis_sentinel {
	const struct settings *settings;
	struct redis_link *link;
	struct arena *arena; /* for the replies */
	enum step step;
	uint64_t due_ms; /* of the replies */
	struct redis_primary primary;
};

struct redis_sentinel *
redis_sentinel_new(const struct settings *settings)
{
	struct redis_sentinel *sentinel = calloc(1, sizeof *sentinel);

	if (!sentinel)
		return NULL;
	sentinel->settings = settings;
	sentinel->link = redis_link_new(settings->redis.timeout_ms);
	if (sentinel->link)
		return sentinel;
	free(sentinel);
	return NULL;
}

void
redis_sentinel_free(struct redis_sentinel *sentinel)
{
	if (!sentinel)
		return;
	redis_link_free(sentinel->link);
	arena_free(sentinel->arena);
	free(sentinel);
}

void
redis_sentinel_ask(struct redis_sentinel *sentinel, size_t node)
{
	const char *address = sentinel->settings->redis.sentinel.nodes.items[node];

	redis_link_drop(sentinel->link);
	arena_free(sentinel->arena);
	sentinel->arena = arena_new();
	sentinel->primary = (struct redis_primary){ .epoch = 0 };
	sentinel->step = STEP_DIAL;
	if (redis_link_dial(sentinel->link, address) == ERR_OK && !sentinel->arena)
		redis_link_fail(sentinel->link, "not enough memory");
}

/* ---- asking ---- */

/* The epoch first: an address that is newer than its epoch does no harm. */
static int
send_questions(struct redis_sentinel *sentinel)
{
	const char *master = sentinel->settings->redis.sentinel.master;
	const char *password = sentinel->settings->redis.sentinel.password;
	int code = ERR_OK;

	if (password[0])
		code = redis_link_send_auth(sentinel->link,
					    sentinel->settings->redis.sentinel.username,
					    password);
	if (code == ERR_OK)
		code = redis_link_send(sentinel->link, "SENTINEL master %s", master);
	if (code == ERR_OK)
		code = redis_link_send(sentinel->link,
				       "SENTINEL get-master-addr-by-name %s", master);
	if (code != ERR_OK)
		return redis_link_fail(sentinel->link, "not enough memory");
	sentinel->step = password[0] ? STEP_AUTH : STEP_EPOCH;
	sentinel->due_ms = clock_now_ms() + sentinel->settings->redis.timeout_ms;
	return ERR_OK;
}

/* ---- its replies ---- */

/* The texts for people name the options of the server that is read. */
static int
refuse(struct redis_sentinel *sentinel, const struct redis_reply *reply)
{
	const char *text = redis_reply_text(reply).bytes;
	char why[REDIS_REASON_MAX];

	if (strstr(text, "AUTH") || strstr(text, "WRONGPASS"))
		return redis_link_fail(
			sentinel->link,
			"this Sentinel says \"%.200s\": redis.sentinel.username and "
			"redis.sentinel.password must be what it has",
			text);
	redis_link_explain(reply, "SENTINEL get-master-addr-by-name", why);
	return redis_link_fail(sentinel->link, "%s", why);
}

/* Names and values in turn. */
static void
take_epoch(struct redis_sentinel *sentinel, const struct redis_reply *reply)
{
	const struct redis_reply *at = redis_reply_first(reply), *value;

	for (; at && (value = redis_reply_next(at)); at = redis_reply_next(value)) {
		char *end;

		if (!redis_reply_is(at, "config-epoch"))
			continue;
		sentinel->primary.epoch =
			strtoull(redis_reply_text(value).bytes, &end, 10);
		sentinel->primary.has_epoch = end != redis_reply_text(value).bytes;
		return;
	}
}

static int
take_address(struct redis_sentinel *sentinel, const struct redis_reply *reply)
{
	const struct redis_reply *host = redis_reply_first(reply);
	const struct redis_reply *port = host ? redis_reply_next(host) : NULL;
	const char *name;

	if (redis_reply_kind(reply) == REDIS_NIL)
		return redis_link_fail(sentinel->link,
				       "this Sentinel knows no master \"%.100s\" "
				       "(redis.sentinel.master)",
				       sentinel->settings->redis.sentinel.master);
	if (!port || redis_reply_text(host).len == 0 || redis_reply_text(port).len == 0)
		return refuse(sentinel, reply);
	name = redis_reply_text(host).bytes;
	snprintf(sentinel->primary.address, sizeof sentinel->primary.address,
		 strchr(name, ':') ? "[%.200s]:%.10s" : "%.200s:%.10s", name,
		 redis_reply_text(port).bytes);
	return ERR_OK;
}

static int
take(struct redis_sentinel *sentinel, const struct redis_reply *reply)
{
	switch (sentinel->step++) {
	case STEP_AUTH:
		return redis_reply_is(reply, "OK") ? ERR_OK : refuse(sentinel, reply);
	case STEP_EPOCH:
		take_epoch(sentinel, reply); /* without it, it is not known */
		return ERR_OK;
	case STEP_ADDRESS:
		return take_address(sentinel, reply);
	case STEP_IDLE:
	case STEP_DIAL:
	case STEP_DONE:
		break;
	}
	return ERR_OK;
}

/* ---- steps ---- */

static int
hear(struct redis_sentinel *sentinel)
{
	const struct redis_reply *reply;
	int code = redis_link_try(sentinel->link, sentinel->arena, &reply);

	if (code == ERR_BUSY && clock_now_ms() >= sentinel->due_ms)
		return redis_link_fail(sentinel->link,
				       "connected, but no reply in %u ms: it hangs",
				       sentinel->settings->redis.timeout_ms);
	return code == ERR_OK ? take(sentinel, reply) : code;
}

int
redis_sentinel_step(struct redis_sentinel *sentinel, struct redis_primary *out)
{
	int code = ERR_OK;

	if (sentinel->step == STEP_IDLE)
		return ERR_CLOSED;
	if (sentinel->step == STEP_DIAL) {
		code = redis_link_step(sentinel->link);
		if (code == ERR_OK)
			code = send_questions(sentinel);
	}
	while (code == ERR_OK && sentinel->step != STEP_DONE)
		code = hear(sentinel);
	if (code == ERR_BUSY)
		return code;
	redis_link_drop(sentinel->link);
	sentinel->step = STEP_IDLE;
	if (code == ERR_OK)
		*out = sentinel->primary;
	return code;
}

int
redis_sentinel_fd(const struct redis_sentinel *sentinel)
{
	return redis_link_fd(sentinel->link);
}

short
redis_sentinel_events(const struct redis_sentinel *sentinel)
{
	return redis_link_events(sentinel->link);
}

int
redis_sentinel_due_ms(const struct redis_sentinel *sentinel)
{
	uint64_t now_ms = clock_now_ms();

	if (sentinel->step == STEP_IDLE || sentinel->step == STEP_DONE)
		return -1;
	if (sentinel->step == STEP_DIAL)
		return redis_link_due_ms(sentinel->link);
	return sentinel->due_ms > now_ms ? (int)(sentinel->due_ms - now_ms) : 0;
}

const char *
redis_sentinel_reason(const struct redis_sentinel *sentinel)
{
	return redis_link_reason(sentinel->link);
}
