/* Arrays that grow keep what they hold, and stay as they are where there is no memory. */
#include <stdint.h>
#include <stdlib.h>

#include "loader/zone/grow.h"
#include "t/tap.h"

enum { ITEMS = 100000 };

static void
test_appending(void)
{
	uint32_t *items = NULL;
	size_t room = 0, moves = 0, wrong = 0;

	for (uint32_t i = 0; i < ITEMS; i++) {
		size_t before = room;

		items = grow_items(items, &room, (size_t)i + 1, sizeof *items);
		if (!items)
			bail_out("no memory");
		moves += room != before;
		items[i] = i;
	}
	for (uint32_t i = 0; i < ITEMS; i++)
		wrong += items[i] != i;
	is_int((long long)wrong, 0, "what was appended is there");
	ok(room >= ITEMS && room < 2 * ITEMS, "in at most twice the room");
	ok(moves < 20, "that grew %zu times", moves);
	free(items);
}

static void
test_needs(void)
{
	size_t room = 0, before;
	char *octets = grow_items(NULL, &room, 0, 1), *same;

	ok(octets && room > 0, "an array is there even if nothing is needed");
	before = room;
	same = grow_items(octets, &room, before, 1);
	ok(same == octets && room == before, "what has room stays where it is");
	ok(!grow_items(octets, &room, SIZE_MAX, 1) && room == before,
	   "more than there can be is refused");
	ok(!grow_items(octets, &room, SIZE_MAX / 4, 64) && room == before,
	   "so is a product that wraps");
	free(octets);
	room = 0;
	octets = grow_items(NULL, &room, 3, 100000);
	ok(octets && room >= 3, "items larger than the first room");
	free(octets);
}

int
main(void)
{
	test_appending();
	test_needs();
	return done_testing();
}
