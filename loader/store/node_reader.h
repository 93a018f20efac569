/* data.mdb of a new generation read back once, front to back, with the place of each node
 * in the file: what its index is made from.  To walk what is served see store_walk.h. */
#ifndef LOADER_STORE_NODE_READER_H
#define LOADER_STORE_NODE_READER_H

#include <stdint.h>

#include "shm/node.h"

struct node_reader;

/* Open for reading in key order, before the first node.  The file must not change
 * meanwhile and is trusted: LMDB does not withstand a damaged tree.
 * returns 0, ERR_NOTFOUND, ERR_RIGHTS, ERR_DAMAGED, ERR_NOMEM, ERR_IO. */
__attribute__((nonnull, warn_unused_result))
int node_reader_open(const char *path, struct node_reader **out);

/* NULL is allowed. */
void node_reader_close(struct node_reader *reader);

/* Stand before the first node whose key is (zone_id, any name) or above. */
__attribute__((nonnull))
void node_reader_seek(struct node_reader *reader, uint32_t zone_id);

/* The next node, borrowed until the reader is closed, and its offset in the file.
 * returns 0; ERR_NOTFOUND behind the last one; ERR_DAMAGED; ERR_IO. */
__attribute__((nonnull, warn_unused_result))
int node_reader_next(struct node_reader *reader, struct node *out, uint64_t *off);

#endif
