/* The list of zones that are kept down. */
#include "shm/flood_list.h"

#include <string.h>

#include "shm/seqlock.h"

void
flood_encloser_count(struct flood_encloser enclosers[FLOOD_ENCLOSERS],
		     const uint8_t *name, unsigned name_len)
{
	struct flood_encloser *rarest = enclosers;

	for (unsigned i = 0; i < FLOOD_ENCLOSERS; i++) {
		struct flood_encloser *at = &enclosers[i];

		if (at->name_len == name_len && memcmp(at->name, name, name_len) == 0) {
			at->count++;
			return;
		}
		if (at->count < rarest->count)
			rarest = at;
	}
	if (rarest->count > 0) {
		rarest->count--;
		return;
	}
	rarest->count = 1;
	rarest->name_len = (uint8_t)name_len;
	memcpy(rarest->name, name, name_len);
}

void
flood_list_put(struct flood_list *list, const struct flood_zone *const *zones,
	       unsigned count)
{
	seqlock_begin(&list->seq);
	for (unsigned i = 0; i < count; i++)
		list->zones[i] = *zones[i];
	list->count = count;
	seqlock_end(&list->seq);
}

unsigned
flood_list_get(const struct flood_list *list, struct flood_zone zones[FLOOD_ZONES])
{
	struct flood_list copy;

	seqlock_copy(&list->seq, &copy, list, sizeof copy, SEQLOCK_TURNS);
	if (copy.count > FLOOD_ZONES)
		return 0;
	memcpy(zones, copy.zones, copy.count * sizeof *zones);
	return copy.count;
}
