/* From a name to its answer: descend from the apex, then answer what was met. */
#include "worker/resolve.h"

#include <string.h>

#include "shm/wire.h"
#include "worker/additional.h"
#include "worker/denial.h"

enum {
	RDATA_AT = 12, /* of the first RR of a rendered RRset */
};

/* What stands at the end of the way down from the apex. */
enum meeting {
	MET_OWNER, /* the name itself */
	MET_NOTHING, /* node is the closest encloser */
	MET_CUT,
	MET_DNAME,
	MET_DAMAGE,
};

struct descent {
	struct node node;
	unsigned labels; /* of node's owner */
};

/* ---- the way down ---- */

/* The next depth in from..to at which the zone has a cut or a DNAME; -1 for none. */
static int
next_marked_depth(const struct zone_facts *facts, unsigned from, unsigned to)
{
	while (from <= to) {
		unsigned word = from / 64;
		uint64_t bits = (facts->cut_depths[word] | facts->dname_depths[word]) >>
				from % 64;

		if (bits) {
			from += (unsigned)__builtin_ctzll(bits);
			return from <= to ? (int)from : -1;
		}
		from = (word + 1) * 64;
	}
	return -1;
}

/* Is the name occluded by this ancestor (or by this cut at the name itself)? */
static bool
is_obstacle(const struct answering *a, const struct descent *d, enum meeting *met)
{
	bool at_name = d->labels == a->q->label_count;

	if ((d->node.head.flags & NODE_HAS_NS) && d->labels > a->zone->labels &&
	    !(at_name && a->q->type == TYPE_DS)) {
		*met = MET_CUT;
		return true;
	}
	if ((d->node.head.flags & NODE_HAS_DNAME) && !at_name) {
		*met = MET_DNAME;
		return true;
	}
	return false;
}

/* Between `d` (exists) and `missing` labels (does not), find the closest encloser: every
 * ancestor of a name has a node, so halving finds it. */
static enum meeting
find_encloser(const struct answering *a, struct descent *d, unsigned missing)
{
	struct node node;

	while (missing - d->labels > 1) {
		unsigned middle = d->labels + (missing - d->labels) / 2;

		switch (zone_probe(a, middle, &node)) {
		case LOOKUP_FOUND:
			d->node = node;
			d->labels = middle;
			break;
		case LOOKUP_MISSING:
			missing = middle;
			break;
		case LOOKUP_DAMAGED:
			return MET_DAMAGE;
		}
	}
	return MET_NOTHING;
}

/* Probe the depths that hold cuts or DNAMEs, top first.
 * returns MET_OWNER when nothing stands in the way so far; *missing is lowered to the
 * first depth that is known not to exist. */
static enum meeting
pass_obstacles(const struct answering *a, struct descent *d, unsigned *missing)
{
	const struct query *q = a->q;
	enum meeting met = MET_OWNER;
	int depth;

	if (is_obstacle(a, d, &met))
		return met;
	depth = next_marked_depth(a->zone->facts, d->labels + 1, q->label_count);
	while (depth >= 0) {
		struct node node;
		enum lookup_result found = zone_probe(a, (unsigned)depth, &node);

		if (found == LOOKUP_DAMAGED)
			return MET_DAMAGE;
		if (found == LOOKUP_MISSING) {
			*missing = (unsigned)depth;
			return MET_OWNER;
		}
		*d = (struct descent){ node, (unsigned)depth };
		if (is_obstacle(a, d, &met))
			return met;
		depth = next_marked_depth(a->zone->facts, (unsigned)depth + 1,
					  q->label_count);
	}
	return MET_OWNER;
}

static enum meeting
descend(const struct answering *a, struct descent *d)
{
	unsigned labels = a->q->label_count, missing = labels + 1;
	enum meeting met;

	*d = (struct descent){ a->zone->apex, a->zone->labels };
	met = pass_obstacles(a, d, &missing);
	if (met != MET_OWNER || d->labels == labels)
		return met;
	if (missing > labels) {
		struct node node;

		switch (zone_probe(a, labels, &node)) {
		case LOOKUP_FOUND:
			*d = (struct descent){ node, labels };
			return MET_OWNER;
		case LOOKUP_MISSING:
			missing = labels;
			break;
		case LOOKUP_DAMAGED:
			return MET_DAMAGE;
		}
	}
	return find_encloser(a, d, missing);
}

