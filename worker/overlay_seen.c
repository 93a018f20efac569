/* Keeping copies of nodes. */
#include "worker/overlay_seen.h"

#include <sys/mman.h>

static const size_t map_len = (size_t)OVERLAY_SEEN_COUNT * OVERLAY_SEEN_LEN;

void
overlay_seen_init(struct overlay_seen *seen)
{
	void *map = mmap(NULL, map_len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	seen->slots = map == MAP_FAILED ? NULL : map;
	seen->batch = 1;
}

void
overlay_seen_fini(struct overlay_seen *seen)
{
	if (seen->slots)
		munmap(seen->slots, map_len);
	seen->slots = NULL;
}

void
overlay_seen_keep(const struct overlay_seen *seen, uint64_t hash, uint64_t commit,
		  struct node *node)
{
	struct overlay_seen_slot *slot = overlay_seen_slot(seen, hash);

	if (slot->batch == seen->batch || node->head.node_len > OVERLAY_SEEN_NODE_MAX)
		return;
	slot->hash = hash;
	slot->commit = commit;
	slot->batch = seen->batch;
	memcpy(slot->node, node->bytes, node->head.node_len);
	node->bytes = slot->node;
}
