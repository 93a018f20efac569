/* The buckets of an index while they are filled (shm/generation.h). */
#ifndef LOADER_STORE_SEAL_BUCKETS_H
#define LOADER_STORE_SEAL_BUCKETS_H

#include <stddef.h>
#include <stdint.h>

enum { SEAL_BUCKETS_PENDING = 16 };	/* slots whose cache lines are on their way */

/* All zero is an empty one. */
struct seal_buckets {
	uint64_t *slots;		/* count * INDEX_BUCKET_SLOTS; owned */
	uint64_t count;
	struct {
		uint64_t hash, off;
	} pending[SEAL_BUCKETS_PENDING];
	unsigned pending_count, pending_at;
};

/* Have `count` free buckets; earlier ones are given back.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int seal_buckets_init(struct seal_buckets *buckets, uint64_t count);

__attribute__((nonnull))
void seal_buckets_fini(struct seal_buckets *buckets);

/* Octets of all slots. */
__attribute__((nonnull, pure))
size_t seal_buckets_len(const struct seal_buckets *buckets);

/* Have a slot filled, now or by a later call of this or of the next function.
 * returns 0, or ERR_FULL when a run would pass INDEX_RUN_MAX buckets. */
__attribute__((nonnull, warn_unused_result))
int seal_buckets_add(struct seal_buckets *buckets, uint64_t hash, uint64_t off);

/* Fill all that is pending.  returns as above. */
__attribute__((nonnull, warn_unused_result))
int seal_buckets_flush(struct seal_buckets *buckets);

#endif
