/* The straight path. */
#include "worker/answer_fast.h"

#include "shm/wire.h"
#include "worker/edns.h"
#include "worker/lookup.h"
#include "worker/query_common.h"
#include "worker/sealed.h"

_Static_assert(ANSWER_BATCH <= 64, "a batch fits a word of bits");

enum {
	COPY_STEP = 16, /* octets that are copied at once */
	RDATA_AT = 12, /* of a record whose owner is a pointer */
};

typedef uint8_t copy_step __attribute__((vector_size(COPY_STEP), aligned(1), may_alias));

/* The name of labels above the apex that was found for a target last. */
struct fast_target {
	const struct zone_facts *facts; /* of its zone; NULL: none was */
	const struct sealed_node *node;
	const uint8_t *prefix; /* where an RRset spells it */
	unsigned prefix_len;
};

/* What is the same for a whole batch, and what is counted in it. */
struct fast {
	const struct zone_store *store;
	struct stats_block *stats;
	uint8_t opt[2][COPY_STEP]; /* OPT records without and with DO */
	uint64_t with_opt[2]; /* and how many were sent */
	uint64_t nxdomain, nodata, wildcards;
	struct fast_target target;
};

/* An RRset block whose lengths were checked. */
struct fast_rrset {
	const struct sealed_rrset *rrset;
	unsigned len; /* octets to be sent, with signatures for DO */
	unsigned records; /* in them */
};

static inline const struct sealed_node *
fast_apex(const struct stage *stage)
{
	return (const struct sealed_node *)stage->apex;
}

/* ---- looking up ---- */

/* In the overlay, behind a full bucket, or where the tag of another name stands in the
 * way. */
__attribute__((noinline)) static enum lookup_result
find_further(const struct fast *f, const struct stage *stage, uint64_t hash,
	     const uint8_t *name, unsigned name_len, const struct sealed_node **out)
{
	struct node node = { .bytes = NULL };
	enum lookup_result found =
		lookup(f->store, hash, stage->facts->zone_id, name, name_len, &node);

	*out = (const struct sealed_node *)node.bytes;
	return found;
}

/* Find the node of a name below the apex.
 * returns LOOKUP_DAMAGED for all that is left to the general path. */
static enum lookup_result
find(const struct fast *f, const struct stage *stage, uint64_t hash, const uint8_t *name,
     unsigned name_len, const struct sealed_node **out)
{
	uint64_t off;

	if (lookup_may_be_live(f->store, hash))
		return find_further(f, stage, hash, name, name_len, out);
	off = lookup_fetch_node(f->store, zone_store_prefetch(f->store, hash), hash, 0);
	*out = sealed_node_at(&f->store->gen, off, stage->facts->zone_id, name, name_len,
			      name_len - fast_apex(stage)->head.owner_len);
	if (*out)
		return LOOKUP_FOUND;
	if (off == LOOKUP_NOWHERE)
		return LOOKUP_MISSING;
	return find_further(f, stage, hash, name, name_len, out);
}

/* The node of the suffix of `labels` labels, more than the apex has. */
static enum lookup_result
find_suffix(const struct fast *f, const struct query *q, const struct stage *stage,
	    unsigned labels, const struct sealed_node **out)
{
	uint32_t zone_id = stage->facts->zone_id;
	uint64_t hash =
		name_hash_key(&f->store->gen.head.seed, q->state[labels], zone_id);

	return find(f, stage, hash, query_suffix(q, labels), query_suffix_len(q, labels),
		    out);
}

/* Bits of the depths, from the apex's on and below `labels`, at which cuts or DNAMEs may
 * stand in the way; all when there are too many labels for a word. */
