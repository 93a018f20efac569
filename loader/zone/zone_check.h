/* Is it a zone?  What the RFCs demand of one, and what its operator should know. */
#ifndef LOADER_ZONE_ZONE_CHECK_H
#define LOADER_ZONE_ZONE_CHECK_H

#include <stdbool.h>

#include "loader/zone/zone_messages.h"
#include "loader/zone/zone_records.h"

/* Can this record, looked at alone, stand in the zone?  Otherwise a message says why
 * not: a warning for an owner outside the zone, an error for a type that is no data, a
 * TTL beyond 2^31 - 1 and malformed rdata.
 * record   its owner lower-cased; `file` and `line` are used for the message. */
__attribute__((nonnull, warn_unused_result))
bool zone_check_record(const struct zone_records *zone, const struct zone_record *record,
		       struct zone_messages *messages);

/* Check a sorted zone of such records, and make it what zone_records.h promises:
 * duplicates are merged; an RRset whose TTLs differ gets the lowest, with a warning
 * (RFC 2181, section 5.2), signatures their RRset's; RRsets that fit no message become
 * faults of the zone (ZONE_DROPPED), see zone_faults.h.
 *
 * Errors: not one SOA, or one below the apex; no NS at the apex; CNAME beside other
 * data, or several; several DNAMEs, DNAME beside NS below the apex; NSEC3PARAM with
 * more than 500 iterations, each a load on every negative answer (RFC 9276).
 * Warnings: a mailbox with a '@'; name servers and mail exchangers that are aliases or,
 * where this zone should have their addresses, have none; targets that end in the origin
 * twice and do not exist; DS without NS or at the apex; NSEC3PARAM that is unusable or
 * has more than 50 iterations; data below a DNAME; NS and DNAME at a wildcard; keys of
 * algorithms 5 and 7.
 *
 * returns 0, or ERR_SYNTAX when `messages` holds a ZONE_ERROR. */
__attribute__((nonnull, warn_unused_result))
int zone_check(struct zone_records *zone, struct zone_messages *messages);

#endif
