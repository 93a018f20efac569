/* The passes that zone_check is made of, and what they share. */
#ifndef LOADER_ZONE_ZONE_RULES_H
#define LOADER_ZONE_ZONE_RULES_H

#include "loader/zone/zone_messages.h"
#include "loader/zone/zone_records.h"

/* Say `what` about a record, with its file and line; with its owner and type too
 * unless it was included: no message quotes another file's text. */
__attribute__((nonnull))
void zone_rules_complain(const struct zone_records *zone, const struct zone_record *record,
			 struct zone_messages *messages, enum zone_severity severity,
			 const char *what);

/* The index behind the records from `at` on that share its owner, or its RRset. */
__attribute__((nonnull, pure))
size_t zone_rules_owner_end(const struct zone_records *zone, size_t at);
__attribute__((nonnull, pure))
size_t zone_rules_rrset_end(const struct zone_records *zone, size_t at);

/* Make proper RRsets of a sorted zone: no duplicates, one TTL. */
__attribute__((nonnull))
void zone_rules_rrsets(struct zone_records *zone, struct zone_messages *messages);

/* What may and must stand at one name. */
__attribute__((nonnull))
void zone_rules_owners(const struct zone_records *zone, struct zone_messages *messages);

/* What is wrong with an RRset of this type at a wildcard: a sentence; NULL: nothing. */
__attribute__((const))
const char *zone_rules_why_no_wildcard(uint16_t type);

/* Where targets lead to; warnings only. */
__attribute__((nonnull))
void zone_rules_targets(const struct zone_records *zone, struct zone_messages *messages);

#endif
