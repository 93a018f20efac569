/* Nodes of a sealed generation read where they stand: heads are not copied, and what is
 * read in steps may run over a node's end, into GENERATION_SLACK at the end of the map.
 * For the common case only: whatever looks odd is left to worker/lookup.h and shm/node.h,
 * which tell damage from absence. */
#ifndef WORKER_SEALED_H
#define WORKER_SEALED_H

#include "shm/dname.h"
#include "shm/generation.h"

/* The heads as they lie there, not aligned. */
struct __attribute__((packed, may_alias)) sealed_node {
	struct node_head head;
};

struct __attribute__((packed, may_alias)) sealed_block {
	struct block_head head;
};

struct __attribute__((packed, may_alias)) sealed_rrset {
	struct rrset_head head;
};

typedef uint64_t sealed_u64 __attribute__((aligned(1), may_alias));

static inline const uint8_t *
sealed_owner(const struct sealed_node *node)
{
	return (const uint8_t *)node + sizeof *node;
}

static inline const uint8_t *
sealed_end(const struct sealed_node *node)
{
	return (const uint8_t *)node + node->head.node_len;
}

/* Its blocks, from the first one on; behind sealed_end when the node is damaged. */
static inline const uint8_t *
sealed_blocks(const struct sealed_node *node)
{
	return sealed_owner(node) + node->head.owner_len;
}

/* Are two runs of `len` octets (1 or more) equal?  Up to 7 octets behind them are read. */
static inline bool
sealed_octets_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t at = 0;

	for (; at + 8 < len; at += 8)
		if (*(const sealed_u64 *)(a + at) != *(const sealed_u64 *)(b + at))
			return false;
	return ((*(const sealed_u64 *)(a + at) ^ *(const sealed_u64 *)(b + at)) &
		name_hash_mask(len - at)) == 0;
}

/* The node at `off` if it is that of (zone_id, name), else NULL: then it may stand
 * elsewhere, or be damaged.  Only the first `own_len` octets (1 or more) of the name are
 * compared: its other labels are those of the zone's apex, as all names under the zone id
 * have them. */
static inline const struct sealed_node *
sealed_node_at(const struct generation *gen, uint64_t off, uint32_t zone_id,
	       const uint8_t *name, unsigned name_len, unsigned own_len)
{
	const struct sealed_node *node;

	if (off >= gen->data_len)
		return NULL;
	node = (const struct sealed_node *)(gen->data + off);
	if (node->head.zone_id != zone_id || node->head.owner_len != name_len ||
	    node->head.node_len > gen->data_len - off ||
	    !sealed_octets_equal(sealed_owner(node), name, own_len))
		return NULL;
	return node;
}

#endif
