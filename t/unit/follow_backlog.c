/* Many entries of the change stream wait: each is served as one all the same. */
#include "t/follow_bed.h"

/* What is served of the last entry: two names in two zones, which others share. */
static int
served_pair(struct bed *bed)
{
	return 10 * bed_served(bed, "first.one.test.", "one.test.") +
	       bed_served(bed, "last.two.test.", "two.test.");
}

static void
write_entry(struct bed *bed, unsigned number)
{
	bed_do(bed, "MULTI");
	bed_do(bed, "HSET redins:zones:one.test. l%u " A1, number);
	bed_do(bed, "XADD martlet:changes * zone one.test. label l%u", number);
	bed_do(bed, "EXEC");
}

/* An entry names `first`, then many others come, then one that names `first` and `last`:
 * what is read for the first one already shows half of the last. */
static void
test_overlap(struct bed *bed, unsigned between)
{
	bool is_torn = false;

	bed_do(bed, "HSET redins:zones:one.test. first " A1);
	bed_do(bed, "XADD martlet:changes * zone one.test. label first");
	for (unsigned i = 0; i < between; i++)
		write_entry(bed, i);
	bed_do(bed, "MULTI");
	bed_do(bed, "HSET redins:zones:one.test. first " A2);
	bed_do(bed, "HSET redins:zones:two.test. last " A2);
	bed_do(bed, "XADD martlet:changes * zone one.test. label first zone two.test. "
		    "label last");
	bed_do(bed, "EXEC");
	for (unsigned i = 0; i < 2000 && served_pair(bed) != 22; i++) {
		bed_turn(bed, 20);
		is_torn = is_torn || served_pair(bed) == 21 || served_pair(bed) == 12;
	}
	is_int(served_pair(bed), 22, "%u entries between: served", between);
	ok(!is_torn, "and never half of it");
	bed_do(bed, "HSET redins:zones:one.test. first " A1);
	bed_do(bed, "HSET redins:zones:two.test. last " A1);
	bed_do(bed, "XADD martlet:changes * zone one.test. label first zone two.test. "
		    "label last");
	ok(bed_until(bed, bed_serves, "last.two.test. two.test. 1"), "put back");
}

/* Very many entries that name one label, as one script adds them. */
static void
test_flood(struct bed *bed)
{
	uint64_t gaps = region_source_get(&bed->region->source, SOURCE_redis_gaps);

	bed_do(bed, "HSET redins:zones:one.test. first " A2);
	for (unsigned i = 0; i < 51; i++)
		bed_do(bed,
		       "EVAL 'for i = 1, 10000 do redis.call(\"XADD\", KEYS[1], \"*\", "
		       "\"zone\", \"one.test.\", \"label\", \"first\") end' 1 "
		       "martlet:changes");
	ok(bed_until(bed, bed_serves, "first.one.test. one.test. 2"),
	   "a flood of entries: served");
	ok(bed_until(bed, bed_is_following, NULL), "and followed");
	is_int((long long)region_source_get(&bed->region->source, SOURCE_redis_gaps),
	       (long long)gaps + 1, "by comparing all");
	bed_do(bed, "HSET redins:zones:one.test. first " A1);
	bed_do(bed, "XADD martlet:changes * zone one.test. label first");
	ok(bed_until(bed, bed_serves, "first.one.test. one.test. 1"),
	   "the next one, too");
}

int
main(void)
{
	struct bed bed;

	bed_open(&bed);
	bed.settings.redis.notifications = false;
	bed_write_zone(&bed, "one.test.");
	bed_write_zone(&bed, "two.test.");
	bed_do(&bed, "HSET redins:zones:one.test. first " A1);
	bed_do(&bed, "HSET redins:zones:two.test. last " A1);
	bed_do(&bed, "XADD martlet:changes * zone one.test. zone two.test.");
	{
		char reason[FOLLOW_REASON_MAX] = "";

		ok(bed_until(&bed, bed_wants_load, NULL), "a first load is wanted");
		if (!is_int(follow_finish_load(bed.follow, bed.live, reason), 0,
			    "and done"))
			diag("%s", reason);
	}
	ok(bed_until(&bed, bed_serves, "last.two.test. two.test. 1"), "all is served");
	test_overlap(&bed, 10);
	test_overlap(&bed, 900);
	test_overlap(&bed, 1500);
	test_overlap(&bed, 2500);
	test_overlap(&bed, 5500);
	test_flood(&bed);
	bed_close(&bed);
	return done_testing();
}
