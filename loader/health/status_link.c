/* Status keys, without waiting for Redis. */
#include "loader/health/status_link.h"

#include <poll.h>
#include <stdlib.h>

#include "loader/health/status_item.h"
#include "loader/health/status_names.h"
#include "loader/redis/redis_connect.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	STEP_MS = 20, /* while a connection is made */
	CHUNK = 256, /* keys of one MGET */
	UNANSWERED_MAX = 50000, /* writes; what comes behind is written the next time */
	STALE_INTERVALS = 3,
	FUTURE_MS = 5000, /* clocks may differ by so much */
};

struct found {
	int status;
	int64_t checked_ms; /* 0: none that counts */
};

struct status_link {
	struct prober *prober;
	struct settings settings; /* those of redis are health.redis's */
	struct redis_connect *connect;
	struct redis_link *link; /* NULL: being connected */
	struct event_watch *watch;
	struct event_timer *step;
	uint64_t heard_ms; /* of a reply, or of the first thing to be answered */
	struct status_names names;
	struct found *found; /* of each pair, while a round is read; owned */
	size_t unanswered; /* writes, or MGETs */
	size_t read_pairs; /* of the round under way */
	bool is_round, is_void; /* is_void: the names have changed since it began */
	bool is_dialling;
	bool was_told; /* why there is no link */
};

static bool
is_follower(const struct status_link *link)
{
	return link->prober->settings->health.role == HEALTH_ROLE_FOLLOW;
}

/* ---- the link ---- */

static void
lose(struct status_link *link, const char *why)
{
	region_health_set_error(link->prober->health, HEALTH_ERROR_LINK, why);
	if (!link->was_told)
		log_warnx("status keys of health checks: %s", why);
	link->was_told = true;
	event_watch_free(link->watch);
	redis_link_free(link->link);
	link->watch = NULL;
	link->link = NULL;
	link->unanswered = 0;
	link->is_round = false;
}

static void pump(struct status_link *link);

static void
on_ready(void *context, unsigned events)
{
	(void)events;
	pump(context);
}

static void
put_again(void *context, struct target *target)
{
	if (target->status != 0)
		status_link_put(context, target);
}

static void
use_link(struct status_link *link)
{
	link->link = redis_connect_take(link->connect);
	link->watch = event_watch_new(link->prober->loop, redis_link_fd(link->link),
				      EVENT_READ, on_ready, link);
	if (!link->watch) {
		lose(link, "the connection cannot be watched");
		return;
	}
	region_health_set_error(link->prober->health, HEALTH_ERROR_LINK, "");
	if (link->was_told)
		log_info("status keys of health checks: connected to %s",
			 redis_connect_address(link->connect));
	link->was_told = false;
	if (is_follower(link))
		status_link_tick(link);
	else
		target_table_each(&link->prober->table, put_again, link);
}

static void
on_step(void *context)
{
	struct status_link *link = context;
	int rc = redis_connect_step(link->connect);

	link->is_dialling = rc == ERR_BUSY;
	if (rc == ERR_OK)
		use_link(link);
	else if (rc == ERR_BUSY)
		event_timer_set(link->step, STEP_MS);
	else
		lose(link, redis_connect_reason(link->connect));
}

static void
dial(struct status_link *link)
{
	redis_connect_start(link->connect);
	on_step(link);
}

/* ---- replies ---- */

static void
count_keys(struct status_link *link, uint64_t n)
{
	region_health_add(link->prober->health, HEALTH_status_keys, n);
}

/* What Redis says against it. */
static void
complain(struct status_link *link, const struct redis_reply *reply, const char *command)
{
	char why[REDIS_REASON_MAX];

	redis_link_explain(reply, command, why);
	region_health_set_error(link->prober->health, HEALTH_ERROR_LINK, why);
	if (!link->was_told)
		log_warnx("status keys of health checks: %s", why);
	link->was_told = true;
}

static bool
counts(const struct status_link *link, const struct status_item *item, size_t pair)
{
	const struct target *target =
		target_table_find(&link->prober->table, link->names.pairs[pair].key);
	int64_t age_ms = clock_wall_ms() - item->checked_ms;

	return target && age_ms >= -FUTURE_MS &&
	       age_ms <= (int64_t)(STALE_INTERVALS *
				   prober_interval_ms(link->prober, target));
}

