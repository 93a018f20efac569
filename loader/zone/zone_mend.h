/* What other servers read in zone files and the scanner does not, written as it takes it:
 *
 *	- octets in names and texts that it wants as \DDD: a+b, h@example.com, UTF-8;
 *	- texts without a blank between them: "a""b";
 *	- parentheses within parentheses, or before the owner;
 *	- CLASS1 for IN (RFC 3597, section 5);
 *	- dohpath= and ohttp of SVCB (RFC 9461, RFC 9540);
 *	- types that it does not know but that are written like one that it knows.
 *
 * Only tried on an entry that the scanner has given up on, so that others cost nothing. */
#ifndef LOADER_ZONE_ZONE_MEND_H
#define LOADER_ZONE_ZONE_MEND_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/zone/made_text.h"
#include "loader/zone/zone_origin.h"

/* Append the entry [entry, end) to `out`, on one line.
 * type     receives the type to be put in the place of the one that is read; 0: none.
 * returns  false when there is nothing to be mended; `out` is of no use then. */
__attribute__((nonnull, warn_unused_result))
bool zone_mend(const char *entry, const char *end, struct made_text *out, uint16_t *type);

/* The same for $INCLUDE with a relative origin, which `origin` completes. */
__attribute__((nonnull, warn_unused_result))
bool zone_mend_include(const char *entry, const char *end, const struct zone_origin *origin,
		       struct made_text *out);

#endif
