/* The members of a zone's chain of denial, the generation's order and the overlay's merged
 * (shm/overlay_value.h): who proves that a name does not exist. */
#ifndef WORKER_CHAIN_H
#define WORKER_CHAIN_H

#include "shm/nsec3_hash.h"
#include "worker/lookup.h"
#include "worker/zone_store.h"

/* A zone's chain of NSEC3, and how its hashes are made. */
struct chain_nsec3 {
	uint32_t zone_id;
	struct nsec3_facts facts;
	const uint8_t *salt;		/* in the apex node */
	const uint8_t *apex;		/* its owner, of apex_len octets */
	unsigned apex_len;
};

/* Find the node whose NSEC matches or covers `name` (lower-cased, wire form, NAME_PAD octets
 * behind it readable; in the zone of `zone_id` with the apex `apex`, its own or below it).
 * returns LOOKUP_MISSING when there is no chain. */
__attribute__((nonnull, warn_unused_result))
enum lookup_result chain_find_nsec(const struct zone_store *store, uint32_t zone_id,
				   const struct node *apex, const uint8_t *name,
				   unsigned name_len, struct node *out);

/* returns false when the zone with the apex `apex` has no usable parameters. */
__attribute__((nonnull, warn_unused_result))
bool chain_open_nsec3(uint32_t zone_id, const struct node *apex, struct chain_nsec3 *out);

/* Find the node whose NSEC3 matches `hash`, or covers it: the last one before it, going
 * around from the first to the last (RFC 5155, section 1.3).  *matches says which.
 * returns LOOKUP_MISSING when there is no chain. */
__attribute__((nonnull, warn_unused_result))
enum lookup_result chain_find_nsec3(const struct zone_store *store,
				    const struct chain_nsec3 *chain,
				    const uint8_t hash[NSEC3_HASH_LEN], struct node *out,
				    bool *matches);

/* Does the overlay know of the zone's chain: is the generation's order not the whole? */
__attribute__((nonnull))
static inline bool
chain_is_live(const struct zone_store *store, uint32_t chain_id)
{
	const struct hash_seed *seed = &store->gen.head.seed;

	return lookup_may_be_live(store, name_hash_key(seed, name_hash_root(seed),
						       chain_id | CHAIN_SPACE));
}

#endif
