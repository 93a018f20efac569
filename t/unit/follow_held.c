/* The shrink guard at a real Redis: held, joined, released, accepted, kept. */
#include "t/follow_bed.h"

enum { NAMES = 1500 };

static bool
holds(struct bed *bed, const char *what)
{
	return region_source_get(&bed->region->source, SOURCE_redis_held) ==
	       strtoul(what, NULL, 10);
}

static bool
has_cursor(struct bed *bed, const char *what)
{
	(void)what;
	return bed->follow->place.cursor.seq != 0 || bed->follow->place.cursor.ms != 0;
}

static uint64_t
newest_id(const struct bed *bed)
{
	const struct held_list *held = &bed->follow->held;

	return held->count ? held->sets[held->count - 1].id : 0;
}

static void
write_large(struct bed *bed, const char *zone)
{
	char command[64];

	bed_do(bed, "MULTI");
	bed_do(bed, "SADD redins:zones %s", zone);
	bed_do(bed, "SET redins:zones:%s:config {}", zone);
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(command, sizeof command, "n%u", i);
		bed_do(bed, "HSET redins:zones:%s %s " A1, zone, command);
	}
	bed_do(bed, "EXEC");
}

/* Leave `left` names in the zone, in an entry that changes b.example., too. */
static void
shrink(struct bed *bed, unsigned left, const char *value)
{
	bed_do(bed, "MULTI");
	for (unsigned i = left; i < NAMES; i++)
		bed_do(bed, "HDEL redins:zones:big.example. n%u", i);
	bed_do(bed, "HSET redins:zones:b.example. www %s", value);
	bed_do(bed, "XADD martlet:changes * zone big.example. zone b.example. label www");
	bed_do(bed, "EXEC");
}

static int
accept_held(struct bed *bed, uint64_t id)
{
	char reason[FOLLOW_REASON_MAX];
	int rc = follow_accept(bed->follow, id, reason);

	if (rc != 0)
		diag("%s", reason);
	return rc;
}

static void
run_for(struct bed *bed, unsigned ms)
{
	uint64_t until_ms = clock_now_ms() + ms;

	while (clock_now_ms() < until_ms)
		bed_turn(bed, 20);
}

static void
test_held(struct bed *bed)
{
	shrink(bed, 300, A2);
	ok(bed_until(bed, holds, "1"),
	   "an entry that removes 1200 of 1508 records is held");
	is_int(bed_served(bed, "n1400.big.example.", "big.example."), 1,
	       "they are served");
	is_int(bed_served(bed, "www.b.example.", "b.example."), 1,
	       "and so is what the entry would change elsewhere");
	ok(bed_until(bed, has_cursor, NULL), "the cursor has moved on");
	bed_do(bed, "MULTI");
	bed_do(bed, "HSET redins:zones:c.example. more " A1);
	bed_do(bed, "XADD martlet:changes * zone c.example. label more");
	bed_do(bed, "EXEC");
	ok(bed_until(bed, bed_serves, "more.c.example. c.example. 1"),
	   "other zones go on");
}

static void
test_joined(struct bed *bed)
{
	uint64_t id = newest_id(bed);

	bed_do(bed, "MULTI");
	bed_do(bed, "HSET redins:zones:b.example. joins " A1);
	bed_do(bed, "XADD martlet:changes * zone b.example. label joins");
	bed_do(bed, "EXEC");
	run_for(bed, 200);
	ok(newest_id(bed) > id,
	   "a change to a zone that is held joins it under a new id");
	is_int(bed_served(bed, "joins.b.example.", "b.example."), -1,
	       "and is not served");
	ok(holds(bed, "1"), "they are one");
	is_int(accept_held(bed, id), ERR_NOTFOUND, "the old id is none any more");
}

static void
test_restart(struct bed *bed)
{
	uint64_t id = newest_id(bed);

	follow_free(bed->follow);
	live_close(bed->live);
	if (live_open(scratch_path(bed->scratch, "store"), 1000, &bed->live) != 0)
		bail_out("no store");
	bed->follow = follow_new(&bed->settings, bed->region, -1);
	follow_set_store(bed->follow, bed->live, NULL);
	is_int(newest_id(bed), id, "it is held over a restart");
	ok(bed_until(bed, bed_is_following, NULL), "after which all is compared");
	run_for(bed, 300);
	ok(holds(bed, "1"), "and still held");
	is_int(bed_served(bed, "n1400.big.example.", "big.example."), 1, "and served");
}

