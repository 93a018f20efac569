/* Choosing the NSEC and NSEC3 records that prove a denial. */
#include "worker/denial.h"

#include <string.h>

#include "shm/nsec3_hash.h"
#include "shm/wire.h"

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

/* ---- NSEC: the order array of the zone ---- */

/* The last owner of an NSEC at or before `name` in canonical order; the zone's first
 * (the apex, in a complete chain) when all are behind it. */
static bool
nsec_predecessor(const struct answering *a, const struct index_zone *zone,
		 const uint8_t *name, struct node *out)
{
	const struct generation *gen = &a->store->gen;
	uint64_t low = 0, high = zone->order_count;

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (!generation_node_at(gen, gen->order[zone->order_first + middle], out))
			return false;
		if (dname_compare(node_owner(out), name) <= 0)
			low = middle;
		else
			high = middle;
	}
	return generation_node_at(gen, gen->order[zone->order_first + low], out);
}

static bool
nsec_push_for(struct answering *a, const uint8_t *name)
{
	const struct generation *gen = &a->store->gen;
	const struct index_zone *zone = generation_zone(gen, a->zone->facts->zone_id);
	struct node node;

	if (!zone || zone->order_count == 0)
		return true;
	return nsec_predecessor(a, zone, name, &node) && proof_push(a, &node, TYPE_NSEC);
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
	uint8_t name[DNAME_MAX + 2];

	if (wildcard_name(a->q, encloser_labels, name) > DNAME_MAX)
		return true;
	return nsec_push_for(a, name);
}

/* ---- NSEC3: the zone's hashes in order ---- */

struct nsec3_chain {
	const struct index_nsec3 *entries;
	uint64_t count;
	struct nsec3_facts facts;
	const uint8_t *salt;
};

/* returns false when the zone has no usable chain. */
static bool
nsec3_open(const struct answering *a, struct nsec3_chain *out)
{
	const struct generation *gen = &a->store->gen;
	const struct index_zone *zone = generation_zone(gen, a->zone->facts->zone_id);
	struct block block;

	if (!zone || zone->nsec3_count == 0 ||
	    !node_find_block(&a->zone->apex, BLOCK_NSEC3PARAM, 0, &block) ||
	    block.head.len < sizeof out->facts)
		return false;
	memcpy(&out->facts, block.payload, sizeof out->facts);
	out->salt = block.payload + sizeof out->facts;
	out->entries = gen->nsec3 + zone->nsec3_first;
	out->count = zone->nsec3_count;
	return block.head.len - sizeof out->facts >= out->facts.salt_len;
}

static uint64_t
hash_head(const uint8_t hash[NSEC3_HASH_LEN])
{
	return (uint64_t)wire_get_u32(hash) << 32 | wire_get_u32(hash + 4);
}

/* Compare an entry's whole hash with `hash`; on damage the entry counts as smaller. */
static int
nsec3_compare(const struct answering *a, const struct index_nsec3 *entry,
	      const uint8_t hash[NSEC3_HASH_LEN])
{
	uint8_t own[NSEC3_HASH_LEN];
	struct node node;

	if (entry->hash_head != hash_head(hash))
		return entry->hash_head < hash_head(hash) ? -1 : 1;
	if (!generation_node_at(&a->store->gen, entry->node_off, &node) ||
	    node.head.owner_len < NSEC3_LABEL_LEN + 2 ||
	    !nsec3_hash_from_label(node_owner(&node), own))
		return -1;
	return memcmp(own, hash, NSEC3_HASH_LEN);
}

/* Find the entry that matches `hash` (returns true) or covers it (false): the last one
 * before it, going around from the first to the last (RFC 5155, section 1.3). */
