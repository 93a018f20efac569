/* Looking names up on the straight path: the owner, its ancestors, and names that rdata
 * spells.  LOOKUP_DAMAGED is said of all that is left to the general path. */
#ifndef WORKER_FAST_FIND_H
#define WORKER_FAST_FIND_H

#include "worker/fast.h"
#include "worker/lookup.h"

/* ---- names of the question ---- */

/* In the overlay, behind a full bucket, or where the tag of another name stands in the
 * way. */
__attribute__((noinline)) static enum lookup_result
fast_find_further(const struct fast *f, const struct stage *stage, uint64_t hash,
		  const uint8_t *name, unsigned name_len, const struct sealed_node **out)
{
	struct node node = { .bytes = NULL };
	enum lookup_result found =
		lookup(f->store, hash, stage->facts->zone_id, name, name_len, &node);

	*out = (const struct sealed_node *)node.bytes;
	return found;
}

/* Begin to fetch the node of a key's hash, when its bucket has come or at once.
 * returns its offset, see lookup_fetch_node. */
static inline uint64_t
fast_fetch_node(const struct fast *f, uint64_t hash)
{
	return lookup_fetch_node(f->store, zone_store_prefetch(f->store, hash), hash, 0);
}

/* Find the node of a name below the apex; `off` is what was found in the bucket.
 * returns LOOKUP_DAMAGED for all that is left to the general path. */
static inline enum lookup_result
fast_find_at(const struct fast *f, const struct stage *stage, uint64_t hash, uint64_t off,
	     const uint8_t *name, unsigned name_len, const struct sealed_node **out)
{
	if (lookup_may_be_live(f->store, hash))
		return fast_find_further(f, stage, hash, name, name_len, out);
	*out = sealed_node_at(&f->store->gen, off, stage->facts->zone_id, name, name_len,
			      name_len - fast_apex(stage)->head.owner_len);
	if (*out)
		return LOOKUP_FOUND;
	if (off == LOOKUP_NOWHERE)
		return LOOKUP_MISSING;
	return fast_find_further(f, stage, hash, name, name_len, out);
}

/* The node of the suffix of `labels` labels, more than the apex has. */
static enum lookup_result
fast_find_suffix(const struct fast *f, const struct query *q, const struct stage *stage,
		 unsigned labels, const struct sealed_node **out)
{
	uint32_t zone_id = stage->facts->zone_id;
	uint64_t hash =
		name_hash_key(&f->store->gen.head.seed, q->state[labels], zone_id);

	return fast_find_at(f, stage, hash, fast_fetch_node(f, hash),
			    query_suffix(q, labels), query_suffix_len(q, labels), out);
}

/* The hash of the key of "*" below the suffix of `labels` labels. */
static inline uint64_t
fast_hash_wildcard(const struct fast *f, const struct query *q, const struct stage *stage,
		   unsigned labels)
{
	static const uint8_t asterisk[2 + NAME_PAD] = { 1, '*' };
	const struct hash_seed *seed = &f->store->gen.head.seed;

	return name_hash_key(seed, name_hash_label(seed, q->state[labels], asterisk),
			     stage->facts->zone_id);
}

/* Spell it.  returns its length. */
static inline unsigned
fast_spell_wildcard(const struct query *q, unsigned labels,
		    uint8_t name[2 + DNAME_MAX + FAST_COPY_STEP])
{
	unsigned len = query_suffix_len(q, labels);

	name[0] = 1;
	name[1] = '*';
	fast_copy(name + 2, query_suffix(q, labels), len);
	return len + 2;
}

/* Find "*" below the suffix of `labels` labels.  returns false when that is left to the
 * general path. */
static bool
fast_find_wildcard(const struct fast *f, const struct query *q, const struct stage *stage,
		   unsigned labels, const struct sealed_node **out)
{
	uint64_t hash = fast_hash_wildcard(f, q, stage, labels);
	uint8_t name[2 + DNAME_MAX + FAST_COPY_STEP];
	unsigned len = fast_spell_wildcard(q, labels, name);

	return len <= DNAME_MAX && fast_find_at(f, stage, hash, fast_fetch_node(f, hash),
						name, len, out) == LOOKUP_FOUND;
}

/* Bits of the depths, from the apex's on and below `labels`, at which cuts or DNAMEs may
 * stand in the way; all when there are too many labels for a word. */
static inline uint64_t
fast_obstacle_depths(const struct stage *stage, unsigned labels)
{
	const struct zone_facts *facts = stage->facts;

	if (labels > 63)
		return ~UINT64_C(0);
	return (facts->cut_depths[0] | facts->dname_depths[0]) &
	       ((UINT64_C(1) << labels) - (UINT64_C(1) << stage->zone_labels));
}

/* Go down from the apex over `depths`, to the deepest node there that exists; *missing
 * comes down to the first depth without one.
 * returns false when a cut or DNAME stands in the way, or may do so. */
