/* An ANAME, and a zone that is flattened, as comments between the records of a zone. */
#ifndef LOADER_ZONE_ANAME_TEXT_H
#define LOADER_ZONE_ANAME_TEXT_H

#include <stddef.h>

#include "shm/node.h"

/* Write the comment of a BLOCK_ANAME of `node`, or of its BLOCK_ZONE.
 * returns the length; 0 when there is nothing to tell; ERR_DAMAGED; ERR_RANGE. */
__attribute__((nonnull, warn_unused_result)) int
aname_text_print(const struct node *node, const struct block *block, char *out,
		 size_t room);

#endif
