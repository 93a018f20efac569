/* Queries per second of each worker, as the mean of the last 10 s. */
#ifndef MASTER_QPS_H
#define MASTER_QPS_H

#include <stdint.h>

#include "shm/region.h"

enum { QPS_SECONDS = 10 };

struct qps {
	unsigned worker_count;
	uint64_t sampled_ns[QPS_SECONDS + 1]; /* 0: no sample */
	unsigned newest;
	uint64_t *queries; /* owned; [sample * worker_count + worker] */
};

__attribute__((nonnull)) void qps_init(struct qps *qps, unsigned worker_count);

/* Take a sample when the last one is a second old. */
__attribute__((nonnull)) void qps_sample(struct qps *qps, const struct region *region);

/* Queries of a worker since its start, UDP and TCP. */
__attribute__((nonnull)) uint64_t qps_queries(const struct region *region,
					      unsigned worker);

/* The mean over the last 10 s, or since the first sample; 0 before there are two, and
 * counted from 0 after a restart of the worker. */
__attribute__((nonnull)) double qps_mean(const struct qps *qps,
					 const struct region *region, unsigned worker);

#endif
