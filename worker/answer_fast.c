/* The straight path. */
#include "worker/answer_fast.h"

#include "shm/wire.h"
#include "worker/additional.h"
#include "worker/answering.h"
#include "worker/edns.h"
#include "worker/sealed.h"

_Static_assert(ANSWER_BATCH <= 64, "a batch fits a word of bits");

enum {
	COPY_STEP = 16, /* octets that are copied at once */
	RDATA_AT = 12, /* of a record whose owner is a pointer */
};

typedef uint8_t copy_step __attribute__((vector_size(COPY_STEP), aligned(1), may_alias));

/* What is the same for a whole batch, and what is counted in it. */
struct fast {
	const struct zone_store *store;
	const struct answer_options *options;
	struct stats_block *stats;
	uint8_t opt[2][EDNS_PLAIN_LEN]; /* OPT records without and with DO */
	uint64_t noerror, nxdomain, nodata, wildcards, edns, edns_do;
	struct query target; /* the name that a CNAME leads to */
};

/* The zone of a query. */
struct fast_zone {
	const struct sealed_node *apex;
	const struct zone_facts *facts;
	unsigned labels;
};

/* An RRset block whose lengths were checked. */
struct fast_rrset {
	const struct sealed_block *block;
	const struct sealed_rrset *rrset;
	const uint8_t *wire;
	unsigned len; /* octets of `wire` to be sent, with signatures for DO */
	unsigned records; /* in them */
};

/* ---- looking up ---- */

/* Behind a full bucket, or where the tag of another name stands in the way. */
__attribute__((noinline)) static enum lookup_result
find_further(const struct fast *f, const struct fast_zone *zone, uint64_t hash,
	     const uint8_t *name, unsigned name_len, const struct sealed_node **out)
{
	struct node node = { .bytes = NULL };
	enum lookup_result found = lookup_sealed(f->store, hash, zone->facts->zone_id,
						 name, name_len, &node);

	*out = (const struct sealed_node *)node.bytes;
	return found;
}

/* Find the node of a name below the apex, whose slot was looked for, see
 * lookup_fetch_node.
 * returns LOOKUP_DAMAGED for all that is left to the general path. */
static inline enum lookup_result
find_fetched(const struct fast *f, const struct fast_zone *zone, uint64_t hash,
	     uint64_t off, const uint8_t *name, unsigned name_len,
	     const struct sealed_node **out)
{
	if (lookup_may_be_live(f->store, hash))
		return LOOKUP_DAMAGED;
	*out = sealed_node_at(&f->store->gen, off, zone->facts->zone_id, name, name_len,
			      name_len - zone->apex->head.owner_len);
	if (*out)
		return LOOKUP_FOUND;
	if (off == LOOKUP_NOWHERE)
		return LOOKUP_MISSING;
	return find_further(f, zone, hash, name, name_len, out);
}

static enum lookup_result
find(const struct fast *f, const struct fast_zone *zone, uint64_t hash,
     const uint8_t *name, unsigned name_len, const struct sealed_node **out)
{
	return find_fetched(f, zone, hash, lookup_fetch_node(f->store, hash, 0), name,
			    name_len, out);
}

/* The node of the suffix of `labels` labels, more than the apex has. */
static enum lookup_result
find_suffix(const struct fast *f, const struct query *q, const struct fast_zone *zone,
	    unsigned labels, const struct sealed_node **out)
{
	uint32_t zone_id = zone->facts->zone_id;
	uint64_t hash =
		name_hash_key(&f->store->gen.head.seed, q->state[labels], zone_id);

	return find(f, zone, hash, query_suffix(q, labels), query_suffix_len(q, labels),
		    out);
}

/* Bits of the depths, from the apex's on and below `labels`, at which cuts or DNAMEs may
 * stand in the way; all when there are too many labels for a word. */