static bool
fast_pass_depths(const struct fast *f, const struct query *q, const struct stage *stage,
		 uint64_t depths, const struct sealed_node **node, unsigned *labels,
		 unsigned *missing)
{
	if (depths & (UINT64_C(1) << stage->zone_labels))
		return false;
	for (; depths; depths &= depths - 1) {
		unsigned depth = (unsigned)__builtin_ctzll(depths);
		const struct sealed_node *met;

		switch (fast_find_suffix(f, q, stage, depth, &met)) {
		case LOOKUP_MISSING:
			*missing = depth;
			return true;
		case LOOKUP_DAMAGED:
			return false;
		case LOOKUP_FOUND:
			break;
		}
		if (met->head.flags & (NODE_HAS_NS | NODE_HAS_DNAME))
			return false;
		*node = met;
		*labels = depth;
	}
	return true;
}

/* Does nothing stand between the apex and the name, which exists? */
__attribute__((noinline)) static bool
fast_is_passable(const struct fast *f, const struct query *q, const struct stage *stage,
		 uint64_t depths)
{
	const struct sealed_node *node;
	unsigned labels, missing = q->label_count;

	return q->label_count <= 63 &&
	       fast_pass_depths(f, q, stage, depths, &node, &labels, &missing) &&
	       missing == q->label_count;
}

static inline bool
fast_is_clear(const struct fast *f, const struct query *q, const struct stage *stage)
{
	const struct zone_facts *facts = stage->facts;
	uint64_t depths = facts->cut_depths[0] | facts->dname_depths[0];
	unsigned labels = q->label_count;

	/* the usual case, in few instructions: none above the name, whichever zone's */
	if (__builtin_expect(labels <= 63 && depths << (64 - labels) == 0, 1))
		return true;
	depths = fast_obstacle_depths(stage, labels);
	return depths == 0 || fast_is_passable(f, q, stage, depths);
}

/* ---- names in rdata ---- */

/* The hash of the key of a name of labels above the apex, `prefix_len` octets of them (1 or
 * more).  *labels receives their number.  returns false when they are none, or too many. */
static inline bool
fast_hash_prefix(const struct fast *f, const struct query *q, const struct stage *stage,
		 const uint8_t *prefix, unsigned prefix_len, unsigned *labels,
		 uint64_t *hash)
{
	const struct hash_seed *seed = &f->store->gen.head.seed;
	uint8_t starts[DNAME_LABELS_MAX];
	unsigned count = 0, at = 0;
	uint64_t state = q->state[stage->zone_labels];

	if (prefix_len > DNAME_MAX - (unsigned)fast_apex(stage)->head.owner_len)
		return false;
	while (at < prefix_len) {
		if (prefix[at] == 0 || prefix[at] > DNAME_LABEL_MAX)
			return false;
		starts[count++] = (uint8_t)at;
		at += prefix[at] + 1u;
	}
	if (at != prefix_len)
		return false;
	*labels = count;
	while (count > 0)
		state = name_hash_label(seed, state, prefix + starts[--count]);
	*hash = name_hash_key(seed, state, stage->facts->zone_id);
	return true;
}

/* Find it where its bucket does not tell, or not alone. */
__attribute__((noinline)) static enum lookup_result
fast_find_prefix_further(const struct fast *f, const struct stage *stage, uint64_t hash,
			 const uint8_t *prefix, unsigned prefix_len,
			 const struct sealed_node **out)
{
	unsigned apex_len = fast_apex(stage)->head.owner_len;
	uint8_t name[DNAME_MAX];

	memcpy(name, prefix, prefix_len);
	memcpy(name + prefix_len, sealed_owner(fast_apex(stage)), apex_len);
	return fast_find_further(f, stage, hash, name, prefix_len + apex_len, out);
}

/* Find the node of a name of labels above the apex, 1 or more, whose key hashes to `hash`;
 * `off` is what was found in its bucket, FAST_COPY_STEP octets are readable behind it.
 * returns LOOKUP_DAMAGED for all that is left to the general path. */
__attribute__((always_inline)) static inline enum lookup_result
fast_find_prefix_at(const struct fast *f, const struct stage *stage, uint64_t hash,
		    uint64_t off, const uint8_t *prefix, unsigned prefix_len,
		    const struct sealed_node **out)
{
	if (lookup_may_be_live(f->store, hash))
		return fast_find_prefix_further(f, stage, hash, prefix, prefix_len, out);
	*out = sealed_node_at(&f->store->gen, off, stage->facts->zone_id, prefix,
			      prefix_len + fast_apex(stage)->head.owner_len, prefix_len);
	if (*out)
		return LOOKUP_FOUND;
	if (off == LOOKUP_NOWHERE)
		return LOOKUP_MISSING;
	return fast_find_prefix_further(f, stage, hash, prefix, prefix_len, out);
}

/* The same for a name of any number of labels, lower-cased, and *labels receives that. */
__attribute__((noinline)) static enum lookup_result
fast_find_prefix(const struct fast *f, const struct query *q, const struct stage *stage,
		 const uint8_t *prefix, unsigned prefix_len, unsigned *labels,
		 const struct sealed_node **out)
{
	uint64_t hash;

	*out = fast_apex(stage);
	*labels = 0;
	if (prefix_len == 0)
		return LOOKUP_FOUND;
	if (!fast_hash_prefix(f, q, stage, prefix, prefix_len, labels, &hash))
		return LOOKUP_DAMAGED;
	return fast_find_prefix_at(f, stage, hash, fast_fetch_node(f, hash), prefix,
				   prefix_len, out);
}

#endif