static void
test_changed(struct bed *bed)
{
	uint64_t id = newest_id(bed);

	bed_do(bed, "HDEL redins:zones:big.example. n299");
	is_int(accept_held(bed, id), ERR_BUSY,
	       "what has changed meanwhile is not accepted");
	is_int(bed_served(bed, "n1400.big.example.", "big.example."), 1, "nor served");
	ok(newest_id(bed) > id, "it has another id");
	run_for(bed, 200);
	is_int(accept_held(bed, newest_id(bed)), 0, "which can be accepted");
	is_int(bed_served(bed, "n1400.big.example.", "big.example."), -1,
	       "and is served then");
	is_int(bed_served(bed, "n1.big.example.", "big.example."), 1, "all");
	is_int(bed_served(bed, "joins.b.example.", "b.example."), 1, "of");
	is_int(bed_served(bed, "www.b.example.", "b.example."), 2, "it");
	ok(holds(bed, "0"), "nothing is held");
}

static void
test_grown_back(struct bed *bed)
{
	write_large(bed, "big.example.");
	ok(bed_until(bed, bed_serves, "n1400.big.example. big.example. 1"),
	   "a large zone again");
	bed_do(bed, "DEL redins:zones:big.example.");
	ok(bed_until(bed, holds, "1"), "its key vanishes, it is held");
	write_large(bed, "big.example.");
	ok(bed_until(bed, holds, "0"), "its key comes back, it is not held");
	is_int(bed_served(bed, "n1400.big.example.", "big.example."), 1, "and served");
}

/* A zone whose names come and go is not kept waiting. */
static void
test_churn(struct bed *bed)
{
	write_large(bed, "churned.example.");
	ok(bed_until(bed, bed_serves, "n1499.churned.example. churned.example. 1"),
	   "another large zone");
	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < 400; i++)
			bed_do(bed, "HDEL redins:zones:churned.example. n%u", i);
		ok(bed_until(bed, bed_serves,
			     "n399.churned.example. churned.example. -1"),
		   "400 of its names go");
		for (unsigned i = 0; i < 400; i++)
			bed_do(bed, "HSET redins:zones:churned.example. n%u " A1, i);
		ok(bed_until(bed, bed_serves, "n399.churned.example. churned.example. 1"),
		   "and come back");
	}
	ok(holds(bed, "0"), "nothing is held of 2400 that were removed and added again");
}

/* How many names are served of a zone, of those that write_large writes. */
static unsigned
count_names(struct bed *bed, const char *zone)
{
	unsigned count = 0;
	char name[64];

	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(name, sizeof name, "n%u.%s", i, zone);
		count += bed_served(bed, name, zone) == 1;
	}
	return count;
}

static void
test_in_steps(struct bed *bed)
{
	unsigned left;

	for (unsigned i = 0; i < NAMES; i++) {
		bed_do(bed, "HDEL redins:zones:big.example. n%u", i);
		bed_do(bed, "HSET redins:zones:c.example. j%u " A1, i);
		if (i % 50 == 0)
			run_for(bed, 5);
	}
	ok(bed_until(bed, holds, "1"),
	   "a script that deletes name by name is stopped, whatever it adds elsewhere");
	left = count_names(bed, "big.example.");
	ok(left >= 500 && left < NAMES, "%u of %u names are left", left, (unsigned)NAMES);
}

int
main(void)
{
	struct bed bed;

	bed_start(&bed);
	write_large(&bed, "big.example.");
	bed_write_zone(&bed, "b.example.");
	bed_write_zone(&bed, "c.example.");
	ok(bed_until(&bed, bed_serves, "n1499.big.example. big.example. 1") &&
		   bed_until(&bed, bed_serves, "www.b.example. b.example. 1") &&
		   bed_until(&bed, bed_serves, "www.c.example. c.example. 1"),
	   "three zones");
	test_held(&bed);
	test_joined(&bed);
	test_restart(&bed);
	test_changed(&bed);
	test_grown_back(&bed);
	test_churn(&bed);
	test_in_steps(&bed);
	bed_close(&bed);
	return done_testing();
}
