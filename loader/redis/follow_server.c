/* Which server is read, and is it still the one that we know? */
#include "loader/redis/follow_server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/follow_count.h"
#include "loader/redis/follow_events.h"
#include "loader/redis/follow_gap.h"
#include "loader/redis/follow_lose.h"
#include "loader/redis/follow_notes.h"
#include "loader/redis/follow_report.h"
#include "loader/redis/follow_stream.h"
#include "loader/sign/sign_clock.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum { CONFIG_MS = 5000 };

/* Far beyond any clock, and no overflow as microseconds. */
#define TIME_MAX_S (INT64_C(1) << 40)

/* ---- asking ---- */

static const struct redis_reply *
ask(struct follow *f, enum follow_link which, const char *command)
{
	struct redis_link *link = f->links[which];
	const struct redis_reply *reply = NULL;
	struct redis_text words[8] = { { "", 0 } };
	size_t count = 0;

	for (const char *at = command; *at && count < 8; count++) {
		words[count] = (struct redis_text){ at, strcspn(at, " ") };
		at += words[count].len;
		at += *at == ' ';
	}
	if (redis_link_send_words(link, count, words) == ERR_OK)
		reply = redis_link_receive(link, f->arena);
	if (!reply)
		follow_lose_link(f, which);
	return reply;
}

static int
ask_info(struct follow *f, enum follow_link which, struct server_info *out)
{
	const struct redis_reply *reply = ask(f, which, "INFO");
	char reason[REDIS_REASON_MAX];

	if (!reply)
		return ERR_CLOSED;
	if (redis_reply_kind(reply) == REDIS_TEXT) {
		server_info_read(redis_reply_text(reply), out);
		return ERR_OK;
	}
	redis_link_explain(reply, "INFO", reason);
	follow_lose(f, "%s", reason);
	return ERR_RIGHTS;
}

/* ---- notifications ---- */

static void
set_notify_problem(struct follow *f, const char *text)
{
	char old[SOURCE_TEXT_MAX];
	bool had = region_source_get_text(f->board, SOURCE_TEXT_NOTIFY, old);

	region_source_set_text(f->board, SOURCE_TEXT_NOTIFY, "%s", text);
	if (text[0] != '\0' && (!had || strcmp(old, text) != 0))
		log_warnx("%s", text);
}

static void
notify_flags(struct follow *f, struct redis_text flags)
{
	bool was_on = f->notifications_known && f->notifications_on;
	const char *master = f->settings->redis.sentinel.master;
	const char *where = *master ? master : f->settings->redis.address;
	char text[SOURCE_TEXT_MAX] = "", cure[32];

	f->notifications_on = server_notifies(flags);
	if (!f->notifications_on) {
		server_notify_flags(flags, cure);
		snprintf(text, sizeof text,
			 "Redis does not tell of all changes (notify-keyspace-events is "
			 "\"%.20s\"); zones are compared one after the other meanwhile; "
			 "cure at %.100s: redis-cli CONFIG SET notify-keyspace-events %s",
			 flags.bytes, where, cure);
	} else if (f->notifications_known && !was_on) {
		follow_gap_compare(f, false); /* what happened while they were off */
	}
	f->notifications_known = true;
	set_notify_problem(f, text);
}

/* CONFIG may be forbidden: then notifications are trusted, and comparisons tell when
 * they miss something. */
static int
check_notifications(struct follow *f)
{
	const struct redis_reply *reply, *value;

	if (!f->settings->redis.notifications) {
		f->notifications_known = true;
		f->notifications_on = false;
		return ERR_OK;
	}
	reply = ask(f, LINK_COMMAND, "CONFIG GET notify-keyspace-events");
	if (!reply)
		return ERR_CLOSED;
	value = redis_reply_first(reply);
	value = value ? redis_reply_next(value) : NULL;
	if (value) {
		notify_flags(f, redis_reply_text(value));
	} else if (!f->notifications_known) {
		f->notifications_on = true;
		log_info("Redis does not let us see notify-keyspace-events; let its user "
			 "run "
			 "CONFIG GET (ACL SETUSER ... +config|get), or make sure that it "
			 "holds K and A");
	}
	f->next_config_ms = clock_now_ms() + CONFIG_MS;
	return ERR_OK;
}

/* ---- the clock of Redis's host ---- */

