/* The way to a server: Sentinels in turn, then the server, then the first commands. */
#include "loader/redis/redis_connect.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/clock.h"
#include "shm/errcode.h"

enum { ADDRESS_MAX = 256, GREETINGS_MAX = 4 };

enum step {
	STEP_START,
	STEP_SENTINEL_DIAL,
	STEP_SENTINEL_AUTH,
	STEP_SENTINEL_REPLY,
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
	size_t node; /* of the Sentinels */
	uint64_t due_ms; /* of the replies */
	enum greeting greetings[GREETINGS_MAX]; /* that replies are waited for */
	unsigned greeting_count, greeting_at;
	char address[ADDRESS_MAX];
	char reason[REDIS_REASON_MAX];
};

struct redis_connect *
redis_connect_new(const struct settings *settings)
{
	struct redis_connect *connect = calloc(1, sizeof *connect);

	if (connect)
		connect->settings = settings;
	return connect;
}

void
redis_connect_free(struct redis_connect *connect)
{
	if (!connect)
		return;
	redis_link_free(connect->link);
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

static bool
has_sentinels(const struct redis_connect *connect)
{
	return connect->settings->redis.sentinel.master[0] != '\0';
}

/* Sentinel or server failed: on to the next Sentinel, if there is one. */
static void
give_up(struct redis_connect *connect)
{
	snprintf(connect->reason, sizeof connect->reason, "%s",
		 redis_link_reason(connect->link));
	redis_link_drop(connect->link);
	if (has_sentinels(connect) &&
	    ++connect->node < connect->settings->redis.sentinel.nodes.count) {
		connect->step = STEP_SENTINEL_DIAL;
		if (redis_link_dial(
			    connect->link,
			    connect->settings->redis.sentinel.nodes.items[connect->node]))
			give_up(connect);
	} else {
		connect->step = STEP_FAILED;
	}
}

static void
dial(struct redis_connect *connect, enum step step, const char *address)
{
	connect->step = step;
	if (redis_link_dial(connect->link, address) != ERR_OK)
		give_up(connect);
}

static void
expect_replies(struct redis_connect *connect, enum step step)
{
	connect->step = step;
	connect->due_ms = clock_now_ms() + connect->settings->redis.timeout_ms;
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
	if (has_sentinels(connect)) {
		dial(connect, STEP_SENTINEL_DIAL,
		     connect->settings->redis.sentinel.nodes.items[0]);
	} else {
		snprintf(connect->address, sizeof connect->address, "%s",
			 connect->settings->redis.address);
		dial(connect, STEP_DIAL, connect->address);
	}
	return ERR_OK;
}

/* ---- Sentinels ---- */

static int
send_auth(struct redis_connect *connect, const char *username, const char *password)
{
	if (!username[0])
		return redis_link_send(connect->link, "AUTH %s", password);
	return redis_link_send(connect->link, "AUTH %s %s", username, password);
}

static void
ask_sentinel(struct redis_connect *connect)
{
	const struct settings *settings = connect->settings;
	bool has_password = settings->redis.sentinel.password[0] != '\0';
	int code = ERR_OK;

	if (has_password)
		code = send_auth(connect, settings->redis.sentinel.username,
				 settings->redis.sentinel.password);
	if (code == ERR_OK)
		code = redis_link_send(connect->link,
				       "SENTINEL get-master-addr-by-name %s",
				       settings->redis.sentinel.master);
	if (code != ERR_OK) {
		redis_link_fail(connect->link, "not enough memory");
		give_up(connect);
		return;
	}
	expect_replies(connect, has_password ? STEP_SENTINEL_AUTH : STEP_SENTINEL_REPLY);
}

/* The texts for people name the options of the server that is read. */
static void
refuse_sentinel(struct redis_connect *connect, const struct redis_reply *reply)
{
	const char *text = redis_reply_text(reply).bytes;
	char why[REDIS_REASON_MAX];

	if (strstr(text, "AUTH") || strstr(text, "WRONGPASS")) {
		redis_link_fail(connect->link,
				"this Sentinel says \"%.200s\": "
				"redis.sentinel.username and redis.sentinel.password "
				"must be what it has",
				text);
	} else {
		redis_link_explain(reply, "SENTINEL get-master-addr-by-name", why);
		redis_link_fail(connect->link, "%s", why);
	}
	give_up(connect);
}

static void
take_sentinel(struct redis_connect *connect, const struct redis_reply *reply)
{
	const struct redis_reply *host = redis_reply_first(reply);
	const struct redis_reply *port = host ? redis_reply_next(host) : NULL;

	if (redis_reply_kind(reply) == REDIS_NIL) {
		redis_link_fail(connect->link,
				"this Sentinel knows no master \"%.100s\" "
				"(redis.sentinel.master)",
				connect->settings->redis.sentinel.master);
		give_up(connect);
	} else if (!port || redis_reply_text(host).len == 0 ||
		   redis_reply_text(port).len == 0) {
		refuse_sentinel(connect, reply);
	} else {
		const char *name = redis_reply_text(host).bytes;

		snprintf(connect->address, sizeof connect->address,
			 strchr(name, ':') ? "[%.200s]:%.10s" : "%.200s:%.10s", name,
			 redis_reply_text(port).bytes);
		dial(connect, STEP_DIAL, connect->address);
	}
}

/* ---- the first commands ---- */

static int
send_greeting(struct redis_connect *connect, enum greeting greeting)
{
	const struct settings *settings = connect->settings;

	connect->greetings[connect->greeting_count++] = greeting;
	switch (greeting) {
	case GREETING_AUTH:
		return send_auth(connect, settings->redis.username,
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
	if (code == ERR_OK && has_sentinels(connect))
		code = send_greeting(connect, GREETING_ROLE);
	if (code == ERR_OK) {
		expect_replies(connect, STEP_GREETING);
		return;
	}
	redis_link_fail(connect->link, "not enough memory");
	give_up(connect);
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
		give_up(connect);
	} else if (++connect->greeting_at == connect->greeting_count) {
		connect->step = STEP_READY;
	}
}

/* ---- steps ---- */

/* One step; returns whether another one can be taken at once. */
static bool
step_dial(struct redis_connect *connect)
{
	int code = redis_link_step(connect->link);

	if (code == ERR_BUSY)
		return false;
	if (code != ERR_OK)
		give_up(connect);
	else if (connect->step == STEP_SENTINEL_DIAL)
		ask_sentinel(connect);
	else
		greet(connect);
	return true;
}

static bool
step_reply(struct redis_connect *connect)
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
		give_up(connect);
	else if (connect->step == STEP_SENTINEL_AUTH && !redis_reply_is(reply, "OK"))
		refuse_sentinel(connect, reply);
	else if (connect->step == STEP_SENTINEL_AUTH)
		connect->step = STEP_SENTINEL_REPLY;
	else if (connect->step == STEP_SENTINEL_REPLY)
		take_sentinel(connect, reply);
	else
		take_greeting(connect, reply);
	return true;
}

static bool
step(struct redis_connect *connect)
{
	switch (connect->step) {
	case STEP_SENTINEL_DIAL:
	case STEP_DIAL:
		return step_dial(connect);
	case STEP_SENTINEL_AUTH:
	case STEP_SENTINEL_REPLY:
	case STEP_GREETING:
		return step_reply(connect);
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
	return connect->link ? redis_link_fd(connect->link) : -1;
}

short
redis_connect_events(const struct redis_connect *connect)
{
	return connect->link ? redis_link_events(connect->link) : 0;
}

int
redis_connect_due_ms(const struct redis_connect *connect)
{
	uint64_t now_ms = clock_now_ms();

	switch (connect->step) {
	case STEP_SENTINEL_DIAL:
	case STEP_DIAL:
		return redis_link_due_ms(connect->link);
	case STEP_SENTINEL_AUTH:
	case STEP_SENTINEL_REPLY:
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
