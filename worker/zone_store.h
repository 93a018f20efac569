/* What a worker reads from: one whole state of the data, a sealed generation with its
 * overlay, behind the few look-ups that answering needs. */
#ifndef WORKER_ZONE_STORE_H
#define WORKER_ZONE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shm/dname.h"
#include "shm/generation.h"
#include "worker/overlay_view.h"

enum { ZONE_STORE_NO_APEX = 0xff }; /* in deepest_apex: none has so few */

struct zone_store {
	struct generation gen;
	struct overlay_view overlay;
	uint64_t apex_depths[2];	/* as in struct index_head, the overlay's included */
	/* From them: the most labels, at most n, that some apex has. */
	uint8_t deepest_apex[DNAME_LABELS_MAX + 1];
};

/* Open generation `id` below `state_dir`, its index populated, its data not yet
 * (generation_populate); may take tens of ms: off the query path.
 * returns 0 with *out owned by the caller, or an error code. */
__attribute__((nonnull, warn_unused_result))
int zone_store_open(const char *state_dir, uint64_t id, struct zone_store **out);

/* Close and free; NULL is allowed.  Off the query path. */
void zone_store_close(struct zone_store *store);

/* The same for a generation in any directory, in place, all populated.  Its overlay is looked for
 * once, here: who writes one makes it before the generation is announced. */
__attribute__((nonnull, warn_unused_result))
int zone_store_init(const char *dir, struct zone_store *out);

__attribute__((nonnull))
void zone_store_fini(struct zone_store *store);

/* Take over the depths of apexes that generation and overlay have now. */
static inline void
zone_store_set_depths(struct zone_store *store)
{
	uint64_t depths[2];
	uint8_t deepest = ZONE_STORE_NO_APEX;

	for (unsigned i = 0; i < 2; i++)
		depths[i] = store->gen.head.apex_depths[i] |
			    overlay_view_apex_depths(&store->overlay, i);
	if (depths[0] == store->apex_depths[0] && depths[1] == store->apex_depths[1])
		return;
	for (int n = 0; n <= DNAME_LABELS_MAX; n++) {
		if (depths[n / 64] >> n % 64 & 1)
			deepest = (uint8_t)n;
		store->deepest_apex[n] = deepest;
	}
	memcpy(store->apex_depths, depths, sizeof depths);
}

/* Before each batch: take in the live changes that are committed by now.  The batch
 * sees all of them and no later one. */
static inline void
zone_store_renew(struct zone_store *store)
{
	if (!store->overlay.env)
		return;
	overlay_view_renew(&store->overlay);
	zone_store_set_depths(store);
}

/* Before waiting for anything: hold nothing that keeps the overlay from using its pages
 * again. */
static inline void
zone_store_rest(struct zone_store *store)
{
	overlay_view_rest(&store->overlay);
}

/* Begin to fetch the cache lines in which a look-up of `hash` starts.
 * returns the bucket.  (Always inlined, as overlay_view_prefetch.) */
__attribute__((always_inline))
static inline const uint64_t *
zone_store_prefetch(const struct zone_store *store, uint64_t hash)
{
	const uint64_t *bucket =
		store->gen.buckets +
		index_bucket(hash, store->gen.head.bucket_count) * INDEX_BUCKET_SLOTS;

	overlay_view_prefetch(&store->overlay, hash);
	__builtin_prefetch(bucket);
	return bucket;
}

#endif
