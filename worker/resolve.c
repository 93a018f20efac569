/* What is met at the end of the way down from the apex, and what is answered then. */
#include "worker/resolve.h"

#include <string.h>

#include "shm/steered.h"
#include "worker/alias.h"
#include "worker/aname.h"
#include "worker/answer_steered.h"
#include "worker/denial.h"
#include "worker/descend.h"

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

static enum step answer_nodata(struct answering *a, const struct node *node,
			       unsigned encloser_labels);

/* A flattened chain ends without an address: that is NODATA where it began. */
static enum step
answer_no_address(struct answering *a)
{
	unsigned encloser_labels;
	struct node node;

	aname_return(a, &node, &encloser_labels);
	return answer_nodata(a, &node, encloser_labels);
}

static enum step
answer_nxdomain(struct answering *a, const struct descent *encloser)
{
	trace_value(a->options->trace, TRACE_NXDOMAIN, 0);
	if (a->flat.is_on)
		return answer_no_address(a);
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

	trace_value(a->options->trace, TRACE_NODATA, 0);
	if (a->flat.is_on)
		return answer_no_address(a);
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

/* Every RRset of the node, or the first only (RFC 8482, section 4.1): of which something
 * is chosen, where it is steered. */
static enum step
answer_any(struct answering *a, const struct node *node, const struct rrset_place *place)
{
	uint16_t records = a->response.count[SECTION_ANSWER];
	bool all = a->options->any_policy == ANY_TCP;
	struct block block;
	struct rrset rrset;
	uint32_t at = 0, wire_at;

	trace_value(a->options->trace, TRACE_ANY, all);
	if (all && !(a->q->flags & QUERY_TCP))
		return STEP_FULL;
	while (node_next_block(node, &at, &block)) {
		enum step step;

		if (!block_holds_rrset(&block))
			continue;
		if (block.head.kind == BLOCK_STEERED)
			step = answer_steered(a, node, &block, SECTION_ANSWER, place);
		else if (!rrset_open(&block, &rrset))
			return STEP_DAMAGED;
		else
			step = step_from(response_add(&a->response, SECTION_ANSWER,
						      &rrset, place, &wire_at));
		if (step != STEP_DONE ||
		    (!all && a->response.count[SECTION_ANSWER] != records))
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

		if (!block_holds_rrset(&block))
			continue;
		if (!block_open_rrset(&block, &rrset))
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
	if (is_alias && alias_was_followed(a, labels)) {
		trace_value(a->options->trace, TRACE_LOOP, 0);
		return STEP_DONE;
	}
	step = step_from(
		response_add(&a->response, SECTION_ANSWER, &rrset, place, &wire_at));
	if (step != STEP_DONE)
		return step;
	if (is_alias)
		return alias_follow_cname(a, &rrset, place, wire_at);
	if (rrset.head.target_count > 0) {
		a->additional = (struct additional_source){ rrset, wire_at, 0 };
		a->has_additional = true;
	}
	return STEP_DONE;
}

/* The block that answers the type: its RRset, its BAD_RRSET, else those of the ANAME or the
 * CNAME, else the BAD_RRSET of all types. */
static bool
find_answering_block(const struct node *node, uint16_t type, struct block *out)
{
	uint32_t at = 0;

	while (node_next_block(node, &at, out))
		if (out->head.type == type &&
		    (block_holds_rrset(out) || out->head.kind == BLOCK_BAD_RRSET))
			return true;
	if ((node->head.flags & NODE_HAS_ANAME) && aname_answers(type) &&
	    (node_find_block(node, BLOCK_ANAME, ANAME_TYPE, out) ||
	     node_find_block(node, BLOCK_BAD_RRSET, ANAME_TYPE, out)))
		return true;
	if ((node->head.flags & NODE_HAS_CNAME) &&
	    (node_find_block(node, BLOCK_RRSET, TYPE_CNAME, out) ||
	     node_find_block(node, BLOCK_BAD_RRSET, TYPE_CNAME, out)))
		return true;
	return node_find_block(node, BLOCK_BAD_RRSET, BAD_RRSET_ALL, out);
}

/* Is the flattened chain of a zone that we sign?  Its addresses stand, signed, at the name
 * where the chain begins; those that do not as yet would be bogus. */
static bool
needs_signatures(const struct answering *a)
{
	struct block block;

	return a->response.dnssec && a->flat.is_on &&
	       (a->flat.zone.facts->flags & ZONE_SIGNED) &&
	       node_find_block(&a->flat.zone.apex, BLOCK_SIGNING, 0, &block);
}

/* The end of a flattened chain, here or outside. */
static enum step
answer_end(struct answering *a, const struct block *block)
{
	uint16_t records = a->response.count[SECTION_ANSWER];
	enum step step = block ? aname_add(a, block) : aname_add_outside(a);

	if (step == STEP_DONE && a->response.count[SECTION_ANSWER] == records)
		return answer_no_address(a);
	return step == STEP_DONE && needs_signatures(a) ? STEP_FAILED : step;
}

/* The name's own proof says that the type is there: that without it takes its place. */
static void
deny_chosen(struct answering *a, const struct block *block)
{
	struct steered steered;
	struct node denial;

	if (steered_open(block, &steered) && steered_denial(&steered, &denial))
		denial_replace(a, &denial);
}

/* Some records of a steered RRset, or none: then it is as if the name had no such type. */
static enum step
answer_chosen(struct answering *a, const struct node *node, const struct block *block,
	      const struct rrset_place *place, unsigned encloser_labels)
{
	uint16_t records = a->response.count[SECTION_ANSWER];
	enum step step = answer_steered(a, node, block, SECTION_ANSWER, place);
	bool expanded = encloser_labels < a->q->label_count;

	if (step == STEP_DONE && a->response.count[SECTION_ANSWER] == records) {
		step = answer_nodata(a, node, encloser_labels);
		if (step == STEP_DONE && wants_proof(a))
			deny_chosen(a, block);
		return step;
	}
	if (expanded && wants_proof(a) && !denial_of_expansion(a, encloser_labels))
		return STEP_DAMAGED;
	return step;
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
		trace_value(a->options->trace, TRACE_SIGNATURES, 0);
		step = answer_signatures(a, node, &place);
	} else if (find_answering_block(node, a->q->type, &block)) {
		trace_block(a->options->trace, TRACE_BLOCK, a->q->type, &block);
		if (block.head.kind == BLOCK_BAD_RRSET)
			return STEP_FAILED;
		if (aname_leads_on(a, &block))
			return aname_follow(a, node, &block, encloser_labels, &place);
		if (a->flat.is_on)
			return answer_end(a, &block);
		if (block.head.kind == BLOCK_STEERED)
			return answer_chosen(a, node, &block, &place, encloser_labels);
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
		trace_node(a->options->trace, TRACE_WILDCARD, LOOKUP_FOUND, &wildcard);
		stats_add(a->stats, STAT_wildcard_answers, 1);
		answering_note_source(a, SOURCE_WILDCARD, encloser->labels);
		return answer_from(a, &wildcard, encloser->labels);
	case LOOKUP_MISSING:
		trace_name(a->options->trace, TRACE_WILDCARD, LOOKUP_MISSING, name,
			   len + 2);
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
	trace_value(a->options->trace, TRACE_REFERRAL, 0);
	if (a->chain_len == 0)
		stats_add(a->stats, STAT_referrals, 1);
	answering_note_source(a, SOURCE_CUT, cut->labels);
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

/* The end of the chain is not resolved as yet: the client, which can, gets the CNAMEs. */
static enum step
answer_unflattened(struct answering *a)
{
	unsigned encloser_labels;
	struct node node;

	aname_return(a, &node, &encloser_labels);
	a->flat.is_given_up = true;
	a->chain_len = a->flat.chain_len;
	return answer_from(a, &node, encloser_labels);
}

static enum step
answer_name(struct answering *a)
{
	struct descent d;
	enum meeting met = descend(a, &d);

	if (met != MET_DAMAGE) {
		trace_node(a->options->trace, TRACE_MET, met, &d.node);
		answering_note_closest(a, &d.node);
	}
	switch (met) {
	case MET_OWNER:
		return answer_from(a, &d.node, d.labels);
	case MET_NOTHING:
		return answer_below(a, &d);
	case MET_CUT:
		return a->flat.is_on ? answer_end(a, NULL) : answer_referral(a, &d);
	case MET_DNAME:
		return alias_answer_dname(a, &d.node, d.labels);
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
		trace_node(a->options->trace, TRACE_ZONE, parent.labels, &parent.apex);
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

/* Find the zone of the present name, a chain's next one.  returns STEP_FOLLOW, or how the
 * chain ends when it is in none. */
static enum step
enter_zone(struct answering *a)
{
	enum step step = STEP_FOLLOW;

	while (step == STEP_FOLLOW) {
		switch (zone_find(a->store, a->q, a->q->label_count, a->zone)) {
		case LOOKUP_FOUND:
			trace_node(a->options->trace, TRACE_ZONE, a->zone->labels,
				   &a->zone->apex);
			return STEP_FOLLOW;
		case LOOKUP_MISSING:
			trace_name(a->options->trace, TRACE_NO_ZONE, 0, a->q->name,
				   a->q->name_len);
			step = a->flat.is_on ? answer_end(a, NULL) : STEP_DONE;
			break;
		case LOOKUP_DAMAGED:
			return STEP_DAMAGED;
		}
	}
	return step;
}

enum step
resolve(struct answering *a)
{
	for (;;) {
		enum step step = STEP_DONE;

		if (a->q->type == TYPE_DS)
			step = move_to_parent(a);
		if (step == STEP_DONE && (a->zone->facts->flags & ZONE_BROKEN))
			return a->chain_len && !a->flat.is_on ? STEP_DONE : STEP_FAILED;
		if (step == STEP_DONE)
			step = answer_name(a);
		if (step == STEP_FOLLOW)
			step = enter_zone(a);
		if (step == STEP_UNRESOLVED && aname_may_give_up(a)) {
			step = answer_unflattened(a);
			if (step == STEP_FOLLOW)
				step = enter_zone(a);
		}
		if (step != STEP_FOLLOW)
			return step;
	}
}
