/* A stream in Redis: an entry for each query, whose members are those of the line of JSON.
 *
 * Entries are sent many at a time, and count as taken when the server has said so.  Of a
 * connection that breaks before, all are sent again: some may stand there twice then. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/query_log/log_target.h"
#include "loader/redis/redis_connect.h"
#include "loader/redis/redis_link.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum { ENTRIES_MAX = 256, WORDS_MAX = 6 + 2 * QUERY_FIELDS_MAX, NUMBER_MAX = 21 };
enum { REPLY_MS = 2000 };

struct log_redis {
	struct log_target target;
	struct settings settings; /* with our Redis in the place of the zones' */
	struct redis_connect *connect;
	bool is_connecting;
	struct redis_link *link; /* NULL: there is none */
	char maxlen[NUMBER_MAX];
	unsigned waiting; /* entries without a reply */
	unsigned count; /* entries that were added */
	uint64_t heard_ms; /* when the last reply came, or the first was waited for */
};

/* ---- entries ---- */

static struct redis_text
text_of(const char *text, size_t len)
{
	return (struct redis_text){ text, len };
}

static struct redis_text
word(const char *text)
{
	return text_of(text, strlen(text));
}

/* "XADD key [MAXLEN ~ n] *" */
static size_t
put_head(const struct log_redis *redis, struct redis_text words[WORDS_MAX])
{
	size_t count = 0;

	words[count++] = word("XADD");
	words[count++] = word(redis->settings.query_log.redis.stream);
	if (redis->settings.query_log.redis.maxlen > 0) {
		words[count++] = word("MAXLEN");
		words[count++] = word("~");
		words[count++] = word(redis->maxlen);
	}
	words[count++] = word("*");
	return count;
}

static enum log_add
add(struct log_target *target, const struct query_record *record,
    const struct query_line *line)
{
	struct log_redis *redis = (struct log_redis *)target;
	char numbers[QUERY_FIELDS_MAX][NUMBER_MAX];
	struct redis_text words[WORDS_MAX];
	size_t count;

	(void)record;
	if (!redis->link || redis->count == ENTRIES_MAX)
		return LOG_ADD_FULL;
	count = put_head(redis, words);
	for (unsigned i = 0; i < line->count; i++) {
		const struct query_field *field = &line->fields[i];

		words[count++] = text_of(field->name, field->name_len);
		if (!field->text)
			snprintf(numbers[i], NUMBER_MAX, "%" PRIu64, field->number);
		words[count++] =
			field->text ? text_of(field->text, field->len) : word(numbers[i]);
	}
	if (redis_link_send_words(redis->link, count, words) != ERR_OK)
		return LOG_ADD_FULL;
	redis->count++;
	redis->waiting++;
	return LOG_ADD_DONE;
}

/* ---- the connection ---- */

/* Reasons name options of the zones' Redis: ours are in a group of query_log. */
static void
tell_why(struct log_target *target, const char *why)
{
	static const char zones[] = " redis.", ours[] = " query_log.redis.";
	char *out = target->why, *end = out + sizeof target->why - sizeof ours;

	while (*why && out < end) {
		if (strncmp(why, zones, sizeof zones - 1) != 0) {
			*out++ = *why++;
			continue;
		}
		memcpy(out, ours, sizeof ours - 1);
		out += sizeof ours - 1;
		why += sizeof zones - 1;
	}
	*out = '\0';
}

static enum log_flush
lose(struct log_redis *redis, const char *why)
{
	tell_why(&redis->target, why);
	redis_link_free(redis->link);
	redis->link = NULL;
	redis->is_connecting = false;
	redis->target.fd = -1;
	redis->waiting = redis->count = 0;
	return LOG_FLUSH_LOST;
}