/* ---- chains ---- */

/* Note that the alias at the suffix of `labels` labels was followed.  returns false when
 * the chain is long enough: the resolver asks on from where it ends. */
static bool
chain_push(struct answering *a, unsigned labels)
{
	if (a->chain_len == CHAIN_MAX)
		return false;
	a->chain[a->chain_len++] = a->q->state[labels];
	return true;
}

/* Was it followed before? */
static bool
chain_holds(const struct answering *a, unsigned labels)
{
	for (unsigned i = 0; i < a->chain_len; i++)
		if (a->chain[i] == a->q->state[labels])
			return true;
	return false;
}

/* Append `len` octets to a name under construction; false when it gets too long. */
static bool
append(uint8_t name[DNAME_MAX], unsigned *name_len, const uint8_t *octets, unsigned len)
{
	if (len > DNAME_MAX - *name_len)
		return false;
	memcpy(name + *name_len, octets, len);
	*name_len += len;
	return true;
}

/* Read the one name in the rdata of a CNAME's or DNAME's RRset into `name`.
 * `own_len` receives how many octets stand there before a pointer (all without one).
 * returns its length, 0 on damage. */
static unsigned
read_target(const struct rrset *rrset, const struct rrset_place *place,
	    uint8_t name[DNAME_MAX], unsigned *own_len, struct rrset_patch *patch)
{
	const uint8_t *rdata = rrset->wire + RDATA_AT;
	unsigned wire_len = rrset->head.wire_len;
	unsigned room = wire_len > RDATA_AT ? wire_len - RDATA_AT : 0;
	unsigned at = 0, len = 0;
	bool to_owner, fits;

	patch->at = 0;
	while (at < room && rdata[at] != 0 && rdata[at] <= DNAME_LABEL_MAX)
		at += rdata[at] + 1u;
	if (at >= room || at >= DNAME_MAX)
		return 0;
	*own_len = at + (rdata[at] == 0);
	if (!append(name, &len, rdata, *own_len))
		return 0;
	if (rdata[at] == 0)
		return len;
	if (rrset->head.patch_count == 0)
		return 0;
	memcpy(patch, rrset->patches, sizeof *patch);
	to_owner = patch->to >> PATCH_KIND_SHIFT == PATCH_OWNER;
	fits = to_owner ? append(name, &len, place->owner, place->owner_len)
			: append(name, &len, place->apex, place->apex_len);
	return fits ? len : 0;
}

/* Make `name` the name that is looked up, standing in the message at `place`. */
static enum step
follow(struct answering *a, const uint8_t *name, unsigned len, struct name_place place)
{
	struct query *q = a->q;

	memcpy(q->name, name, len);
	dname_lower(q->name, len);
	q->name_len = (uint8_t)len;
	q->place = place;
	query_index_labels(q);
	query_hash_labels(q, &a->store->gen.head.seed);
	a->owner = NULL;
	return STEP_FOLLOW;
}

static enum step
follow_cname(struct answering *a, const struct rrset *rrset,
	     const struct rrset_place *place, uint32_t wire_at)
{
	struct name_place target_place = { 0, 0, 0, 0 };
	struct rrset_patch patch;
	uint8_t name[DNAME_MAX];
	unsigned own_len, len = read_target(rrset, place, name, &own_len, &patch);

	if (len == 0)
		return STEP_DAMAGED;
	if (wire_at != 0) {
		target_place.head_at = (uint16_t)(wire_at + RDATA_AT);
		target_place.head_len = (uint16_t)own_len;
		if (own_len < len) {
			target_place.tail_at = patch.to >> PATCH_KIND_SHIFT == PATCH_OWNER
						       ? place->owner_at
						       : place->apex_at;
			target_place.tail_len = 1;
		}
	}
	return follow(a, name, len, target_place);
}

/* ---- what is met ---- */

