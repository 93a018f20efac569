/* One record's data in presentation form, of every type that zone files may hold. */
#ifndef LOADER_ZONE_RDATA_TEXT_H
#define LOADER_ZONE_RDATA_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "loader/zone/zone_text.h"

enum {
	RDATA_TEXT_MAX = 300000,	/* octets: 65,535 of data as \DDD, with room to spare */
	RDATA_TEXT_REASON_MAX = 120,	/* octets, NUL included */
};

/* Parse what stands behind the type in a zone file, for types without a presentation form
 * here the form of RFC 3597 (\# LENGTH HEX).  Names are absolute, with the final dot or
 * without.  All must stand in one line; comments are allowed.
 *
 * scanner  is left ready for the next text.
 * out      UINT16_MAX octets; well-formed by rdata_is_valid, names uncompressed.
 * reason   on ERR_SYNTAX: what is wrong, printable; else untouched.
 * returns  the length, 0..65535; ERR_SYNTAX, also for types that cannot stand in a zone;
 *          ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int rdata_text_parse(struct zone_text *scanner, uint16_t type, const char *text, size_t len,
		     uint8_t *out, char reason[RDATA_TEXT_REASON_MAX]);

#endif
