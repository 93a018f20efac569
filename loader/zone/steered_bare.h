/* A steered RRset without what signing has added to it. */
#ifndef LOADER_ZONE_STEERED_BARE_H
#define LOADER_ZONE_STEERED_BARE_H

#include <stddef.h>
#include <stdint.h>

#include "loader/zone/zone_records.h"
#include "shm/node.h"

/* Write the payload of a BLOCK_STEERED as it was before anything of it was signed.
 * out      room for block->head.len octets
 * returns  the length; 0: it is damaged. */
__attribute__((nonnull, warn_unused_result))
size_t steered_bare_write(const struct block *block, uint8_t *out);

/* Append it as the mark of its owner.
 * scratch  where it is written first
 * returns  as zone_records_add_mark; ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int steered_bare_add(struct zone_records *zone, struct arena *scratch, const uint8_t *owner,
		     size_t owner_len, const struct block *block);

#endif
