/* What Redis may do to a follower, with real servers: nothing that is served gets worse,
 * and what is true again in the end is served. */
#include "t/follow_bed.h"

static uint64_t
figure(struct bed *bed, enum source_figure which)
{
	return region_source_get(&bed->region->source, which);
}

static bool
has_text(struct bed *bed, enum source_text_id which, const char *part)
{
	char text[SOURCE_TEXT_MAX];

	return region_source_get_text(&bed->region->source, which, text) &&
	       strstr(text, part);
}

static bool
tells_of_stream(struct bed *bed, const char *what)
{
	return has_text(bed, SOURCE_TEXT_STREAM, what);
}

static bool
tells_not_of_stream(struct bed *bed, const char *what)
{
	return !tells_of_stream(bed, what);
}

static bool
tells_of_notifications(struct bed *bed, const char *what)
{
	return has_text(bed, SOURCE_TEXT_NOTIFY, what);
}

static bool
tells_not_of_notifications(struct bed *bed, const char *what)
{
	return !tells_of_notifications(bed, what);
}

static bool
finds_gap(struct bed *bed, const char *what)
{
	return figure(bed, SOURCE_redis_gaps) >= strtoul(what, NULL, 10) &&
	       bed_is_following(bed, NULL);
}

static bool
is_away(struct bed *bed, const char *what)
{
	(void)what;
	return atomic_load(&bed->region->source.connected_since_ms) == 0;
}

static bool
is_back(struct bed *bed, const char *what)
{
	return !is_away(bed, what) && bed_is_following(bed, what);
}

static bool
holds(struct bed *bed, const char *what)
{
	return figure(bed, SOURCE_redis_held) == strtoul(what, NULL, 10);
}

static void
run_for(struct bed *bed, unsigned ms)
{
	uint64_t until_ms = clock_now_ms() + ms;

	while (clock_now_ms() < until_ms)
		bed_turn(bed, 20);
}

static void
entry(struct bed *bed, const char *label, const char *value)
{
	bed_do(bed, "MULTI");
	if (value)
		bed_do(bed, "HSET redins:zones:a.example. %s %s", label, value);
	else
		bed_do(bed, "HDEL redins:zones:a.example. %s", label);
	bed_do(bed, "XADD martlet:changes * zone a.example. label %s", label);
	bed_do(bed, "EXEC");
}

static void
test_trimmed(struct bed *bed)
{
	uint64_t gaps = figure(bed, SOURCE_redis_gaps);
	char want[32];

	entry(bed, "t1", A1);
	ok(bed_until(bed, bed_serves, "t1.a.example. a.example. 1"),
	   "an entry is followed");
	for (unsigned i = 0; i < 5; i++)
		entry(bed, "t2", A2);
	bed_do(bed, "XTRIM martlet:changes MAXLEN 1");
	snprintf(want, sizeof want, "%llu", (unsigned long long)gaps + 1);
	ok(bed_until(bed, finds_gap, want),
	   "entries that are trimmed too soon are a gap");
	ok(bed_until(bed, bed_serves, "t2.a.example. a.example. 2"),
	   "what they told is found");
	entry(bed, "t3", A1);
	ok(bed_until(bed, bed_serves, "t3.a.example. a.example. 1"), "and it goes on");
	bed_do(bed, "XTRIM martlet:changes MAXLEN 0");
	run_for(bed, 1200);
	is_int(figure(bed, SOURCE_redis_gaps), gaps + 1,
	       "trimmed behind what was read: no gap");
	entry(bed, "t4", A1);
	ok(bed_until(bed, bed_serves, "t4.a.example. a.example. 1"), "and it goes on");
}

