/* What is wrong with a text that was refused, in words: jansson's, where it is not JSON. */
#ifndef LOADER_ZONE_JSON_REFUSAL_H
#define LOADER_ZONE_JSON_REFUSAL_H

#include "loader/zone/json_reader.h"
#include "loader/zone/json_tree.h"

/* Note why json_tree_read refuses the text, unless there is a fault already.
 * returns  ERR_SYNTAX; ERR_NOMEM, without a fault. */
__attribute__((nonnull, warn_unused_result))
int json_refusal_tell(const char *bytes, size_t len, const struct json_bounds *bounds,
		      struct json_fault *fault);

#endif
