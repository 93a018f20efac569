/* Where in its zone's files a name stands, found by reading them once more. */
#ifndef EXPLAIN_EXPLAIN_LINE_H
#define EXPLAIN_EXPLAIN_LINE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "loader/store/zone_state.h"

enum { EXPLAIN_LINE_FILE_MAX_MB = 64 };

/* The file and line of a name's first record, of `type` if it has one.
 * path     of the file, borrowed until another zone is asked for
 * returns  false when it is not known: the files are large, or were changed since the zone was
 *          read from them. */
__attribute__((nonnull, warn_unused_result))
bool explain_line_find(const struct zone_state *zone, const struct node *node, uint16_t type,
		       const char **path, uint32_t *line);

#endif
