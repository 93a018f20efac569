/* Histograms: buckets, percentiles, what is below a time. */
#include "shm/histogram.h"

#include <string.h>

#include "t/tap.h"

static void
test_buckets(void)
{
	unsigned wide = 0, wrong = 0;

	is_int(histogram_bucket(0), 0, "0 is in the first bucket");
	is_int(histogram_bucket(15), 0, "15 ns too");
	is_int(histogram_bucket(16), 1, "16 ns are in the second");
	is_int(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1,
	       "there is a last one");
	is_int(histogram_limit_ns(HISTOGRAM_BUCKETS - 1), INT64_C(1) << 36, "up to 68 s");
	for (unsigned i = 1; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t from = histogram_limit_ns(i - 1), to = histogram_limit_ns(i);

		wrong += histogram_bucket(from) != i || histogram_bucket(to - 1) != i;
		wide += to - from > 16 && (to - from) * 16 > from;
	}
	is_int(wrong, 0, "limits and buckets agree");
	is_int(wide, 0, "none is wider than a sixteenth");
}

static void
test_percentiles(void)
{
	static struct histogram h;

	is_int(histogram_percentile_ns(&h, 0.5), 0, "nothing: 0");
	histogram_add(&h, 1000, 98);
	histogram_add(&h, 5000, 1);
	histogram_add(&h, 70000, 1);
	is_int(histogram_count(&h), 100, "all are counted");
	is_int(atomic_load(&h.sum_ns), 98 * 1000 + 5000 + 70000, "and added up");
	is_int(histogram_percentile_ns(&h, 0), 1024, "share 0: the least");
	is_int(histogram_percentile_ns(&h, 0.98), 1024, "98 of 100");
	is_int(histogram_percentile_ns(&h, 0.99), 5120, "99 of 100");
	is_int(histogram_percentile_ns(&h, 1), 70000, "all: the greatest itself");
	is_int(histogram_count_below(&h, 512), 0, "none below 512 ns");
	is_int(histogram_count_below(&h, 1024), 98, "98 below 1024");
	is_int(histogram_count_below(&h, UINT64_C(1) << 40), 100,
	       "all below a long time");
}

static void
test_sums(void)
{
	static struct histogram sum, h;

	histogram_add(&h, 100, 2);
	histogram_add(&h, 1 << 20, 1);
	histogram_sum(&sum, &h);
	histogram_sum(&sum, &h);
	is_int(histogram_count(&sum), 6, "sums are added");
	is_int(atomic_load(&sum.max_ns), 1 << 20, "the greatest stays");
	is_int(atomic_load(&sum.sum_ns), 2 * (200 + (1 << 20)), "and the sum");
	histogram_add(&h, 1 << 10, 5);
	histogram_subtract(&sum, &sum);
	is_int(histogram_count(&sum), 0, "nothing is left of itself");
	histogram_sum(&sum, &h);
	memset(&h, 0, sizeof h);
	histogram_add(&h, 100, 2);
	histogram_add(&h, 1 << 20, 1);
	histogram_subtract(&sum, &h);
	is_int(histogram_count(&sum), 5, "what came since");
	is_int(atomic_load(&sum.sum_ns), 5 << 10, "its sum");
	is_int(histogram_percentile_ns(&sum, 1), 1088, "and about its greatest");
	histogram_clear(&sum);
	is_int(histogram_count(&sum), 0, "cleared");
	is_int(histogram_percentile_ns(&sum, 1), 0, "wholly");
}

int
main(void)
{
	test_buckets();
	test_percentiles();
	test_sums();
	return done_testing();
}
