/* The list of zones that are asked for most: exact, bounded, and hard to be pushed off. */
#include "worker/heavy_list.h"

#include <stdlib.h>

#include "t/tap.h"

static struct heavy_list list;

static bool
is_listed(uint32_t zone_id)
{
	for (unsigned i = 0; i < list.count; i++)
		if (list.zones[i].zone_id == zone_id)
			return true;
	return false;
}

/* One that is listed. */
static const struct heavy_zone *
find(uint32_t zone_id)
{
	unsigned i = 0;

	while (i + 1 < list.count && list.zones[i].zone_id != zone_id)
		i++;
	return &list.zones[i];
}

static unsigned
chained(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < HEAVY_ZONES; i++)
		for (unsigned at = list.first[i]; at != HEAVY_NONE;
		     at = list.zones[at].next)
			count += list.zones[at].zone_id % HEAVY_ZONES == i;
	return count;
}

static void
few_zones(void)
{
	heavy_list_init(&list);
	heavy_list_restart(&list, 1000);
	for (unsigned i = 0; i < 100; i++)
		heavy_list_count(&list, i % 10 == 0 ? 64 : 128); /* ids that end alike */
	is_int(find(128)->weight, 90, "each query is counted");
	is_int(find(64)->weight, 10, "for its own zone");
	ok(heavy_list_is_unfair(&list, find(128)), "nine of ten is unfair");
	ok(!heavy_list_is_unfair(&list, find(64)), "one of ten is not");
	heavy_list_turn(&list, 1000 + HEAVY_WINDOW_NS - 1);
	is_int(find(128)->now, 90, "within a window nothing is forgotten");
	heavy_list_turn(&list, 1000 + HEAVY_WINDOW_NS);
	is_int(find(128)->now, 0, "then a new one begins");
	is_int(find(128)->before, 90, "beside the one before");
	ok(heavy_list_is_unfair(&list, find(128)), "which counts, too");
	heavy_list_turn(&list, 1000 + 2 * HEAVY_WINDOW_NS);
	ok(!heavy_list_is_unfair(&list, find(128)), "two windows later it does not");
	is_int(list.active, 0, "nobody asks any more");
}

static void
fair_zones(void)
{
	unsigned unfair = 0;

	heavy_list_init(&list);
	heavy_list_count(&list, 7);
	ok(!heavy_list_is_unfair(&list, find(7)), "who is alone takes from nobody");
	heavy_list_count(&list, 8);
	for (unsigned i = 0; i < 1000; i++)
		heavy_list_count(&list, 7 + i % 2);
	ok(!heavy_list_is_unfair(&list, find(7)), "nor does half of it");
	for (unsigned i = 0; i < 100000; i++)
		heavy_list_count(&list, 1000 + (uint32_t)rand() % 5000);
	for (unsigned i = 0; i < list.count; i++)
		unfair += list.zones[i].zone_id >= 1000 &&
			  heavy_list_is_unfair(&list, &list.zones[i]);
	is_int(unfair, 0, "of thousands that ask alike none is unfair");
}

/* One of them has a 20th of all queries, the others are ever new ones. */
static void
crowd(void)
{
	uint32_t asked = 0, heaviest = 0;

	heavy_list_init(&list);
	for (uint32_t i = 0; i < 200000; i++) {
		if (i % 20 == 0) {
			heavy_list_count(&list, 5);
			asked++;
		} else {
			heavy_list_count(&list, 1000 + i);
		}
	}
	is_int(list.count, HEAVY_ZONES, "no more than there is room for");
	is_int(chained(), HEAVY_ZONES, "each found under its id, once");
	ok(is_listed(5), "who is asked for most stays");
	ok(find(5)->weight <= asked &&
		   find(5)->weight + 200000 / HEAVY_ZONES + 1 >= asked,
	   "never weighed too heavy, and a 64th of all too light at most");
	for (unsigned i = 0; i < list.count; i++)
		if (list.zones[i].zone_id != 5)
			heaviest = list.zones[i].weight > heaviest ? list.zones[i].weight
								   : heaviest;
	is_int(heaviest, 1, "who came once weighs 1");
	ok(heavy_list_is_unfair(&list, find(5)), "and is unfair");
	heavy_list_restart(&list, 0);
	is_int(list.now + list.before, 0, "begun anew");
	is_int(chained(), HEAVY_ZONES, "all are still there");
	for (uint32_t i = 0; i < HEAVY_ZONES; i++)
		heavy_list_count(&list, 900000 + i);
	ok(!is_listed(5), "until others come");
}

int
main(void)
{
	few_zones();
	fair_zones();
	crowd();
	done_testing();
}
