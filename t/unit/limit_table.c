/* Token buckets in one table: bursts, rates, blocks, and what an hour's debt is. */
#include "shm/limit_table.h"

#include <string.h>

#include "t/tap.h"

static struct limit_table table;

enum { NS_PER_S = 1000000000 };

static uint64_t
at_ms(uint64_t ms)
{
	return limit_ticks(ms * 1000000);
}

static unsigned
take_many(uint64_t hash, const struct limit_rate *rate, uint64_t now, unsigned times)
{
	unsigned got = 0;

	while (times-- > 0)
		got += limit_take(&table, hash, rate, now, 1);
	return got;
}

static void
test_burst_and_rate(void)
{
	struct limit_rate rate = limit_rate_of(60, 60, 11);

	is_int(take_many(1, &rate, at_ms(5000), 20), 11, "the burst at once, no more");
	is_int(take_many(1, &rate, at_ms(5999), 5), 0, "none before a second is over");
	is_int(take_many(1, &rate, at_ms(6001), 5), 1, "one after a second");
	is_int(take_many(1, &rate, at_ms(10002), 9), 4, "four after four more");
	is_int(take_many(2, &rate, at_ms(10002), 20), 11, "another source has its own");
	is_int(take_many(1, &rate, at_ms(600000), 20), 11, "after a rest all again");
}

static void
test_exactness(void)
{
	static const struct {
		unsigned count, seconds;
	} rates[] = {
		{ 1, 60 }, { 7, 60 }, { 60000, 60 }, { 6000000, 60 }, { 33333, 1 }
	};

	for (unsigned i = 0; i < sizeof rates / sizeof *rates; i++) {
		struct limit_rate rate =
			limit_rate_of(rates[i].count, rates[i].seconds, 1);
		double want = (double)rates[i].seconds * NS_PER_S / rates[i].count;
		double have = (double)(rate.step << LIMIT_TICK_SHIFT);

		ok(have / want > 0.999 && have / want < 1.001,
		   "%u in %u s: a step of %.0f ns, exactly %.1f", rates[i].count,
		   rates[i].seconds, have, want);
	}
	is_int((long long)limit_rate_of(0, 60, 1).step, 0, "0 is no limit");
	is_int(limit_take(&table, 77, &(struct limit_rate){ 0, 0 }, 1, 3), 3,
	       "all of it");
	ok(limit_rate_of(1, 60, 1000000).tolerance <=
		   limit_ticks((uint64_t)LIMIT_DEBT_MAX_S * NS_PER_S),
	   "no debt is over an hour");
}

static void
test_want(void)
{
	struct limit_rate rate = limit_rate_of(10, 1, 10);

	is_int(limit_take(&table, 3, &rate, at_ms(100), 4), 4, "four at a time");
	is_int(limit_take(&table, 3, &rate, at_ms(100), 100), 6, "the six that are left");
	is_int(limit_take(&table, 3, &rate, at_ms(100), 4), 0, "none");
}

static void
test_stock(void)
{
	static struct limit_pool pool = { .table = &table };
	struct limit_rate rate = limit_rate_of(1000, 1, 1000);
	const uint64_t hash = 5 << 16, beside = hash + (UINT64_C(2) << 40);
	unsigned got = 0, other = 0;

	limit_pool_set(&pool, limit_rate_of(10, 1, 10), 10, 2);
	is_int(pool.block, 1, "a small burst is not taken in blocks");
	limit_pool_set(&pool, rate, 1000, 4);
	is_int(pool.block, 31, "a large one is");
	for (unsigned i = 0; i < 2000; i++)
		got += limit_take_one(&pool, 4, at_ms(50));
	is_int(got, 1000, "blocks add up to the burst");
	for (unsigned i = 0; i < 40; i++) {
		limit_take_one(&pool, hash, at_ms(50));
		other += limit_take_one(&pool, beside, at_ms(50));
	}
	is_int(other, 40, "two that share a place do not hinder each other");
	is_int(limit_take(&table, hash, &rate, at_ms(50), 1000) +
		       limit_take(&table, beside, &rate, at_ms(50), 1000),
	       2000 - 80, "nor does either lose what was taken for it");
	for (unsigned i = 0; i < 3; i++)
		limit_take_one(&pool, 9, at_ms(2000));
	is_int(limit_take(&table, 9, &rate, at_ms(2000), 1000), 1000 - 32,
	       "who comes often has some in stock");
	is_int(limit_take_one(&pool, 9, at_ms(2000)), true, "which is used");
	is_int(limit_take_one(&pool, 9, at_ms(2001)) +
		       limit_take_one(&pool, 9, at_ms(2090)),
	       2, "for a while");
}

static void
test_sweep(void)
{
	struct limit_rate rate = limit_rate_of(1, 1, 1);
	uint32_t at = 0;
	unsigned used = 0;

	for (unsigned i = 0; i < 1000; i++)
		limit_take(&table, i * UINT64_C(0x9e3779b97f4a7c15), &rate, at_ms(700000),
			   1);
	for (unsigned turn = 0; turn < LIMIT_SETS / LIMIT_SWEEP_SETS; turn++)
		limit_sweep(&table, &at, at_ms(700000 + 1001));
	for (unsigned i = 0; i < LIMIT_SETS * LIMIT_SET_WORDS; i++)
		used += table.sets[i / LIMIT_SET_WORDS].word[i % LIMIT_SET_WORDS] != 0;
	is_int(used, 0, "who has full credit is forgotten");
}

/* What is taken ahead and not used comes back, but never more than that. */
static void
test_unused(void)
{
	static struct limit_pool pool = { .table = &table };
	struct limit_rate rate = limit_rate_of(10, 1, 1000);
	const uint64_t hash = 17, same_place = hash + (UINT64_C(3) << 40);
	unsigned got = 0;

	limit_pool_set(&pool, rate, 1000, 4);
	for (unsigned i = 0; i < 20; i++)
		for (unsigned k = 0; k < 2; k++)
			got += limit_take_one(&pool, hash, at_ms(900000 + 200 * i));
	is_int(got, 40, "pairs, 5 a second");
	limit_take_one(&pool, same_place, at_ms(904000));
	is_int(limit_take(&table, hash, &rate, at_ms(904000), 2000), 1000,
	       "use up no more than they are: another one in their place gives back");
	for (unsigned k = 0; k < 2; k++)
		limit_take_one(&pool, same_place, at_ms(904000));
	is_int(limit_take_one(&pool, same_place, at_ms(990000)) +
		       limit_take(&table, same_place, &rate, at_ms(990000), 2000),
	       1000, "nobody gets more than all");
}

int
main(void)
{
	test_burst_and_rate();
	test_exactness();
	test_want();
	test_stock();
	test_sweep();
	test_unused();
	return done_testing();
}
