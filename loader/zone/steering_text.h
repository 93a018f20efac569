/* How an RRset is steered, for people: a comment in a zone file. */
#ifndef LOADER_ZONE_STEERING_TEXT_H
#define LOADER_ZONE_STEERING_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "shm/node.h"

/* "; www.example.com. IN A is steered: count single, order weighted: 192.0.2.1 weight 10,
 * 192.0.2.2 weight 0", candidates in stored order.
 * block    a BLOCK_STEERED
 * room     1 or more; 64 KiB hold any
 * returns  the length without the NUL; ERR_DAMAGED; ERR_RANGE when it does not fit. */
__attribute__((nonnull, warn_unused_result))
int steering_text_print(const uint8_t *owner, const struct block *block, char *out,
			size_t room);

#endif
