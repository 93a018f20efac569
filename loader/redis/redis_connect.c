/* The way to a server: Sentinels in turn, then the server, then the first commands. */
#include "loader/redis/redis_connect.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/clock.h"
#include "shm/errcode.h"

enum { GREETINGS_MAX = 4 };

enum step {
	STEP_START,
	STEP_SENTINEL,
	STEP_DIAL,
	STEP_GREETING,
	STEP_READY,
	STEP_FAILED,
};

/* What is asked first, in this order, as far as it is needed. */
enum greeting { GREETING_AUTH, GREETING_SELECT, GREETING_CLUSTER, GREETING_ROLE };

static const char *const greeting_names[] = { "AUTH", "SELECT", "INFO cluster", "ROLE" };

struct redis_connect {
	const struct settings *settings;
	struct redis_link *link; /* NULL: taken, or not made yet */
	struct arena *arena; /* for the replies */
	enum step step;
	struct redis_sentinel *sentinel; /* NULL: there is none */
	size_t node; /* of the Sentinels */
	uint64_t epoch; /* of the failover that was heard of last */
	bool is_known, was_known; /* by a Sentinel of this turn; an older one was */
	uint64_t due_ms; /* of the replies */
	enum greeting greetings[GREETINGS_MAX]; /* that replies are waited for */
	unsigned greeting_count, greeting_at;
	char address[REDIS_ADDRESS_MAX];
	char reason[REDIS_REASON_MAX];
};

struct redis_connect *
redis_connect_new(const struct settings *settings)
{
	struct redis_connect *connect = calloc(1, sizeof *connect);

	if (!connect)
		return NULL;
	connect->settings = settings;
	if (settings->redis.sentinel.master[0] == '\0')
		return connect;
	connect->sentinel = redis_sentinel_new(settings);
	if (connect->sentinel)
		return connect;
	free(connect);
	return NULL;
}

void
redis_connect_free(struct redis_connect *connect)
{
	if (!connect)
		return;
	redis_link_free(connect->link);
	redis_sentinel_free(connect->sentinel);
	arena_free(connect->arena);
	free(connect);
}

void
redis_connect_start(struct redis_connect *connect)
{
	if (connect->link)
		redis_link_drop(connect->link);
	connect->step = STEP_START;
	connect->node = 0;
	connect->reason[0] = '\0';
}

/* Sentinel or server failed: on to the next Sentinel, if there is one. */
static void
give_up(struct redis_connect *connect, const char *reason)
{
	snprintf(connect->reason, sizeof connect->reason, "%s", reason);
	redis_link_drop(connect->link);
	if (connect->sentinel &&
	    ++connect->node < connect->settings->redis.sentinel.nodes.count) {
		connect->step = STEP_SENTINEL;
		redis_sentinel_ask(connect->sentinel, connect->node);
		return;
	}
	connect->step = STEP_FAILED;
	if (connect->was_known && !connect->is_known)
		connect->epoch = 0; /* the Sentinels have been made anew */
}

static void
give_up_link(struct redis_connect *connect)
{
	char reason[REDIS_REASON_MAX];

	snprintf(reason, sizeof reason, "%s", redis_link_reason(connect->link));
	give_up(connect, reason);
}

static void
dial(struct redis_connect *connect, const char *address)
{
	snprintf(connect->address, sizeof connect->address, "%s", address);
	connect->step = STEP_DIAL;
	if (redis_link_dial(connect->link, address) != ERR_OK)
		give_up_link(connect);
}

static int
begin(struct redis_connect *connect)
{
	arena_free(connect->arena);
	connect->arena = arena_new();
	if (!connect->link)
		connect->link = redis_link_new(connect->settings->redis.timeout_ms);
	if (!connect->link || !connect->arena)
		return ERR_NOMEM;
	if (!connect->sentinel) {
		dial(connect, connect->settings->redis.address);
		return ERR_OK;
	}
	connect->is_known = connect->was_known = false;
	connect->step = STEP_SENTINEL;
	redis_sentinel_ask(connect->sentinel, 0);
	return ERR_OK;
}

/* ---- Sentinels ---- */

