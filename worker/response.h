/* Writing a response: RRsets are copied from nodes to where they belong, and their
 * pointers set for that place (see shm/node.h). */
#ifndef WORKER_RESPONSE_H
#define WORKER_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/node.h"
#include "worker/query.h"

enum section { SECTION_ANSWER = 0, SECTION_AUTHORITY, SECTION_ADDITIONAL, SECTION_COUNT };

enum response_result {
	RESPONSE_ADDED = 0,
	RESPONSE_FULL,			/* no room: nothing was written */
	RESPONSE_DAMAGED,		/* the RRset contradicts itself: nothing was written */
};

struct response {
	uint8_t *packet;
	uint32_t at;			/* octets written so far */
	uint32_t limit;			/* octets allowed, room for OPT already taken off */
	uint16_t count[SECTION_COUNT];
	bool dnssec;			/* DO: signatures go along */
};

/* Where names that an RRset refers to stand in the message. */
struct rrset_place {
	const uint8_t *owner;		/* lower-cased, of owner_len octets */
	const uint8_t *apex;		/* of the RRset's zone */
	uint16_t owner_len, apex_len;
	uint16_t owner_at;		/* offset in the message, at most POINTER_MAX; 0 when */
	uint16_t apex_at;		/* it is not there */
	/* The RRset was rendered for this very owner; false under a wildcard. */
	bool owner_is_own;
};

/* Append `rrset`, with its signatures when `response->dnssec`.
 *
 * wire_at   receives the offset of its first octet when every octet of rdata stands
 *           where the node says (so that offsets of targets hold), else 0.          */
enum response_result response_add(struct response *response, enum section section,
				  const struct rrset *rrset, const struct rrset_place *place,
				  uint32_t *wire_at);

/* Append only the signatures over `rrset`, as the answer to a query for RRSIG. */
enum response_result response_add_signatures(struct response *response, enum section section,
					     const struct rrset *rrset,
					     const struct rrset_place *place);

/* Append the CNAME that a DNAME implies (RFC 6672, section 3.1): owner at `owner_at`
 * (which must be a valid offset), the target being `prefix` (labels without a root)
 * followed by `target` (a whole name). */
enum response_result response_add_synthetic(struct response *response, uint32_t ttl,
					    uint16_t owner_at, const uint8_t *prefix,
					    unsigned prefix_len, const uint8_t *target,
					    unsigned target_len);

#endif
