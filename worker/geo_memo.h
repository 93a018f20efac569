/* What entries of the databases say, as far as they were read lately: networks are many,
 * what is known of them is not, and to read an entry costs as much as to find it. */
#ifndef WORKER_GEO_MEMO_H
#define WORKER_GEO_MEMO_H

#include "shm/geo_db.h"

enum { GEO_MEMO_SLOTS = 8192 };

struct geo_memo_country {
	uint32_t entry;			/* see geo_db_entry; 0: none */
	char country[2], continent[2], region[3];
	bool knows_region;
};

struct geo_memo_asn {
	uint32_t entry, asn;
};

struct geo_memo {
	struct geo_memo_country countries[GEO_MEMO_SLOTS];
	struct geo_memo_asn asns[GEO_MEMO_SLOTS];
};

static inline unsigned
geo_memo_slot(uint32_t entry)
{
	return entry * UINT32_C(0x9e3779b1) >> 19;
}
_Static_assert(GEO_MEMO_SLOTS == 1 << (32 - 19), "as many slots as there are numbers");

static inline const struct geo_memo_country *
geo_memo_country(struct geo_memo *memo, const struct geo_db *db, uint32_t entry,
		 bool with_region)
{
	struct geo_memo_country *slot = &memo->countries[geo_memo_slot(entry)];
	struct geo_place place;

	if (slot->entry == entry && (slot->knows_region || !with_region))
		return slot;
	geo_db_read(db, entry, with_region ? GEO_WANT_REGION : GEO_WANT_NETWORK, &place);
	slot->entry = entry;
	slot->knows_region = with_region;
	memcpy(slot->country, place.country, sizeof slot->country);
	memcpy(slot->continent, place.continent, sizeof slot->continent);
	memcpy(slot->region, place.region, sizeof slot->region);
	return slot;
}

static inline uint32_t
geo_memo_asn(struct geo_memo *memo, const struct geo_db *db, uint32_t entry)
{
	struct geo_memo_asn *slot = &memo->asns[geo_memo_slot(entry)];
	struct geo_place place;

	if (slot->entry != entry) {
		geo_db_read(db, entry, GEO_WANT_NETWORK, &place);
		*slot = (struct geo_memo_asn){ entry, place.asn };
	}
	return slot->asn;
}

#endif
