/* Histograms of latencies: buckets that fit together, quantiles as of the sorted values. */
#include <stdlib.h>

#include "t/bench/load/flood_hist.h"
#include "t/bench/load/flood_random.h"
#include "t/tap.h"

enum { VALUES = 20000, SETS = 20 };

static struct flood_hist hist, other, out;
static uint64_t values[VALUES];

static void
check_buckets(void)
{
	bool is_whole = true, is_narrow = true;

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		uint64_t from = flood_hist_from_ns(i), to = flood_hist_from_ns(i + 1);

		is_whole = is_whole && from < to && flood_hist_index(from) == i &&
			   flood_hist_index(to - 1) == i;
		is_narrow = is_narrow && (to - from == 1 || (to - from) * 64 <= from);
	}
	ok(is_whole, "each value has one bucket");
	ok(is_narrow, "none is wider than 1/64 of what it holds");
	is_int(flood_hist_index(UINT64_MAX), HIST_BUCKETS - 1,
	       "whatever is greater is in the last");
}

static int
compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* Of any shape: of all orders of magnitude up to 17 s. */
static void
fill(uint64_t *random)
{
	unsigned most = (unsigned)(flood_random_next(random) % 30) + 4;

	hist = (struct flood_hist){ .count = 0 };
	for (unsigned i = 0; i < VALUES; i++) {
		unsigned bits = 1 + (unsigned)(flood_random_next(random) % most);

		values[i] = 1 + (flood_random_next(random) >> (64 - bits));
		flood_hist_add(&hist, values[i]);
	}
	qsort(values, VALUES, sizeof values[0], compare);
}

static bool
is_near(double got, uint64_t want)
{
	return got >= (double)want * 0.984 - 1 && got <= (double)want * 1.016 + 1;
}

static void
check_quantiles(void)
{
	static const double shares[] = { 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1 };
	uint64_t random = flood_random_mix(7);
	bool is_good = true, is_exact = true;

	for (unsigned set = 0; set < SETS; set++) {
		fill(&random);
		for (unsigned i = 0; i < sizeof shares / sizeof shares[0]; i++) {
			unsigned at = (unsigned)(shares[i] * VALUES + 0.999999) - 1;

			is_good = is_good &&
				  is_near(flood_hist_quantile_ns(&hist, shares[i]),
					  values[at]);
		}
		is_exact = is_exact && hist.min_ns == values[0] &&
			   hist.max_ns == values[VALUES - 1] && hist.count == VALUES;
	}
	ok(is_good, "quantiles are those of the sorted values, to 1.6 %%");
	ok(is_exact, "least, greatest and number are exact");
}

static void
check_sums(void)
{
	other = (struct flood_hist){ .count = 0 };
	flood_hist_join(&other, &hist);
	flood_hist_add(&hist, 5000);
	flood_hist_add(&hist, 7000);
	flood_hist_between(&other, &hist, &out);
	is_int(out.count, 2, "between two states is what was added");
	is_int(out.sum_ns, 12000, "and its sum");
	ok(is_near((double)out.min_ns, 5000) && is_near((double)out.max_ns, 7000),
	   "from the least to the greatest");
	ok(is_near(flood_hist_quantile_ns(&out, 1), 7000), "with quantiles of its own");
	flood_hist_join(&other, &out);
	is_int(other.count, hist.count, "both parts make the whole");
	out = (struct flood_hist){ .count = 0 };
	ok(flood_hist_quantile_ns(&out, 0.5) <= 0 && flood_hist_mean_ns(&out) <= 0,
	   "an empty one has zeros");
}

int
main(void)
{
	check_buckets();
	check_quantiles();
	check_sums();
	return done_testing();
}
