/* data.mdb of a generation while it is written: an LMDB environment that holds the nodes
 * in key order, front to back, once. */
#ifndef LOADER_STORE_NODE_FILE_H
#define LOADER_STORE_NODE_FILE_H

#include <stdint.h>

struct node_file;

/* Make the new file `path` (which must not exist), mode 0440, and begin to write.
 * Written in transactions of a few MiB: memory does not grow with the file, and a full
 * disk is an error code.  returns 0, ERR_NOMEM, ERR_NOSPACE, ERR_RIGHTS, ERR_IO. */
__attribute__((nonnull, warn_unused_result))
int node_file_create(const char *path, struct node_file **out);

/* Append a node; its key must be above that of the one before.
 * node      a whole node, made by node_writer or checked
 * zone_id   the zone's own id, ZONE_ID_FIRST..: replaces what the node says.  Apex
 *           nodes go into the catalogue and have it in their facts, nodes of
 *           NSEC3_SPACE stay there.
 * returns 0; ERR_EXISTS when the key is not above the last one; or as above. */
__attribute__((nonnull, warn_unused_result))
int node_file_put(struct node_file *file, const uint8_t *node, uint32_t zone_id);

/* Write out and close what was put; `file` is freed in any case.
 * len       octets of the file, all of them used */
__attribute__((nonnull, warn_unused_result))
int node_file_finish(struct node_file *file, uint64_t *len);

/* Close without finishing; the file stays as it is.  NULL is allowed. */
void node_file_abort(struct node_file *file);

#endif