static inline uint64_t
obstacle_depths(const struct fast_zone *zone, unsigned labels)
{
	const struct zone_facts *facts = zone->facts;

	if (labels > 63)
		return ~UINT64_C(0);
	return (facts->cut_depths[0] | facts->dname_depths[0]) &
	       ((UINT64_C(1) << labels) - (UINT64_C(1) << zone->labels));
}

/* Go down from the apex over `depths`, to the deepest node there that exists; *missing
 * comes down to the first depth without one.
 * returns false when a cut or DNAME stands in the way, or may do so. */
static bool
pass_depths(const struct fast *f, const struct query *q, const struct fast_zone *zone,
	    uint64_t depths, const struct sealed_node **node, unsigned *labels,
	    unsigned *missing)
{
	if (depths & (UINT64_C(1) << zone->labels))
		return false;
	for (; depths; depths &= depths - 1) {
		unsigned depth = (unsigned)__builtin_ctzll(depths);
		const struct sealed_node *met;

		switch (find_suffix(f, q, zone, depth, &met)) {
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
static bool
is_clear(const struct fast *f, const struct query *q, const struct fast_zone *zone)
{
	uint64_t depths = obstacle_depths(zone, q->label_count);
	const struct sealed_node *node;
	unsigned labels, missing = q->label_count;

	return depths == 0 ||
	       (q->label_count <= 63 &&
		pass_depths(f, q, zone, depths, &node, &labels, &missing) &&
		missing == q->label_count);
}

/* ---- blocks ---- */

/* The block that answers `type`, be it one that says SERVFAIL of all types; NULL when there
 * is none.  *end is where the blocks end: elsewhere than the node when it is damaged. */
static inline const struct sealed_block *
find_block(const struct sealed_node *node, uint16_t type, const uint8_t **end)
{
	const uint8_t *at = sealed_blocks(node);

	*end = sealed_end(node);
	while (at < *end) {
		const struct sealed_block *block = (const struct sealed_block *)at;

		if (block->head.type == type && (block->head.kind == BLOCK_RRSET ||
						 block->head.kind == BLOCK_BAD_RRSET))
			return block;
		if (block->head.kind == BLOCK_BAD_RRSET &&
		    block->head.type == BAD_RRSET_ALL)
			return block;
		at += sizeof *block + block->head.len;
	}
	*end = at;
	return NULL;
}

/* Take the RRset of a block apart.  returns false for what is none, and for damage. */
static inline bool
take_rrset(const struct sealed_node *node, const struct sealed_block *block,
	   enum block_kind kind, bool dnssec, struct fast_rrset *out)
{
	const uint8_t *payload = (const uint8_t *)block + sizeof *block;
	const struct sealed_rrset *rrset = (const struct sealed_rrset *)payload;
	size_t room = (size_t)(sealed_end(node) - payload), need;

	if (block->head.kind != kind || payload > sealed_end(node) ||
	    block->head.len > room)
		return false;
	need = sizeof *rrset + rrset->head.wire_len + rrset->head.sig_len +
	       sizeof(struct rrset_patch) * rrset->head.patch_count;
	if (block->head.len < need)
		return false;
	out->block = block;
	out->rrset = rrset;
	out->wire = payload + sizeof *rrset;
	out->len = rrset->head.wire_len;
	out->records = rrset->head.rr_count;
	if (dnssec) {
		out->len += rrset->head.sig_len;
		out->records += rrset->head.sig_count;
	}
	return true;
}

/* ---- emitting ---- */

/* Put what stands in `rrset` behind the question; up to 15 octets too many are written.
 * returns false when that is not certain to fit. */
static inline bool
put_rrset(struct query *q, const struct fast_rrset *rrset)
{
	uint8_t *to = q->packet + q->question_end;

	if (q->question_end + rrset->len + EDNS_PLAIN_LEN + COPY_STEP > q->limit)
		return false;
	for (unsigned at = 0; at < rrset->len; at += COPY_STEP)
		*(copy_step *)(to + at) = *(const copy_step *)(rrset->wire + at);
	return true;
}

/* Write OPT, header and counts around the sections, which end at `at`. */
static inline void
finish(struct fast *f, struct query *q, unsigned at, unsigned rcode, uint64_t answers,
       unsigned authority, unsigned additional)
{
	uint8_t *packet = q->packet;

	if (q->flags & QUERY_EDNS) {
		unsigned dnssec = (q->flags & QUERY_DO) != 0;

		memcpy(packet + at, f->opt[dnssec], EDNS_PLAIN_LEN);
		at += EDNS_PLAIN_LEN;
		additional++;
		f->edns++;
		f->edns_do += dnssec;
	}
	packet[2] = (uint8_t)(FLAG_QR | FLAG_AA | (packet[2] & FLAG_RD));
	packet[3] = (uint8_t)((packet[3] & FLAG_CD) | rcode);
	wire_put_u64(packet + 4,
		     UINT64_C(1) << 48 | answers << 32 | authority << 16 | additional);
	q->response_len = at;
}

/* Set the pointers of an SOA record at `to`, whose owner is the apex at `apex_at`.
 * returns false when they are not as they should be. */
static inline bool
set_soa_pointers(uint8_t *to, unsigned base, const struct fast_rrset *soa,
		 unsigned apex_at)
{
	const uint8_t *patches =
		soa->wire + soa->rrset->head.wire_len + soa->rrset->head.sig_len;

	if (soa->records != 1 || RDATA_AT + (unsigned)wire_get_u16(to + 10) != soa->len)
		return false;
	wire_put_u16(to, (uint16_t)(0xc000u | apex_at));
	for (unsigned i = 0; i < soa->rrset->head.patch_count; i++) {
		struct rrset_patch patch;
		unsigned goal = apex_at;

		memcpy(&patch, patches + i * sizeof patch, sizeof patch);
		if (patch.to >> PATCH_KIND_SHIFT == PATCH_SELF)
			goal = base + (patch.to & PATCH_OFFSET);
		else if (patch.to >> PATCH_KIND_SHIFT > PATCH_SELF)
			return false;
		if (goal > POINTER_MAX || patch.at + 2u > soa->len)
			return false;
		wire_put_u16(to + patch.at, (uint16_t)(0xc000u | goal));
	}
	return true;
}

/* Answer with the zone's negative SOA alone, which stands behind its facts. */
static bool
answer_negative(struct fast *f, struct query *q, const struct fast_zone *zone,
		unsigned rcode)
{
	const struct sealed_block *block = (const struct sealed_block *)zone->facts - 1;
	unsigned apex_at =
		QUERY_HEADER_LEN + (unsigned)q->name_len - zone->apex->head.owner_len;
	bool dnssec = q->flags & QUERY_DO;
	struct fast_rrset soa;

	block = (const struct sealed_block *)((const uint8_t *)(block + 1) +
					      block->head.len);
	if ((dnssec && (zone->facts->flags & ZONE_SIGNED)) ||
	    !take_rrset(zone->apex, block, BLOCK_NEGATIVE_SOA, dnssec, &soa) ||
	    !put_rrset(q, &soa))
		return false;
	if (apex_at != QUERY_HEADER_LEN &&
	    !set_soa_pointers(q->packet + q->question_end, q->question_end, &soa,
			      apex_at))
		return false;
	finish(f, q, q->question_end + soa.len, rcode, 0, soa.records, 0);
	return true;
}

static bool
answer_nodata(struct fast *f, struct query *q, const struct fast_zone *zone)
{
	if (!answer_negative(f, q, zone, RCODE_NOERROR))
		return false;
	f->noerror++;
	f->nodata++;
	return true;
}

/* ---- an RRset with targets ---- */

/* Addresses of the targets behind the RRset that stands behind the question. */
__attribute__((noinline)) static bool
answer_with_targets(struct fast *f, struct query *q, const struct fast_zone *zone,
		    const struct fast_rrset *rrset)
{
	const struct sealed_block *stored = rrset->block;
	struct block block = { stored->head, (const uint8_t *)(stored + 1) };
	struct zone general;
	struct answering a;

	general.apex.bytes = (const uint8_t *)zone->apex;
	general.apex.head = zone->apex->head;
	general.facts = zone->facts;
	general.labels = zone->labels;
	a.q = q;
	a.store = f->store;
	a.options = f->options;
	a.stats = f->stats;
	a.zone = &general;
	a.response.packet = q->packet;
	a.response.at = q->question_end + rrset->len;
	a.response.limit = q->limit - ((q->flags & QUERY_EDNS) ? EDNS_PLAIN_LEN : 0u);
	a.response.count[SECTION_ADDITIONAL] = 0;
	a.response.dnssec = q->flags & QUERY_DO;
	a.additional.wire_at = q->question_end;
	a.additional.cut_labels = 0;
	if (!rrset_open(&block, &a.additional.rrset) || additional_add(&a) != STEP_DONE)
		return false;
	finish(f, q, a.response.at, RCODE_NOERROR, rrset->records, 0,
	       a.response.count[SECTION_ADDITIONAL]);
	f->noerror++;
	return true;
}

/* ---- a CNAME ---- */

/* Make f->target the name that the rdata of a CNAME leads to, when that is labels above
 * the apex.  returns false for any other. */
static bool
take_target(struct fast *f, const struct query *q, const struct fast_zone *zone,
	    const struct fast_rrset *cname)
{
	const struct hash_seed *seed = &f->store->gen.head.seed;
	const uint8_t *rdata = cname->wire + RDATA_AT;
	unsigned at = 0, room = cname->rrset->head.wire_len,
		 apex_len = zone->apex->head.owner_len;
	struct query *target = &f->target;
	struct rrset_patch patch;

	if (cname->rrset->head.patch_count != 1 || room < RDATA_AT + 2u)
		return false;
	memcpy(&patch, cname->wire + room + cname->rrset->head.sig_len, sizeof patch);
	if (patch.to >> PATCH_KIND_SHIFT != PATCH_APEX || patch.at + 2u != room)
		return false;
	room = patch.at - RDATA_AT;
	while (at < room && rdata[at] != 0 && rdata[at] <= DNAME_LABEL_MAX)
		at += rdata[at] + 1u;
	if (at != room || at + apex_len > DNAME_MAX)
		return false;
	memcpy(target->name, rdata, at);
	dname_lower(target->name, at);
	memcpy(target->name + at, sealed_owner(zone->apex), apex_len);
	target->name_len = (uint8_t)(at + apex_len);
	query_index_labels(target);
	target->state[zone->labels] = q->state[zone->labels];
	for (unsigned n = zone->labels + 1; n <= target->label_count; n++)
		target->state[n] = name_hash_label(seed, target->state[n - 1],
						   query_suffix(target, n));
	return f->store->deepest_apex[target->label_count] == (int)zone->labels;
}

/* The node of f->target; NULL when it has to be looked at more closely. */
static const struct sealed_node *
find_target(const struct fast *f, const struct fast_zone *zone)
{
	const struct query *target = &f->target;
	const struct sealed_node *node;

	if (target->label_count == zone->labels)
		return zone->apex;
	if (!is_clear(f, target, zone) ||
	    find_suffix(f, target, zone, target->label_count, &node) != LOOKUP_FOUND ||
	    (node->head.flags & NODE_HAS_NS))
		return NULL;
	return node;
}

/* Append the RRset of the type that is asked for, owned by f->target. */
static bool
answer_target(struct fast *f, struct query *q, const struct fast_zone *zone,
	      const struct fast_rrset *cname, const struct sealed_node *node)
{
	unsigned prefix_len = (unsigned)f->target.name_len - zone->apex->head.owner_len;
	uint16_t apex_at =
		(uint16_t)(QUERY_HEADER_LEN + q->name_len - zone->apex->head.owner_len);
	const struct rrset_place place = {
		.owner = f->target.name,
		.apex = sealed_owner(zone->apex),
		.owner_len = f->target.name_len,
		.apex_len = zone->apex->head.owner_len,
		.owner_at = prefix_len ? (uint16_t)(q->question_end + RDATA_AT) : apex_at,
		.apex_at = apex_at,
		.owner_is_own = true,
	};
	struct response response = {
		.packet = q->packet,
		.at = q->question_end + cname->len,
		.limit = q->limit - ((q->flags & QUERY_EDNS) ? EDNS_PLAIN_LEN : 0u),
		.dnssec = q->flags & QUERY_DO,
	};
	const uint8_t *end;
	const struct sealed_block *stored = find_block(node, q->type, &end);
	struct rrset rrset;
	uint32_t wire_at;

	if (!stored || stored->head.kind != BLOCK_RRSET ||
	    stored->head.len >
		    (size_t)(sealed_end(node) - (const uint8_t *)(stored + 1)) ||
	    !rrset_open(&(struct block){ stored->head, (const uint8_t *)(stored + 1) },
			&rrset) ||
	    rrset.head.target_count > 0 ||
	    response_add(&response, SECTION_ANSWER, &rrset, &place, &wire_at) !=
		    RESPONSE_ADDED)
		return false;
	finish(f, q, response.at, RCODE_NOERROR,
	       cname->records + response.count[SECTION_ANSWER], 0, 0);
	f->noerror++;
	return true;
}

/* The name's own CNAME, and what was asked for at the name that it leads to. */
__attribute__((noinline)) static bool
answer_cname(struct fast *f, struct query *q, const struct fast_zone *zone,
	     const struct sealed_node *node)
{
	const uint8_t *end;
	const struct sealed_block *block = find_block(node, TYPE_CNAME, &end);
	struct fast_rrset cname;

	if (!block ||
	    !take_rrset(node, block, BLOCK_RRSET, q->flags & QUERY_DO, &cname) ||
	    !put_rrset(q, &cname) || !take_target(f, q, zone, &cname))
		return false;
	node = find_target(f, zone);
	return node && answer_target(f, q, zone, &cname, node);
}

/* ---- what is found ---- */

/* Answer from the node of the name, or of a wildcard: then not `is_own`. */
static inline bool
answer_node(struct fast *f, struct query *q, const struct fast_zone *zone,
	    const struct sealed_node *node, bool is_own)
{
	const uint8_t *end;
	const struct sealed_block *block = find_block(node, q->type, &end);
	struct fast_rrset rrset;

	if (!block) {
		if (node->head.flags & NODE_HAS_CNAME)
			return is_own && answer_cname(f, q, zone, node);
		return end == sealed_end(node) && answer_nodata(f, q, zone);
	}
	if (!take_rrset(node, block, BLOCK_RRSET, q->flags & QUERY_DO, &rrset) ||
	    !put_rrset(q, &rrset) || (!is_own && rrset.rrset->head.patch_count > 0))
		return false;
	if (rrset.rrset->head.target_count > 0)
		return answer_with_targets(f, q, zone, &rrset);
	finish(f, q, q->question_end + rrset.len, RCODE_NOERROR, rrset.records, 0, 0);
	f->noerror++;
	return true;
}

static bool
answer_wildcard(struct fast *f, struct query *q, const struct fast_zone *zone,
		unsigned labels)
{
	static const uint8_t asterisk[2 + NAME_PAD] = { 1, '*' };
	const struct hash_seed *seed = &f->store->gen.head.seed;
	unsigned len = query_suffix_len(q, labels);
	const struct sealed_node *node;
	uint8_t name[2 + DNAME_MAX + NAME_PAD];
	uint64_t hash;

	/* denial of a closer match goes along */
	if ((q->flags & QUERY_DO) && (zone->facts->flags & ZONE_SIGNED))
		return false;
	memcpy(name, asterisk, 2);
	memcpy(name + 2, query_suffix(q, labels), len);
	hash = name_hash_key(seed, name_hash_label(seed, q->state[labels], asterisk),
			     zone->facts->zone_id);
	if (len + 2 > DNAME_MAX ||
	    find(f, zone, hash, name, len + 2, &node) != LOOKUP_FOUND ||
	    !answer_node(f, q, zone, node, false))
		return false;
	f->wildcards++;
	return true;
}

/* The name has no node: find its closest encloser (see resolve.c). */
__attribute__((noinline)) static bool
answer_missing(struct fast *f, struct query *q, const struct fast_zone *zone)
{
	unsigned labels = zone->labels, missing = q->label_count;
	uint64_t depths = obstacle_depths(zone, missing);
	const struct sealed_node *encloser = zone->apex, *node;

	if (depths && (missing > 63 ||
		       !pass_depths(f, q, zone, depths, &encloser, &labels, &missing)))
		return false;
	while (missing - labels > 1) {
		unsigned middle = labels + (missing - labels) / 2;

		switch (find_suffix(f, q, zone, middle, &node)) {
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
		return answer_wildcard(f, q, zone, labels);
	if (!answer_negative(f, q, zone, RCODE_NXDOMAIN))
		return false;
	f->nxdomain++;
	return true;
}

static inline bool
answer_query(struct fast *f, struct query *q, const struct stage *stage)
{
	const struct sealed_node *apex = (const struct sealed_node *)stage->apex,
				 *node = apex;
	struct fast_zone zone = { apex, NULL, stage->zone_labels };

	zone.facts = (const struct zone_facts *)(const void *)(sealed_blocks(apex) +
							       sizeof(struct block_head));
	if (zone.facts->flags & ZONE_BROKEN)
		return false;
	if (stage->status == STAGE_BELOW_APEX) {
		switch (find_fetched(f, &zone, stage->hash, stage->off, q->name,
				     q->name_len, &node)) {
		case LOOKUP_MISSING:
			return answer_missing(f, q, &zone);
		case LOOKUP_DAMAGED:
			return false;
		case LOOKUP_FOUND:
			break;
		}
		if ((node->head.flags & NODE_HAS_NS) || !is_clear(f, q, &zone))
			return false;
	}
	return answer_node(f, q, &zone, node, true);
}

/* ---- a batch ---- */

static void
flush_counts(const struct fast *f)
{
	stats_add(f->stats, STAT_noerror, f->noerror);
	stats_add(f->stats, STAT_nxdomain, f->nxdomain);
	stats_add(f->stats, STAT_nodata, f->nodata);
	stats_add(f->stats, STAT_wildcard_answers, f->wildcards);
	stats_add(f->stats, STAT_edns, f->edns);
	stats_add(f->stats, STAT_edns_do, f->edns_do);
}

uint64_t
answer_fast(struct query *queries, const struct stage *stages, unsigned count,
	    const struct zone_store *store, const struct answer_options *options,
	    struct stats_block *stats)
{
	struct fast f;
	uint64_t left = 0;

	f.store = store;
	f.options = options;
	f.stats = stats;
	f.noerror = f.nxdomain = f.nodata = f.wildcards = f.edns = f.edns_do = 0;
	for (unsigned dnssec = 0; dnssec < 2; dnssec++)
		edns_put_plain(f.opt[dnssec], options->udp_size, dnssec, RCODE_NOERROR);
	for (unsigned i = 0; i < count; i++)
		if (!stages[i].is_fast || !answer_query(&f, &queries[i], &stages[i]))
			left |= UINT64_C(1) << i;
	flush_counts(&f);
	return left;
}
