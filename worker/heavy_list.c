/* Who comes on the list, and who leaves it. */
#include "worker/heavy_list.h"

#include <string.h>

void
heavy_list_init(struct heavy_list *list)
{
	memset(list, 0, sizeof *list);
	memset(list->first, HEAVY_NONE, sizeof list->first);
}

void
heavy_list_restart(struct heavy_list *list, uint64_t now_ns)
{
	list->window_ns = now_ns;
	list->now = list->before = 0;
	list->active = 0;
	for (unsigned i = 0; i < list->count; i++) {
		struct heavy_zone *zone = &list->zones[i];

		zone->now = zone->before = zone->weight = 0;
	}
}

void
heavy_list_turn(struct heavy_list *list, uint64_t now_ns)
{
	if (now_ns - list->window_ns < HEAVY_WINDOW_NS)
		return;
	list->window_ns = now_ns;
	list->before = list->now;
	list->now = 0;
	list->active = 0;
	for (unsigned i = 0; i < list->count; i++) {
		struct heavy_zone *zone = &list->zones[i];

		zone->before = zone->now;
		zone->now = 0;
		zone->weight /= 2;
		list->active += zone->before != 0;
	}
}

/* Take the zone at this place out of its chain. */
static void
unlink_zone(struct heavy_list *list, unsigned at)
{
	uint8_t *link = &list->first[list->zones[at].zone_id % HEAVY_ZONES];

	while (*link != at)
		link = &list->zones[*link].next;
	*link = list->zones[at].next;
}

struct heavy_zone *
heavy_list_add(struct heavy_list *list, uint32_t zone_id)
{
	uint8_t *first = &list->first[zone_id % HEAVY_ZONES];
	unsigned at = list->count;

	if (at == HEAVY_ZONES) {
		at = list->hand++ % HEAVY_ZONES;
		if (list->zones[at].weight > 0) {
			list->zones[at].weight--;
			return NULL;
		}
		list->active -= list->zones[at].now + list->zones[at].before != 0;
		unlink_zone(list, at);
	} else {
		list->count++;
	}
	list->zones[at] = (struct heavy_zone){
		.zone_id = zone_id, .weight = 1, .now = 1, .next = *first
	};
	*first = (uint8_t)at;
	list->active++;
	memset(&list->told[at], 0, sizeof list->told[at]);
	return &list->zones[at];
}
