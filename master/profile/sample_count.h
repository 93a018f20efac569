/* Samples that are alike, counted: a bounded table. */
#ifndef MASTER_PROFILE_SAMPLE_COUNT_H
#define MASTER_PROFILE_SAMPLE_COUNT_H

#include <stdbool.h>

#include "shm/profile_area.h"

enum {
	SAMPLE_COUNT_MAX = 16384, /* a power of 2; half of it is used */
	/* stacks in the kernel are of many kinds: from here on they are left out, and the
	 * rest is for where they were called */
	SAMPLE_COUNT_KERNEL = SAMPLE_COUNT_MAX * 3 / 8,
};

struct sample_counted {
	struct profile_sample sample;
	unsigned worker;
	uint64_t count; /* 0: free */
};

struct sample_count {
	struct sample_counted list[SAMPLE_COUNT_MAX];
	unsigned used;
	uint64_t total;
	uint64_t lost; /* found no room */
};

__attribute__((nonnull)) void sample_count_add(struct sample_count *count,
					       unsigned worker,
					       const struct profile_sample *sample);

#endif
