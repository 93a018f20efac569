/* Probing the store for one name: the flat index of the generation, in steps that a
 * batch can interleave (fetch the bucket; fetch the node; look).  What the overlay has
 * stands for the generation's, a tombstone for nothing; its filter is asked first. */
#ifndef WORKER_LOOKUP_H
#define WORKER_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "worker/zone_store.h"

enum lookup_result {
	LOOKUP_MISSING = 0,
	LOOKUP_FOUND,
	LOOKUP_DAMAGED, /* an offset or length contradicts the map */
};

enum {
	LOOKUP_NODE_LINES = 3, /* cache lines of a node that are fetched ahead */
	CACHE_LINE = 64,
};

/* Said in place of an offset, which has 40 bits. */
#define LOOKUP_UNKNOWN (~UINT64_C(0)) /* look for it */
#define LOOKUP_NOWHERE (~UINT64_C(1)) /* not in the generation */

static inline void
lookup_prefetch_lines(const uint8_t *at, unsigned lines)
{
#pragma GCC unroll 8
	for (unsigned i = 0; i < lines; i++)
		__builtin_prefetch(at + (size_t)i * CACHE_LINE);
}

/* The slots of a bucket that hold the tag of `hash`, as bits 0 to 7; among them free ones,
 * where the tag is 0.  Further bits are undefined unless all of these are 0. */
static inline unsigned
lookup_bucket(const uint64_t slot[INDEX_BUCKET_SLOTS], uint64_t hash)
{
#ifdef __SSE2__
	/* the high halves of four slots at a time; a loop costs up to twice as much */
	const __m128 *pair = (const __m128 *)(const void *)slot;
	__m128i tag = _mm_set1_epi32((int)(hash & ((1u << INDEX_TAG_BITS) - 1)));
	__m128 low = _mm_shuffle_ps(pair[0], pair[1], _MM_SHUFFLE(3, 1, 3, 1));
	__m128 high = _mm_shuffle_ps(pair[2], pair[3], _MM_SHUFFLE(3, 1, 3, 1));
	__m128i first = _mm_srli_epi32(_mm_castps_si128(low), 32 - INDEX_TAG_BITS);
	__m128i second = _mm_srli_epi32(_mm_castps_si128(high), 32 - INDEX_TAG_BITS);
	__m128i same = _mm_packs_epi32(_mm_cmpeq_epi32(first, tag),
				       _mm_cmpeq_epi32(second, tag));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(same, same));
#else
	unsigned bits = 0;

	for (unsigned i = 0; i < INDEX_BUCKET_SLOTS; i++)
		bits |= (unsigned)((slot[i] ^ index_tag(hash)) >> INDEX_OFFSET_BITS == 0)
			<< i;
	return bits;
#endif
}

/* The offset of the node that the first slot with the hash's tag points at; or, when its
 * bucket has none, one of the two above.  Begins to fetch `lines` cache lines. */
static inline uint64_t
lookup_fetch_node(const struct zone_store *store, const uint64_t *bucket, uint64_t hash,
		  unsigned lines)
{
	unsigned bits = lookup_bucket(bucket, hash);
	uint64_t off;

	/* slots fill from the front: a free one at the end, and nothing has run over */
	if (bits == 0)
		return bucket[INDEX_BUCKET_SLOTS - 1] == 0 ? LOOKUP_NOWHERE : LOOKUP_UNKNOWN;
	off = index_offset(bucket[__builtin_ctz(bits)]);
	lookup_prefetch_lines(store->gen.data + off, lines);
	return off;
}

static inline bool
lookup_node_is(const struct node *node, uint32_t zone_id, const uint8_t *name,
	       unsigned name_len)
{
	return node->head.zone_id == zone_id && node->head.owner_len == name_len &&
	       dname_equal(node_owner(node), name, name_len);
}

/* May the overlay know the key that hashes to `hash`?  Rarely: one test per look-up is
 * all that it costs while there are no live changes. */
static inline bool
lookup_may_be_live(const struct zone_store *store, uint64_t hash)
{
	return __builtin_expect(overlay_view_may_have(&store->overlay, hash), 0);
}

/* Find the node in the generation alone. */
static inline enum lookup_result
lookup_sealed(const struct zone_store *store, uint64_t hash, uint32_t zone_id,
	      const uint8_t *name, unsigned name_len, struct node *out)
{
	const struct generation *gen = &store->gen;
	uint64_t bucket = index_bucket(hash, gen->head.bucket_count),
		 tag = index_tag(hash);

	for (unsigned run = 0; run < INDEX_RUN_MAX; run++) {
		const uint64_t *slot = gen->buckets + bucket * INDEX_BUCKET_SLOTS;

		for (unsigned i = 0; i < INDEX_BUCKET_SLOTS; i++) {
			if (slot[i] == 0)
				return LOOKUP_MISSING;
			if ((slot[i] ^ tag) >> INDEX_OFFSET_BITS)
				continue;
			if (!generation_node_at(gen, index_offset(slot[i]), out))
				return LOOKUP_DAMAGED;
			if (lookup_node_is(out, zone_id, name, name_len))
				return LOOKUP_FOUND;
		}
		bucket = bucket + 1 == gen->head.bucket_count ? 0 : bucket + 1;
	}
	return LOOKUP_MISSING;
}

/* Find it in the overlay, else in the generation. */
__attribute__((noinline, cold)) static enum lookup_result
lookup_live(const struct zone_store *store, uint64_t hash, uint32_t zone_id,
	    const uint8_t *name, unsigned name_len, struct node *out)
{
	switch (overlay_view_find(&store->overlay, hash, zone_id, name, name_len, out)) {
	case OVERLAY_NODE:
		return lookup_node_is(out, zone_id, name, name_len) ? LOOKUP_FOUND
								    : LOOKUP_DAMAGED;
	case OVERLAY_GONE:
		return LOOKUP_MISSING;
	case OVERLAY_DAMAGED:
		return LOOKUP_DAMAGED;
	case OVERLAY_UNKNOWN:
		break;
	}
	return lookup_sealed(store, hash, zone_id, name, name_len, out);
}

/* Find the node of (zone_id, name), whose key hashes to `hash`. */
static inline enum lookup_result
lookup(const struct zone_store *store, uint64_t hash, uint32_t zone_id,
       const uint8_t *name, unsigned name_len, struct node *out)
{
	if (lookup_may_be_live(store, hash))
		return lookup_live(store, hash, zone_id, name, name_len, out);
	return lookup_sealed(store, hash, zone_id, name, name_len, out);
}

/* The same when `off`, from lookup_fetch_node, is where the node most likely stands in
 * the generation. */
static inline enum lookup_result
lookup_fetched(const struct zone_store *store, uint64_t hash, uint64_t off,
	       uint32_t zone_id, const uint8_t *name, unsigned name_len, struct node *out)
{
	if (lookup_may_be_live(store, hash))
		return lookup_live(store, hash, zone_id, name, name_len, out);
	if (off == LOOKUP_NOWHERE)
		return LOOKUP_MISSING;
	if (generation_node_at(&store->gen, off, out) &&
	    lookup_node_is(out, zone_id, name, name_len))
		return LOOKUP_FOUND;
	return lookup_sealed(store, hash, zone_id, name, name_len, out);
}

#endif
