/* Latencies in log-linear buckets: 64 for each doubling, so that a bucket is at most 1.6 %
 * wide.  One thread adds, any may read meanwhile. */
#ifndef T_FLOOD_HIST_H
#define T_FLOOD_HIST_H

#include <stdint.h>

enum {
	HIST_PARTS = 64, /* of a doubling */
	HIST_DOUBLINGS = 32, /* the first holds 0 .. 63 ns, the last ends at 137 s */
	HIST_BUCKETS = HIST_PARTS * HIST_DOUBLINGS,
};

struct flood_hist {
	uint64_t count, sum_ns, min_ns, max_ns; /* min_ns 0: none */
	uint64_t bucket[HIST_BUCKETS];
};

static inline unsigned
flood_hist_index(uint64_t ns)
{
	unsigned doubling, at;

	if (ns < HIST_PARTS)
		return (unsigned)ns;
	doubling = 63u - (unsigned)__builtin_clzll(ns);
	at = (doubling - 5) * HIST_PARTS + (unsigned)(ns >> (doubling - 6)) % HIST_PARTS;
	return at < HIST_BUCKETS ? at : HIST_BUCKETS - 1;
}

void flood_hist_add(struct flood_hist *hist, uint64_t ns);

/* Add all of `from`, which may be growing, to `into`. */
void flood_hist_join(struct flood_hist *into, const struct flood_hist *from);

/* What was added between two states of one histogram; least and greatest are those of
 * the buckets. */
void flood_hist_between(const struct flood_hist *before, const struct flood_hist *after,
			struct flood_hist *out);

/* The least value of bucket `at`; of HIST_BUCKETS: the end of the last one. */
uint64_t flood_hist_from_ns(unsigned at);

/* The value that `share` (0 .. 1) of all do not exceed, to a bucket's middle; 0 when there
 * are none. */
double flood_hist_quantile_ns(const struct flood_hist *hist, double share);

double flood_hist_mean_ns(const struct flood_hist *hist);

#endif
