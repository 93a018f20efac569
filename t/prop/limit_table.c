/* Buckets shared without a lock, against exact ones: what sources get is what they may, at
 * random times and across the wrap of the clock's low bits; who is in debt stays so, however
 * many others come; and many processes together give no more than one. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/limit_table.h"
#include "t/draw.h"
#include "t/tap.h"

enum { SOURCES = 200, STEPS = 200000, PROCESSES = 4 };

static struct limit_table *table;

static uint64_t
draw64(void)
{
	return (uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX);
}

static void
clear(void)
{
	memset(table, 0, sizeof *table);
}

/* A bucket that knows everything: so many ticks of credit are used. */
struct model {
	uint64_t hash, full_at;
};

static void
test_model(uint64_t start)
{
	struct limit_rate rate = limit_rate_of(1 + draw(600), 60, 1 + draw(20));
	struct model models[SOURCES];
	uint64_t now = start;
	unsigned wrong = 0, got = 0;

	clear();
	for (unsigned i = 0; i < SOURCES; i++)
		models[i] = (struct model){ draw64(), 0 };
	for (unsigned i = 0; i < STEPS; i++) {
		struct model *one = &models[draw(SOURCES)];
		unsigned want = 1 + draw(4), may = 0, count;
		uint64_t full_at;

		now += draw((unsigned)(rate.step / 50) + 2);
		full_at = one->full_at > now ? one->full_at : now;
		for (; may < want && full_at - now <= rate.tolerance; may++)
			full_at += rate.step;
		count = limit_take(table, one->hash, &rate, now, want);
		wrong += count != may;
		got += count;
		if (may > 0)
			one->full_at = full_at;
	}
	ok(wrong == 0 && got > 0, "%u sources get what they may: %u, %u times wrong",
	   SOURCES, got, wrong);
}

/* Debtors are limited before, and still after millions of others that come once. */
static void
test_strangers(void)
{
	struct limit_rate rate = limit_rate_of(60, 60, 11);
	uint64_t debtors[SOURCES], now = 1000000;
	unsigned passed = 0, refused = 0;

	clear();
	for (unsigned i = 0; i < SOURCES; i++) {
		debtors[i] = draw64();
		limit_take(table, debtors[i], &rate, now, 11);
	}
	for (unsigned i = 0; i < 2000000; i++)
		refused += limit_take(table, draw64(), &rate, now, 1) == 0;
	for (unsigned i = 0; i < SOURCES; i++)
		passed += limit_take(table, debtors[i], &rate, now, 1) > 0;
	is_int(passed, 0, "2,000,000 strangers push no debtor out");
	ok(refused < 10, "and %u of them are taken for somebody else", refused);
}

/* Greater debts stay when all words of a set are wanted by them. */
static void
test_full_set(void)
{
	struct limit_rate rate = limit_rate_of(60, 60, 100);
	uint64_t now = 5, set = draw(LIMIT_SETS);
	unsigned kept = 0;

	clear();
	for (unsigned i = 0; i < 12; i++)
		limit_take(table, (uint64_t)(i + 1) << 40 | set, &rate, now, 10 + i);
	for (unsigned i = 4; i < 12; i++)
		kept += limit_take(table, (uint64_t)(i + 1) << 40 | set, &rate, now,
				   100) == 100 - (10 + i);
	is_int(kept, LIMIT_SET_WORDS, "of 12 in a set the 8 greatest debtors are known");
}

/* returns how many one process got within `ns`. */
static unsigned
take_for(struct limit_pool *pool, uint64_t hash, uint64_t ns)
{
	uint64_t start_ns = clock_now_ns(), now_ns;
	unsigned got = 0;

	while ((now_ns = clock_now_ns()) - start_ns < ns)
		got += limit_take_one(pool, hash, limit_ticks(now_ns));
	return got;
}

/* `workers`: for how many a block is made; with very many it is one. */
static void
test_processes(unsigned workers)
{
	static struct limit_pool pool;
	uint64_t hash = draw64(), start_ns, spent_ns;
	unsigned *got = mmap(NULL, PROCESSES * sizeof *got, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double may, sum = 0;

	clear();
	pool.table = table;
	limit_pool_set(&pool, limit_rate_of(20000, 1, 4000), 4000, workers);
	start_ns = clock_now_ns();
	for (unsigned i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			got[i] = take_for(&pool, hash, 200000000);
			_exit(0);
		}
	for (unsigned i = 0; i < PROCESSES; i++)
		wait(NULL);
	spent_ns = clock_now_ns() - start_ns;
	for (unsigned i = 0; i < PROCESSES; i++)
		sum += got[i];
	may = 4000 + 20000 * ((double)spent_ns / 1e9);
	/* a lost race is not charged: on real machines few are */
	ok(sum <= may * 1.02 && sum >= (4000 + 20000 * 0.2) * 0.8,
	   "%u processes in blocks of %u get %.0f of %.0f", PROCESSES, pool.block, sum,
	   may);
}

/* A clock that jumps: never more debt than an hour, never a source locked out by it. */
static void
test_clock(void)
{
	struct limit_rate rate = limit_rate_of(60, 60, 10);
	uint64_t day = limit_ticks(UINT64_C(86400) * 1000000000), now = draw64();
	unsigned locked = 0;

	clear();
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t hash = draw64();
		uint32_t at = (uint32_t)hash & (LIMIT_SETS - 1);

		limit_take(table, hash, &rate, now, 10);
		now += limit_ticks(UINT64_C(3601) * 1000000000) + draw(1000);
		limit_sweep(table, &at, now);
		now += day * draw(30) + draw64() % day;
		locked += limit_take(table, hash, &rate, now, 10) != 10;
	}
	is_int(locked, 0, "after any time, a source has its credit");
}

int
main(void)
{
	draw_seed();
	table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (table == MAP_FAILED)
		bail_out("no memory");
	test_model(1);
	for (unsigned i = 0; i < 4; i++)
		test_model((UINT64_C(1) << 40) - draw(UINT32_MAX)); /* over the wrap */
	test_strangers();
	test_full_set();
	test_processes(1000);
	test_processes(PROCESSES);
	test_clock();
	return done_testing();
}
