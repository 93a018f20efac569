/* Where records are that are chosen by location: looked up once, for each state of the
 * databases, as long as no others take their place. */
#ifndef WORKER_GEO_POINTS_H
#define WORKER_GEO_POINTS_H

#include "worker/geo_cache.h"

enum { GEO_POINT_SETS = 4096, GEO_POINT_WAYS = 2 };

struct geo_point {
	struct geo_key address;
	struct geo_location location;
};

struct geo_points {
	struct geo_point points[GEO_POINT_SETS][GEO_POINT_WAYS];
};

/* The point of an address, or room for it, in which the older one was: then
 * location.was_found is false. */
static inline struct geo_point *
geo_points_place(struct geo_points *points, const struct geo_address *address)
{
	struct geo_key key = geo_key_of(address);
	uint64_t hash = (key.high ^ key.low) * UINT64_C(0x9e3779b97f4a7c15);
	struct geo_point *point = points->points[(hash >> 40) % GEO_POINT_SETS];

	for (unsigned way = 0; way < GEO_POINT_WAYS; way++)
		if (point[way].location.was_found && point[way].address.low == key.low &&
		    point[way].address.high == key.high)
			return &point[way];
	for (unsigned way = GEO_POINT_WAYS - 1; way > 0; way--)
		point[way] = point[way - 1];
	point->address = key;
	point->location.was_found = false;
	return point;
}

#endif
