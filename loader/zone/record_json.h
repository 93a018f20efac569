/* The values of redins and z42 to records: a label's object of RRsets, or one RRset.
 *
 * An RRset is {"ttl": N, "records": [{...}, ...]}, for CNAME and PTR the one record's
 * fields beside the "ttl".  Under the name of any type that a zone may hold, or TYPEnnn,
 * "rdata": ["presentation text", ...] adds records, to those of "records" if there are
 * any: this is the form for the types that redins lacks.  SOA comes with the zone's
 * configuration.  "aname" is {"location": name, "ttl": N}, the latter bounding the TTL of
 * what is answered for it; one without a location is none.
 *
 * TTL, with `max_ttl` the most that is served (0: as written): redins writes 0 or nothing
 * for "the most"; in z42 only a missing "ttl" is, a 0 that is there is served.  (z42
 * itself serves 0 for both: Go does not tell them apart, an operator who leaves it out
 * does not ask for answers that nobody may cache.)
 *
 * A fault costs the RRset that it stands in.  In a label's object an unknown member is
 * ignored, unless it has an "rdata", and so is one named like a type that redins lacks
 * unless it has "rdata" or "records". */
#ifndef LOADER_ZONE_RECORD_JSON_H
#define LOADER_ZONE_RECORD_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "loader/zone/record_result.h"
#include "loader/zone/zone_records.h"

enum { RECORD_JSON_RRSETS_MAX = 256 };	/* of one label */

/* Buffers and a scanner, about 500 KB: one a thread, used for value after value. */
struct record_json;

struct record_json_value {
	const char *bytes;
	size_t len;
	const uint8_t *owner;		/* lower-cased, at or below the zone's origin */
	size_t owner_len;
	uint32_t max_ttl;
	uint32_t missing_ttl;		/* without max_ttl: of an RRset that says none */
};

/* returns NULL when there is no memory. */
__attribute__((warn_unused_result))
struct record_json *record_json_new(void);

/* NULL is allowed. */
void record_json_free(struct record_json *parser);

/* Read a label of redins and append its records to `zone`, RRset after RRset, not
 * sorted; what a CNAME wins against is gone (record_result_settle).
 * result   empty at first.
 * returns  0 whatever the value holds; ERR_NOMEM or ERR_FULL, with the zone's records as
 *          they were before, and a result to be cleared. */
__attribute__((nonnull, warn_unused_result))
int record_json_read_label(struct record_json *parser, const struct record_json_value *value,
			   struct zone_records *zone, struct record_result *result);

/* The same of an object that was read already, with the value's `bytes` not used. */
__attribute__((nonnull, warn_unused_result))
int record_json_read_node(struct record_json *parser, const struct json_node *label,
			  const struct record_json_value *value, struct zone_records *zone,
			  struct record_result *result);

/* Read an RRset of z42.  The values of one label follow each other into the same
 * `result`, with nothing else appended to `zone` in between, and no type twice; then
 * call record_result_settle.  A value that is no JSON is a fault of its RRset.
 * type_name  from the key.
 * Else as record_json_read_label. */
__attribute__((nonnull, warn_unused_result))
int record_json_read_rrset(struct record_json *parser, const char *type_name,
			   const struct record_json_value *value, struct zone_records *zone,
			   struct record_result *result);

#endif