static enum step
add_negative_soa(struct answering *a)
{
	struct rrset_place place = answering_place(a, a->zone->labels);
	struct block block;
	struct rrset soa;
	uint32_t wire_at;

	if (!node_find_block(&a->zone->apex, BLOCK_NEGATIVE_SOA, TYPE_SOA, &block) ||
	    !rrset_open(&block, &soa))
		return STEP_DAMAGED;
	return step_from(
		response_add(&a->response, SECTION_AUTHORITY, &soa, &place, &wire_at));
}

static inline bool
wants_proof(const struct answering *a)
{
	return a->response.dnssec && (a->zone->facts->flags & ZONE_SIGNED);
}

static enum step
answer_nxdomain(struct answering *a, const struct descent *encloser)
{
	a->rcode = RCODE_NXDOMAIN;
	a->authoritative = true;
	if (wants_proof(a) && !denial_of_name(a, encloser->labels))
		return STEP_DAMAGED;
	return add_negative_soa(a);
}

static enum step
answer_nodata(struct answering *a, const struct node *node, unsigned encloser_labels)
{
	bool expanded = encloser_labels < a->q->label_count;

	a->authoritative = true;
	if (a->chain_len == 0)
		stats_add(a->stats, STAT_nodata, 1);
	if (wants_proof(a)) {
		bool proved =
			expanded ? denial_of_type_in_wildcard(a, node, encloser_labels)
				 : denial_of_type(a, node);

		if (!proved)
			return STEP_DAMAGED;
	}
	return add_negative_soa(a);
}

/* Every RRset of the node, or the first only (RFC 8482, section 4.1). */
static enum step
answer_any(struct answering *a, const struct node *node, const struct rrset_place *place)
{
	bool all = a->options->any_policy == ANY_TCP;
	struct block block;
	struct rrset rrset;
	uint32_t at = 0, wire_at;

	if (all && !(a->q->flags & QUERY_TCP))
		return STEP_FULL;
	while (node_next_block(node, &at, &block)) {
		enum step step;

		if (block.head.kind != BLOCK_RRSET)
			continue;
		if (!rrset_open(&block, &rrset))
			return STEP_DAMAGED;
		step = step_from(response_add(&a->response, SECTION_ANSWER, &rrset, place,
					      &wire_at));
		if (step != STEP_DONE || !all)
			return step;
	}
	return STEP_DONE;
}

static enum step
answer_signatures(struct answering *a, const struct node *node,
		  const struct rrset_place *place)
{
	struct block block;
	struct rrset rrset;
	uint32_t at = 0;

	while (node_next_block(node, &at, &block)) {
		enum step step;

		if (block.head.kind != BLOCK_RRSET)
			continue;
		if (!rrset_open(&block, &rrset))
			return STEP_DAMAGED;
		if (rrset.head.sig_count == 0)
			continue;
		step = step_from(response_add_signatures(&a->response, SECTION_ANSWER,
							 &rrset, place));
		if (step != STEP_DONE)
			return step;
	}
	return STEP_DONE;
}

/* The RRset that was asked for, or the CNAME in its stead, goes into the answer. */
static enum step
answer_rrset(struct answering *a, const struct block *block,
	     const struct rrset_place *place)
{
	bool is_alias = block->head.type != a->q->type;
	unsigned labels = a->q->label_count;
	struct rrset rrset;
	uint32_t wire_at;
	enum step step;

	if (!rrset_open(block, &rrset))
		return STEP_DAMAGED;
	if (is_alias && chain_holds(a, labels))
		return STEP_DONE;
	step = step_from(
		response_add(&a->response, SECTION_ANSWER, &rrset, place, &wire_at));
	if (step != STEP_DONE)
		return step;
	if (is_alias)
		return chain_push(a, labels) ? follow_cname(a, &rrset, place, wire_at)
					     : STEP_DONE;
	if (rrset.head.target_count > 0) {
		a->additional = (struct additional_source){ rrset, wire_at, 0 };
		a->has_additional = true;
	}
	return STEP_DONE;
}

/* The block that answers the type: its RRset, its BAD_RRSET, else those of the CNAME, else
 * the BAD_RRSET of all types. */
