/* Times in log-linear buckets: each is at most 1/16 wider than its times are long.  One
 * writer, relaxed atomics; readers see single values whole, not a snapshot of all. */
#ifndef SHM_HISTOGRAM_H
#define SHM_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum {
	HISTOGRAM_UNIT_BITS = 4,	/* the first 32 buckets are 16 ns each, */
	HISTOGRAM_STEP_BITS = 4,	/* then 16 to a power of two */
	HISTOGRAM_BUCKETS = 464,	/* the last one ends at 2^36 ns, and has all above */
};

struct histogram {
	_Atomic uint64_t sum_ns;
	_Atomic uint64_t max_ns;
	_Atomic uint64_t count[HISTOGRAM_BUCKETS];
};

static inline unsigned
histogram_bucket(uint64_t ns)
{
	uint64_t units = ns >> HISTOGRAM_UNIT_BITS;
	unsigned shift;

	if (units < 2u << HISTOGRAM_STEP_BITS)
		return (unsigned)units;
	shift = 63u - HISTOGRAM_STEP_BITS - (unsigned)__builtin_clzll(units);
	units = ((uint64_t)shift << HISTOGRAM_STEP_BITS) + (units >> shift);
	return units < HISTOGRAM_BUCKETS ? (unsigned)units : HISTOGRAM_BUCKETS - 1u;
}

/* The times of a bucket are less than that. */
uint64_t histogram_limit_ns(unsigned bucket);

static inline void
histogram_grow(_Atomic uint64_t *value, uint64_t n)
{
	atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* Writer: `count` times of `ns` each. */
static inline void
histogram_add(struct histogram *h, uint64_t ns, uint64_t count)
{
	histogram_grow(&h->count[histogram_bucket(ns)], count);
	histogram_grow(&h->sum_ns, ns * count);
	if (ns > atomic_load_explicit(&h->max_ns, memory_order_relaxed))
		atomic_store_explicit(&h->max_ns, ns, memory_order_relaxed);
}

/* sum += other */
void histogram_sum(struct histogram *sum, const struct histogram *other);

/* h -= earlier, of the same histogram before; the greatest time is then known as well as
 * its bucket tells. */
void histogram_subtract(struct histogram *h, const struct histogram *earlier);

/* Only when nobody writes it any more. */
void histogram_clear(struct histogram *h);

uint64_t histogram_count(const struct histogram *h);

/* How many times were below `ns`; exact for the end of a bucket, as each power of two from
 * 16 ns on is, and for others not more than there were. */
uint64_t histogram_count_below(const struct histogram *h, uint64_t ns);

/* The time that `share` (0..1) of all did not exceed, or up to 1/16 more; 0 without any. */
uint64_t histogram_percentile_ns(const struct histogram *h, double share);

#endif
