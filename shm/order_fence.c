/* Making fences and heads. */
#include "shm/order_fence.h"

#include <string.h>

#include "shm/wire.h"

void
order_block_add(struct order_block *block, const uint8_t *owner, unsigned apex_labels)
{
	uint8_t key[DNAME_KEY_MAX], *to = block->keys[block->count++];
	size_t len = dname_key(0, owner, key), at = DNAME_KEY_PREFIX;

	/* 0 ends a label and stands nowhere else */
	for (; apex_labels > 0 && at < len; at++)
		apex_labels -= key[at] == 0;
	memset(to, 0, sizeof block->keys[0]);
	memcpy(to, key + at, len - at);
}

/* How many octets, of as many as a fence has, begin both? */
static unsigned
common_len(const uint8_t *a, const uint8_t *b)
{
	unsigned len = 0;

	while (len < INDEX_FENCE_KEY && a[len] == b[len])
		len++;
	return len;
}

void
order_block_finish(const struct order_block *block, struct index_fence *fence,
		   uint64_t heads[INDEX_FENCE_STEP])
{
	memcpy(fence->key, block->keys[0], sizeof fence->key);
	fence->skip = (uint16_t)common_len(block->keys[0], block->keys[block->count - 1]);
	for (unsigned i = 0; i < block->count; i++)
		heads[i] = wire_get_u64(block->keys[i] + fence->skip);
}
