/* Choosing the NSEC and NSEC3 records that prove a denial. */
#include "worker/denial.h"

#include <string.h>

#include "worker/chain.h"

static const uint8_t asterisk_label[2] = { 1, '*' };

/* ---- collecting ---- */

static bool
proof_push(struct answering *a, const struct node *node, uint16_t type)
{
	const struct query *q = a->q;
	bool at_name = lookup_node_is(node, node->head.zone_id, q->name, q->name_len);

	for (unsigned i = 0; i < a->proof_count; i++)
		if (a->proofs[i].node.bytes == node->bytes)
			return true;
	if (a->proof_count == PROOF_MAX)
		return true; /* a long chain of wildcards: the resolver asks on anyway */
	trace_node(a->options->trace, TRACE_PROOF, type, node);
	a->proofs[a->proof_count++] = (struct proof){
		.node = *node,
		.type = type,
		.place = {
			.owner = node_owner(node),
			.apex = node_owner(&a->zone->apex),
			.owner_len = node->head.owner_len,
			.apex_len = a->zone->apex.head.owner_len,
			.owner_at = at_name ? name_place_suffix(&q->place, 0) : 0,
			.apex_at = answering_apex_at(a),
			.owner_is_own = true,
		},
	};
	return true;
}

void
denial_replace(struct answering *a, const struct node *denial)
{
	for (unsigned i = 0; i < a->proof_count; i++) {
		struct node *node = &a->proofs[i].node;

		if (lookup_node_is(node, node->head.zone_id, node_owner(denial),
				   denial->head.owner_len))
			*node = *denial;
	}
}

enum step
denial_add(struct answering *a)
{
	for (unsigned i = 0; i < a->proof_count; i++) {
		const struct proof *proof = &a->proofs[i];
		struct rrset rrset;
		uint32_t wire_at;
		enum step step;

		if (!node_find_rrset(&proof->node, proof->type, &rrset))
			return STEP_DAMAGED;
		step = step_from(response_add(&a->response, SECTION_AUTHORITY, &rrset,
					      &proof->place, &wire_at));
		if (step != STEP_DONE)
			return step;
	}
	return STEP_DONE;
}

/* ---- NSEC ---- */

static bool
nsec_push_for(struct answering *a, const uint8_t *name, unsigned name_len)
{
	struct node node;

	switch (chain_find_nsec(a->store, a->zone->facts->zone_id, &a->zone->apex, name,
				name_len, &node)) {
	case LOOKUP_FOUND:
		return proof_push(a, &node, TYPE_NSEC);
	case LOOKUP_MISSING:
		return true;
	case LOOKUP_DAMAGED:
		break;
	}
	return false;
}

static bool
nsec_push_for_query(struct answering *a)
{
	return nsec_push_for(a, a->q->name, a->q->name_len);
}

/* Spell "*." and the suffix of `labels` labels; returns its length. */
static unsigned
wildcard_name(const struct query *q, unsigned labels, uint8_t out[DNAME_MAX + 2])
{
	unsigned len = query_suffix_len(q, labels);

	memcpy(out, asterisk_label, sizeof asterisk_label);
	memcpy(out + sizeof asterisk_label, query_suffix(q, labels), len);
	return len + (unsigned)sizeof asterisk_label;
}

static bool
nsec_push_wildcard(struct answering *a, unsigned encloser_labels)
{
	uint8_t name[DNAME_MAX + 2 + NAME_PAD];
	unsigned len = wildcard_name(a->q, encloser_labels, name);

	return len > DNAME_MAX || nsec_push_for(a, name, len);
}

/* ---- NSEC3 ---- */

/* returns false when the zone has no usable chain. */
static bool
nsec3_open(const struct answering *a, struct chain_nsec3 *out)
{
	return chain_open_nsec3(a->zone->facts->zone_id, &a->zone->apex, out);
}

/* Hash a name and find who matches or covers it. */
static enum lookup_result
nsec3_lookup(const struct answering *a, const struct chain_nsec3 *chain,
	     const uint8_t *name, unsigned len, struct node *out, bool *matches)
{
	uint8_t hash[NSEC3_HASH_LEN];

	*matches = false;
	nsec3_hash(name, len, chain->salt, chain->facts.salt_len, chain->facts.iterations,
		   hash);
	return chain_find_nsec3(a->store, chain, hash, out, matches);
}

static enum lookup_result
nsec3_lookup_suffix(const struct answering *a, const struct chain_nsec3 *chain,
		    unsigned labels, struct node *out, bool *matches)
{
	return nsec3_lookup(a, chain, query_suffix(a->q, labels),
			    query_suffix_len(a->q, labels), out, matches);
}

static bool
nsec3_push_found(struct answering *a, enum lookup_result found, const struct node *node)
{
	return found == LOOKUP_MISSING ||
	       (found == LOOKUP_FOUND && proof_push(a, node, TYPE_NSEC3));
}