static bool
find_answering_block(const struct node *node, uint16_t type, struct block *out)
{
	uint32_t at = 0;

	while (node_next_block(node, &at, out))
		if (out->head.type == type &&
		    (out->head.kind == BLOCK_RRSET || out->head.kind == BLOCK_BAD_RRSET))
			return true;
	if ((node->head.flags & NODE_HAS_CNAME) &&
	    (node_find_block(node, BLOCK_RRSET, TYPE_CNAME, out) ||
	     node_find_block(node, BLOCK_BAD_RRSET, TYPE_CNAME, out)))
		return true;
	return node_find_block(node, BLOCK_BAD_RRSET, BAD_RRSET_ALL, out);
}

/* Answer from the node of the name itself, or of the wildcard that it expands: then
 * `encloser_labels` is less than the name's own. */
static enum step
answer_from(struct answering *a, const struct node *node, unsigned encloser_labels)
{
	bool expanded = encloser_labels < a->q->label_count;
	struct rrset_place place = answering_place(a, a->q->label_count);
	uint16_t records = a->response.count[SECTION_ANSWER];
	struct block block = { .payload = NULL };
	enum step step;

	place.owner_is_own = !expanded;
	a->authoritative = true;
	if (a->q->type == TYPE_ANY) {
		step = answer_any(a, node, &place);
	} else if (a->q->type == TYPE_RRSIG) {
		step = answer_signatures(a, node, &place);
	} else if (find_answering_block(node, a->q->type, &block)) {
		if (block.head.kind == BLOCK_BAD_RRSET)
			return STEP_FAILED;
		if (expanded && wants_proof(a) &&
		    !denial_of_expansion(a, encloser_labels))
			return STEP_DAMAGED;
		return answer_rrset(a, &block, &place);
	} else {
		return answer_nodata(a, node, encloser_labels);
	}
	if (step == STEP_DONE && a->response.count[SECTION_ANSWER] == records)
		return node_find_block(node, BLOCK_BAD_RRSET, BAD_RRSET_ALL, &block)
			       ? STEP_FAILED
			       : answer_nodata(a, node, encloser_labels);
	if (expanded && wants_proof(a) && !denial_of_expansion(a, encloser_labels))
		return STEP_DAMAGED;
	return step;
}

/* The name does not exist: its source of synthesis may (RFC 4592, section 3.3.1). */
static enum step
answer_below(struct answering *a, const struct descent *encloser)
{
	static const uint8_t asterisk[2 + NAME_PAD] = { 1, '*' };
	const struct query *q = a->q;
	const struct hash_seed *seed = &a->store->gen.head.seed;
	uint8_t name[DNAME_MAX + 2];
	unsigned len = query_suffix_len(q, encloser->labels);
	struct node wildcard;
	uint64_t hash;

	if (!(encloser->node.head.flags & NODE_HAS_WILDCARD))
		return answer_nxdomain(a, encloser);
	memcpy(name, asterisk, 2);
	memcpy(name + 2, query_suffix(q, encloser->labels), len);
	hash = name_hash_key(seed,
			     name_hash_label(seed, q->state[encloser->labels], asterisk),
			     a->zone->facts->zone_id);
	switch (lookup(a->store, hash, a->zone->facts->zone_id, name, len + 2,
		       &wildcard)) {
	case LOOKUP_FOUND:
		stats_add(a->stats, STAT_wildcard_answers, 1);
		return answer_from(a, &wildcard, encloser->labels);
	case LOOKUP_MISSING:
		return answer_nxdomain(a, encloser);
	case LOOKUP_DAMAGED:
		break;
	}
	return STEP_DAMAGED;
}

static enum step
answer_referral(struct answering *a, const struct descent *cut)
{
	struct rrset_place place = answering_place(a, cut->labels);
	struct rrset ns, ds;
	uint32_t ns_at, ds_at;
	enum step step;

	if (!node_find_rrset(&cut->node, TYPE_NS, &ns))
		return STEP_DAMAGED;
	if (a->chain_len == 0)
		stats_add(a->stats, STAT_referrals, 1);
	step = step_from(
		response_add(&a->response, SECTION_AUTHORITY, &ns, &place, &ns_at));
	if (step == STEP_DONE && wants_proof(a)) {
		if (node_find_rrset(&cut->node, TYPE_DS, &ds))
			step = step_from(response_add(&a->response, SECTION_AUTHORITY,
						      &ds, &place, &ds_at));
		else if (!denial_of_ds(a, &cut->node, cut->labels))
			step = STEP_DAMAGED;
	}
	a->additional = (struct additional_source){ ns, ns_at, cut->labels };
	a->has_additional = ns.head.target_count > 0;
	return step;
}

