/* The keyed hash of the flat index, computed from the root down, so that one pass
 * over a name gives the hashes of all its ancestors.
 *
 * Each label is read in 8-octet pieces, length octet first, and folded in by a
 * 64 x 64 -> 128 bit multiplication (the construction of wyhash and of XXH3's
 * short inputs).  Names are chosen by strangers, hence the secret: each generation
 * draws its own, and its builder draws again when a probe run grows too long. */
#ifndef SHM_NAME_HASH_H
#define SHM_NAME_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hash_seed {
	uint64_t a, b;
};

enum {
	NAME_PAD = 8, /* readable octets that must follow any name that is hashed */
};

static inline uint64_t
name_hash_fold(uint64_t x, uint64_t y)
{
	__extension__ unsigned __int128 product = (unsigned __int128)x * y;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The state for the root name. */
static inline uint64_t
name_hash_root(const struct hash_seed *seed)
{
	return seed->a;
}

/* A mask for the first `len` (1..8) octets of a piece in memory.  A table: shifts cost
 * more, for every label. */
static inline uint64_t
name_hash_mask(size_t len)
{
#define MASK(n) (~UINT64_C(0) >> (64 - 8 * (n)))
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	static const uint64_t masks[9] = { 0,	    MASK(1), MASK(2), MASK(3), MASK(4),
					   MASK(5), MASK(6), MASK(7), MASK(8) };

	return masks[len];
#else
	return ~UINT64_C(0) << (64 - 8 * len);
#endif
#undef MASK
}

/* Fold in the `left` octets at `label` that are left of a long one. */
uint64_t name_hash_rest(uint64_t seed_b, uint64_t state, const uint8_t *label, size_t left);

/* Fold in one label.  `label` points at its length octet; up to NAME_PAD octets
 * behind the label are read and masked off (little- or big-endian alike: the
 * index of a generation never leaves its byte order). */
static inline uint64_t
name_hash_label(const struct hash_seed *seed, uint64_t state, const uint8_t *label)
{
	size_t left = label[0] + (size_t)1;
	uint64_t piece;

	memcpy(&piece, label, 8);
	if (__builtin_expect(left > 8, 0)) {
		state = name_hash_fold(state ^ piece, seed->b);
		memcpy(&piece, label + 8, 8);
		left -= 8;
		if (__builtin_expect(left > 8, 0))
			return name_hash_rest(seed->b, state, label + 8, left);
	}
	return name_hash_fold(state ^ (piece & name_hash_mask(left)), seed->b + left);
}

/* The key of (zone id, name) in the index, from the name's state. */
static inline uint64_t
name_hash_key(const struct hash_seed *seed, uint64_t state, uint32_t zone_id)
{
	return name_hash_fold(state + zone_id * UINT64_C(0x9e3779b97f4a7c15), seed->b ^ seed->a);
}

/* All of it for a whole name; NAME_PAD octets behind it must be readable. */
uint64_t name_hash(const struct hash_seed *seed, uint32_t zone_id, const uint8_t *name);

#endif
