/* Signatures over some records of steered RRsets (shm/steered.h) that were made on demand:
 * shared memory that the signer alone writes and every worker reads, without a lock.
 *
 *	+------+--------+--------+-- - -
 *	| head | slot 0 | slot 1 |		a bucket is STEERED_WAYS slots
 *	+ 128 -+ 1024 --+--------+-- - -
 *
 * An entry stands in any slot of the bucket that its key hashes to; the one that was written
 * first makes room for a new one.  Nothing is ever taken back: a key holds the mark of the
 * RRset, and with other data or other signatures that is another one.  Their times are those
 * of the signatures over all records. */
#ifndef SHM_STEERED_CACHE_H
#define SHM_STEERED_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shm/dname.h"
#include "shm/seqlock.h"
#include "shm/steered.h"

enum {
	STEERED_WAYS = 4,
	STEERED_SLOT_LEN = 1024,
	STEERED_SLOT_HEAD = 64,
	STEERED_SLOT_TAIL = 40,
	STEERED_SLOT_ROOM = STEERED_SLOT_LEN - STEERED_SLOT_HEAD - STEERED_SLOT_TAIL,
};

enum steered_entry {
	STEERED_ENTRY_SET = 0,		/* of these very records */
	STEERED_ENTRY_GROUP = 1,	/* of what was signed last for who is to have some of
					 * these, were they all up */
};

/* What an entry is of; the owner is borrowed. */
struct steered_key {
	uint64_t mark;
	struct steered_records of;
	uint16_t type;
	uint8_t entry;			/* enum steered_entry */
	uint8_t owner_len;
	const uint8_t *owner;		/* lower-case wire form, of the node */
};

/* A cache line of what is compared, then what is copied; what few ask for comes last. */
struct steered_slot {
	_Atomic uint32_t seq;		/* odd while it is written */
	uint16_t type;
	uint8_t entry, owner_len;
	uint64_t mark;			/* 0: never written */
	struct steered_records of;	/* of the key */
	uint16_t sig_len;
	uint16_t reserved[7];
	uint8_t octets[STEERED_SLOT_ROOM]; /* the owner, then the signatures */
	struct steered_records set;	/* over which records the signatures are */
	uint64_t number;		/* grows with each entry */
};
_Static_assert(sizeof(struct steered_slot) == STEERED_SLOT_LEN, "slots fill pages");

struct steered_cache {
	_Alignas(128) uint64_t bucket_count; /* 0: nothing is kept */
	uint64_t seed;
	uint64_t written;		/* signer */
	_Alignas(128) struct steered_slot slots[];
};

/* A mapping that children inherit, of so many octets.  returns NULL without memory. */
__attribute__((warn_unused_result))
struct steered_cache *steered_cache_create(uint64_t len);

/* In a process that only reads: it cannot write from now on.  Failing is harmless. */
__attribute__((nonnull))
void steered_cache_protect(struct steered_cache *cache);

/* Do signatures of this length over an RRset of such an owner fit into a slot? */
static inline bool
steered_cache_holds(const struct steered_cache *cache, unsigned owner_len, unsigned sig_len)
{
	return cache && cache->bucket_count > 0 && owner_len + sig_len <= STEERED_SLOT_ROOM;
}

static inline uint64_t
steered_cache_mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* Of all but type and owner: the mark tells those apart.  Of at most 64 records, which is
 * usual, one word is mixed in. */
static inline uint64_t
steered_cache_hash(const struct steered_cache *cache, const struct steered_key *key)
{
	const uint64_t *bits = key->of.bits;
	uint64_t hash = steered_cache_mix(cache->seed ^ key->mark ^ key->entry, bits[0]);

	if (bits[1] | bits[2] | bits[3])
		for (unsigned i = 1; i < STEERED_WORDS; i++)
			hash = steered_cache_mix(hash, bits[i]);
	return hash;
}
_Static_assert(STEERED_WORDS == 4, "words are written out, here and below");

static inline uint64_t
steered_cache_bucket(const struct steered_cache *cache, const struct steered_key *key)
{
	__extension__ typedef unsigned __int128 wide;

	return (uint64_t)((wide)steered_cache_hash(cache, key) * cache->bucket_count >> 64) *
	       STEERED_WAYS;
}

static inline bool
steered_records_equal(const struct steered_records *a, const struct steered_records *b)
{
	return ((a->bits[0] ^ b->bits[0]) | (a->bits[1] ^ b->bits[1]) |
		(a->bits[2] ^ b->bits[2]) | (a->bits[3] ^ b->bits[3])) == 0;
}

static inline bool
steered_slot_is(const struct steered_slot *slot, const struct steered_key *key)
{
	return slot->mark == key->mark && slot->type == key->type &&
	       slot->entry == key->entry && slot->owner_len == key->owner_len &&
	       steered_records_equal(&slot->of, &key->of) &&
	       dname_equal(slot->octets, key->owner, key->owner_len);
}

/* Copy the signatures, of `sig_len` octets; *set receives the records that they are over.
 * What stands in `to` is undefined when there are none.  returns whether there are. */
__attribute__((always_inline)) static inline bool
steered_cache_get(const struct steered_cache *cache, const struct steered_key *key,
		  unsigned sig_len, struct steered_records *set, uint8_t *to)
{
	const struct steered_slot *slot = cache->slots + steered_cache_bucket(cache, key);

	for (const struct steered_slot *end = slot + STEERED_WAYS; slot < end; slot++) {
		uint32_t seq = seqlock_read(&slot->seq);

		if (!steered_slot_is(slot, key) || slot->sig_len != sig_len)
			continue;
		*set = slot->set;
		memcpy(to, slot->octets + key->owner_len, sig_len);
		if (seqlock_held(&slot->seq, seq))
			return true;
	}
	return false;
}

/* Signer: keep signatures over `set`, which fit. */
__attribute__((nonnull))
void steered_cache_put(struct steered_cache *cache, const struct steered_key *key,
		       const struct steered_records *set, const uint8_t *signatures,
		       unsigned sig_len);

#endif
