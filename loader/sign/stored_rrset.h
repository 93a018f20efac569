/* Stored RRsets read back: the records that a node's RRset was rendered from. */
#ifndef LOADER_SIGN_STORED_RRSET_H
#define LOADER_SIGN_STORED_RRSET_H

#include <stddef.h>
#include <stdint.h>

#include "loader/sign/rrset_sign.h"
#include "loader/zone/arena.h"
#include "shm/node.h"

/* Read an RRset of `node`, its names written out, in stored order, which is canonical.
 * arena    gets the records, which live as long
 * out      the owner is borrowed from the node
 * returns  0; ERR_NOMEM; ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int stored_rrset_read(const struct node *node, const struct rrset *stored, const uint8_t *apex,
		      size_t apex_len, struct arena *arena, struct sign_rrset *out);

#endif