static bool
nsec3_search(const struct answering *a, const struct nsec3_chain *chain,
	     const uint8_t hash[NSEC3_HASH_LEN], uint64_t *index)
{
	uint64_t low = 0, high = chain->count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		int order = nsec3_compare(a, &chain->entries[middle], hash);

		if (order == 0) {
			*index = middle;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*index = low == 0 ? chain->count - 1 : low - 1;
	return false;
}

static bool
nsec3_push_entry(struct answering *a, const struct nsec3_chain *chain, uint64_t index)
{
	struct node node;

	return generation_node_at(&a->store->gen, chain->entries[index].node_off,
				  &node) &&
	       proof_push(a, &node, TYPE_NSEC3);
}

/* Hash a name and find its entry. */
static bool
nsec3_lookup(const struct answering *a, const struct nsec3_chain *chain,
	     const uint8_t *name, unsigned len, uint64_t *index)
{
	uint8_t hash[NSEC3_HASH_LEN];

	nsec3_hash(name, len, chain->salt, chain->facts.salt_len, chain->facts.iterations,
		   hash);
	return nsec3_search(a, chain, hash, index);
}

static bool
nsec3_lookup_suffix(const struct answering *a, const struct nsec3_chain *chain,
		    unsigned labels, uint64_t *index)
{
	return nsec3_lookup(a, chain, query_suffix(a->q, labels),
			    query_suffix_len(a->q, labels), index);
}

/* The entry that matches or covers the suffix of `labels` labels. */
static bool
nsec3_push_suffix(struct answering *a, const struct nsec3_chain *chain, unsigned labels)
{
	uint64_t index;

	(void)nsec3_lookup_suffix(a, chain, labels, &index);
	return nsec3_push_entry(a, chain, index);
}

/* The closest provable encloser proof (RFC 5155, section 7.2.1): the entry matching an
 * ancestor at or above `labels`, and the one covering the next closer name.  Under
 * opt-out the closest encloser itself may have none. */
static bool
nsec3_push_encloser(struct answering *a, const struct nsec3_chain *chain,
		    unsigned *labels)
{
	uint64_t index;

	while (!nsec3_lookup_suffix(a, chain, *labels, &index)) {
		if (*labels <= a->zone->labels)
			return true;
		(*labels)--;
	}
	return nsec3_push_entry(a, chain, index) &&
	       nsec3_push_suffix(a, chain, *labels + 1);
}

static bool
nsec3_push_wildcard(struct answering *a, const struct nsec3_chain *chain,
		    unsigned encloser_labels)
{
	uint8_t name[DNAME_MAX + 2];
	unsigned len = wildcard_name(a->q, encloser_labels, name);
	uint64_t index;

	if (len > DNAME_MAX)
		return true;
	(void)nsec3_lookup(a, chain, name, len, &index);
	return nsec3_push_entry(a, chain, index);
}

/* The entry matching the suffix, else the closest provable encloser proof for it. */
static bool
nsec3_push_match_or_optout(struct answering *a, const struct nsec3_chain *chain,
			   unsigned labels)
{
	uint64_t index;

	if (nsec3_lookup_suffix(a, chain, labels, &index))
		return nsec3_push_entry(a, chain, index);
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
	struct nsec3_chain chain;

	if (!uses_nsec3(a))
		return nsec_push_for(a, a->q->name) &&
		       nsec_push_wildcard(a, encloser_labels);
	return !nsec3_open(a, &chain) ||
	       (nsec3_push_encloser(a, &chain, &encloser_labels) &&
		nsec3_push_wildcard(a, &chain, encloser_labels));
}

bool
denial_of_type(struct answering *a, const struct node *node)
{
	struct nsec3_chain chain;
	struct block block;

	if (uses_nsec3(a))
		return !nsec3_open(a, &chain) ||
		       nsec3_push_match_or_optout(a, &chain, a->q->label_count);
	if (node_find_block(node, BLOCK_RRSET, TYPE_NSEC, &block))
		return proof_push(a, node, TYPE_NSEC);
	return nsec_push_for(a, a->q->name);
}

bool
denial_of_type_in_wildcard(struct answering *a, const struct node *wildcard,
			   unsigned encloser_labels)
{
	struct nsec3_chain chain;

	if (uses_nsec3(a))
		return !nsec3_open(a, &chain) ||
		       (nsec3_push_encloser(a, &chain, &encloser_labels) &&
			nsec3_push_wildcard(a, &chain, encloser_labels));
	return nsec_push_for(a, node_owner(wildcard)) && nsec_push_for(a, a->q->name);
}

bool
denial_of_expansion(struct answering *a, unsigned encloser_labels)
{
	struct nsec3_chain chain;

	if (!uses_nsec3(a))
		return nsec_push_for(a, a->q->name);
	return !nsec3_open(a, &chain) ||
	       nsec3_push_suffix(a, &chain, encloser_labels + 1);
}

bool
denial_of_ds(struct answering *a, const struct node *cut, unsigned cut_labels)
{
	struct nsec3_chain chain;
	struct block block;

	if (uses_nsec3(a))
		return !nsec3_open(a, &chain) ||
		       nsec3_push_match_or_optout(a, &chain, cut_labels);
	return !node_find_block(cut, BLOCK_RRSET, TYPE_NSEC, &block) ||
	       proof_push(a, cut, TYPE_NSEC);
}