static inline uint64_t
obstacle_depths(const struct stage *stage, unsigned labels)
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
pass_depths(const struct fast *f, const struct query *q, const struct stage *stage,
	    uint64_t depths, const struct sealed_node **node, unsigned *labels,
	    unsigned *missing)
{
	if (depths & (UINT64_C(1) << stage->zone_labels))
		return false;
	for (; depths; depths &= depths - 1) {
		unsigned depth = (unsigned)__builtin_ctzll(depths);
		const struct sealed_node *met;

		switch (find_suffix(f, q, stage, depth, &met)) {
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
is_passable(const struct fast *f, const struct query *q, const struct stage *stage,
	    uint64_t depths)
{
	const struct sealed_node *node;
	unsigned labels, missing = q->label_count;

	return q->label_count <= 63 &&
	       pass_depths(f, q, stage, depths, &node, &labels, &missing) &&
	       missing == q->label_count;
}

static inline bool
is_clear(const struct fast *f, const struct query *q, const struct stage *stage)
{
	const struct zone_facts *facts = stage->facts;
	uint64_t depths = facts->cut_depths[0] | facts->dname_depths[0];
	unsigned labels = q->label_count;

	/* the usual case, in few instructions: none above the name, whichever zone's */
	if (__builtin_expect(labels <= 63 && depths << (64 - labels) == 0, 1))
		return true;
	depths = obstacle_depths(stage, labels);
	return depths == 0 || is_passable(f, q, stage, depths);
}

/* ---- blocks ---- */

/* Kind and type of a block as one number, for comparing. */
static inline uint32_t
block_tag(enum block_kind kind, uint16_t type)
{
	const uint16_t halves[2] = { (uint16_t)kind, type };
	uint32_t tag;

	memcpy(&tag, halves, sizeof tag);
	return tag;
}

static inline uint32_t
tag_of(const struct sealed_block *block)
{
	uint32_t tag;

	memcpy(&tag, &block->head, sizeof tag);
	return tag;
}

/* The block of the RRset of `type`, from block `at` of the node on; NULL when there is
 * none. */
static inline const struct sealed_block *
find_block(const struct sealed_node *node, const uint8_t *at, uint16_t type)
{
	const uint8_t *end = sealed_end(node);
	uint32_t tag = block_tag(BLOCK_RRSET, type);

	while (at < end) {
		const struct sealed_block *block = (const struct sealed_block *)at;

		if (tag_of(block) == tag)
			return block;
		at += sizeof *block + block->head.len;
	}
	return NULL;
}

/* Is an RRset of `type`, or what the node has besides its RRsets, known to be unusable; or
 * is the node damaged? */
static inline bool
may_be_bad(const struct sealed_node *node, uint16_t type)
{
	const uint8_t *at = sealed_blocks(node), *end = sealed_end(node);

	while (at < end) {
		const struct sealed_block *block = (const struct sealed_block *)at;

		if (block->head.kind == BLOCK_BAD_RRSET &&
		    (block->head.type == type || block->head.type == BAD_RRSET_ALL))
			return true;
		at += sizeof *block + block->head.len;
	}
	return at != end;
}

/* Take the RRset-shaped block of a node apart.  returns false when it does not fit into the
 * node. */
static inline bool
take_rrset(const struct sealed_node *node, const struct sealed_block *block, bool dnssec,
	   struct fast_rrset *out)
{
	const struct sealed_rrset *rrset = (const struct sealed_rrset *)(block + 1);
	uint32_t need, wire_len = rrset->head.wire_len, sig_len = rrset->head.sig_len;

	need = (uint32_t)(sizeof *rrset +
			  sizeof(struct rrset_patch) * rrset->head.patch_count) +
	       wire_len + sig_len;
	if ((ptrdiff_t)need > sealed_end(node) - (const uint8_t *)rrset)
		return false;
	out->rrset = rrset;
	out->len = wire_len;
	out->records = rrset->head.rr_count;
	if (dnssec) {
		out->len += sig_len;
		out->records += rrset->head.sig_count;
	}
	return true;
}

static inline const uint8_t *
rrset_wire(const struct fast_rrset *rrset)
{
	return (const uint8_t *)(rrset->rrset + 1);
}

static inline const uint8_t *
rrset_patches(const struct fast_rrset *rrset)
{
	return rrset_wire(rrset) + rrset->rrset->head.wire_len +
	       rrset->rrset->head.sig_len;
}

/* ---- emitting ---- */

/* Copy in whole steps: up to COPY_STEP - 1 octets too many. */
static inline void
copy_steps(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t at = 0; at < len; at += COPY_STEP)
		*(copy_step *)(to + at) = *(const copy_step *)(from + at);
}

/* Put what stands in `rrset` behind the question; up to COPY_STEP - 1 octets too many are
 * written.  returns false when that, with an OPT, is not certain to fit. */
static inline bool
put_rrset(struct query *q, const struct fast_rrset *rrset)
{
	if (q->question_end + rrset->len + 2 * COPY_STEP > q->limit)
		return false;
	copy_steps(q->packet + q->question_end, rrset_wire(rrset), rrset->len);
	return true;
}

/* Write OPT, header and counts around the sections, which end at `at`; COPY_STEP octets are
 * free behind them. */
static inline void
finish(struct fast *f, struct query *q, unsigned at, uint8_t rcode, uint64_t answers,
       uint64_t authority, uint64_t additional)
{
	static const uint8_t keep[2] = { FLAG_RD, FLAG_CD };
	const uint8_t set[2] = { FLAG_QR | FLAG_AA, rcode };
	uint64_t counts =
		UINT64_C(1) << 48 | answers << 32 | authority << 16 | additional;
	uint8_t *packet = q->packet;
	uint16_t flags, keep_flags, set_flags;

	if (q->flags & QUERY_EDNS) {
		size_t dnssec = q->flags / QUERY_DO & 1;

		*(copy_step *)(packet + at) = *(const copy_step *)f->opt[dnssec];
		at += EDNS_PLAIN_LEN;
		counts++;
		f->with_opt[dnssec]++;
	}
	memcpy(&flags, packet + 2, sizeof flags);
	memcpy(&keep_flags, keep, sizeof keep);
	memcpy(&set_flags, set, sizeof set);
	flags = (uint16_t)((flags & keep_flags) | set_flags);
	memcpy(packet + 2, &flags, sizeof flags);
	wire_put_u64(packet + 4, counts);
	q->response_len = at;
}

/* Set the pointers of an SOA record at offset `base`, whose owner is the apex at `apex_at`.
 * returns false when they are not as they should be. */
static inline bool
set_soa_pointers(uint8_t *to, unsigned base, const struct fast_rrset *soa,
		 unsigned apex_at)
{
	const uint8_t *patches = rrset_patches(soa);
	const uint8_t *end =
		patches + sizeof(struct rrset_patch) * soa->rrset->head.patch_count;

	if (soa->records != 1 ||
	    RDATA_AT + (unsigned)wire_get_u16(to + RDATA_AT - 2) != soa->len)
		return false;
	wire_put_u16(to, (uint16_t)(0xc000u | apex_at));
	for (; patches != end; patches += sizeof(struct rrset_patch)) {
		struct rrset_patch patch;
		unsigned goal = apex_at;

		memcpy(&patch, patches, sizeof patch);
		if (patch.to >> PATCH_KIND_SHIFT >= PATCH_SELF) {
			goal = base + (patch.to & PATCH_OFFSET);
			if (patch.to >> PATCH_KIND_SHIFT > PATCH_SELF ||
			    goal > POINTER_MAX)
				return false;
		}
		if (patch.at + 2u > soa->len)
			return false;
		wire_put_u16(to + patch.at, (uint16_t)(0xc000u | goal));
	}
	return true;
}

/* Answer with the zone's negative SOA alone, which stands behind its facts. */
static inline bool
answer_negative(struct fast *f, struct query *q, const struct stage *stage, uint8_t rcode)
{
	const struct sealed_block *block =
		(const struct sealed_block *)(stage->facts + 1);
	unsigned apex_at = QUERY_HEADER_LEN + (unsigned)stage->zone_start;
	bool dnssec = q->flags & QUERY_DO;
	struct fast_rrset soa;

	if ((dnssec && (stage->facts->flags & ZONE_SIGNED)) ||
	    block->head.kind != BLOCK_NEGATIVE_SOA ||
	    !take_rrset(fast_apex(stage), block, dnssec, &soa) || !put_rrset(q, &soa))
		return false;
	if (apex_at != QUERY_HEADER_LEN &&
	    !set_soa_pointers(q->packet + q->question_end, q->question_end, &soa,
			      apex_at))
		return false;
	finish(f, q, q->question_end + soa.len, rcode, 0, soa.records, 0);
	return true;
}

/* ---- names and RRsets elsewhere than at the question ---- */

/* The hash state of a name of labels above the apex, `prefix_len` octets of them (1 or
 * more).  *labels receives their number.  returns false when they are none, or too many. */
static inline bool
hash_prefix(const struct fast *f, const struct query *q, const struct stage *stage,
	    const uint8_t *prefix, unsigned prefix_len, unsigned *labels, uint64_t *state)
{
	const struct hash_seed *seed = &f->store->gen.head.seed;
	uint8_t starts[DNAME_LABELS_MAX];
	unsigned count = 0, at = 0;

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
	*state = q->state[stage->zone_labels];
	while (count > 0)
		*state = name_hash_label(seed, *state, prefix + starts[--count]);
	return true;
}

/* Find it where its bucket does not tell, or not alone. */
__attribute__((noinline)) static enum lookup_result
find_prefix_further(const struct fast *f, const struct stage *stage, uint64_t hash,
		    const uint8_t *prefix, unsigned prefix_len,
		    const struct sealed_node **out)
{
	unsigned apex_len = fast_apex(stage)->head.owner_len;
	uint8_t name[DNAME_MAX];

	memcpy(name, prefix, prefix_len);
	memcpy(name + prefix_len, sealed_owner(fast_apex(stage)), apex_len);
	return find_further(f, stage, hash, name, prefix_len + apex_len, out);
}

/* Find the node of a name of labels above the apex, lower-cased; COPY_STEP octets are
 * readable behind them.  *labels receives their number.
 * returns LOOKUP_DAMAGED for all that is left to the general path. */
static inline enum lookup_result
find_prefix(const struct fast *f, const struct query *q, const struct stage *stage,
	    const uint8_t *prefix, unsigned prefix_len, unsigned *labels,
	    const struct sealed_node **out)
{
	uint64_t state, hash, off;

	*out = fast_apex(stage);
	*labels = 0;
	if (prefix_len == 0)
		return LOOKUP_FOUND;
	if (!hash_prefix(f, q, stage, prefix, prefix_len, labels, &state))
		return LOOKUP_DAMAGED;
	hash = name_hash_key(&f->store->gen.head.seed, state, stage->facts->zone_id);
	if (lookup_may_be_live(f->store, hash))
		return find_prefix_further(f, stage, hash, prefix, prefix_len, out);
	off = lookup_fetch_node(f->store, zone_store_prefetch(f->store, hash), hash, 0);
	*out = sealed_node_at(&f->store->gen, off, stage->facts->zone_id, prefix,
			      prefix_len + fast_apex(stage)->head.owner_len, prefix_len);
	if (*out)
		return LOOKUP_FOUND;
	if (off == LOOKUP_NOWHERE)
		return LOOKUP_MISSING;
	return find_prefix_further(f, stage, hash, prefix, prefix_len, out);
}

/* Append the RRset of a block at *at, its owner being spelled at `owner_at`; its records
 * are added to *records.  returns false when it is not as simple as that, or not certain
 * to fit. */
static inline bool
append_rrset(struct query *q, const struct sealed_node *node,
	     const struct sealed_block *block, unsigned owner_at, unsigned *at,
	     unsigned *records)
{
	uint8_t *to = q->packet + *at;
	uint16_t pointer = (uint16_t)(0xc000u | owner_at);
	struct fast_rrset rrset;
	unsigned done = 0;

	if (!take_rrset(node, block, q->flags & QUERY_DO, &rrset) ||
	    rrset.rrset->head.patch_count > 0 ||
	    *at + rrset.len + 2 * COPY_STEP > q->limit)
		return false;
	copy_steps(to, rrset_wire(&rrset), rrset.len);
	while (done + RDATA_AT <= rrset.len) {
		wire_put_u16(to + done, pointer);
		done += RDATA_AT + (unsigned)wire_get_u16(to + done + RDATA_AT - 2);
	}
	*at += rrset.len;
	*records += rrset.records;
	return done == rrset.len;
}

/* Append A and AAAA of a node, as far as it has them: in this order. */
static inline bool
append_addresses(struct query *q, const struct sealed_node *node, unsigned owner_at,
		 unsigned *at, unsigned *records)
{
	const uint8_t *next = sealed_blocks(node), *end = sealed_end(node);
	unsigned type_before = 0;

	while (next < end) {
		const struct sealed_block *block = (const struct sealed_block *)next;
		unsigned type = block->head.type;

		if (type == TYPE_A || type == TYPE_AAAA) {
			if (block->head.kind != BLOCK_RRSET || type <= type_before ||
			    !append_rrset(q, node, block, owner_at, at, records))
				return false;
			type_before = type;
		}
		next += sizeof *block + block->head.len;
	}
	return next == end;
}

/* ---- an RRset with targets ---- */

/* Find the node of a target: most often that of the query before, since the names of a
 * zone share their mail servers. */
static inline enum lookup_result
find_target(struct fast *f, const struct query *q, const struct stage *stage,
	    const uint8_t *prefix, unsigned prefix_len, const struct sealed_node **out)
{
	struct fast_target *last = &f->target;
	enum lookup_result found;
	unsigned labels;

	if (last->facts == stage->facts && last->prefix_len == prefix_len &&
	    sealed_octets_equal(last->prefix, prefix, prefix_len)) {
		*out = last->node;
		return LOOKUP_FOUND;
	}
	found = find_prefix(f, q, stage, prefix, prefix_len, &labels, out);
	if (found == LOOKUP_FOUND && prefix_len > 0)
		*last = (struct fast_target){ stage->facts, *out, prefix, prefix_len };
	return found;
}

/* Addresses of the targets of an RRset of `node`, of `records` records, that stands behind
 * the question, up to `at`. */
__attribute__((noinline)) static bool
answer_with_targets(struct fast *f, struct query *q, const struct stage *stage,
		    const struct sealed_node *node, const struct sealed_rrset *rrset,
		    unsigned at, unsigned records)
{
	const uint8_t *end = sealed_end(node);
	const uint8_t *next = (const uint8_t *)(rrset + 1) + rrset->head.wire_len +
			      rrset->head.sig_len +
			      sizeof(struct rrset_patch) * rrset->head.patch_count;
	unsigned additional = 0;

	for (unsigned left = rrset->head.target_count; left > 0; left--) {
		struct rrset_target target;
		const struct sealed_node *owner;
		const uint8_t *prefix;

		memcpy(&target, next, sizeof target);
		prefix = next + sizeof target;
		next = prefix + target.prefix_len;
		if (next > end || q->question_end + target.at > POINTER_MAX)
			return false;
		switch (find_target(f, q, stage, prefix, target.prefix_len, &owner)) {
		case LOOKUP_MISSING:
			continue;
		case LOOKUP_DAMAGED:
			return false;
		case LOOKUP_FOUND:
			break;
		}
		if (!append_addresses(q, owner, q->question_end + target.at, &at,
				      &additional))
			return false;
	}
	finish(f, q, at, RCODE_NOERROR, records, 0, additional);
	return true;
}

/* ---- a CNAME ---- */

/* The octets of labels in the rdata of a CNAME that end in a pointer to the apex; -1 for
 * any other. */
static inline int
cname_prefix_len(const struct fast_rrset *cname)
{
	unsigned wire_len = cname->rrset->head.wire_len;
	struct rrset_patch patch;

	if (cname->rrset->head.patch_count != 1 || cname->rrset->head.rr_count != 1 ||
	    wire_len < RDATA_AT + 2u || wire_len > RDATA_AT + DNAME_MAX)
		return -1;
	memcpy(&patch, rrset_patches(cname), sizeof patch);
	if (patch.to >> PATCH_KIND_SHIFT != PATCH_APEX || patch.at + 2u != wire_len)
		return -1;
	return patch.at - RDATA_AT;
}

/* The name's own CNAME, and what was asked for at the name in this zone that it leads to,
 * when nothing can stand in between. */
__attribute__((noinline)) static bool
answer_cname(struct fast *f, struct query *q, const struct stage *stage,
	     const struct sealed_node *node)
{
	unsigned owner_at = QUERY_HEADER_LEN + (unsigned)stage->zone_start, at, records,
		 labels;
	const struct sealed_block *block =
		find_block(node, sealed_blocks(node), TYPE_CNAME);
	uint8_t prefix[DNAME_MAX + 1 + 2 * LOWER_STEP];
	struct fast_rrset cname;
	int prefix_len;

	if (!block || !take_rrset(node, block, q->flags & QUERY_DO, &cname) ||
	    !put_rrset(q, &cname) || q->type == TYPE_DS)
		return false;
	prefix_len = cname_prefix_len(&cname);
	if (prefix_len < 0)
		return false;
	if (prefix_len > 0)
		copy_lowered(prefix, rrset_wire(&cname) + RDATA_AT, (size_t)prefix_len);
	if (find_prefix(f, q, stage, prefix, (unsigned)prefix_len, &labels, &node) !=
		    LOOKUP_FOUND ||
	    f->store->deepest_apex[stage->zone_labels + labels] != stage->zone_labels ||
	    obstacle_depths(stage, stage->zone_labels + labels) ||
	    (node->head.flags & NODE_HAS_NS))
		return false;
	if (prefix_len > 0)
		owner_at = q->question_end + RDATA_AT;
	block = find_block(node, sealed_blocks(node), q->type);
	at = q->question_end + cname.len;
	records = cname.records;
	if (!block || ((const struct sealed_rrset *)(block + 1))->head.target_count > 0 ||
	    !append_rrset(q, node, block, owner_at, &at, &records))
		return false;
	finish(f, q, at, RCODE_NOERROR, records, 0, 0);
	return true;
}

/* ---- what is found ---- */

__attribute__((noinline)) static bool
answer_nodata(struct fast *f, struct query *q, const struct stage *stage)
{
	if (!answer_negative(f, q, stage, RCODE_NOERROR))
		return false;
	f->nodata++;
	return true;
}

/* Answer from the node of the name, or of a wildcard: then not `is_own`.  RRsets are looked
 * for from `first_block` on. */
__attribute__((always_inline)) static inline bool
answer_node(struct fast *f, struct query *q, const struct stage *stage,
	    const struct sealed_node *node, const uint8_t *first_block, bool is_own)
{
	const struct sealed_block *block = find_block(node, first_block, q->type);
	struct fast_rrset rrset;

	if (!block) {
		if (q->type == TYPE_ANY || q->type == TYPE_RRSIG ||
		    may_be_bad(node, q->type))
			return false;
		if (node->head.flags & NODE_HAS_CNAME)
			return is_own && answer_cname(f, q, stage, node);
		return answer_nodata(f, q, stage);
	}
	if (!take_rrset(node, block, q->flags & QUERY_DO, &rrset) ||
	    !put_rrset(q, &rrset) || (!is_own && rrset.rrset->head.patch_count > 0))
		return false;
	if (rrset.rrset->head.target_count > 0)
		return answer_with_targets(f, q, stage, node, rrset.rrset,
					   q->question_end + rrset.len, rrset.records);
	finish(f, q, q->question_end + rrset.len, RCODE_NOERROR, rrset.records, 0, 0);
	return true;
}

static bool
answer_wildcard(struct fast *f, struct query *q, const struct stage *stage,
		unsigned labels)
{
	static const uint8_t asterisk[2 + NAME_PAD] = { 1, '*' };
	const struct hash_seed *seed = &f->store->gen.head.seed;
	const uint8_t *suffix = query_suffix(q, labels);
	unsigned len = query_suffix_len(q, labels);
	uint8_t name[2 + DNAME_MAX + COPY_STEP];
	const struct sealed_node *node;
	uint64_t hash;

	/* denial of a closer match goes along */
	if ((q->flags & QUERY_DO) && (stage->facts->flags & ZONE_SIGNED))
		return false;
	memcpy(name, asterisk, 2);
	copy_steps(name + 2, suffix, len);
	hash = name_hash_key(seed, name_hash_label(seed, q->state[labels], asterisk),
			     stage->facts->zone_id);
	if (len + 2 > DNAME_MAX ||
	    find(f, stage, hash, name, len + 2, &node) != LOOKUP_FOUND ||
	    !answer_node(f, q, stage, node, sealed_blocks(node), false))
		return false;
	f->wildcards++;
	return true;
}

/* The name has no node: find its closest encloser (see resolve.c). */
__attribute__((noinline)) static bool
answer_missing(struct fast *f, struct query *q, const struct stage *stage)
{
	unsigned labels = stage->zone_labels, missing = q->label_count;
	uint64_t depths = obstacle_depths(stage, missing);
	const struct sealed_node *encloser = fast_apex(stage), *node;

	if (depths && (missing > 63 ||
		       !pass_depths(f, q, stage, depths, &encloser, &labels, &missing)))
		return false;
	while (missing - labels > 1) {
		unsigned middle = labels + (missing - labels) / 2;

		switch (find_suffix(f, q, stage, middle, &node)) {
		case LOOKUP_FOUND:
			encloser = node;
			labels = middle;
			break;
		case LOOKUP_MISSING:
			missing = middle;
			break;
		case LOOKUP_DAMAGED:
			return false;
		}
	}
	if (encloser->head.flags & NODE_HAS_WILDCARD)
		return answer_wildcard(f, q, stage, labels);
	if (!answer_negative(f, q, stage, RCODE_NXDOMAIN))
		return false;
	f->nxdomain++;
	return true;
}

/* The node was not where it was looked for.  returns it; or NULL, and *done says whether
 * the query was answered. */
__attribute__((noinline)) static const struct sealed_node *
look_further(struct fast *f, struct query *q, const struct stage *stage, bool *done)
{
	const struct sealed_node *node = NULL;
	enum lookup_result found =
		find_further(f, stage, stage->hash, q->name, q->name_len, &node);

	if (found == LOOKUP_FOUND)
		return node;
	*done = found == LOOKUP_MISSING && answer_missing(f, q, stage);
	return NULL;
}

static inline bool
answer_query(struct fast *f, struct query *q, const struct stage *stage)
{
	const struct sealed_node *node;
	const uint8_t *first_block;

	if (!stage->is_sealed || !q->is_common || (stage->facts->flags & ZONE_BROKEN))
		return false;
	node = fast_apex(stage);
	first_block = (const uint8_t *)(stage->facts + 1);
	if (stage->status == STAGE_BELOW_APEX) {
		bool is_live = lookup_may_be_live(f->store, stage->hash);

		node = NULL;
		if (!is_live)
			node = sealed_node_at(&f->store->gen, stage->off,
					      stage->facts->zone_id, q->name, q->name_len,
					      stage->zone_start);
		if (__builtin_expect(!node, 0)) {
			bool done;

			if (!is_live && stage->off == LOOKUP_NOWHERE)
				return answer_missing(f, q, stage);
			node = look_further(f, q, stage, &done);
			if (!node)
				return done;
		}
		if ((node->head.flags & NODE_HAS_NS) || !is_clear(f, q, stage))
			return false;
		first_block = sealed_blocks(node);
	} else if (q->type == TYPE_DS) {
		return false; /* it is the parent's */
	}
	return answer_node(f, q, stage, node, first_block, true);
}

/* ---- a batch ---- */

static void
flush_counts(const struct fast *f, unsigned answered)
{
	stats_add(f->stats, STAT_noerror, answered - f->nxdomain);
	stats_add(f->stats, STAT_nxdomain, f->nxdomain);
	stats_add(f->stats, STAT_nodata, f->nodata);
	stats_add(f->stats, STAT_wildcard_answers, f->wildcards);
	stats_add(f->stats, STAT_edns, f->with_opt[0] + f->with_opt[1]);
	stats_add(f->stats, STAT_edns_do, f->with_opt[1]);
}

uint64_t
answer_fast(struct query *queries, const struct stage *stages, unsigned count,
	    const struct zone_store *store, const struct answer_options *options,
	    struct stats_block *stats)
{
	struct fast f = { .store = store, .stats = stats };
	uint64_t left = 0;

	for (unsigned dnssec = 0; dnssec < 2; dnssec++)
		edns_put_plain(f.opt[dnssec], options->udp_size, dnssec, RCODE_NOERROR);
	for (unsigned i = 0; i < count; i++)
		if (!answer_query(&f, &queries[i], &stages[i]))
			left |= UINT64_C(1) << i;
	flush_counts(&f, count - (unsigned)__builtin_popcountll(left));
	return left;
}
