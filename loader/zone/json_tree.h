/* JSON (RFC 8259) as a tree, read in place.  Most of loading steered RRsets was reading
 * their JSON: jansson takes 180 instructions an octet for it, this takes 10. */
#ifndef LOADER_ZONE_JSON_TREE_H
#define LOADER_ZONE_JSON_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "loader/zone/arena.h"
#include "loader/zone/json_string.h"

enum json_kind {
	JSON_KIND_NULL,
	JSON_KIND_FALSE,
	JSON_KIND_TRUE,
	JSON_KIND_INTEGER,
	JSON_KIND_NUMBER,		/* with a fraction, an exponent or over 18 digits */
	JSON_KIND_STRING,
	JSON_KIND_LIST,
	JSON_KIND_OBJECT,
};

struct json_value {
	const struct json_value *next;	/* in the same list or object, as the text has them */
	const struct json_value *first;	/* of what a list or an object holds */
	const char *key;		/* of a member; without NULs but the last */
	union {
		struct json_text text;
		int64_t integer;
		size_t count;		/* of what a list or an object holds */
	};
	uint32_t initials;		/* of an object's keys: their json_tree_initial */
	enum json_kind kind;
};

/* How much is read: longer and deeper texts, and such of more values, are refused. */
struct json_bounds {
	size_t len_max, values_max;
	unsigned depth_max;
};

/* The bit of a key's first octet, the same in either case. */
static inline uint32_t
json_tree_initial(const char *key)
{
	return UINT32_C(1) << (key[0] & 0x1f);
}

/* Read a text.
 * arena    where all of the tree is, texts included
 * root     untouched on failure
 * returns  0; ERR_SYNTAX when it is not JSON or beyond the bounds; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int json_tree_read(const char *bytes, size_t len, const struct json_bounds *bounds,
		   struct arena *arena, const struct json_value **root);

#endif
