/* Which names of an rdata canonical form has in lower case (RFC 4034, section 6.2, as RFC
 * 6840, section 5.1, has it): an RRset is signed in the order in which it is sorted. */
#ifndef LOADER_ZONE_CANONICAL_NAMES_H
#define LOADER_ZONE_CANONICAL_NAMES_H

#include "shm/rdata.h"

/* As rdata_names, which see; none of types that are newer than RFC 3597. */
__attribute__((nonnull))
unsigned canonical_names(uint16_t type, const uint8_t *rdata, size_t len,
			 struct rdata_name out[RDATA_NAMES_MAX]);

#endif