static void
take_values(struct status_link *link, const struct redis_reply *reply)
{
	const struct redis_reply *value = redis_reply_first(reply);

	for (; value && link->read_pairs < link->names.count;
	     value = redis_reply_next(value)) {
		struct redis_text text = redis_reply_text(value);
		size_t pair = link->read_pairs++;
		struct status_item item;

		link->found[pair].checked_ms = 0;
		if (redis_reply_kind(value) != REDIS_TEXT ||
		    !status_item_read(text.bytes, text.len, &item) ||
		    !counts(link, &item, pair))
			continue;
		link->found[pair] = (struct found){ item.status, item.checked_ms };
		count_keys(link, 1);
	}
}

/* The last look at any of its names. */
static void
take_found(void *context, struct target *target)
{
	struct status_link *link = context;
	const struct found *last = NULL;
	int status;

	for (uint32_t i = 0; i < target->pair_count; i++) {
		const struct found *found = &link->found[target->first_pair + i];

		if (found->checked_ms != 0 &&
		    (!last || found->checked_ms > last->checked_ms))
			last = found;
	}
	status = last ? last->status : 0;
	if (status > target->up_count)
		status = target->up_count;
	if (status < target->down_count)
		status = target->down_count;
	if (target->status != status)
		region_health_add(link->prober->health, HEALTH_transitions, 1);
	target->status = (int8_t)status;
	target->known_ms = clock_now_ms();
	if (status > 0)
		target->up_s = (uint32_t)(last->checked_ms / 1000);
	target_show(link->prober->board, target);
}

static void
end_round(struct status_link *link)
{
	if (!link->is_void && link->read_pairs == link->names.count)
		target_table_each(&link->prober->table, take_found, link);
	link->is_round = false;
}

static void
take_reply(struct status_link *link, const struct redis_reply *reply)
{
	link->unanswered--;
	link->heard_ms = clock_now_ms();
	if (!link->is_round) {
		if (redis_reply_is(reply, "OK"))
			count_keys(link, 1);
		else
			complain(link, reply, "SET");
		return;
	}
	if (redis_reply_kind(reply) != REDIS_LIST) {
		complain(link, reply, "MGET");
		link->is_void = true;
	}
	if (!link->is_void)
		take_values(link, reply);
	if (link->unanswered == 0)
		end_round(link);
}

/* Send what is queued, take what has come. */
static void
pump(struct status_link *link)
{
	struct arena *arena = arena_new();
	const struct redis_reply *reply;
	int rc = arena ? ERR_OK : ERR_NOMEM;

	while (rc == ERR_OK) {
		rc = redis_link_try(link->link, arena, &reply);
		if (rc == ERR_OK && link->unanswered == 0)
			rc = redis_link_fail(link->link, "a reply to nothing");
		if (rc == ERR_OK)
			take_reply(link, reply);
	}
	arena_free(arena);
	if (rc == ERR_BUSY)
		event_watch_change(link->watch,
				   EVENT_READ | (redis_link_events(link->link) & POLLOUT
							 ? (unsigned)EVENT_WRITE
							 : 0));
	else
		lose(link, redis_link_reason(link->link));
}

/* ---- writing ---- */

static size_t
print_key(const struct status_link *link, const char *owner,
	  const uint8_t address[HEALTH_ADDRESS_LEN], char out[STATUS_KEY_MAX])
{
	const struct settings *settings = link->prober->settings;

	return status_item_key(settings->health.redis.prefix,
			       settings->health.redis.suffix, owner, address, out);
}

static void
note_question(struct status_link *link)
{
	if (link->unanswered++ == 0)
		link->heard_ms = clock_now_ms();
}

static int
send_pair(struct status_link *link, const struct target *target, const char *owner,
	  const char *value, size_t value_len)
{
	char key[STATUS_KEY_MAX];
	size_t len = print_key(link, owner, target->spec, key);
	unsigned long long expire_ms =
		STALE_INTERVALS * prober_interval_ms(link->prober, target);

	if (len == 0)
		return ERR_OK;
	note_question(link);
	return redis_link_send(link->link, "SET %b %b PX %llu", key, len, value,
			       value_len, expire_ms);
}

