/* Which zones' signatures are renewed first, and how fast. */
#include <stdlib.h>
#include <string.h>

#include "loader/redis/due_zones.h"
#include "loader/redis/follow_renew.h"
#include "t/tap.h"

enum { ZONES = 1000, DAY_S = 86400 };

static struct due_zones due;

static int
compare(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* returns how many of `count` zones came, in the order of their ends. */
static size_t
take_all(const int64_t *ends_s)
{
	const struct due_zone *zone;
	size_t taken = 0;

	while ((zone = due_zones_take(&due)) != NULL && zone->ends_s == ends_s[taken])
		taken++;
	return taken;
}

static void
test_order(size_t count, unsigned below)
{
	int64_t ends_s[ZONES];
	size_t want = count < DUE_ZONES_MAX ? count : DUE_ZONES_MAX;

	due_zones_clear(&due);
	for (size_t i = 0; i < count; i++) {
		ends_s[i] = rand() % (int)below;
		due_zones_add(&due, ends_s[i], (const uint8_t *)"\1z", 3);
	}
	due_zones_sort(&due);
	qsort(ends_s, count, sizeof *ends_s, compare);
	ok(due.has_more == (count > DUE_ZONES_MAX), "%zu zones: are there more than fit",
	   count);
	is_int(take_all(ends_s), want, "%zu zones: those that end first, in order",
	       count);
	ok(due_zones_take(&due) == NULL, "and no more");
}

static void
test_rest(void)
{
	static const struct {
		const char *what;
		int64_t left_s;
		uint64_t took_us, made, max_rate, want_us;
	} cases[] = {
		{ "in time", 7 * DAY_S, 4000, 50, 20000, 100000 },
		{ "in time, on a slow machine", 6 * DAY_S, 50000, 50, 20000, 200000 },
		{ "in time, slow by choice", 7 * DAY_S, 4000, 50, 100, 500000 },
		{ "late", 5 * DAY_S, 4000, 50, 20000, 16000 },
		{ "late, slow by choice", 5 * DAY_S, 4000, 50, 1000, 50000 },
		{ "last", DAY_S, 4000, 50, 20000, 4000 },
		{ "last, and more than may be made", DAY_S, 1000, 50, 20000, 2500 },
		{ "over", -DAY_S, 4000, 50, 20000, 4000 },
		{ "nothing made", DAY_S, 300, 0, 20000, 300 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct settings settings = {
			.dnssec = { .refresh_days = 7,
				    .max_rate = (unsigned)cases[i].max_rate },
		};

		is_int(follow_renew_rest_us(&settings, cases[i].took_us, cases[i].made,
					    cases[i].left_s),
		       cases[i].want_us, "%s", cases[i].what);
	}
}

int
main(void)
{
	srand(1);
	test_order(0, 10);
	test_order(1, 10);
	test_order(DUE_ZONES_MAX, 100000);
	test_order(DUE_ZONES_MAX + 1, 100000);
	test_order(ZONES, 100000);
	test_order(ZONES, 7);
	test_rest();
	return done_testing();
}