static void
take_time(struct follow *f, const struct redis_reply *reply, uint64_t asked_us,
	  uint64_t now_us)
{
	const struct redis_reply *s = redis_reply_first(reply);
	const struct redis_reply *us = s ? redis_reply_next(s) : NULL;
	int64_t seconds, rest_us, ahead, slack = (int64_t)(now_us - asked_us);

	if (!us)
		return;
	seconds = strtoll(redis_reply_text(s).bytes, NULL, 10);
	rest_us = strtoll(redis_reply_text(us).bytes, NULL, 10);
	if (seconds < 0 || seconds > TIME_MAX_S || rest_us < 0 || rest_us >= 1000000)
		return; /* whatever it is, it is no time */
	ahead = seconds * 1000000 + rest_us - (int64_t)(asked_us + now_us) / 2;
	region_clock_note_other(f->region, seconds);
	if (ahead < 1000 && ahead > -1000)
		ahead = 0; /* the same clock, or as good as that */
	else if (slack > 100000)
		return;
	f->clock_ahead_us = ahead;
}

/* Before anything is signed under a wrong one. */
static int
compare_clocks(struct follow *f)
{
	uint64_t asked_us = (uint64_t)clock_wall_us();
	const struct redis_reply *reply = ask(f, LINK_COMMAND, "TIME");

	if (!reply)
		return ERR_CLOSED;
	take_time(f, reply, asked_us, (uint64_t)clock_wall_us());
	sign_clock_look(f->region);
	return ERR_OK;
}

/* ---- the first look ---- */

static void
show_server(struct follow *f)
{
	const struct server_info *server = &f->server;

	region_source_set_text(f->board, SOURCE_TEXT_SERVER, "%s, Redis %s%s%s",
			       redis_connect_address(f->connect), server->version,
			       server->master[0] ? ", replica of " : "", server->master);
	log_info("reading Redis at %s, version %s%s%s", redis_connect_address(f->connect),
		 server->version, server->master[0] ? ", replica of " : "",
		 server->master);
}

int
follow_server_identify(struct follow *f)
{
	struct server_info other;

	if (ask_info(f, LINK_COMMAND, &f->server) != ERR_OK)
		return ERR_CLOSED;
	for (unsigned i = LINK_STREAM; i < LINK_COUNT; i++) {
		if (ask_info(f, (enum follow_link)i, &other) != ERR_OK)
			return ERR_CLOSED;
		if (strcmp(other.run_id, f->server.run_id) != 0) {
			follow_lose(f, "two servers answer at the address of Redis");
			return ERR_BUSY;
		}
	}
	if (f->server.is_loading) {
		follow_lose(f, "Redis reads its data from disk or from its primary");
		return ERR_BUSY;
	}
	f->was_link_down = f->server.is_link_down;
	f->notifications_known = false;
	show_server(f);
	if (compare_clocks(f) != ERR_OK)
		return ERR_CLOSED;
	return check_notifications(f);
}

void
follow_server_changed(struct follow *f, const char *why)
{
	log_warnx("%s: all zones are compared", why);
	region_source_add(f->board, SOURCE_redis_gaps, 1);
	region_source_set_text(f->board, SOURCE_TEXT_GAP,
			       "%s; all zones are being compared with Redis", why);
	memcpy(f->known.replid, f->server.replid, sizeof f->known.replid);
	memcpy(f->known.run_id, f->server.run_id, sizeof f->known.run_id);
	follow_gap_compare(f, false);
	/* failing that, the next start compares once more */
	if (f->live && f->has_place && follow_notes_save(f) != ERR_OK)
		log_warnx("which server was read could not be noted");
}

/* ---- once a second ---- */

/* Is the stream where we left it?  XREAD does not tell of entries that come with a new
 * copy of all data, on a replica. */
static void
check_stream(struct follow *f, const struct redis_reply *info,
	     const struct redis_reply *cursor)
{
	struct stream_facts facts;
	enum stream_verdict verdict;

	stream_facts_read(info, &facts);
	facts.has_cursor = redis_reply_count(cursor) > 0;
	verdict = stream_gap_judge(&f->place, &facts);
	if (verdict == STREAM_WRONG_TYPE) {
		f->stream_is_bad = true;
		region_source_set_text(
			f->board, SOURCE_TEXT_STREAM, "the change stream %s %s",
			f->settings->redis.stream, stream_verdict_text(verdict));
		return;
	}
	if (f->stream_is_bad) {
		f->stream_is_bad = false;
		region_source_set_text(f->board, SOURCE_TEXT_STREAM, "%s", "");
		follow_gap_entries(f, "the change stream can be read again");
	} else if (verdict != STREAM_GOOD) {
		if (!f->round.is_strict)
			follow_gap_entries(f, "the change stream %s",
					   stream_verdict_text(verdict));
	} else if (change_id_compare(facts.last, f->place.cursor) > 0) {
		(void)!follow_stream_catch_up(f);
	}
}

