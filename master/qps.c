/* A ring of samples, one a second. */
#include "master/qps.h"

#include <string.h>

#include "master/alloc.h"
#include "shm/clock.h"

enum { SAMPLES = QPS_SECONDS + 1 };

void
qps_init(struct qps *qps, unsigned worker_count)
{
	memset(qps, 0, sizeof *qps);
	qps->worker_count = worker_count;
	qps->queries = alloc_zero((size_t)SAMPLES * worker_count, sizeof *qps->queries);
}

uint64_t
qps_queries(const struct region *region, unsigned worker)
{
	const struct stats_block *stats = &region->slots[worker].stats;

	return atomic_load_explicit(&stats->value[STAT_udp_queries],
				    memory_order_relaxed) +
	       atomic_load_explicit(&stats->value[STAT_tcp_queries],
				    memory_order_relaxed);
}

void
qps_sample(struct qps *qps, const struct region *region)
{
	uint64_t now_ns = clock_now_ns();

	if (qps->sampled_ns[qps->newest] &&
	    now_ns - qps->sampled_ns[qps->newest] < UINT64_C(1000000000))
		return;
	qps->newest = (qps->newest + 1) % SAMPLES;
	qps->sampled_ns[qps->newest] = now_ns;
	for (unsigned i = 0; i < qps->worker_count; i++)
		qps->queries[qps->newest * qps->worker_count + i] =
			qps_queries(region, i);
}

double
qps_mean(const struct qps *qps, const struct region *region, unsigned worker)
{
	unsigned oldest = (qps->newest + 1) % SAMPLES;
	uint64_t now = qps_queries(region, worker), then, elapsed_ns;

	while (oldest != qps->newest && !qps->sampled_ns[oldest])
		oldest = (oldest + 1) % SAMPLES;
	if (!qps->sampled_ns[oldest])
		return 0;
	then = qps->queries[oldest * qps->worker_count + worker];
	elapsed_ns = clock_now_ns() - qps->sampled_ns[oldest];
	if (elapsed_ns == 0)
		return 0;
	return (double)(now >= then ? now - then : now) * 1e9 / (double)elapsed_ns;
}