/* The member that matches or covers the suffix of `labels` labels. */
static bool
nsec3_push_suffix(struct answering *a, const struct chain_nsec3 *chain, unsigned labels)
{
	struct node node;
	bool matches;
	enum lookup_result found = nsec3_lookup_suffix(a, chain, labels, &node, &matches);

	return nsec3_push_found(a, found, &node);
}

/* The closest provable encloser proof (RFC 5155, section 7.2.1): the member matching an
 * ancestor at or above `labels`, and the one covering the next closer name.  Under
 * opt-out the closest encloser itself may have none. */
static bool
nsec3_push_encloser(struct answering *a, const struct chain_nsec3 *chain,
		    unsigned *labels)
{
	struct node node;
	bool matches;

	for (;;) {
		enum lookup_result found =
			nsec3_lookup_suffix(a, chain, *labels, &node, &matches);

		if (found != LOOKUP_FOUND)
			return found == LOOKUP_MISSING;
		if (matches)
			break;
		if (*labels <= a->zone->labels)
			return true;
		(*labels)--;
	}
	return proof_push(a, &node, TYPE_NSEC3) &&
	       nsec3_push_suffix(a, chain, *labels + 1);
}

static bool
nsec3_push_wildcard(struct answering *a, const struct chain_nsec3 *chain,
		    unsigned encloser_labels)
{
	uint8_t name[DNAME_MAX + 2];
	unsigned len = wildcard_name(a->q, encloser_labels, name);
	struct node node;
	bool matches;

	return len > DNAME_MAX ||
	       nsec3_push_found(a, nsec3_lookup(a, chain, name, len, &node, &matches),
				&node);
}

/* The member matching the suffix, else the closest provable encloser proof for it. */
static bool
nsec3_push_match_or_optout(struct answering *a, const struct chain_nsec3 *chain,
			   unsigned labels)
{
	struct node node;
	bool matches;
	enum lookup_result found = nsec3_lookup_suffix(a, chain, labels, &node, &matches);

	if (found != LOOKUP_FOUND)
		return found == LOOKUP_MISSING;
	if (matches)
		return proof_push(a, &node, TYPE_NSEC3);
	if (labels <= a->zone->labels)
		return true;
	labels--;
	return nsec3_push_encloser(a, chain, &labels);
}

/* ---- the five denials ---- */

static inline bool
uses_nsec3(const struct answering *a)
{
	return a->zone->facts->flags & ZONE_NSEC3;
}

bool
denial_of_name(struct answering *a, unsigned encloser_labels)
{
	struct chain_nsec3 chain;

	if (!uses_nsec3(a))
		return nsec_push_for_query(a) && nsec_push_wildcard(a, encloser_labels);
	return !nsec3_open(a, &chain) ||
	       (nsec3_push_encloser(a, &chain, &encloser_labels) &&
		nsec3_push_wildcard(a, &chain, encloser_labels));
}

bool
denial_of_type(struct answering *a, const struct node *node)
{
	struct chain_nsec3 chain;
	struct block block;

	if (uses_nsec3(a))
		return !nsec3_open(a, &chain) ||
		       nsec3_push_match_or_optout(a, &chain, a->q->label_count);
	if (node_find_block(node, BLOCK_RRSET, TYPE_NSEC, &block))
		return proof_push(a, node, TYPE_NSEC);
	return nsec_push_for_query(a);
}

bool
denial_of_type_in_wildcard(struct answering *a, const struct node *wildcard,
			   unsigned encloser_labels)
{
	struct chain_nsec3 chain;

	if (uses_nsec3(a))
		return !nsec3_open(a, &chain) ||
		       (nsec3_push_encloser(a, &chain, &encloser_labels) &&
			nsec3_push_wildcard(a, &chain, encloser_labels));
	return nsec_push_for(a, node_owner(wildcard), wildcard->head.owner_len) &&
	       nsec_push_for_query(a);
}

bool
denial_of_expansion(struct answering *a, unsigned encloser_labels)
{
	struct chain_nsec3 chain;

	if (!uses_nsec3(a))
		return nsec_push_for_query(a);
	return !nsec3_open(a, &chain) ||
	       nsec3_push_suffix(a, &chain, encloser_labels + 1);
}

bool
denial_of_ds(struct answering *a, const struct node *cut, unsigned cut_labels)
{
	struct chain_nsec3 chain;
	struct block block;

	if (uses_nsec3(a))
		return !nsec3_open(a, &chain) ||
		       nsec3_push_match_or_optout(a, &chain, cut_labels);
	return !node_find_block(cut, BLOCK_RRSET, TYPE_NSEC, &block) ||
	       proof_push(a, cut, TYPE_NSEC);
}