static void
test_stream_anew(struct bed *bed)
{
	uint64_t gaps = figure(bed, SOURCE_redis_gaps);
	char want[32];

	bed_do(bed, "DEL martlet:changes");
	bed_do(bed, "HSET redins:zones:a.example. s1 " A1);
	snprintf(want, sizeof want, "%llu", (unsigned long long)gaps + 1);
	ok(bed_until(bed, finds_gap, want), "a stream that vanishes is a gap");
	ok(bed_until(bed, bed_serves, "s1.a.example. a.example. 1"),
	   "what it hid is found");
	entry(bed, "s2", A1);
	ok(bed_until(bed, bed_serves, "s2.a.example. a.example. 1"),
	   "a new one is followed");
	bed_do(bed, "MULTI");
	bed_do(bed, "DEL martlet:changes");
	bed_do(bed, "HSET redins:zones:a.example. s3 " A1);
	bed_do(bed, "XADD martlet:changes 5-1 zone a.example. label s4");
	bed_do(bed, "EXEC");
	ok(bed_until(bed, bed_serves, "s3.a.example. a.example. 1"),
	   "one that begins lower");
	snprintf(want, sizeof want, "%llu", (unsigned long long)gaps + 2);
	ok(bed_until(bed, finds_gap, want), "is a gap");
	bed_do(bed, "XADD martlet:changes 5-2 zone a.example. label s5");
	entry(bed, "s6", A1);
	ok(bed_until(bed, bed_serves, "s6.a.example. a.example. 1"), "and followed");
}

static void
test_wrong_types(struct bed *bed)
{
	bed_do(bed, "DEL martlet:changes");
	bed_do(bed, "SET martlet:changes x");
	ok(bed_until(bed, tells_of_stream, "another type"),
	   "a stream that is none is told");
	bed_do(bed, "HSET redins:zones:a.example. w1 " A1);
	ok(bed_until(bed, bed_serves, "w1.a.example. a.example. 1"), "events go on");
	bed_do(bed, "DEL martlet:changes");
	entry(bed, "w2", A1);
	ok(bed_until(bed, bed_serves, "w2.a.example. a.example. 1"),
	   "so does the stream");
	ok(bed_until(bed, tells_not_of_stream, ""), "and the complaint is gone");
	bed_do(bed, "RENAME redins:zones:a.example. safe");
	bed_do(bed, "SET redins:zones:a.example. x");
	run_for(bed, 300);
	is_int(bed_served(bed, "w2.a.example.", "a.example."), 1,
	       "a zone whose key has the wrong type is served as it was");
	bed_do(bed, "RENAME safe redins:zones:a.example.");
	entry(bed, "w3", A1);
	ok(bed_until(bed, bed_serves, "w3.a.example. a.example. 1"),
	   "until it is right again");
	bed_do(bed, "HSET redins:zones:a.example. w3 "
		    "'{\"a\":{\"records\":[{\"ip\":\"x\"}]}}'");
	bed_do(bed, "HSET redins:zones:a.example. w4 " A1);
	ok(bed_until(bed, bed_serves, "w4.a.example. a.example. 1"),
	   "beside a bad value");
	is_int(bed_served(bed, "w3.a.example.", "a.example."), 1,
	       "its last good one is served");
}

static void
test_gone(struct bed *bed)
{
	bed_do(bed, "PEXPIRE redins:zones:a.example. 1");
	ok(bed_until(bed, holds, "1"), "a zone that expires is held");
	is_int(bed_served(bed, "w2.a.example.", "a.example."), 1, "and served");
	bed_do(bed, "HSET redins:zones:a.example. @ " NS);
	ok(bed_until(bed, bed_serves, "w2.a.example. a.example. -1"),
	   "what is left of a small zone may be less");
	ok(bed_until(bed, holds, "0"), "and is held no more");
	bed_do(bed, "DEL redins:zones:a.example.:config");
	ok(bed_until(bed, holds, "1"), "a config that vanishes is held");
	bed_do(bed, "SET redins:zones:a.example.:config '{\"soa\":{\"ttl\":300}}'");
	ok(bed_until(bed, holds, "0"), "until it is there again");
	bed_do(bed, "SREM redins:zones a.example.");
	ok(bed_until(bed, bed_serves, "a.example. a.example. -2"),
	   "a zone that leaves the list while others stay is gone");
	bed_do(bed, "SADD redins:zones a.example.");
	ok(bed_until(bed, bed_serves, "a.example. a.example. 2"), "and comes back");
}

