/* RRsets of a zone that cannot be served as they are, or are of little use so, although the
 * zone can. */
#ifndef LOADER_ZONE_ZONE_FAULTS_H
#define LOADER_ZONE_ZONE_FAULTS_H

#include "loader/zone/zone_messages.h"
#include "loader/zone/zone_records.h"

/* Find the RRsets of a sorted, checked zone that fit no message of 65,535 octets, alone
 * or with their signatures: each is added to the zone's faults, with a ZONE_DROPPED
 * message; so is a DNSKEY RRset with keys of SHA-1, with a ZONE_WARNING.
 * returns 0 or ERR_NOMEM (or ERR_IO, when the kernel has no random numbers). */
__attribute__((nonnull, warn_unused_result))
int zone_faults_find(struct zone_records *zone, struct zone_messages *messages);

#endif
