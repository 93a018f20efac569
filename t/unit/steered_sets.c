/* Which sets of a steered RRset are signed ahead: for each way of steering, those that somebody
 * may be answered with; and bitmaps without a type. */
#include "loader/sign/steered_sets.h"

#include <stdio.h>

#include "loader/sign/type_bitmap.h"
#include "loader/zone/steering.h"
#include "t/tap.h"

static struct steering steering;
static uint8_t payload[STEERING_LEN_MAX];

/* The sets in the order in which they are found, in hexadecimal. */
static void
sets_are(const char *want, const struct steered_records *up, const char *name)
{
	struct block block = { .head = { BLOCK_STEERED, TYPE_A, 0 }, .payload = payload };
	struct steered steered;
	struct steered_sets sets;
	char got[STEERED_SETS_MAX * 20] = "";

	block.head.len = (uint32_t)steering_write(&steering, 60, payload);
	if (!steered_open(&block, &steered))
		bail_out("no steered RRset");
	steered_sets_find(&steered, up, &sets);
	for (unsigned i = 0; i < sets.count; i++)
		sprintf(got + strlen(got), "%s%llx", i ? " " : "",
			(unsigned long long)sets.sets[i].bits[0]);
	is(got, want, "%s", name);
}

static void
begin(void)
{
	steering_begin(&steering, TYPE_A);
}

static void
add(void)
{
	uint8_t address[4] = { 192, 0, 2, (uint8_t)steering.candidate_count };

	steering_add(&steering, address, 1 + steering.candidate_count % 2);
}

static void
add_many(unsigned count)
{
	while (count-- > 0)
		add();
}

static void
test_counts(void)
{
	begin();
	add_many(3);
	sets_are("", NULL, "all of them are no set");
	begin();
	steering.count = STEERED_SINGLE;
	add_many(3);
	sets_are("1", NULL, "the first alone");
	begin();
	steering.count = STEERED_SINGLE;
	steering.order = STEERED_RR;
	add_many(3);
	sets_are("1 2 4", NULL, "each alone");
	begin();
	steering.count = STEERED_SINGLE;
	steering.order = STEERED_RR;
	add_many(40);
	sets_are("1 2 4 8 10 20 40 80 100 200 400 800 1000 2000", NULL,
		 "so many at most");
	begin();
	steering.first = 2;
	steering.order = STEERED_RR;
	add_many(4);
	sets_are("3 6 c 9", NULL, "two of four, from each on");
	begin();
	steering.first = 2;
	add_many(4);
	sets_are("3", NULL, "the first two");
	begin();
	steering.order = STEERED_WEIGHTED;
	steering.count = STEERED_SINGLE;
	add();
	steering_add(&steering, (const uint8_t[4]){ 192, 0, 2, 99 }, 0);
	add();
	sets_are("1 4", NULL, "what has no weight is never drawn");
}

static void
test_places(void)
{
	begin();
	steering.geo = STEERED_BY_COUNTRY;
	steering_add_country(&steering, "DE");
	add();
	steering_add_country(&steering, "US");
	add();
	steering_add_country(&steering, "DE");
	add();
	add();
	sets_are("5 2 8", NULL, "for two countries, and all others");
	begin();
	steering.geo = STEERED_BY_ASN_COUNTRY;
	steering_add_asn(&steering, 64500);
	steering_add_country(&steering, "DE");
	add();
	steering_add_asn(&steering, 64500);
	steering_add_country(&steering, "US");
	add();
	steering_add_country(&steering, "US");
	add();
	sets_are("1 2 3 4", NULL, "by network, then by country");
	begin();
	steering_add_subnet(&steering, (const uint8_t[16]){ [0] = 0x20 }, 8);
	add();
	add_many(2);
	sets_are("1 6", NULL, "for a subnet, and all others");
	begin();
	steering_add_continent(&steering, "EU");
	add();
	steering_add_region(&steering, "US-CA");
	add();
	add();
	sets_are("2 1 4", NULL, "by region, then by continent");
	begin();
	steering.geo = STEERED_BY_LOCATION;
	add_many(3);
	sets_are("1 2 4", NULL, "each may be the nearest");
}

static void
test_health(void)
{
	static const struct steered_records two = { { 6 } }, none = { { 0 } };

	begin();
	add_many(3);
	sets_are("6", &two, "those that are up");
	sets_are("", &none, "none is");
	begin();
	steering.is_next_fallback = true;
	add();
	add_many(2);
	sets_are("6", NULL, "fallbacks wait");
	begin();
	steering.count = STEERED_SINGLE;
	steering.order = STEERED_RR;
	add_many(3);
	sets_are("2 4", &two, "each that is up");
}

static void
test_bitmaps(void)
{
	/* A, AAAA, RRSIG, NSEC */
	uint8_t types[] = { 0, 6, 0x40, 0, 0, 8, 0, 3 }, last[] = { 0, 4, 0x40, 0, 0, 8 };
	uint8_t alone[] = { 0, 1, 0x40, 1, 1, 0x40 };

	is_int(type_bitmap_without(types, sizeof types, TYPE_A), 8, "an octet stays");
	is_int(types[2], 0, "without the type");
	is_int(types[5], 8, "with the others");
	is_int(type_bitmap_without(types, sizeof types, TYPE_DNAME), 8,
	       "one that is not there");
	is_int(type_bitmap_without(last, sizeof last, TYPE_AAAA), 3,
	       "no zeros at the end of a window");
	is_int(last[1], 1, "its length");
	is_int(type_bitmap_without(alone, sizeof alone, TYPE_A), 3, "no empty window");
	is_int(alone[0], 1, "the next one moves up");
}

int
main(void)
{
	test_counts();
	test_places();
	test_health();
	test_bitmaps();
	return done_testing();
}
