/* Counter blocks: sums, retiring, latency percentiles. */
#include "shm/stats.h"

#include <string.h>

#include "t/tap.h"

static uint64_t
value(const struct stats_block *block, enum stat_id which)
{
	return atomic_load(&block->value[which]);
}

static void
test_table(void)
{
	is(stats_name(STAT_udp_queries), "udp_queries", "a name comes from the table");
	is_int(stats_kind(STAT_udp_queries), STAT_KIND_COUNTER, "a counter");
	is_int(stats_kind(STAT_tcp_open), STAT_KIND_GAUGE, "a gauge");
	for (unsigned i = 0; i < STAT_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			if (strcmp(stats_name((enum stat_id)i),
				   stats_name((enum stat_id)j)) == 0)
				ok(false, "%s is there twice",
				   stats_name((enum stat_id)i));
	ok(strlen(stats_help(STAT_COUNT - 1)) > 0, "the last one has a help text");
}

static void
test_retire(void)
{
	static struct stats_block slot, retired, sum;

	stats_add(&slot, STAT_udp_queries, 7);
	stats_add(&slot, STAT_udp_queries, 3);
	stats_set(&slot, STAT_tcp_open, 5);
	stats_add_latency(&slot, 1000, 10);
	stats_sum(&sum, &slot);
	is_int(value(&sum, STAT_udp_queries), 10, "a counter is summed");
	is_int(value(&sum, STAT_tcp_open), 5, "a gauge of a running worker too");

	stats_retire(&retired, &slot);
	is_int(value(&retired, STAT_udp_queries), 10, "a counter outlives its worker");
	is_int(value(&retired, STAT_tcp_open), 0, "a gauge does not");
	is_int(value(&slot, STAT_udp_queries), 0, "the slot starts from 0");
	is_int(value(&slot, STAT_tcp_open), 0, "its gauges too");
	is_int(stats_percentile_ns(&retired, 0.5), 1024, "latencies are kept");
	is_int(stats_percentile_ns(&slot, 0.5), 0, "and gone from the slot");
}

static void
test_percentiles(void)
{
	static const struct {
		uint64_t ns, limit_ns;
	} cases[] = {
		{ 0, 256 },           { 255, 256 },
		{ 256, 512 },         { 511, 512 },
		{ 512, 1024 },        { 1000000, 1 << 20 },
		{ 1 << 20, 1 << 21 }, { UINT64_MAX, UINT64_C(256) << 31 },
	};
	static struct stats_block many;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct stats_block one = { 0 };

		stats_add_latency(&one, cases[i].ns, 1);
		is_int(stats_percentile_ns(&one, 0.99), cases[i].limit_ns,
		       "%llu ns is below that", (unsigned long long)cases[i].ns);
		is_int(stats_percentile_ns(&one, 0), cases[i].limit_ns, "share 0 too");
	}
	stats_add_latency(&many, 300, 98);
	stats_add_latency(&many, 5000, 1);
	stats_add_latency(&many, 70000, 1);
	is_int(stats_percentile_ns(&many, 0.5), 512, "half");
	is_int(stats_percentile_ns(&many, 0.98), 512, "98 of 100");
	is_int(stats_percentile_ns(&many, 0.99), 8192, "99 of 100");
	is_int(stats_percentile_ns(&many, 0.999), 131072, "999 of 1000");
}

int
main(void)
{
	test_table();
	test_retire();
	test_percentiles();
	return done_testing();
}
