/* Signing some records of a steered RRset, into the cache. */
#ifndef LOADER_STEERED_STEERED_MAKE_H
#define LOADER_STEERED_STEERED_MAKE_H

#include "loader/sign/rrset_sign.h"
#include "loader/steered/steered_keys.h"
#include "shm/steered_cache.h"

struct steered_maker {
	struct steered_keys *keys;
	struct steered_cache *cache;
	struct sign_buffer buffer;	/* owned */
};

/* Is the set signed, in the block or in the cache? */
__attribute__((nonnull, warn_unused_result))
bool steered_make_has(const struct steered_maker *maker, const struct node *node,
		      const struct steered *steered, const struct steered_records *set);

/* Sign records of a node's RRset by the keys, and with the times, that all of them are signed
 * with.
 * group    for whom it is the newest set that is signed; NULL: nobody knows
 * returns  0; ERR_RANGE for what the cache does not hold; ERR_NOTFOUND without a key;
 *          ERR_DAMAGED; ERR_NOMEM. */
__attribute__((nonnull(1, 2, 3, 4), warn_unused_result))
int steered_make(struct steered_maker *maker, const struct node *node,
		 const struct steered *steered, const struct steered_records *set,
		 const struct steered_records *group);

#endif
