/* The databases of a worker and the cache in front of them. */
#include "worker/geo.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"
#include "shm/geo_path.h"
#include "shm/log.h"

/* One state of both databases; shared by sets, since one changes at a time. */
struct geo_set {
	struct geo_db *dbs[GEO_KINDS]; /* NULL: none */
};

/* ---- the helper's side ---- */

static void
set_close(struct geo_set *set)
{
	if (!set)
		return;
	for (unsigned kind = 0; kind < GEO_KINDS; kind++)
		geo_db_close(set->dbs[kind]);
	free(set);
}

/* Open the databases of these numbers, 0 is none.  returns NULL when one is not there:
 * then sync has published another by now. */
static struct geo_set *
set_open(const char *state_dir, const uint64_t numbers[GEO_KINDS],
	 uint64_t failed[GEO_KINDS])
{
	struct geo_set *set = calloc(1, sizeof *set);
	char path[PATH_MAX], reason[GEO_DB_REASON_MAX];

	for (unsigned kind = 0; set && kind < GEO_KINDS; kind++) {
		int rc = ERR_OK;

		if (numbers[kind] == 0)
			continue;
		rc = ERR_RANGE;
		if (geo_path(state_dir, (enum geo_db_kind)kind, numbers[kind], path))
			rc = geo_db_open(path, (enum geo_db_kind)kind, &set->dbs[kind],
					 reason);
		if (rc == ERR_OK)
			continue;
		if (rc != ERR_NOTFOUND && failed[kind] != numbers[kind])
			log_warnx("%s %s, this worker cannot open it", path,
				  errcode_text(rc));
		failed[kind] = numbers[kind];
		set_close(set);
		set = NULL;
	}
	return set;
}

void
geo_follow(struct geo *geo, const char *state_dir, const struct region_geo *published)
{
	uint64_t numbers[GEO_KINDS];
	struct geo_set *set;
	bool is_new = false;

	set_close(atomic_exchange_explicit(&geo->returned, NULL, memory_order_acquire));
	for (unsigned kind = 0; kind < GEO_KINDS; kind++) {
		numbers[kind] = atomic_load_explicit(&published->numbers[kind],
						     memory_order_acquire);
		is_new |= numbers[kind] != geo->opened[kind];
	}
	if (!is_new)
		return;
	set = set_open(state_dir, numbers, geo->failed);
	if (!set)
		return;
	memcpy(geo->opened, numbers, sizeof numbers);
	/* what was offered and not taken is out of date */
	set_close(atomic_exchange_explicit(&geo->offered, set, memory_order_acq_rel));
}

/* ---- the query thread's side ---- */

void
geo_take(struct geo *geo)
{
	struct geo_set *offer;

	if (atomic_load_explicit(&geo->returned, memory_order_relaxed))
		return; /* the helper is slow: next time */
	offer = atomic_exchange_explicit(&geo->offered, NULL, memory_order_acquire);
	if (!offer)
		return;
	atomic_store_explicit(&geo->returned, geo->set, memory_order_release);
	geo->set = offer;
	memset(geo->cache, 0, sizeof geo->cache);
}

void
geo_fini(struct geo *geo)
{
	set_close(geo->set);
	set_close(atomic_exchange(&geo->offered, NULL));
	set_close(atomic_exchange(&geo->returned, NULL));
	geo->set = NULL;
}

/* Clients of one /24, or /48 of IPv6, are mostly of one network. */
static unsigned
slot_of(const struct geo_address *address)
{
	uint64_t head, tail;

	memcpy(&head, address->octets, sizeof head);
	memcpy(&tail, address->octets + sizeof head, sizeof tail);
	if (address->octets[10] == 0xff && head == 0)
		memset((uint8_t *)&tail + 7, 0, 1);
	else
		memset((uint8_t *)&head + 6, 0, 2), tail = 0;
	head = (head ^ tail * UINT64_C(0x9e3779b97f4a7c15)) *
	       UINT64_C(0xe7037ed1a0b428db);
	return (unsigned)(head >> 40) % GEO_CACHE_SLOTS;
}

/* From degrees to a point on the sphere: the nearer of two has the larger product. */
static void
set_point(struct geo_facts *facts, const struct geo_place *place)
{
	const double degree = 3.14159265358979323846 / 180;
	double north = place->latitude * degree, east = place->longitude * degree;

	facts->has_location = place->has_location;
	facts->point[0] = cos(north) * cos(east);
	facts->point[1] = cos(north) * sin(east);
	facts->point[2] = sin(north);
}

static void
find_facts(const struct geo_set *set, const struct geo_address *address,
	   bool with_location, struct geo_facts *out)
{
	struct geo_place place;

	memset(out, 0, sizeof *out);
	out->has_country_db = set->dbs[GEO_COUNTRY] != NULL;
	out->has_asn_db = set->dbs[GEO_ASN] != NULL;
	if (out->has_country_db) {
		geo_db_find(set->dbs[GEO_COUNTRY], address, with_location, &place);
		out->country_len = place.prefix_len;
		memcpy(out->country, place.country, sizeof out->country);
		if (place.has_location)
			set_point(out, &place);
	}
	if (out->has_asn_db) {
		geo_db_find(set->dbs[GEO_ASN], address, false, &place);
		out->asn_len = place.prefix_len;
		out->asn = place.asn;
	}
}

const struct geo_facts *
geo_find(struct geo *geo, const struct geo_address *address, bool with_location)
{
	static const struct geo_facts nothing;
	struct geo_slot *slot = &geo->cache[slot_of(address)];

	if (!geo->set)
		return &nothing;
	if (slot->len != 0 &&
	    geo_address_is_within(address, slot->network.octets, slot->len) &&
	    (slot->knows_location || !with_location))
		return &slot->facts;
	find_facts(geo->set, address, with_location, &slot->facts);
	slot->knows_location = with_location;
	slot->network = *address;
	slot->len = slot->facts.country_len > slot->facts.asn_len
			    ? slot->facts.country_len
			    : slot->facts.asn_len;
	return &slot->facts;
}
