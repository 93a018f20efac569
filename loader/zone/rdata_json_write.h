/* A record's data as members of redins: what rdata_json.h reads, written. */
#ifndef LOADER_ZONE_RDATA_JSON_WRITE_H
#define LOADER_ZONE_RDATA_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/json_out.h"

enum { RDATA_JSON_SCRATCH = 4 * UINT16_MAX + 1 }; /* octets: all as \DDD */

/* Do the members of redins hold this rdata exactly?  No for types without members, for
 * TXT in other strings than of 255 octets and a rest, for what redins passes over.
 * rdata    well-formed by rdata_is_valid. */
__attribute__((nonnull, warn_unused_result))
bool rdata_json_fits(uint16_t type, const uint8_t *rdata, size_t len);

/* Write the members into the object that was begun; only what fits.
 * scratch  RDATA_JSON_SCRATCH octets. */
__attribute__((nonnull))
void rdata_json_write(struct json_out *json, uint16_t type, const uint8_t *rdata, size_t len,
		      char *scratch);

#endif
