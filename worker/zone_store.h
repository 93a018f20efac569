/* What a worker reads from: one whole state of the data (a sealed generation; later
 * with its overlay), behind the few look-ups that answering needs. */
#ifndef WORKER_ZONE_STORE_H
#define WORKER_ZONE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/generation.h"

struct zone_store {
	struct generation gen;
};

/* Open and populate generation `id` below `state_dir`; may take tens of ms: off the
 * query path.  returns 0 with *out owned by the caller, or an error code. */
__attribute__((nonnull, warn_unused_result))
int zone_store_open(const char *state_dir, uint64_t id, struct zone_store **out);

/* Close and free; NULL is allowed.  Off the query path. */
void zone_store_close(struct zone_store *store);

/* Begin to fetch the cache line in which a look-up of `hash` starts. */
static inline void
zone_store_prefetch(const struct zone_store *store, uint64_t hash)
{
	__builtin_prefetch(store->gen.buckets +
			   index_bucket(hash, store->gen.head.bucket_count) * INDEX_BUCKET_SLOTS);
}

#endif
