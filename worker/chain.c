/* Predecessors in a chain: of what is sealed, of what is live, and the later of both. */
#include "worker/chain.h"

#include "worker/order_find.h"

/* ---- both ---- */

/* Does the overlay know this member of the generation's order?  Then it has left the chain,
 * or stands in the overlay's order too. */
static enum lookup_result
is_superseded(const struct zone_store *store, const struct node *node, bool *out)
{
	uint64_t hash =
		name_hash(&store->gen.head.seed, node->head.zone_id, node_owner(node));
	struct node live;

	*out = false;
	if (!lookup_may_be_live(store, hash))
		return LOOKUP_FOUND;
	switch (overlay_view_find(&store->overlay, hash, node->head.zone_id,
				  node_owner(node), node->head.owner_len, &live)) {
	case OVERLAY_UNKNOWN:
		return LOOKUP_FOUND;
	case OVERLAY_NODE:
	case OVERLAY_GONE:
		*out = true;
		return LOOKUP_FOUND;
	case OVERLAY_DAMAGED:
		break;
	}
	return LOOKUP_DAMAGED;
}

/* Of the generation's member (none when its `bytes` is NULL) and the last one of the overlay
 * at or before `name` (NULL: the last one of all), the later. */
static enum lookup_result
merge(const struct zone_store *store, uint32_t chain_id, const uint8_t *name,
      struct node *member)
{
	bool superseded = false;
	struct node live;

	if (member->bytes && is_superseded(store, member, &superseded) == LOOKUP_DAMAGED)
		return LOOKUP_DAMAGED;
	if (superseded)
		member->bytes = NULL;
	switch (overlay_view_find_member(&store->overlay, chain_id, name, &live)) {
	case OVERLAY_NODE:
		if (!member->bytes ||
		    dname_compare(node_owner(&live), node_owner(member)) > 0)
			*member = live;
		break;
	case OVERLAY_UNKNOWN:
	case OVERLAY_GONE:
		break;
	case OVERLAY_DAMAGED:
		return LOOKUP_DAMAGED;
	}
	return member->bytes ? LOOKUP_FOUND : LOOKUP_MISSING;
}

/* ---- NSEC ---- */

/* The same without fences: by the nodes alone. */
static uint64_t
find_by_nodes(const struct generation *gen, const struct index_zone *zone,
	      const uint8_t *name)
{
	uint64_t low = 0, high = zone->order_count;

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (order_compare_node(gen, zone->order_first + middle, name) <= 0)
			low = middle;
		else
			high = middle;
	}
	return zone->order_first + low;
}

/* The last entry of the zone's order at or before the name; its first one, the apex, is. */
static uint64_t
find_entry(const struct generation *gen, const struct index_zone *zone,
	   const uint8_t *name, unsigned own_len)
{
	struct order_key key;

	if (!gen->fences)
		return find_by_nodes(gen, zone, name);
	order_key_make(&key, name, own_len);
	return order_find_in_block(gen, zone, order_find_block(gen, zone, &key, name),
				   &key, name);
}

enum lookup_result
chain_find_nsec(const struct zone_store *store, uint32_t zone_id, const struct node *apex,
		const uint8_t *name, unsigned name_len, struct node *out)
{
	const struct generation *gen = &store->gen;
	const struct index_zone *zone = generation_zone(gen, zone_id);
	struct node member = { .bytes = NULL };
	enum lookup_result found = LOOKUP_MISSING;

	if (zone && zone->order_count > 0) {
		uint64_t entry =
			find_entry(gen, zone, name, name_len - apex->head.owner_len);

		if (!generation_node_at(gen, gen->order[entry], &member))
			return LOOKUP_DAMAGED;
		found = LOOKUP_FOUND;
	}
	if (chain_is_live(store, zone_id))
		found = merge(store, zone_id | CHAIN_SPACE, name, &member);
	*out = member;
	return found;
}

/* ---- NSEC3 ---- */

