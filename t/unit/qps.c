/* Queries per second. */
#include "master/qps.h"

#include <math.h>
#include <stdlib.h>

#include "shm/clock.h"
#include "t/tap.h"

static const uint64_t second_ns = 1000000000;

/* As if the samples had been taken `s` seconds earlier. */
static void
age(struct qps *qps, uint64_t s)
{
	for (unsigned i = 0; i <= QPS_SECONDS; i++)
		if (qps->sampled_ns[i])
			qps->sampled_ns[i] -= s * second_ns;
}

static bool
is_near(double got, double want)
{
	return fabs(got - want) < want * 0.05 + 0.001;
}

int
main(void)
{
	struct region *region = region_create(2);
	struct stats_block *stats;
	struct qps qps;

	if (!region)
		bail_out("no memory");
	stats = &region->slots[1].stats;
	qps_init(&qps, 2);
	ok(qps_mean(&qps, region, 1) == 0, "no sample: 0");
	qps_sample(&qps, region);
	stats_add(stats, STAT_udp_queries, 60);
	stats_add(stats, STAT_tcp_queries, 40);
	is_int(qps_queries(region, 1), 100, "UDP and TCP count");
	age(&qps, 4);
	ok(is_near(qps_mean(&qps, region, 1), 25), "100 in 4 s");
	ok(qps_mean(&qps, region, 0) == 0, "the other worker has none");
	for (unsigned i = 0; i < 30; i++) {
		qps_sample(&qps, region);
		age(&qps, 1);
		stats_add(stats, STAT_udp_queries, 7);
	}
	ok(is_near(qps_mean(&qps, region, 1), 7), "7 a second for long");
	region_retire(region, 1);
	stats_add(stats, STAT_udp_queries, 20);
	ok(is_near(qps_mean(&qps, region, 1), 20.0 / (QPS_SECONDS + 1)),
	   "after a restart only what came since");
	free(qps.queries);
	return done_testing();
}
