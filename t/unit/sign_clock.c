/* Times of signatures under a clock that is in doubt: whichever time it is, they hold. */
#include "loader/sign/sign_clock.h"

#include "shm/clock.h"
#include "shm/region.h"
#include "t/tap.h"

enum { DAY_S = 86400 };

static struct region region;
static const struct settings settings = { .dnssec = { .validity_days = 14,
						      .refresh_days = 7 } };

/* Is what is signed now good at a time so many days from it? */
static bool
holds_at(int64_t days)
{
	int64_t at_s = clock_wall_s() + days * DAY_S;
	struct sign_clock clock;
	struct sign_times times;

	sign_clock_look(&region);
	sign_clock_set(&clock, &settings, clock_wall_s(), false, (const uint8_t *)"", 0);
	(void)!sign_clock_draw(&clock, &times);
	return times.inception <= at_s && times.expiration > at_s;
}

static void
test_spans(void)
{
	ok(holds_at(0) && !holds_at(-1) && holds_at(12) && !holds_at(15),
	   "a clock that is right: two weeks");
	region_clock_note_past(&region, clock_wall_s() + 30 * DAY_S);
	ok(holds_at(0) && holds_at(30) && holds_at(42), "one that is behind: then, too");
	atomic_store(&region.clock.past_s, 0);
	region_clock_note_other(&region, clock_wall_s() - 40 * DAY_S);
	ok(holds_at(0) && holds_at(-40) && holds_at(12), "one that is ahead of Redis's");
	region_clock_note_other(&region, clock_wall_s() + 40 * DAY_S);
	ok(holds_at(0) && holds_at(40), "one that is behind it");
	region_clock_note_other(&region, clock_wall_s());
	ok(!holds_at(-1) && !holds_at(15), "they agree");
}

static void
test_gap(void)
{
	char why[REGION_CLOCK_TEXT_MAX];

	region_clock_note_gap(&region, clock_wall_s() - 300 * DAY_S);
	ok(region_clock_is_unsure(&region), "all signatures had ended: it is unsure");
	ok(!region_clock_is_doubtful(&region), "they are made anew all the same");
	ok(holds_at(0) && holds_at(-300), "to hold then and now");
	ok(region_clock_explain(&region, why), "%s", why);
	region_clock_note_other(&region, 1000);
	ok(region_clock_is_unsure(&region),
	   "a Redis whose clock is not set says nothing");
	region_clock_note_other(&region, clock_wall_s());
	ok(!region_clock_is_unsure(&region), "one that agrees does");
}

static void
test_years(void)
{
	region_clock_note_gap(&region, 1000);
	ok(holds_at(0) && !holds_at(-11 * 365), "years mean nothing");
	region_clock_note_gap(&region, 0);
}

int
main(void)
{
	region.started_ns = clock_now_ns();
	region.started_wall_s = clock_wall_s();
	test_spans();
	test_gap();
	test_years();
	return done_testing();
}
