/* What has happened lately, from samples of the region once a second: for `top`. */
#ifndef MASTER_RECENT_H
#define MASTER_RECENT_H

#include <stdint.h>

#include "shm/region.h"

enum { RECENT_SECONDS = 10, RECENT_SAMPLES = RECENT_SECONDS + 1 };

struct recent_sample {
	uint64_t at_ns;		/* CLOCK_MONOTONIC; 0: none */
	uint64_t drops;		/* datagrams that the kernel dropped */
	struct histogram served, queue;
	uint64_t *waited_ns;	/* owned; of each worker */
};

struct recent {
	unsigned worker_count, newest;
	struct recent_sample samples[RECENT_SAMPLES];
};

__attribute__((nonnull)) void recent_init(struct recent *recent, unsigned worker_count);

/* Take a sample when the last one is a second old. */
__attribute__((nonnull)) void recent_sample(struct recent *recent,
					    const struct region *region);

/* Since about RECENT_SECONDS ago: times of STAGE_SERVED and STAGE_QUEUE, and datagrams
 * dropped.  returns since when, in ns of CLOCK_MONOTONIC; 0 without a sample. */
__attribute__((nonnull)) uint64_t recent_take(const struct recent *recent,
					      const struct region *region,
					      struct histogram *served,
					      struct histogram *queue, uint64_t *drops);

/* The share of its time (0..1) that a worker did not wait. */
__attribute__((nonnull)) double recent_busy(const struct recent *recent,
					    const struct region *region, unsigned worker);

#endif
