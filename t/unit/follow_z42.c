/* The follower with the schema of z42: a key for each RRset, labels in a set. */
#include "t/follow_bed.h"

#define V1 "'{\"ttl\":300,\"records\":[{\"ip\":\"192.0.2.1\"}]}'"
#define V2 "'{\"ttl\":300,\"records\":[{\"ip\":\"192.0.2.1\"},{\"ip\":\"192.0.2.2\"}]}'"
#define V_NS "'{\"ttl\":300,\"records\":[{\"host\":\"ns.example.net.\"}]}'"

static bool
holds(struct bed *bed, const char *what)
{
	return region_source_get(&bed->region->source, SOURCE_redis_held) ==
	       strtoul(what, NULL, 10);
}

static void
write_z42(struct bed *bed, const char *zone)
{
	bed_do(bed, "MULTI");
	bed_do(bed, "SADD z42:zones %s", zone);
	bed_do(bed, "SET z42:zones:%s:config {}", zone);
	bed_do(bed, "SADD z42:zones:%s:labels @ www", zone);
	bed_do(bed, "SET z42:zones:%s:labels:@:ns " V_NS, zone);
	bed_do(bed, "SET z42:zones:%s:labels:www:a " V1, zone);
	bed_do(bed, "EXEC");
}

static void
test_events(struct bed *bed)
{
	write_z42(bed, "a.example.");
	ok(bed_until(bed, bed_serves, "www.a.example. a.example. 1"), "a zone");
	is_int(bed_served(bed, "a.example.", "a.example."), 2, "with SOA and NS");
	bed_do(bed, "SET z42:zones:a.example.:labels:www:a " V2);
	ok(bed_until(bed, bed_serves, "www.a.example. a.example. 2"),
	   "an RRset that changes");
	bed_do(bed, "SET z42:zones:a.example.:labels:www:txt "
		    "'{\"ttl\":5,\"records\":[{\"text\":\"x\"}]}'");
	ok(bed_until(bed, bed_serves, "www.a.example. a.example. 3"),
	   "a type that comes");
	bed_do(bed, "DEL z42:zones:a.example.:labels:www:a");
	ok(bed_until(bed, bed_serves, "www.a.example. a.example. 1"), "one that goes");
	bed_do(bed, "SET z42:zones:a.example.:labels:new:a " V1);
	bed_do(bed, "SADD z42:zones:a.example.:labels new");
	ok(bed_until(bed, bed_serves, "new.a.example. a.example. 1"),
	   "a label that comes");
	bed_do(bed, "SREM z42:zones:a.example.:labels new");
	ok(bed_until(bed, bed_serves, "new.a.example. a.example. -1"),
	   "one that is disabled");
	bed_do(bed, "SET z42:zones:a.example.:labels:www:type65400 "
		    "'{\"ttl\":5,\"rdata\":[\"\\\\# 1 00\"]}'");
	ok(bed_until(bed, bed_serves, "www.a.example. a.example. 2"),
	   "a type without a name");
}

static void
test_stream(struct bed *bed)
{
	bed_do(bed, "MULTI");
	bed_do(bed, "SADD z42:zones:a.example.:labels s1 s2");
	bed_do(bed, "SET z42:zones:a.example.:labels:s1:a " V1);
	bed_do(bed, "SET z42:zones:a.example.:labels:s2:a " V2);
	bed_do(bed, "XADD martlet:changes * zone a.example. label s1 label s2");
	bed_do(bed, "EXEC");
	ok(bed_until(bed, bed_serves, "s2.a.example. a.example. 2"),
	   "an entry of the stream");
	is_int(bed_served(bed, "s1.a.example.", "a.example."), 1, "as a whole");
}

static void
test_losses(struct bed *bed)
{
	bed_do(bed, "DEL z42:zones:a.example.:labels");
	ok(bed_until(bed, holds, "1"), "labels that vanish are held");
	is_int(bed_served(bed, "s1.a.example.", "a.example."), 1, "and served");
	bed_do(bed, "SADD z42:zones:a.example.:labels @ www s1 s2");
	ok(bed_until(bed, holds, "0"), "until they are back");
	bed_do(bed, "FLUSHALL");
	ok(bed_until(bed, holds, "1"), "FLUSHALL is held");
	is_int(bed_served(bed, "s1.a.example.", "a.example."), 1, "all is served");
	write_z42(bed, "a.example.");
	ok(bed_until(bed, holds, "0"), "until it is written again");
	ok(bed_until(bed, bed_serves, "s1.a.example. a.example. -1"), "as it is now");
}

static void
test_compared(struct bed *bed)
{
	uint64_t misses =
		region_source_get(&bed->region->source, SOURCE_redis_digest_misses);
	uint64_t resyncs = region_source_get(&bed->region->source, SOURCE_redis_resyncs);
	uint64_t until_ms = clock_now_ms() + 5000;

	follow_resync(bed->follow);
	while (region_source_get(&bed->region->source, SOURCE_redis_resyncs) == resyncs &&
	       clock_now_ms() < until_ms)
		bed_turn(bed, 20);
	is_int(region_source_get(&bed->region->source, SOURCE_redis_resyncs), resyncs + 1,
	       "all is compared");
	is_int(region_source_get(&bed->region->source, SOURCE_redis_digest_misses),
	       misses, "and alike");
}

int
main(void)
{
	struct bed bed;

	bed_schema = REDIS_SCHEMA_Z42;
	bed_start(&bed);
	test_events(&bed);
	test_compared(&bed);
	test_stream(&bed);
	test_losses(&bed);
	test_compared(&bed);
	bed_close(&bed);
	return done_testing();
}
