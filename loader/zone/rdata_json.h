/* One record as a JSON object of redins and z42: its members are the fields of the rdata. */
#ifndef LOADER_ZONE_RDATA_JSON_H
#define LOADER_ZONE_RDATA_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/json_reader.h"

/* Has redins members for this type's fields: A, AAAA, CNAME, TXT, NS, MX, SRV, CAA, PTR,
 * TLSA, DS? */
__attribute__((const))
bool rdata_json_knows(uint16_t type);

/* Does the object of the RRset hold the one record's fields itself, as CNAME and PTR do,
 * instead of a list "records"? */
__attribute__((const))
bool rdata_json_is_single(uint16_t type);

/* The rdata of a record.  Members that are missing are 0 or "".
 * type     one that rdata_json_knows.
 * record   an object, or missing.
 * fault    set when a field is not what the type needs.
 * out      UINT16_MAX octets; well-formed by rdata_is_valid.
 * returns  the length; 0 when there is no record, because of a fault or because the
 *          address, the host or the text is empty, which redins passes over. */
__attribute__((nonnull, warn_unused_result))
size_t rdata_json_make(struct json_fault *fault, uint16_t type,
		       const struct json_node *record, uint8_t *out);

#endif
