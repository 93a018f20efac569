/* A worker's view of an overlay: one read transaction, renewed between batches.
 * The only file of the worker that includes lmdb.h is its .c. */
#ifndef WORKER_OVERLAY_VIEW_H
#define WORKER_OVERLAY_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/node.h"
#include "shm/overlay_filter.h"
#include "worker/overlay_seen.h"

struct overlay_view {
	struct MDB_env *env;		/* NULL: no overlay */
	struct MDB_txn *txn;
	struct MDB_cursor *cursor;	/* in it */
	unsigned dbi;
	bool reading;			/* the transaction is live */
	bool active;			/* some key was ever committed: look at the filter */
	uint64_t seen_seq;		/* commit_seq before the transaction was renewed */
	struct overlay_filter filter;
	struct overlay_seen seen;	/* kept only with a filter */
};

enum overlay_answer {
	OVERLAY_UNKNOWN = 0,		/* no change: the generation's node stands */
	OVERLAY_NODE,
	OVERLAY_GONE,
	OVERLAY_DAMAGED,
};

/* Open the overlay in directory `dir`; it does not exist: an empty view, and 0.
 * Called in the process that will read, by whichever thread. */
__attribute__((nonnull, warn_unused_result))
int overlay_view_open(const char *dir, struct overlay_view *out);

__attribute__((nonnull))
void overlay_view_close(struct overlay_view *view);

/* Before a batch: see all that has been committed.  Without news since the last call
 * this is one load.  Nodes found earlier are no longer valid after it. */
__attribute__((nonnull))
void overlay_view_renew(struct overlay_view *view);

/* Before blocking: let go of the pages, so that they can be used again. */
__attribute__((nonnull))
void overlay_view_rest(struct overlay_view *view);

/* Look (zone_id, name) up, whose key hashes to `hash`; asked only when the filter may have
 * it.  *out is borrowed until the next overlay_view_renew; OVERLAY_VALUE_TAIL octets behind
 * it are readable. */
__attribute__((nonnull))
enum overlay_answer overlay_view_find(const struct overlay_view *view, uint64_t hash,
				      uint32_t zone_id, const uint8_t *name, size_t name_len,
				      struct node *out);

/* Find the node of the last member at or before `name` (NULL: the last of all) of the chain
 * that is ordered under `chain_id` (shm/overlay_value.h).  *out is borrowed as above.
 * returns OVERLAY_UNKNOWN when there is none. */
__attribute__((nonnull(1, 4)))
enum overlay_answer overlay_view_find_member(const struct overlay_view *view,
					     uint32_t chain_id, const uint8_t *name,
					     struct node *out);

static inline bool
overlay_view_may_have(const struct overlay_view *view, uint64_t hash)
{
	return view->active &&
	       (!view->filter.head || overlay_filter_may_have(&view->filter, hash));
}

/* Begin to fetch what overlay_view_may_have reads.  (Always inlined: gcc takes a call of a
 * function that only prefetches for one without effect, and drops it.) */
__attribute__((always_inline))
static inline void
overlay_view_prefetch(const struct overlay_view *view, uint64_t hash)
{
	if (view->active && view->filter.head)
		__builtin_prefetch(overlay_filter_line(&view->filter, hash));
}

/* Half 0 or 1 of the depths of apexes that the overlay has; without a filter, all. */
static inline uint64_t
overlay_view_apex_depths(const struct overlay_view *view, unsigned half)
{
	if (!view->active)
		return 0;
	if (!view->filter.head)
		return ~UINT64_C(0);
	return atomic_load_explicit(&view->filter.head->apex_depths[half],
				    memory_order_relaxed);
}

#endif