bool
redis_connect_hears(struct redis_connect *connect, const struct redis_primary *primary)
{
	bool is_newer = primary->has_epoch && primary->epoch > connect->epoch;

	if (is_newer)
		connect->epoch = primary->epoch;
	return is_newer && strcmp(primary->address, connect->address) != 0;
}

/* One that is behind may lead to a primary that has been given up, and does not know. */
static void
take_primary(struct redis_connect *connect, const struct redis_primary *primary)
{
	char reason[REDIS_REASON_MAX];

	if (!primary->has_epoch || primary->epoch >= connect->epoch) {
		connect->is_known = true;
		if (primary->has_epoch)
			connect->epoch = primary->epoch;
		dial(connect, primary->address);
		return;
	}
	connect->was_known = true;
	snprintf(reason, sizeof reason,
		 "Sentinel %.100s has not heard of the last failover",
		 connect->settings->redis.sentinel.nodes.items[connect->node]);
	give_up(connect, reason);
}

/* ---- the first commands ---- */

static int
send_greeting(struct redis_connect *connect, enum greeting greeting)
{
	const struct settings *settings = connect->settings;

	connect->greetings[connect->greeting_count++] = greeting;
	switch (greeting) {
	case GREETING_AUTH:
		return redis_link_send_auth(connect->link, settings->redis.username,
					    settings->redis.password);
	case GREETING_SELECT:
		return redis_link_send(connect->link, "SELECT %d",
				       (int)settings->redis.db);
	case GREETING_CLUSTER:
		return redis_link_send(connect->link, "INFO cluster");
	case GREETING_ROLE:
		return redis_link_send(connect->link, "ROLE");
	}
	return ERR_OK;
}

static void
greet(struct redis_connect *connect)
{
	int code = ERR_OK;

	connect->greeting_count = connect->greeting_at = 0;
	if (connect->settings->redis.password[0])
		code = send_greeting(connect, GREETING_AUTH);
	if (code == ERR_OK && connect->settings->redis.db != 0)
		code = send_greeting(connect, GREETING_SELECT);
	if (code == ERR_OK)
		code = send_greeting(connect, GREETING_CLUSTER);
	if (code == ERR_OK && connect->sentinel)
		code = send_greeting(connect, GREETING_ROLE);
	if (code == ERR_OK) {
		connect->step = STEP_GREETING;
		connect->due_ms = clock_now_ms() + connect->settings->redis.timeout_ms;
		return;
	}
	redis_link_fail(connect->link, "not enough memory");
	give_up_link(connect);
}

/* What is wrong with a reply; "" for nothing. */
static void
check_greeting(struct redis_connect *connect, enum greeting greeting,
	       const struct redis_reply *reply, char why[REDIS_REASON_MAX])
{
	const struct redis_reply *role = redis_reply_first(reply);

	why[0] = '\0';
	if (redis_reply_kind(reply) == REDIS_ERROR)
		redis_link_explain(reply, greeting_names[greeting], why);
	else if (greeting == GREETING_CLUSTER &&
		 strstr(redis_reply_text(reply).bytes, "cluster_enabled:1"))
		snprintf(why, REDIS_REASON_MAX,
			 "it is part of a Redis Cluster, which is not supported: each "
			 "node has some of the keys only; use a primary with replicas");
	else if (greeting == GREETING_ROLE && (!role || !redis_reply_is(role, "master")))
		snprintf(why, REDIS_REASON_MAX,
			 "Sentinel %.100s calls it the primary of \"%.100s\", and it is "
			 "none (yet)",
			 connect->settings->redis.sentinel.nodes.items[connect->node],
			 connect->settings->redis.sentinel.master);
}

static void
take_greeting(struct redis_connect *connect, const struct redis_reply *reply)
{
	char why[REDIS_REASON_MAX];

	check_greeting(connect, connect->greetings[connect->greeting_at], reply, why);
	if (why[0]) {
		redis_link_fail(connect->link, "%s", why);
		give_up_link(connect);
	} else if (++connect->greeting_at == connect->greeting_count) {
		connect->step = STEP_READY;
	}
}

/* ---- steps ---- */