void
status_link_put(struct status_link *link, const struct target *target)
{
	struct status_item item = { target->status, clock_wall_ms() };
	char value[STATUS_ITEM_MAX];
	struct health_check check;
	size_t len;
	int rc = ERR_OK;

	if (!link->link || is_follower(link) || target->pair_count == 0 ||
	    link->unanswered + target->pair_count > UNANSWERED_MAX ||
	    !health_check_read(target->spec + HEALTH_ADDRESS_LEN,
			       target->spec_len - HEALTH_ADDRESS_LEN, &check))
		return;
	len = status_item_write(&check, &item, value);
	for (uint32_t i = 0; rc == ERR_OK && i < target->pair_count; i++) {
		const struct status_pair *pair =
			&link->names.pairs[target->first_pair + i];

		rc = send_pair(link, target, link->names.texts + pair->owner, value, len);
	}
	if (rc != ERR_OK)
		lose(link, redis_link_reason(link->link));
	else
		/* sent from the loop, with what comes until then */
		event_watch_change(link->watch, EVENT_READ | EVENT_WRITE);
}

/* ---- reading ---- */

static int
ask_for_chunk(struct status_link *link, size_t from, size_t count)
{
	static char keys[CHUNK][STATUS_KEY_MAX];
	struct redis_text words[1 + CHUNK] = { { "MGET", 4 } };

	for (size_t i = 0; i < count; i++) {
		const struct status_pair *pair = &link->names.pairs[from + i];
		const struct target *target =
			target_table_find(&link->prober->table, pair->key);
		size_t len = target ? print_key(link, link->names.texts + pair->owner,
						target->spec, keys[i])
				    : 0;

		/* one that cannot be, so that replies stay in step */
		words[1 + i] = (struct redis_text){ len ? keys[i] : "\n", len ? len : 1 };
	}
	note_question(link);
	return redis_link_send_words(link->link, 1 + count, words);
}

static void
begin_round(struct status_link *link)
{
	size_t count = link->names.count;
	struct found *found = realloc(link->found, (count + 1) * sizeof *found);
	int rc = ERR_OK;

	if (!found)
		return;
	link->found = found;
	link->is_round = true;
	link->is_void = false;
	link->read_pairs = 0;
	for (size_t from = 0; rc == ERR_OK && from < count; from += CHUNK)
		rc = ask_for_chunk(link, from,
				   count - from < CHUNK ? count - from : (size_t)CHUNK);
	if (rc != ERR_OK)
		lose(link, redis_link_reason(link->link));
	else if (count == 0)
		end_round(link);
	else
		pump(link);
}

void
status_link_tick(struct status_link *link)
{
	if (link->link && link->unanswered > 0 &&
	    clock_now_ms() - link->heard_ms > link->settings.redis.timeout_ms)
		lose(link, "no reply in time: it hangs");
	if (!link->link && !link->is_dialling)
		dial(link);
	else if (link->link && is_follower(link) && !link->is_round)
		begin_round(link);
}

int
status_link_read_names(struct status_link *link, struct watch_reader *reader)
{
	link->is_void = true;
	return status_names_read(&link->names, reader, &link->prober->table);
}

struct status_link *
status_link_new(struct prober *prober)
{
	static char no_master[1];
	struct status_link *link = calloc(1, sizeof *link);

	if (!link)
		return NULL;
	link->prober = prober;
	link->settings = *prober->settings;
	link->settings.redis.address = prober->settings->health.redis.address;
	link->settings.redis.db = prober->settings->health.redis.db;
	link->settings.redis.username = prober->settings->health.redis.username;
	link->settings.redis.password = prober->settings->health.redis.password;
	link->settings.redis.sentinel.nodes.count = 0;
	link->settings.redis.sentinel.master = no_master;
	link->connect = redis_connect_new(&link->settings);
	link->step = event_timer_new(prober->loop, on_step, link);
	if (link->connect && link->step)
		return link;
	redis_connect_free(link->connect);
	event_timer_free(link->step);
	free(link);
	return NULL;
}
