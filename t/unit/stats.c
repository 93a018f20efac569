/* Counter blocks: sums, retiring. */
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
	stats_sum(&sum, &slot);
	is_int(value(&sum, STAT_udp_queries), 10, "a counter is summed");
	is_int(value(&sum, STAT_tcp_open), 5, "a gauge of a running worker too");

	stats_retire(&retired, &slot);
	is_int(value(&retired, STAT_udp_queries), 10, "a counter outlives its worker");
	is_int(value(&retired, STAT_tcp_open), 0, "a gauge does not");
	is_int(value(&slot, STAT_udp_queries), 0, "the slot starts from 0");
	is_int(value(&slot, STAT_tcp_open), 0, "its gauges too");
}

int
main(void)
{
	test_table();
	test_retire();
	return done_testing();
}
