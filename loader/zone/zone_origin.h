/* Relative names in $ORIGIN, which RFC 1035 allows and the scanner does not: when it
 * gives up on a $ORIGIN line, the name is found here.  (Meanwhile it has spoilt its own
 * origin, so that the lines before have to be followed too.) */
#ifndef LOADER_ZONE_ZONE_ORIGIN_H
#define LOADER_ZONE_ZONE_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"

/* How far the $ORIGINs of a text have been followed, and what is in force there. */
struct zone_origin {
	const char *at;			/* start of a line; borrowed */
	uint8_t name[DNAME_MAX];
	size_t len;
};

/* Start at the beginning of a text in which `origin` is in force. */
__attribute__((nonnull))
void zone_origin_start(struct zone_origin *origin, const char *text, const uint8_t *name,
		       size_t len);

/* Follow the lines up to `line_end`, the end of a $ORIGIN line.
 * returns true when `name` is now the origin behind that line; false when the line
 * is not "$ORIGIN name" (then `name` is what was in force before it). */
__attribute__((nonnull, warn_unused_result))
bool zone_origin_follow(struct zone_origin *origin, const char *line_end);

#endif
