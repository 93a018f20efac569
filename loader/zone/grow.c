/* See grow.h. */
#include "loader/zone/grow.h"

#include <stdint.h>
#include <stdlib.h>

enum { FIRST_OCTETS = 512 };

void *
grow_items_to(void *items, size_t *room, size_t need, size_t item_len)
{
	size_t first = item_len < FIRST_OCTETS ? FIRST_OCTETS / item_len : 1;
	size_t wanted = *room ? *room : first;
	void *grown;

	/* the room is less than twice of what is needed; no object is larger */
	if (need > PTRDIFF_MAX / 2 / item_len)
		return NULL;
	while (wanted < need)
		wanted *= 2;
	grown = reallocarray(items, wanted, item_len);
	if (grown)
		*room = wanted;
	return grown;
}
