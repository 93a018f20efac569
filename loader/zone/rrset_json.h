/* One RRset of redins or z42, whose form record_json.h tells, to records. */
#ifndef LOADER_ZONE_RRSET_JSON_H
#define LOADER_ZONE_RRSET_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/json_reader.h"
#include "loader/zone/record_json.h"
#include "loader/zone/record_notes.h"
#include "loader/zone/steering.h"
#include "loader/zone/zone_text.h"

/* Room for one RRset after another; only the scanner must be there at first. */
struct rrset_buffers {
	struct zone_text *scanner;
	uint8_t rdata[UINT16_MAX];
	struct steering steering;
	struct record_notes notes;	/* of the RRset at hand */
	uint8_t steered[STEERING_LEN_MAX];
};

/* One value on its way into a zone. */
struct rrset_reading {
	struct rrset_buffers *buffers;
	const struct record_json_value *value;
	struct zone_records *zone;
	struct record_result *result;
	bool zero_is_unset;		/* for TTLs: redins */
	struct json_fault fault;	/* of the RRset at hand; set before: none is read */

	/* what rrset_json_read keeps there of the RRset at hand */
	struct json_fault first_bad;	/* of its records that are left out */
	uint16_t type;
	uint32_t ttl;
	uint32_t weight;		/* of the record at hand */
	size_t size;			/* of its RRs in a message */
};

/* Append the RRset's records to the zone, and what is wrong with it to the result.
 * type     0: it has a name that is none.
 * returns  0 whatever the RRset holds; ERR_NOMEM or ERR_FULL, with some of its records in
 *          the zone. */
__attribute__((nonnull, warn_unused_result))
int rrset_json_read(struct rrset_reading *reading, uint16_t type,
		    const struct json_node *rrset);

#endif
