/* Reading histograms, and adding them up. */
#include "shm/histogram.h"

static uint64_t
load(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

uint64_t
histogram_limit_ns(unsigned bucket)
{
	const unsigned steps = 1u << HISTOGRAM_STEP_BITS;
	unsigned shift = bucket < 2 * steps ? 0 : bucket / steps - 1;
	uint64_t step = bucket - ((uint64_t)shift << HISTOGRAM_STEP_BITS);

	return (step + 1) << (shift + HISTOGRAM_UNIT_BITS);
}

void
histogram_sum(struct histogram *sum, const struct histogram *other)
{
	uint64_t max_ns = load(&other->max_ns);

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (load(&other->count[i]))
			histogram_grow(&sum->count[i], load(&other->count[i]));
	histogram_grow(&sum->sum_ns, load(&other->sum_ns));
	if (max_ns > load(&sum->max_ns))
		atomic_store_explicit(&sum->max_ns, max_ns, memory_order_relaxed);
}

void
histogram_subtract(struct histogram *h, const struct histogram *earlier)
{
	uint64_t max_ns = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		h->count[i] -= load(&earlier->count[i]);
		if (load(&h->count[i]))
			max_ns = histogram_limit_ns(i);
	}
	h->sum_ns -= load(&earlier->sum_ns);
	if (max_ns < load(&h->max_ns))
		h->max_ns = max_ns;
}

void
histogram_clear(struct histogram *h)
{
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (load(&h->count[i]))
			atomic_store_explicit(&h->count[i], 0, memory_order_relaxed);
	atomic_store_explicit(&h->sum_ns, 0, memory_order_relaxed);
	atomic_store_explicit(&h->max_ns, 0, memory_order_relaxed);
}

uint64_t
histogram_count(const struct histogram *h)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		total += load(&h->count[i]);
	return total;
}

uint64_t
histogram_count_below(const struct histogram *h, uint64_t ns)
{
	uint64_t below = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS && histogram_limit_ns(i) <= ns; i++)
		below += load(&h->count[i]);
	return below;
}

uint64_t
histogram_percentile_ns(const struct histogram *h, double share)
{
	uint64_t total = histogram_count(h), seen = 0, max_ns = load(&h->max_ns);

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t limit_ns = histogram_limit_ns(i);

		seen += load(&h->count[i]);
		if (seen > 0 && (double)seen >= share * (double)total)
			return limit_ns < max_ns ? limit_ns : max_ns;
	}
	return 0;
}
