/* The zones that most queries are for, at most 64, each under its own id: what is counted
 * for one is never another's.  A zone with more than a 64th of all queries is on the list.
 *
 * A zone that is not on it, when there is no place left, takes one off the weight of one
 * that is: these take turns.  Who has lost all of it makes room.  So no weight is ever more
 * than what was asked for, and at most a 64th of all queries less.
 *
 * Counts are those of a window of 100 ms, weights also half of what they were before. */
#ifndef WORKER_HEAVY_LIST_H
#define WORKER_HEAVY_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/flood_list.h"

enum {
	HEAVY_ZONES = 64,		/* a power of two */
	HEAVY_NONE = HEAVY_ZONES,	/* in place of an index */
};

#define HEAVY_NO_ZONE UINT32_MAX	/* the id for what is asked of no zone */
#define HEAVY_WINDOW_NS UINT64_C(100000000)

struct heavy_zone {
	uint32_t zone_id;
	uint32_t weight;
	uint32_t now, before;		/* queries in this window, and in the one before */
	uint64_t filled_ns;		/* when its credit was right: see worker/isolation.h */
	int64_t credit_ns;
	uint8_t next;			/* of those whose ids end alike */
};

struct heavy_list {
	uint64_t window_ns;		/* when it began */
	uint64_t now, before;		/* all queries, of the zones on the list or not */
	unsigned count, hand;
	unsigned active;		/* zones with a query in one of the windows */
	uint8_t first[HEAVY_ZONES];	/* by the last bits of the id */
	struct heavy_zone zones[HEAVY_ZONES];
	struct flood_zone told[HEAVY_ZONES];
};

__attribute__((nonnull))
void heavy_list_init(struct heavy_list *list);

/* Count anew; what is told of zones stays, until others take their places. */
__attribute__((nonnull))
void heavy_list_restart(struct heavy_list *list, uint64_t now_ns);

/* Begin a new window when it is time. */
__attribute__((nonnull))
void heavy_list_turn(struct heavy_list *list, uint64_t now_ns);

/* What heavy_list_count does with a zone that is not there.
 * returns NULL, or its new place, all zero but its id and one query. */
__attribute__((nonnull))
struct heavy_zone *heavy_list_add(struct heavy_list *list, uint32_t zone_id);

/* Count one query.  returns NULL when its zone is not on the list; a zone whose filled_ns
 * is 0 is new there. */
static inline struct heavy_zone *
heavy_list_count(struct heavy_list *list, uint32_t zone_id)
{
	unsigned at = list->first[zone_id % HEAVY_ZONES];
	struct heavy_zone *zone;

	list->now++;
	while (at != HEAVY_NONE && list->zones[at].zone_id != zone_id)
		at = list->zones[at].next;
	if (at == HEAVY_NONE)
		return heavy_list_add(list, zone_id);
	zone = &list->zones[at];
	list->active += zone->now + zone->before == 0;
	zone->weight++;
	zone->now++;
	return zone;
}

/* Has it more than twice as many queries as the other zones have on the mean?  Never when
 * there are no others. */
static inline bool
heavy_list_is_unfair(const struct heavy_list *list, const struct heavy_zone *zone)
{
	uint64_t own = (uint64_t)zone->now + zone->before;
	uint64_t others = list->now + list->before - own;

	return others > 0 && own * (list->active - 1) > 2 * others;
}

#endif