bool
chain_open_nsec3(uint32_t zone_id, const struct node *apex, struct chain_nsec3 *out)
{
	struct block block;

	if (!node_find_block(apex, BLOCK_NSEC3PARAM, 0, &block) ||
	    block.head.len < sizeof out->facts)
		return false;
	memcpy(&out->facts, block.payload, sizeof out->facts);
	out->zone_id = zone_id;
	out->salt = block.payload + sizeof out->facts;
	out->apex = node_owner(apex);
	out->apex_len = apex->head.owner_len;
	return block.head.len - sizeof out->facts >= out->facts.salt_len;
}

static int
compare_label(const struct node *node, const uint8_t label[NSEC3_LABEL_LEN + 1])
{
	return memcmp(node_owner(node), label, NSEC3_LABEL_LEN + 1);
}

/* The last entry at or before the hash, the label of which is `label`; going around.
 * *is_around: there was none. */
static bool
find_nsec3_entry(const struct generation *gen, const struct index_zone *zone,
		 const uint8_t hash[NSEC3_HASH_LEN], const uint8_t *label,
		 struct node *out, bool *is_around)
{
	const struct index_nsec3 *entries = gen->nsec3 + zone->nsec3_first;
	uint64_t count =
		order_count_hashes(entries, zone->nsec3_count, order_hash_head(hash));

	for (; count > 0; count--) {
		if (!generation_node_at(gen, entries[count - 1].node_off, out) ||
		    out->head.owner_len < NSEC3_LABEL_LEN + 2)
			return false;
		/* its head may be the same, and it be behind */
		if (entries[count - 1].hash_head != order_hash_head(hash) ||
		    compare_label(out, label) <= 0)
			break;
	}
	*is_around = count == 0;
	return count > 0 ||
	       generation_node_at(gen, entries[zone->nsec3_count - 1].node_off, out);
}

/* With live changes: what is last before the hash, else what is last of all. */
static enum lookup_result
merge_nsec3(const struct zone_store *store, const struct index_zone *zone,
	    uint32_t chain_id, const uint8_t *name, struct node *before, bool is_around)
{
	const struct generation *gen = &store->gen;
	enum lookup_result found;

	if (is_around)
		before->bytes = NULL;
	found = merge(store, chain_id, name, before);
	if (found != LOOKUP_MISSING)
		return found;
	if (zone && zone->nsec3_count > 0 &&
	    !generation_node_at(
		    gen, gen->nsec3[zone->nsec3_first + zone->nsec3_count - 1].node_off,
		    before))
		return LOOKUP_DAMAGED;
	return merge(store, chain_id, NULL, before);
}

enum lookup_result
chain_find_nsec3(const struct zone_store *store, const struct chain_nsec3 *chain,
		 const uint8_t hash[NSEC3_HASH_LEN], struct node *out, bool *matches)
{
	const struct generation *gen = &store->gen;
	const struct index_zone *zone = generation_zone(gen, chain->zone_id);
	uint32_t chain_id = chain->zone_id | NSEC3_SPACE;
	struct node member = { .bytes = NULL };
	enum lookup_result found = LOOKUP_MISSING;
	uint8_t name[NSEC3_LABEL_LEN + 1 + DNAME_MAX];
	bool is_around = true;

	nsec3_hash_to_label(hash, name);
	memcpy(name + NSEC3_LABEL_LEN + 1, chain->apex, chain->apex_len);
	if (zone && zone->nsec3_count > 0) {
		if (!find_nsec3_entry(gen, zone, hash, name, &member, &is_around))
			return LOOKUP_DAMAGED;
		found = LOOKUP_FOUND;
	}
	if (chain_is_live(store, chain_id))
		found = merge_nsec3(store, zone, chain_id | CHAIN_SPACE, name, &member,
				    is_around);
	if (found != LOOKUP_FOUND)
		return found;
	*out = member;
	*matches = compare_label(out, name) == 0;
	return LOOKUP_FOUND;
}
