/* Addresses of targets within the zone, found by probing for each. */
#include "worker/additional.h"

#include <string.h>

#include "worker/answer_steered.h"

/* A target's whole name and the hash of its key. */
struct target_name {
	uint8_t name[DNAME_MAX + NAME_PAD];
	unsigned len;
	uint64_t hash;
};

/* Put labels and apex together, hashing the labels from the apex on.
 * returns false when the prefix is not whole labels, or too long. */
static bool
target_build(const struct answering *a, const struct rrset_target *target,
	     const uint8_t *prefix, struct target_name *out)
{
	const struct hash_seed *seed = &a->store->gen.head.seed;
	const struct node *apex = &a->zone->apex;
	uint64_t state = a->q->state[a->zone->labels];
	uint8_t starts[DNAME_LABELS_MAX];
	unsigned labels = 0, at = 0;

	out->len = target->prefix_len + (unsigned)apex->head.owner_len;
	if (out->len > DNAME_MAX)
		return false;
	memcpy(out->name, prefix, target->prefix_len);
	memcpy(out->name + target->prefix_len, node_owner(apex), apex->head.owner_len);
	while (at < target->prefix_len) {
		if (labels == DNAME_LABELS_MAX || out->name[at] == 0 ||
		    out->name[at] > DNAME_LABEL_MAX)
			return false;
		starts[labels++] = (uint8_t)at;
		at += out->name[at] + 1u;
	}
	if (at != target->prefix_len)
		return false;
	while (labels > 0)
		state = name_hash_label(seed, state, out->name + starts[--labels]);
	out->hash = name_hash_key(
		seed, state, target->prefix_len ? a->zone->facts->zone_id : CATALOGUE_ID);
	return true;
}

static enum step
add_address(struct answering *a, const struct node *node, uint16_t type,
	    const struct rrset_place *place)
{
	struct rrset rrset;
	struct block block;
	uint32_t wire_at;

	if ((node->head.flags & NODE_HAS_STEERED) &&
	    node_find_block(node, BLOCK_STEERED, type, &block))
		return answer_steered(a, node, &block, SECTION_ADDITIONAL, place);
	if (!node_find_rrset(node, type, &rrset))
		return STEP_DONE;
	return step_from(
		response_add(&a->response, SECTION_ADDITIONAL, &rrset, place, &wire_at));
}

static enum step
add_addresses(struct answering *a, const struct node *node,
	      const struct target_name *name, uint16_t owner_at)
{
	struct rrset_place place = {
		.owner = name->name,
		.apex = node_owner(&a->zone->apex),
		.owner_len = (uint16_t)name->len,
		.apex_len = a->zone->apex.head.owner_len,
		.owner_at = owner_at,
		.apex_at = answering_apex_at(a),
		.owner_is_own = true,
	};
	enum step v4 = add_address(a, node, TYPE_A, &place);
	enum step v6 = add_address(a, node, TYPE_AAAA, &place);

	return v4 == STEP_DONE ? v6 : v4;
}

/* Is the target at or below the cut of the referral? */
static bool
is_in_domain(const struct answering *a, const struct target_name *target)
{
	unsigned labels = a->additional.cut_labels;

	return labels != 0 &&
	       dname_is_subdomain(target->name, target->len, query_suffix(a->q, labels),
				  query_suffix_len(a->q, labels));
}

static enum step
add_target(struct answering *a, const struct rrset_target *target, const uint8_t *prefix)
{
	uint32_t zone_id =
		target->prefix_len ? a->zone->facts->zone_id : (uint32_t)CATALOGUE_ID;
	uint32_t at = a->additional.wire_at ? a->additional.wire_at + target->at : 0;
	struct target_name name;
	struct node node;
	enum step step = STEP_DONE;

	if (!target_build(a, target, prefix, &name))
		return STEP_DAMAGED;
	switch (lookup(a->store, name.hash, zone_id, name.name, name.len, &node)) {
	case LOOKUP_FOUND:
		trace_node(a->options->trace, TRACE_TARGET, LOOKUP_FOUND, &node);
		step = add_addresses(a, &node, &name,
				     at > POINTER_MAX ? 0 : (uint16_t)at);
		break;
	case LOOKUP_MISSING:
		trace_name(a->options->trace, TRACE_TARGET, LOOKUP_MISSING, name.name,
			   name.len);
		break;
	case LOOKUP_DAMAGED:
		return STEP_DAMAGED;
	}
	return step == STEP_FULL && !is_in_domain(a, &name) ? STEP_DONE : step;
}

/* Fetch the buckets of all targets before the first is looked up. */
static void
prefetch_targets(const struct answering *a)
{
	const struct rrset *rrset = &a->additional.rrset;
	const uint8_t *at = rrset->targets;
	struct rrset_target target;
	struct target_name name;

	for (unsigned i = 0; i < rrset->head.target_count; i++) {
		if ((size_t)(rrset->targets_end - at) < sizeof target)
			return;
		memcpy(&target, at, sizeof target);
		at += sizeof target;
		if ((size_t)(rrset->targets_end - at) < target.prefix_len ||
		    !target_build(a, &target, at, &name))
			return;
		zone_store_prefetch(a->store, name.hash);
		at += target.prefix_len;
	}
}

enum step
additional_add(struct answering *a)
{
	const struct rrset *rrset = &a->additional.rrset;
	const uint8_t *at = rrset->targets;
	struct rrset_target target;

	if (rrset->head.target_count > 2)
		prefetch_targets(a);
	for (unsigned i = 0; i < rrset->head.target_count; i++) {
		enum step step;

		if ((size_t)(rrset->targets_end - at) < sizeof target)
			return STEP_DAMAGED;
		memcpy(&target, at, sizeof target);
		at += sizeof target;
		if ((size_t)(rrset->targets_end - at) < target.prefix_len)
			return STEP_DAMAGED;
		step = add_target(a, &target, at);
		if (step != STEP_DONE)
			return step;
		at += target.prefix_len;
	}
	return STEP_DONE;
}
