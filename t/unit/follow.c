/* The follower at a real Redis: what is written there is served here. */
#include "t/follow_bed.h"

#define A1 "'{\"a\":{\"ttl\":300,\"records\":[{\"ip\":\"192.0.2.1\"}]}}'"
#define A2                                                                            \
	"'{\"a\":{\"ttl\":300,\"records\":[{\"ip\":\"192.0.2.1\"},{\"ip\":\"192.0.2." \
	"2\"}]}}'"
#define NS "'{\"ns\":{\"ttl\":300,\"records\":[{\"host\":\"ns.example.net.\"}]}}'"

/* "NAME ZONE COUNT" */
static bool
serves(struct bed *bed, const char *what)
{
	char name[300], zone[300];
	int count;

	if (sscanf(what, "%299s %299s %d", name, zone, &count) != 3)
		bail_out("%s", what);
	return bed_served(bed, name, zone) == count;
}

static bool
wants_load(struct bed *bed, const char *what)
{
	(void)what;
	return follow_wants_load(bed->follow);
}

static bool
is_following(struct bed *bed, const char *what)
{
	(void)what;
	return atomic_load(&bed->region->source.state) == SOURCE_FOLLOWING;
}

static void
write_zone(struct bed *bed, const char *zone)
{
	bed_do(bed, "MULTI");
	bed_do(bed, "SADD redins:zones %s", zone);
	bed_do(bed, "SET redins:zones:%s:config '{\"soa\":{\"ttl\":300}}'", zone);
	bed_do(bed, "HSET redins:zones:%s @ " NS, zone);
	bed_do(bed, "HSET redins:zones:%s www " A1, zone);
	bed_do(bed, "HSET redins:zones:%s mail " A1, zone);
	bed_do(bed, "EXEC");
}

static void
start(struct bed *bed)
{
	char reason[FOLLOW_REASON_MAX] = "";

	bed_open(bed);
	ok(bed_until(bed, wants_load, NULL), "a first load is wanted");
	if (!is_int(follow_finish_load(bed->follow, bed->live, reason), 0, "and done"))
		diag("%s", reason);
	ok(is_following(bed, NULL), "Redis is followed");
}

static void
test_events(struct bed *bed)
{
	write_zone(bed, "a.example.");
	ok(bed_until(bed, serves, "www.a.example. a.example. 1"), "a zone from nowhere");
	is_int(bed_served(bed, "a.example.", "a.example."), 2, "with SOA and NS");
	bed_do(bed, "HSET redins:zones:a.example. www " A2);
	ok(bed_until(bed, serves, "www.a.example. a.example. 2"), "a changed label");
	bed_do(bed, "HDEL redins:zones:a.example. mail");
	ok(bed_until(bed, serves, "mail.a.example. a.example. -1"),
	   "a label that is gone");
}

static void
test_stream(struct bed *bed)
{
	bed_do(bed, "MULTI");
	bed_do(bed, "HSET redins:zones:a.example. www " A1);
	bed_do(bed, "HSET redins:zones:a.example. new " A2);
	bed_do(bed, "XADD martlet:changes * zone a.example. label www label new");
	bed_do(bed, "EXEC");
	ok(bed_until(bed, serves, "new.a.example. a.example. 2"),
	   "an entry of the stream");
	is_int(bed_served(bed, "www.a.example.", "a.example."), 1, "as a whole");
}

int
main(void)
{
	struct bed bed;

	start(&bed);
	test_events(&bed);
	test_stream(&bed);
	bed_close(&bed);
	return done_testing();
}