static void
test_flushed(struct bed *bed)
{
	bed_write_zone(bed, "b.example.");
	ok(bed_until(bed, bed_serves, "www.b.example. b.example. 1"), "two zones");
	bed_do(bed, "FLUSHALL");
	ok(bed_until(bed, holds, "1"), "FLUSHALL is held");
	run_for(bed, 1500);
	is_int(bed_served(bed, "www.b.example.", "b.example."), 1,
	       "everything is served");
	bed_write_zone(bed, "b.example.");
	bed_do(bed, "HSET redins:zones:b.example. again " A1);
	ok(bed_until(bed, bed_serves, "again.b.example. b.example. 1"),
	   "what is written again is served");
	is_int(bed_served(bed, "www.c.example.", "c.example."), 1, "and the others stay");
	bed_write_zone(bed, "a.example.");
	bed_write_zone(bed, "c.example.");
	ok(bed_until(bed, holds, "0"), "all is written again: nothing is held");
	is_int(bed_served(bed, "www.b.example.", "b.example."), 1, "and served");
}

static void
test_restarted(struct bed *bed)
{
	bed_kill_server(bed);
	ok(bed_until(bed, is_away, NULL), "a dead server is noticed");
	is_int(bed_served(bed, "www.b.example.", "b.example."), 1, "and all is served");
	bed_start_server(bed);
	ok(bed_until(bed, is_back, NULL), "an empty one takes its place");
	ok(bed_until(bed, holds, "1"), "which is held");
	is_int(bed_served(bed, "www.b.example.", "b.example."), 1, "all is served");
	bed_write_zone(bed, "a.example.");
	bed_write_zone(bed, "b.example.");
	bed_write_zone(bed, "c.example.");
	bed_do(bed, "HSET redins:zones:b.example. www " A2);
	ok(bed_until(bed, bed_serves, "www.b.example. b.example. 2"),
	   "it is filled again");
	ok(bed_until(bed, holds, "0"), "and followed");
	bed_do(bed, "FLUSHALL");
	ok(bed_until(bed, holds, "1"), "FLUSHALL is held without a stream, too");
	bed_write_zone(bed, "a.example.");
	bed_write_zone(bed, "b.example.");
	bed_write_zone(bed, "c.example.");
	bed_do(bed, "HSET redins:zones:b.example. www " A2);
	ok(bed_until(bed, holds, "0"), "until all is there again");
}

static bool
is_connected(struct bed *bed, const char *what)
{
	(void)what;
	return atomic_load(&bed->region->source.connected_since_ms) != 0;
}

/* A server that was started empty is filled while it is compared.  What is listed by then
 * is half of it, whoever tells of the list: nothing ends. */
static void
test_half_filled(struct bed *bed)
{
	bed_write_zone(bed, "c.example.");
	bed_write_zone(bed, "d.example.");
	ok(bed_until(bed, bed_serves, "www.c.example. c.example. 1") &&
		   bed_until(bed, bed_serves, "www.d.example. d.example. 1"),
	   "more zones");
	bed_kill_server(bed);
	ok(bed_until(bed, is_away, NULL), "the server dies");
	bed_start_server(bed);
	bed_write_zone(bed, "a.example.");
	bed_write_zone(bed, "b.example.");
	ok(bed_until(bed, is_connected, NULL), "it is back, half filled");
	bed_turn(bed, 5); /* subscribes, and begins to compare */
	bed_write_zone(bed, "c.example.");
	bed->follow->list_due_ms = 0; /* the last look at the list was long ago */
	for (unsigned i = 0; i < 20; i++) {
		bed_turn(bed, 5);
		if (bed_served(bed, "www.d.example.", "d.example.") != 1)
			break;
	}
	is_int(bed_served(bed, "www.d.example.", "d.example."), 1,
	       "a zone that is not listed yet is served");
	bed_write_zone(bed, "d.example.");
	ok(bed_until(bed, bed_is_following, NULL) && bed_until(bed, holds, "0"),
	   "and nothing is held when it is");
	bed_do(bed, "SREM redins:zones d.example.");
	ok(bed_until(bed, bed_serves, "www.d.example. d.example. -2"),
	   "a zone that leaves the list later ends");
	bed_do(bed, "SREM redins:zones c.example.");
	ok(bed_until(bed, bed_serves, "www.c.example. c.example. -2"),
	   "another one, too");
}

