/* The chain that proves what is not there: NSEC (RFC 4034), or NSEC3 without salt and
 * further iterations (RFC 5155, 9276), with or without opt-out. */
#ifndef LOADER_SIGN_ZONE_DENIAL_H
#define LOADER_SIGN_ZONE_DENIAL_H

#include "loader/zone/zone_records.h"
#include "shm/settings.h"

/* Append the chain's records to a zone that is sorted, has its DNSKEYs (and its NSEC3PARAM,
 * see below) and no other chain.  Their TTL is that of negative answers (RFC 9077).
 * returns 0; ERR_NOMEM; ERR_RANGE when the zone's name is too long for NSEC3. */
__attribute__((nonnull, warn_unused_result))
int zone_denial_add(struct zone_records *zone, enum denial denial);

/* The rdata of the NSEC3PARAM that belongs to it. */
enum { ZONE_DENIAL_PARAM_LEN = 5 };
extern const uint8_t zone_denial_param[ZONE_DENIAL_PARAM_LEN];

#endif