/* RFC 6672, section 3.2: the DNAME, a CNAME made from it, and on with its target. */
static enum step
answer_dname(struct answering *a, const struct descent *at)
{
	struct query *q = a->q;
	struct rrset_place place = answering_place(a, at->labels);
	unsigned prefix_len = (unsigned)q->name_len - place.owner_len, own_len,
		 target_len, len = 0;
	uint8_t target[DNAME_MAX], name[DNAME_MAX];
	struct name_place name_place = { 0, 0, 0, 0 };
	struct rrset_patch patch;
	struct rrset dname;
	uint32_t wire_at;
	uint16_t owner_at = name_place_suffix(&q->place, 0);
	enum step step;

	if (!node_find_rrset(&at->node, TYPE_DNAME, &dname))
		return STEP_DAMAGED;
	target_len = read_target(&dname, &place, target, &own_len, &patch);
	if (target_len == 0)
		return STEP_DAMAGED;
	a->authoritative = true;
	if (!chain_holds(a, at->labels)) {
		step = step_from(response_add(&a->response, SECTION_ANSWER, &dname,
					      &place, &wire_at));
		if (step != STEP_DONE)
			return step;
	}
	if (!append(name, &len, q->name, prefix_len) ||
	    !append(name, &len, target, target_len)) {
		a->rcode = RCODE_YXDOMAIN;
		return STEP_DONE;
	}
	if (owner_at == 0 || !chain_push(a, at->labels))
		return STEP_DONE;
	name_place.head_at = (uint16_t)(a->response.at + RDATA_AT);
	name_place.head_len = (uint16_t)len;
	step = step_from(response_add_synthetic(&a->response, dname.head.ttl, owner_at,
						q->name, prefix_len, target, target_len));
	if (step != STEP_DONE || q->type == TYPE_CNAME || q->type == TYPE_ANY)
		return step;
	return follow(a, name, len, name_place);
}

static enum step
answer_name(struct answering *a)
{
	struct descent d;

	switch (descend(a, &d)) {
	case MET_OWNER:
		return answer_from(a, &d.node, d.labels);
	case MET_NOTHING:
		return answer_below(a, &d);
	case MET_CUT:
		return answer_referral(a, &d);
	case MET_DNAME:
		return answer_dname(a, &d);
	case MET_DAMAGE:
		break;
	}
	return STEP_DAMAGED;
}

/* DS lives on the parent's side of a cut (RFC 4035, section 3.1.4.1): when the name is
 * an apex, look for the zone above; without one the child answers. */
static enum step
move_to_parent(struct answering *a)
{
	struct zone parent;

	if (a->q->label_count == 0 || a->zone->labels != a->q->label_count)
		return STEP_DONE;
	switch (zone_find(a->store, a->q, a->q->label_count - 1u, &parent)) {
	case LOOKUP_FOUND:
		*a->zone = parent;
		a->owner = NULL;
		return STEP_DONE;
	case LOOKUP_MISSING:
		return STEP_DONE;
	case LOOKUP_DAMAGED:
		break;
	}
	return STEP_DAMAGED;
}

enum step
resolve(struct answering *a)
{
	for (;;) {
		enum step step = STEP_DONE;

		if (a->q->type == TYPE_DS)
			step = move_to_parent(a);
		if (step == STEP_DONE && (a->zone->facts->flags & ZONE_BROKEN))
			return a->chain_len ? STEP_DONE : STEP_FAILED;
		if (step == STEP_DONE)
			step = answer_name(a);
		if (step != STEP_FOLLOW)
			return step;
		switch (zone_find(a->store, a->q, a->q->label_count, a->zone)) {
		case LOOKUP_FOUND:
			break;
		case LOOKUP_MISSING:
			return STEP_DONE;
		case LOOKUP_DAMAGED:
			return STEP_DAMAGED;
		}
	}
}