/* One step; returns whether another one can be taken at once. */
static bool
step_sentinel(struct redis_connect *connect)
{
	struct redis_primary primary;
	int code = redis_sentinel_step(connect->sentinel, &primary);

	if (code == ERR_BUSY)
		return false;
	if (code == ERR_OK)
		take_primary(connect, &primary);
	else
		give_up(connect, redis_sentinel_reason(connect->sentinel));
	return true;
}

static bool
step_dial(struct redis_connect *connect)
{
	int code = redis_link_step(connect->link);

	if (code == ERR_BUSY)
		return false;
	if (code != ERR_OK)
		give_up_link(connect);
	else
		greet(connect);
	return true;
}

static bool
step_greeting(struct redis_connect *connect)
{
	const struct redis_reply *reply;
	int code = redis_link_try(connect->link, connect->arena, &reply);

	if (code == ERR_BUSY) {
		if (clock_now_ms() < connect->due_ms)
			return false;
		redis_link_fail(connect->link,
				"connected, but no reply in %u ms: it hangs",
				connect->settings->redis.timeout_ms);
		code = ERR_IO;
	}
	if (code != ERR_OK)
		give_up_link(connect);
	else
		take_greeting(connect, reply);
	return true;
}

static bool
step(struct redis_connect *connect)
{
	switch (connect->step) {
	case STEP_SENTINEL:
		return step_sentinel(connect);
	case STEP_DIAL:
		return step_dial(connect);
	case STEP_GREETING:
		return step_greeting(connect);
	case STEP_START:
	case STEP_READY:
	case STEP_FAILED:
		break;
	}
	return false;
}

int
redis_connect_step(struct redis_connect *connect)
{
	if (connect->step == STEP_START && begin(connect) != ERR_OK) {
		snprintf(connect->reason, sizeof connect->reason, "not enough memory");
		return ERR_NOMEM;
	}
	while (step(connect))
		;
	if (connect->step == STEP_READY)
		return ERR_OK;
	return connect->step == STEP_FAILED ? ERR_IO : ERR_BUSY;
}

int
redis_connect_fd(const struct redis_connect *connect)
{
	if (connect->step == STEP_SENTINEL)
		return redis_sentinel_fd(connect->sentinel);
	return connect->link ? redis_link_fd(connect->link) : -1;
}

short
redis_connect_events(const struct redis_connect *connect)
{
	if (connect->step == STEP_SENTINEL)
		return redis_sentinel_events(connect->sentinel);
	return connect->link ? redis_link_events(connect->link) : 0;
}

int
redis_connect_due_ms(const struct redis_connect *connect)
{
	uint64_t now_ms = clock_now_ms();

	switch (connect->step) {
	case STEP_SENTINEL:
		return redis_sentinel_due_ms(connect->sentinel);
	case STEP_DIAL:
		return redis_link_due_ms(connect->link);
	case STEP_GREETING:
		return connect->due_ms > now_ms ? (int)(connect->due_ms - now_ms) : 0;
	case STEP_START:
		return 0;
	case STEP_READY:
	case STEP_FAILED:
		break;
	}
	return -1;
}

struct redis_link *
redis_connect_take(struct redis_connect *connect)
{
	struct redis_link *link = connect->link;

	connect->link = NULL;
	connect->step = STEP_START;
	connect->node = 0;
	return link;
}

const char *
redis_connect_address(const struct redis_connect *connect)
{
	return connect->address;
}

const char *
redis_connect_reason(const struct redis_connect *connect)
{
	return connect->reason;
}

int
redis_connect_wait(const struct settings *settings, struct redis_link **out,
		   char reason[REDIS_REASON_MAX])
{
	struct redis_connect *connect = redis_connect_new(settings);
	int code = connect ? ERR_BUSY : ERR_NOMEM;

	while (connect && (code = redis_connect_step(connect)) == ERR_BUSY) {
		struct pollfd wait = { .fd = redis_connect_fd(connect),
				       .events = redis_connect_events(connect) };

		poll(&wait, 1, redis_connect_due_ms(connect));
	}
	if (code == ERR_OK)
		*out = redis_connect_take(connect);
	else
		snprintf(reason, REDIS_REASON_MAX, "%s",
			 connect ? redis_connect_reason(connect) : "not enough memory");
	redis_connect_free(connect);
	return code;
}
