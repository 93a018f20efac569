/* The zones that are due first. */
#include "loader/redis/due_zones.h"

#include <stdlib.h>
#include <string.h>

void
due_zones_clear(struct due_zones *due)
{
	due->count = due->taken = 0;
	due->has_more = false;
}

static void
set(struct due_zone *zone, int64_t ends_s, const uint8_t *origin, size_t len)
{
	memset(zone, 0, sizeof *zone);
	zone->ends_s = ends_s;
	zone->origin_len = (uint8_t)len;
	memcpy(zone->origin, origin, len);
}

static void
find_last(struct due_zones *due)
{
	due->last = 0;
	for (size_t i = 1; i < due->count; i++)
		if (due->zones[i].ends_s > due->zones[due->last].ends_s)
			due->last = i;
}

void
due_zones_add(struct due_zones *due, int64_t ends_s, const uint8_t *origin, size_t len)
{
	if (due->count < DUE_ZONES_MAX) {
		set(&due->zones[due->count++], ends_s, origin, len);
	} else {
		due->has_more = true;
		if (ends_s >= due->zones[due->last].ends_s)
			return;
		set(&due->zones[due->last], ends_s, origin, len);
	}
	if (due->count == DUE_ZONES_MAX)
		find_last(due);
}

static int
compare(const void *a, const void *b)
{
	const struct due_zone *left = a, *right = b;

	return (left->ends_s > right->ends_s) - (left->ends_s < right->ends_s);
}

void
due_zones_sort(struct due_zones *due)
{
	qsort(due->zones, due->count, sizeof *due->zones, compare);
}

const struct due_zone *
due_zones_take(struct due_zones *due)
{
	return due->taken < due->count ? &due->zones[due->taken++] : NULL;
}
