/* The RRsets of a label's object, before anything of them is read. */
#ifndef LOADER_ZONE_LABEL_JSON_H
#define LOADER_ZONE_LABEL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/json_reader.h"
#include "loader/zone/record_json.h"

struct label_member {
	uint16_t type;			/* ANAME_TYPE; 0: one that is not served */
	struct json_node node;
};

struct label_json {
	size_t count;			/* of `list`: of no type but 0 twice */
	struct label_member list[RECORD_JSON_RRSETS_MAX];
};

/* Find them: of two members of one type the later one counts.
 * members  its content does not matter.
 * returns  false when there are too many. */
__attribute__((nonnull, warn_unused_result))
bool label_json_collect(struct label_json *members, const struct json_node *label);

/* Is this member an ANAME?  One without a target is none, as in redins. */
__attribute__((nonnull, warn_unused_result))
bool label_json_is_aname(const struct json_node *node);

#endif
