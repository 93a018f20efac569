/* Latencies in log-linear buckets. */
#include "t/bench/load/flood_hist.h"

static uint64_t
get(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static void
put(uint64_t *at, uint64_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELAXED);
}

void
flood_hist_add(struct flood_hist *hist, uint64_t ns)
{
	uint64_t *bucket = &hist->bucket[flood_hist_index(ns)];

	put(bucket, *bucket + 1);
	put(&hist->count, hist->count + 1);
	put(&hist->sum_ns, hist->sum_ns + ns);
	if (ns > hist->max_ns)
		put(&hist->max_ns, ns);
	if (ns < hist->min_ns || hist->min_ns == 0)
		put(&hist->min_ns, ns > 0 ? ns : 1);
}

void
flood_hist_join(struct flood_hist *into, const struct flood_hist *from)
{
	uint64_t least = get(&from->min_ns), greatest = get(&from->max_ns);

	/* what is counted here is what the buckets hold, whatever comes meanwhile */
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		uint64_t count = get(&from->bucket[i]);

		into->bucket[i] += count;
		into->count += count;
	}
	into->sum_ns += get(&from->sum_ns);
	if (least != 0 && (least < into->min_ns || into->min_ns == 0))
		into->min_ns = least;
	if (greatest > into->max_ns)
		into->max_ns = greatest;
}

void
flood_hist_between(const struct flood_hist *before, const struct flood_hist *after,
		   struct flood_hist *out)
{
	*out = (struct flood_hist){ .count = after->count - before->count,
				    .sum_ns = after->sum_ns - before->sum_ns };
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		out->bucket[i] = after->bucket[i] - before->bucket[i];
		if (out->bucket[i] == 0)
			continue;
		if (out->min_ns == 0)
			out->min_ns = flood_hist_from_ns(i) + (i == 0);
		out->max_ns = flood_hist_from_ns(i + 1) - 1;
	}
	if (out->max_ns > after->max_ns)
		out->max_ns = after->max_ns;
}

uint64_t
flood_hist_from_ns(unsigned at)
{
	unsigned doubling = at / HIST_PARTS, part = at % HIST_PARTS;

	if (doubling == 0)
		return part;
	return (uint64_t)(HIST_PARTS + part) << (doubling - 1);
}

double
flood_hist_quantile_ns(const struct flood_hist *hist, double share)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		double middle;

		seen += hist->bucket[i];
		if (hist->bucket[i] == 0 || (double)seen < share * (double)hist->count)
			continue;
		middle = (double)(flood_hist_from_ns(i) + flood_hist_from_ns(i + 1)) / 2;
		return middle < (double)hist->max_ns ? middle : (double)hist->max_ns;
	}
	return (double)hist->max_ns;
}

double
flood_hist_mean_ns(const struct flood_hist *hist)
{
	return hist->count ? (double)hist->sum_ns / (double)hist->count : 0;
}