static enum log_flush
connect_to(struct log_redis *redis)
{
	int rc;

	if (!redis->is_connecting)
		redis_connect_start(redis->connect);
	redis->is_connecting = true;
	rc = redis_connect_step(redis->connect);
	redis->target.fd = redis_connect_fd(redis->connect);
	redis->target.events = redis_connect_events(redis->connect);
	if (rc == ERR_BUSY)
		return LOG_FLUSH_AGAIN;
	if (rc != ERR_OK)
		return lose(redis, redis_connect_reason(redis->connect));
	redis->is_connecting = false;
	redis->link = redis_connect_take(redis->connect);
	redis->target.opened_count++;
	redis->target.why[0] = '\0';
	return LOG_FLUSH_DONE;
}

/* Take one reply.  returns 0 or why not, as redis_link_try. */
static int
take_reply(struct log_redis *redis, struct arena *arena, char why[REDIS_REASON_MAX])
{
	const struct redis_reply *reply;
	int rc = redis_link_try(redis->link, arena, &reply);

	if (rc == ERR_OK && redis_reply_kind(reply) == REDIS_ERROR) {
		redis_link_explain(reply, "XADD", why);
		return ERR_FORMAT;
	}
	if (rc != ERR_OK && rc != ERR_BUSY)
		snprintf(why, REDIS_REASON_MAX, "%s", redis_link_reason(redis->link));
	return rc;
}

static enum log_flush
take_replies(struct log_redis *redis, struct arena *arena)
{
	char why[REDIS_REASON_MAX];
	int rc = ERR_OK;

	while (redis->waiting > 0 && rc == ERR_OK) {
		rc = take_reply(redis, arena, why);
		if (rc == ERR_OK) {
			redis->waiting--;
			redis->heard_ms = clock_now_ms();
		}
	}
	if (rc == ERR_BUSY && clock_now_ms() - redis->heard_ms < REPLY_MS) {
		redis->target.fd = redis_link_fd(redis->link);
		redis->target.events = redis_link_events(redis->link);
		return LOG_FLUSH_AGAIN;
	}
	if (rc == ERR_BUSY)
		return lose(redis, "Redis has not answered for 2 s");
	if (rc != ERR_OK)
		return lose(redis, why);
	redis->count = 0;
	redis->heard_ms = 0;
	redis->target.why[0] = '\0';
	return LOG_FLUSH_DONE;
}

static enum log_flush
flush(struct log_target *target)
{
	struct log_redis *redis = (struct log_redis *)target;
	enum log_flush result;
	struct arena *arena;

	if (!redis->link)
		return connect_to(redis);
	if (!redis_link_is_open(redis->link))
		return lose(redis, redis_link_reason(redis->link));
	if (redis->waiting == 0)
		return LOG_FLUSH_DONE;
	if (redis->heard_ms == 0)
		redis->heard_ms = clock_now_ms();
	arena = arena_new();
	if (!arena)
		return LOG_FLUSH_AGAIN;
	result = take_replies(redis, arena);
	if (result != LOG_FLUSH_AGAIN)
		redis->heard_ms = 0;
	arena_free(arena);
	return result;
}

static void
free_redis(struct log_target *target)
{
	struct log_redis *redis = (struct log_redis *)target;

	redis_link_free(redis->link);
	redis_connect_free(redis->connect);
	free(redis);
}

static const struct log_target_calls calls = { true, add, flush, NULL, free_redis };

struct log_target *
log_redis_new(const struct settings *settings)
{
	static char no_master[1];
	struct log_redis *redis = calloc(1, sizeof *redis);

	if (!redis)
		return NULL;
	redis->target.calls = &calls;
	redis->target.fd = -1;
	redis->settings = *settings;
	redis->settings.redis.address = settings->query_log.redis.address;
	redis->settings.redis.db = settings->query_log.redis.db;
	redis->settings.redis.username = settings->query_log.redis.username;
	redis->settings.redis.password = settings->query_log.redis.password;
	redis->settings.redis.timeout_ms = REPLY_MS;
	redis->settings.redis.sentinel.nodes.count = 0;
	redis->settings.redis.sentinel.master = no_master;
	snprintf(redis->maxlen, sizeof redis->maxlen, "%u",
		 settings->query_log.redis.maxlen);
	redis->connect = redis_connect_new(&redis->settings);
	if (redis->connect)
		return &redis->target;
	free(redis);
	return NULL;
}
