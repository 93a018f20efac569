/* Finding a name's place in a zone's order (shm/generation.h) without looking at the nodes.
 *
 * The key of a name is what dname_key makes of its labels above the apex: keys compare by
 * memcmp as names do in canonical order.  Of each INDEX_FENCE_STEP entries of a zone there is
 * a fence, the beginning of the first one's key; the entries of most have a beginning in
 * common, `skip` octets long, and the 8 octets of each behind that are its head, as a number,
 * filled up with zeros.  Fences tell the block, heads the place in it; only where octets are
 * equal as far as they go, nodes are compared. */
#ifndef SHM_ORDER_FENCE_H
#define SHM_ORDER_FENCE_H

#include "shm/dname.h"
#include "shm/generation.h"

enum { ORDER_HEAD_LEN = 8 };

/* Keys of up to INDEX_FENCE_STEP entries, in order; all zero is an empty one. */
struct order_block {
	unsigned count;
	/* zeros stand behind each */
	uint8_t keys[INDEX_FENCE_STEP][DNAME_KEY_MAX + ORDER_HEAD_LEN];
};

/* How many fences a zone with so many entries has. */
static inline uint64_t
order_fences_of(uint64_t order_count)
{
	return order_count / INDEX_FENCE_STEP + (order_count % INDEX_FENCE_STEP != 0);
}

/* Add the entry of `owner`, lower-cased, in a zone whose apex has `apex_labels` labels; the
 * block is not full. */
__attribute__((nonnull))
void order_block_add(struct order_block *block, const uint8_t *owner, unsigned apex_labels);

/* Make the fence and the heads of a block with entries. */
__attribute__((nonnull))
void order_block_finish(const struct order_block *block, struct index_fence *fence,
			uint64_t heads[INDEX_FENCE_STEP]);

#endif
