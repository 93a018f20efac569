/* A steered RRset in the making: candidates one after the other, then the payload of its
 * BLOCK_STEERED (shm/steered.h), which travels with the zone's records as a
 * ZONE_MARK_STEERED (zone_records.h). */
#ifndef LOADER_ZONE_STEERING_H
#define LOADER_ZONE_STEERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/zone_records.h"
#include "shm/health_target.h"
#include "shm/steered.h"

/* Entries of a kind of place.  Beyond STEERED_PLACES_MAX they are only counted. */
struct steering_list {
	unsigned count;
	unsigned placed;		/* those of candidates that were added */
};

/* Large: one for a parser, used for one RRset after another. */
struct steering {
	uint16_t type;			/* A or AAAA */
	enum steered_count count;
	enum steered_order order;
	enum steered_geo geo;
	uint16_t first;			/* 0: no limit */
	bool is_sticky;
	bool has_ttl;
	uint32_t ttl;			/* of answers, if it has one of its own */
	bool is_probed;
	enum steered_policy policy;
	struct health_check check;	/* settled */
	bool is_next_fallback;		/* the candidate that comes next */
	unsigned fallback_count;
	struct steering_list country_list, asn_list, subnet_list, region_list,
		continent_list;
	struct steered_country countries[STEERED_PLACES_MAX];
	struct steered_asn asns[STEERED_PLACES_MAX];
	struct steered_subnet subnets[STEERED_PLACES_MAX];
	struct steered_region regions[STEERED_PLACES_MAX];
	struct steered_country continents[STEERED_PLACES_MAX];
	unsigned candidate_count;	/* beyond STEERED_MAX only counted */
	unsigned record_count;		/* different addresses among them */
	uint8_t candidates[STEERED_MAX];
	uint8_t fallback[STEERED_MAX / 8];
	uint32_t weights[STEERED_MAX];
	uint8_t addresses[STEERED_MAX][16]; /* record_count of them */
};

enum {
	STEERING_PARTS = 10,
	STEERING_PLACES_LEN = 2 * (int)sizeof(struct steered_country) +
			      (int)sizeof(struct steered_asn) +
			      (int)sizeof(struct steered_subnet) +
			      (int)sizeof(struct steered_region),
	STEERING_LEN_MAX = (int)sizeof(struct steered_head) + (int)sizeof(struct rrset_head) +
			   STEERED_MAX * STEERED_RR_LEN_AAAA +
			   STEERING_PARTS * (int)sizeof(struct steered_part_head) +
			   STEERED_MAX * (1 + 4 + 8) + STEERED_MAX / 8 +
			   STEERED_PLACES_MAX * (int)STEERING_PLACES_LEN +
			   (int)sizeof(struct steered_health) + (int)HEALTH_CHECK_LEN_MAX,
};

_Static_assert((int)STEERING_LEN_MAX <= (int)ZONE_MARK_STEERED_MAX, "a mark holds it");

/* Start over, with nothing that steers. */
__attribute__((nonnull))
void steering_begin(struct steering *steering, uint16_t type);

/* A place of the candidate that comes next: a country's or continent's code, two zeros for
 * the default; a region's, all zeros for the default; an ASN, 0 for the default. */
__attribute__((nonnull))
void steering_add_country(struct steering *steering, const char code[2]);
__attribute__((nonnull))
void steering_add_asn(struct steering *steering, uint32_t asn);
__attribute__((nonnull))
void steering_add_continent(struct steering *steering, const char code[2]);
__attribute__((nonnull))
void steering_add_region(struct steering *steering, const char code[6]);

/* A network, 0 behind its length. */
__attribute__((nonnull))
void steering_add_subnet(struct steering *steering, const uint8_t network[16], uint8_t len);

/* There is no candidate that comes next: forget what was said of it. */
__attribute__((nonnull))
void steering_drop_next(struct steering *steering);

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

/* Are there more places than fit? */
__attribute__((nonnull, pure))
bool steering_is_beyond(const struct steering *steering);

/* Write the payload; 1..STEERED_MAX candidates, no more places than fit.  returns its
 * length. */
__attribute__((nonnull))
size_t steering_write(const struct steering *steering, uint32_t ttl,
		      uint8_t out[STEERING_LEN_MAX]);

#endif