static void
check_server(struct follow *f, const struct redis_reply *reply)
{
	struct server_info info;

	server_info_read(redis_reply_text(reply), &info);
	if (info.replid[0] != '\0' && strcmp(info.replid, f->server.replid) != 0) {
		memcpy(f->server.replid, info.replid, sizeof info.replid);
		follow_server_changed(f, "Redis follows another primary now");
	}
	if (info.is_link_down != f->was_link_down) {
		if (f->was_link_down)
			follow_gap_compare(
				f, false); /* it may have been given anew as a whole */
		f->was_link_down = info.is_link_down;
	}
	region_source_set_text(
		f->board, SOURCE_TEXT_LINK, "%s",
		info.is_link_down
			? "Redis is a replica that has lost its primary: what it "
			  "holds may be old"
			: "");
	if (!info.is_link_down && f->dirty.waiting == 0 && !f->round.is_urgent && f->live)
		atomic_store(&f->board->current_at_ms, clock_wall_ms());
}

/* After the list was compared, once all that it has led to is served: how many zones more
 * are listed than served?  Unless it has changed since. */
static bool
settle_list(struct follow *f, uint64_t count)
{
	if (!f->list_is_counted || f->list.is_open || f->list_is_dirty ||
	    f->dirty.waiting > 0)
		return true;
	f->list_is_counted = false;
	f->list_is_known = true;
	f->list_offset = f->list_count - f->served_redis_zones;
	return count == f->list_count;
}

/* Has the list of zones changed without an event or an entry that told of it? */
static void
check_list(struct follow *f, const struct redis_reply *reply)
{
	uint64_t count = (uint64_t)redis_reply_number(reply);
	bool is_same;

	if (redis_reply_kind(reply) != REDIS_NUMBER || f->round.is_urgent)
		return;
	if (f->list_is_known)
		is_same = count == f->served_redis_zones + f->list_offset;
	else
		is_same = settle_list(f, count);
	if (is_same)
		return;
	if (count == 0)
		follow_gap_compare(f, false);
	else
		follow_events_list(f, (uint64_t)clock_wall_us());
}

void
follow_server_probe(struct follow *f)
{
	struct redis_link *link = f->links[LINK_COMMAND];
	const char *stream = f->settings->redis.stream;
	const struct redis_reply *replies[5];
	char key[REDIS_KEY_MAX], cursor[CHANGE_ID_TEXT_MAX];
	size_t len = redis_keys_zones(&f->keys, key), count = 0;
	uint64_t asked_us;
	int rc;

	arena_free(f->arena);
	f->arena = arena_new();
	f->next_probe_ms = clock_now_ms() + FOLLOW_PROBE_MS;
	follow_report_step(f);
	follow_notes_catch_up(f);
	follow_count_show(f); /* a generation published has said its own */
	if (!f->arena)
		return;
	if (clock_now_ms() >= f->next_config_ms && check_notifications(f) != ERR_OK)
		return;
	asked_us = (uint64_t)clock_wall_us();
	change_id_print(f->place.cursor, cursor);
	rc = redis_link_send(link, "TIME");
	if (rc == ERR_OK)
		rc = redis_link_send(link, "SCARD %b", key, len);
	if (rc == ERR_OK)
		rc = redis_link_send(link, "INFO replication");
	if (rc == ERR_OK && stream[0] != '\0')
		rc = redis_link_send(link, "XINFO STREAM %s", stream);
	if (rc == ERR_OK && stream[0] != '\0')
		rc = redis_link_send(link, "XRANGE %s %s %s COUNT 1", stream, cursor,
				     cursor);
	for (; rc == ERR_OK && count < (stream[0] ? 5 : 3); count++) {
		replies[count] = redis_link_receive(link, f->arena);
		if (!replies[count])
			rc = ERR_CLOSED;
		else if (count == 0)
			take_time(f, replies[0], asked_us, (uint64_t)clock_wall_us());
	}
	if (rc != ERR_OK) {
		follow_lose_link(f, LINK_COMMAND);
		return;
	}
	check_server(f, replies[2]);
	check_list(f, replies[1]);
	if (stream[0] != '\0')
		check_stream(f, replies[3], replies[4]);
}
