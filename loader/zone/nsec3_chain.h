/* The one chain of NSEC3 records that a zone is served with: that of an NSEC3PARAM at
 * the apex, of several the one with the most records (RFC 5155, sections 4 and 10.4). */
#ifndef LOADER_ZONE_NSEC3_CHAIN_H
#define LOADER_ZONE_NSEC3_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/zone_records.h"

enum { NSEC3_SHA1 = 1 };

struct nsec3_chain {
	const uint8_t *params;		/* rdata of the NSEC3PARAM, borrowed; NULL: none */
	const uint8_t *salt;
	size_t apex_len;
	uint64_t count;			/* owners in the chain */
	uint64_t seen;			/* owners of any NSEC3 */
	uint16_t iterations;
	uint8_t salt_len;
	bool has_opt_out;
};

/* Choose by the records of the apex, [first, end).  Counts start at 0. */
__attribute__((nonnull))
void nsec3_chain_choose(struct nsec3_chain *chain, const struct zone_records *zone,
			const struct zone_record *first, const struct zone_record *end);

/* Does the owner of [first, end), which has NSEC3 records, belong to the chain: a hash
 * right below the apex, and one of its NSEC3 records of these parameters? */
__attribute__((nonnull, pure))
bool nsec3_chain_holds(const struct nsec3_chain *chain, const struct zone_record *first,
		       const struct zone_record *end);

/* Count an owner of NSEC3 records. */
__attribute__((nonnull))
void nsec3_chain_count(struct nsec3_chain *chain, const struct zone_record *first,
		       const struct zone_record *end);

#endif
