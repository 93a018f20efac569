/* Writing one node after another into a buffer that grows: see shm/node.h for what
 * is written.  Failure sticks: check once, at node_writer_end. */
#ifndef LOADER_ZONE_NODE_WRITER_H
#define LOADER_ZONE_NODE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/node.h"

struct node_writer {
	uint8_t *bytes;			/* the node so far; owned */
	size_t len, room;
	size_t block_at;		/* offset of the open block's head */
	int error;			/* 0, ERR_NOMEM or ERR_RANGE */
};

/* All zero is an empty writer. */
__attribute__((nonnull))
void node_writer_fini(struct node_writer *writer);

/* Start a node over; `zone_id` and `flags` as in struct node_head. */
__attribute__((nonnull))
void node_writer_begin(struct node_writer *writer, uint32_t zone_id, uint16_t flags,
		       const uint8_t *owner, size_t owner_len);

/* Set flags and number of children of the open node anew; a begin sets the latter to 0. */
__attribute__((nonnull))
void node_writer_set_facts(struct node_writer *writer, uint16_t flags, uint32_t child_count);

__attribute__((nonnull))
void node_writer_begin_block(struct node_writer *writer, enum block_kind kind, uint16_t type);

__attribute__((nonnull))
void node_writer_end_block(struct node_writer *writer);

/* Take back the block that was begun last. */
__attribute__((nonnull))
void node_writer_drop_block(struct node_writer *writer);

/* Room for `len` octets more; nothing is appended yet.
 * returns where they belong, until the next call; NULL on failure. */
__attribute__((nonnull))
uint8_t *node_writer_reserve(struct node_writer *writer, size_t len);

__attribute__((nonnull))
void node_writer_append(struct node_writer *writer, const void *bytes, size_t len);

/* Finish the node: `bytes` and `len` hold it until the next begin.
 * returns 0, ERR_NOMEM, or ERR_RANGE when it is longer than a node can be. */
__attribute__((nonnull, warn_unused_result))
int node_writer_end(struct node_writer *writer);

/* Append a whole block to the open node. */
__attribute__((nonnull(1)))
void node_writer_put_block(struct node_writer *writer, enum block_kind kind, uint16_t type,
			   const void *payload, size_t len);

#endif
