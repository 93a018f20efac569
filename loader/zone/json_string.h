/* Strings of JSON (RFC 8259, section 7), taken where they stand. */
#ifndef LOADER_ZONE_JSON_STRING_H
#define LOADER_ZONE_JSON_STRING_H

#include <stdbool.h>
#include <stddef.h>

/* A string of any octets; NUL-terminated besides.  `bytes` is never NULL. */
struct json_text {
	const char *bytes;
	size_t len;
};

/* Read a string in place: what it says, which is never longer, is written over it.
 * at       behind its opening quote, in a text with a NUL behind its end; moved behind the
 *          closing one
 * out      borrowed from the text; undefined on failure, as the text from *at on
 * returns  false when it is none: it has no end, a control character, an escape that is
 *          none, half of a surrogate pair, or octets that are no UTF-8. */
__attribute__((nonnull, warn_unused_result))
bool json_string_take(char **at, struct json_text *out);

#endif
