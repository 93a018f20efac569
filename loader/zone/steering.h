/* A steered RRset in the making: candidates one after the other, then the payload of its
 * BLOCK_STEERED (shm/steered.h), which travels with the zone's records as a
 * ZONE_MARK_STEERED (zone_records.h). */
#ifndef LOADER_ZONE_STEERING_H
#define LOADER_ZONE_STEERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/zone_records.h"
#include "shm/steered.h"

/* Large: one for a parser, used for one RRset after another. */
struct steering {
	uint16_t type;			/* A or AAAA */
	enum steered_count count;
	enum steered_order order;
	enum steered_geo geo;
	uint16_t first;			/* 0: no limit */
	unsigned country_count, asn_count; /* beyond STEERED_PLACES_MAX only counted */
	unsigned placed_countries, placed_asns; /* of candidates that were added */
	struct steered_country countries[STEERED_PLACES_MAX];
	struct steered_asn asns[STEERED_PLACES_MAX];
	unsigned candidate_count;	/* beyond STEERED_MAX only counted */
	unsigned record_count;		/* different addresses among them */
	uint8_t candidates[STEERED_MAX];
	uint32_t weights[STEERED_MAX];
	uint8_t addresses[STEERED_MAX][16]; /* record_count of them */
};

enum {
	STEERING_LEN_MAX = (int)sizeof(struct steered_head) + (int)sizeof(struct rrset_head) +
			   STEERED_MAX * STEERED_RR_LEN_AAAA +
			   4 * (int)sizeof(struct steered_part_head) + STEERED_MAX * (1 + 4) +
			   STEERED_PLACES_MAX * (int)(sizeof(struct steered_country) +
						      sizeof(struct steered_asn)),
};

_Static_assert((int)STEERING_LEN_MAX <= (int)ZONE_MARK_STEERED_MAX, "a mark holds it");

/* Start over, with nothing that steers. */
__attribute__((nonnull))
void steering_begin(struct steering *steering, uint16_t type);

/* A place of the candidate that comes next: a country's code, two zeros for the default; an
 * ASN, 0 for the default. */
__attribute__((nonnull))
void steering_add_country(struct steering *steering, const char code[2]);
__attribute__((nonnull))
void steering_add_asn(struct steering *steering, uint32_t asn);

/* There is no candidate that comes next: forget its places. */
__attribute__((nonnull))
void steering_drop_places(struct steering *steering);

/* The next candidate; `address` has the length that its type has.  Without a place it is a
 * default. */
__attribute__((nonnull))
void steering_add(struct steering *steering, const uint8_t *address, uint32_t weight);

/* Does the choice ask for countries, for ASNs? */
static inline bool
steering_by_country(const struct steering *steering)
{
	return steering->geo == STEERED_BY_COUNTRY || steering->geo == STEERED_BY_ASN_COUNTRY;
}
static inline bool
steering_by_asn(const struct steering *steering)
{
	return steering->geo == STEERED_BY_ASN || steering->geo == STEERED_BY_ASN_COUNTRY;
}

/* Would any choice be made?  Else it is a plain RRset. */
__attribute__((nonnull, pure))
bool steering_is_needed(const struct steering *steering);

/* Write the payload; 1..STEERED_MAX candidates.  returns its length. */
__attribute__((nonnull))
size_t steering_write(const struct steering *steering, uint32_t ttl,
		      uint8_t out[STEERING_LEN_MAX]);

#endif
