/* The records of one owner, as a run of a sorted zone. */
#ifndef LOADER_ZONE_OWNER_GROUP_H
#define LOADER_ZONE_OWNER_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/zone_records.h"

/* [first, end) of the zone's records; all borrowed from it. */
struct owner_group {
	const struct zone_record *first, *end;
	const uint8_t *owner;
	size_t owner_len;
	uint16_t flags;			/* NODE_HAS_NS (at the apex too), _DNAME, _CNAME; also by
					 * RRsets that are marked as bad */
	uint32_t mark_count, bad_count;	/* marks; those of them that are ZONE_MARK_BAD */
	uint32_t note_count;		/* those that are ZONE_MARK_NOTE */
	uint32_t partial_count;		/* types that are served without some of their records */
	uint16_t last_partial;		/* the last one of those */
	bool is_plain;			/* holds more than NSEC3 and its signatures */
	const struct zone_record *nsec3; /* the first NSEC3, NULL without any */
};

/* The group that starts at `first`; returns false at the end of the zone. */
__attribute__((nonnull, warn_unused_result))
bool owner_group_read(const struct zone_records *zone, const struct zone_record *first,
		      struct owner_group *out);

/* Owners and rdata stand in the order of the source, groups are walked in canonical order:
 * begin to fetch those of a group some records behind `group`.  (Always inlined: gcc takes
 * a call of a function that only prefetches for one without effect.) */
__attribute__((always_inline, nonnull))
static inline void
owner_group_fetch_ahead(const struct zone_records *zone, const struct owner_group *group)
{
	enum { AHEAD = 12 };

	if (zone->records + zone->count - group->end > AHEAD) {
		__builtin_prefetch(group->end[AHEAD].owner);
		__builtin_prefetch(group->end[AHEAD].rdata);
	}
}

/* The first record of a type, NULL when there is none. */
__attribute__((nonnull, pure))
const struct zone_record *owner_group_find(const struct owner_group *group, uint16_t type);

/* The type that an RRSIG covers. */
__attribute__((nonnull, pure))
uint16_t owner_group_covered(const struct zone_record *sig);

/* The signatures of the group over one type: [result, *end).  RRSIGs are sorted by what
 * they cover. */
__attribute__((nonnull))
const struct zone_record *owner_group_sigs(const struct owner_group *group, uint16_t type,
					   const struct zone_record **end);

#endif
