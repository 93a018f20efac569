/* Nodes read where they stand: heads are not copied, and what is read in steps may run
 * over a node's end, into GENERATION_SLACK at the end of a generation's map, or
 * OVERLAY_VALUE_TAIL behind a node that was found in an overlay.
 * For the common case only: whatever looks odd is left to worker/lookup.h and shm/node.h,
 * which tell damage from absence. */
#ifndef WORKER_SEALED_H
#define WORKER_SEALED_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

enum { SEALED_STEP = 16 };

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

/* Bits of the octets, of SEALED_STEP at a time, in which `a` and `b` are equal; further
 * bits are 0. */
static inline uint32_t
sealed_equality(const uint8_t *a, const uint8_t *b)
{
	uint32_t bits = 0;

#ifdef __SSE2__
	__m128i x = _mm_loadu_si128((const __m128i_u *)a);
	__m128i y = _mm_loadu_si128((const __m128i_u *)b);

	bits = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y));
#else
	for (unsigned i = 0; i < SEALED_STEP; i++)
		bits |= (uint32_t)(a[i] == b[i]) << i;
#endif
	return bits;
}

/* Are two runs of `len` octets (1 or more) equal?  Short ones are read beyond their ends,
 * SEALED_STEP octets in all. */
static inline bool
sealed_octets_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	const uint32_t all = (1u << SEALED_STEP) - 1;
	size_t at = len - SEALED_STEP;

	if (len < SEALED_STEP)
		return ~sealed_equality(a, b) << (32 - len) == 0;
	/* from the end on; the last step overlaps the one before */
	for (; at > SEALED_STEP; at -= SEALED_STEP)
		if (sealed_equality(a + at, b + at) != all)
			return false;
	return sealed_equality(a + at, b + at) == all && sealed_equality(a, b) == all;
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