static void
test_cut(struct bed *bed)
{
	const char *kinds[] = { "normal", "pubsub" };

	for (unsigned i = 0; i < 2; i++) {
		bed_do(bed, "CLIENT KILL TYPE %s SKIPME yes", kinds[i]);
		bed_do(bed, "HSET redins:zones:b.example. cut%u " A1, i);
		bed_do(bed, "HSET redins:zones:b.example. www " A1);
		ok(bed_until(bed, bed_serves,
			     i ? "cut1.b.example. b.example. 1"
			       : "cut0.b.example. b.example. 1"),
		   "what was written while the %s link was cut", kinds[i]);
	}
}

/* Half a second's turns; on a machine that has others to serve they may take longer. */
static bool
turns_quickly(struct bed *bed, const char *what)
{
	uint64_t before_ms = clock_now_ms();

	(void)what;
	run_for(bed, 500);
	return clock_now_ms() - before_ms < 1500;
}

static void
test_hung(struct bed *bed)
{
	bed->follow->settings = &bed->settings;
	kill(bed->server, SIGSTOP);
	ok(bed_until(bed, is_away, NULL), "a hung server is given up");
	ok(bed_until(bed, turns_quickly, NULL), "and does not keep us");
	kill(bed->server, SIGCONT);
	bed_do(bed, "HSET redins:zones:b.example. hung " A1);
	ok(bed_until(bed, bed_serves, "hung.b.example. b.example. 1"),
	   "until it goes on");
}

/* As if the time until the server is asked for its configuration had passed. */
static void
ask_for_config(struct bed *bed)
{
	ok(bed->follow->next_config_ms <= clock_now_ms() + 5000, "asked for every 5 s");
	bed->follow->next_config_ms = 0;
}

static void
test_notifications_off(struct bed *bed)
{
	bed_do(bed, "CONFIG SET notify-keyspace-events Kg$");
	ask_for_config(bed);
	ok(bed_until(bed, tells_of_notifications,
		     "redis-cli CONFIG SET notify-keyspace-events"),
	   "notifications turned off are told, with the cure");
	bed_do(bed, "HSET redins:zones:b.example. polled " A1);
	ok(bed_until(bed, bed_serves, "polled.b.example. b.example. 1"),
	   "zones are polled");
	bed_do(bed, "CONFIG SET notify-keyspace-events KA");
	ask_for_config(bed);
	ok(bed_until(bed, tells_not_of_notifications, ""), "they are on again");
}

int
main(void)
{
	struct bed bed;

	bed_start(&bed);
	bed_write_zone(&bed, "a.example.");
	ok(bed_until(&bed, bed_serves, "www.a.example. a.example. 1"), "a zone");
	bed_write_zone(&bed, "c.example.");
	ok(bed_until(&bed, bed_serves, "www.c.example. c.example. 1"), "another");
	test_trimmed(&bed);
	test_stream_anew(&bed);
	test_wrong_types(&bed);
	test_gone(&bed);
	test_flushed(&bed);
	test_restarted(&bed);
	test_half_filled(&bed);
	test_cut(&bed);
	test_hung(&bed);
	test_notifications_off(&bed);
	bed_close(&bed);
	return done_testing();
}
