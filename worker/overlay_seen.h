/* Nodes of the overlay that were found lately: copies, so that a name that is asked for
 * often costs no search of the tree, also while other names change many times a second.
 *
 * A copy is good as long as no commit has touched its line of the filter since the one
 * that its reader had seen (overlay_filter_changed_in).  Where each stands follows from
 * its hash; one that was given out in a batch stays there, and good, until the batch is
 * over: in it a node has one address. */
#ifndef WORKER_OVERLAY_SEEN_H
#define WORKER_OVERLAY_SEEN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shm/node.h"
#include "shm/overlay_value.h"

enum {
	OVERLAY_SEEN_COUNT = 4096,	/* slots: 4 MiB of memory, once all were used */
	OVERLAY_SEEN_LEN = 1024,	/* of a slot; longer nodes are not kept */
	OVERLAY_SEEN_HEAD = 24,
	OVERLAY_SEEN_NODE_MAX = OVERLAY_SEEN_LEN - OVERLAY_SEEN_HEAD - OVERLAY_VALUE_TAIL,
};

struct overlay_seen_slot {
	uint64_t hash;
	uint64_t commit;	/* that was seen when the node was copied */
	uint64_t batch;		/* in which it was given out last */
	uint8_t node[OVERLAY_SEEN_LEN - OVERLAY_SEEN_HEAD];
};
_Static_assert(sizeof(struct overlay_seen_slot) == OVERLAY_SEEN_LEN, "slots fill pages");

struct overlay_seen {
	struct overlay_seen_slot *slots;	/* NULL: nothing is kept */
	uint64_t batch;
};

/* Without memory nothing will be kept. */
__attribute__((nonnull))
void overlay_seen_init(struct overlay_seen *seen);

__attribute__((nonnull))
void overlay_seen_fini(struct overlay_seen *seen);

static inline struct overlay_seen_slot *
overlay_seen_slot(const struct overlay_seen *seen, uint64_t hash)
{
	return &seen->slots[hash % OVERLAY_SEEN_COUNT];
}

/* The copy of (zone_id, name), whose key hashes to `hash`, made since commit `changed_in`.
 * returns false when there is none.  *out is borrowed until the next batch begins;
 * OVERLAY_VALUE_TAIL octets behind it are readable. */
static inline bool
overlay_seen_find(const struct overlay_seen *seen, uint64_t hash, uint64_t changed_in,
		  uint32_t zone_id, const uint8_t *name, size_t name_len, struct node *out)
{
	struct overlay_seen_slot *slot = overlay_seen_slot(seen, hash);

	if (slot->hash != hash ||
	    (slot->commit < changed_in && slot->batch != seen->batch))
		return false;
	out->bytes = slot->node;
	memcpy(&out->head, slot->node, sizeof out->head);
	if (out->head.zone_id != zone_id || out->head.owner_len != name_len ||
	    memcmp(node_owner(out), name, name_len) != 0)
		return false;
	slot->batch = seen->batch;
	return true;
}

/* Copy a node that was found when `commit` was seen, and let *node be the copy, if there
 * is room for it now. */
__attribute__((nonnull))
void overlay_seen_keep(const struct overlay_seen *seen, uint64_t hash, uint64_t commit,
		       struct node *node);

#endif
