/* Which members of redins make up the rdata of a type: for reading and for writing. */
#ifndef LOADER_ZONE_RDATA_SHAPE_H
#define LOADER_ZONE_RDATA_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

enum { RDATA_FIELDS_MAX = 4 };

enum rdata_field_kind {
	FIELD_NONE,
	FIELD_U8,
	FIELD_U16,
	FIELD_HOST,			/* empty: no record; also FIELD_TXT, FIELD_V4, FIELD_V6 */
	FIELD_V4,
	FIELD_V6,
	FIELD_TXT,			/* strings of 255 octets, escapes undone */
	FIELD_TAG,			/* of CAA: letters and digits, led by their number */
	FIELD_OCTETS,			/* up to the end, escapes undone */
	FIELD_HEX,			/* up to the end */
};

struct rdata_field {
	const char *key;
	enum rdata_field_kind kind;
};

struct rdata_shape {
	uint16_t type;
	bool is_single;			/* see rdata_json_is_single */
	/* in the order of the rdata, ended by FIELD_NONE */
	struct rdata_field fields[RDATA_FIELDS_MAX + 1];
};

/* NULL for a type without members of its own. */
__attribute__((const))
const struct rdata_shape *rdata_shape_find(uint16_t type);

#endif
