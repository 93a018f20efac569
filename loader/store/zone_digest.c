/* Summing up what is served. */
#include "loader/store/zone_digest.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/steered.h"

enum { NODES_PER_TURN = 4096 };

/* What there is to an RRset besides its records.  Packed, so that no padding is hashed. */
struct __attribute__((packed)) rrset_id {
	uint64_t owner_hash;
	uint32_t ttl;
	uint16_t type;
	uint16_t rr_count;
	uint16_t wire_len;
};

static uint64_t
hash_rrset(uint64_t owner_hash, const struct rrset *rrset)
{
	const struct rrset_id id = {
		.owner_hash = owner_hash,
		.ttl = rrset->head.ttl,
		.type = rrset->type,
		.rr_count = rrset->head.rr_count,
		.wire_len = rrset->head.wire_len,
	};
	uint64_t seed = XXH3_64bits(&id, sizeof id);

	return XXH3_64bits_withSeed(rrset->wire, rrset->head.wire_len, seed);
}

static bool
next_rrset(const struct node *node, enum data_view view, uint32_t *at,
	   struct block *block, struct rrset *out)
{
	while (node_next_block(node, at, block))
		if (block_holds_rrset(block) && block->head.type != RRTYPE_SOA &&
		    data_view_has_rrset(view, node, block->head.type) &&
		    block_open_rrset(block, out))
			return true;
	return false;
}

/* How it is steered, whatever was signed of it. */
static uint64_t
hash_steered(uint64_t owner_hash, const struct block *block)
{
	struct steered_head head;
	const uint8_t *parts;
	uint64_t seed;
	size_t len;

	parts = steered_own_parts(block, &len);
	if (!parts)
		return 0;
	memcpy(&head, block->payload, sizeof head);
	head.rrset_len = 0;
	seed = XXH3_64bits_withSeed(&head, sizeof head, owner_hash + block->head.type);
	return XXH3_64bits_withSeed(parts, len, seed);
}

/* Of one that is steered, how it is; of an ANAME all; 0 for others. */
static uint64_t
hash_chosen(uint64_t owner_hash, const struct block *block)
{
	if (block->head.kind == BLOCK_STEERED)
		return hash_steered(owner_hash, block);
	if (block->head.kind != BLOCK_ANAME)
		return 0;
	return XXH3_64bits_withSeed(block->payload, block->head.len,
				    owner_hash + block->head.type);
}

uint64_t
zone_digest_node(const struct node *node, enum data_view view)
{
	uint64_t owner_hash = XXH3_64bits(node_owner(node), node->head.owner_len);
	struct block block;
	struct rrset rrset;
	const struct zone_facts *facts = node_facts(node);
	uint64_t sum = facts && (facts->flags & ZONE_FLATTENED) ? owner_hash : 0;
	uint32_t at = 0;

	while (next_rrset(node, view, &at, &block, &rrset))
		sum += hash_rrset(owner_hash, &rrset) + hash_chosen(owner_hash, &block);
	if (node_find_block(node, BLOCK_ANAME, ANAME_TYPE, &block))
		sum += hash_chosen(owner_hash, &block);
	return sum;
}

static void
add_node(struct zone_digest *digest, const struct node *node, enum data_view view)
{
	struct block block;
	struct rrset rrset;
	uint32_t at = 0;

	digest->sum += zone_digest_node(node, view);
	digest->node_count++;
	while (next_rrset(node, view, &at, &block, &rrset))
		digest->record_count += rrset.head.rr_count;
}

static int
add_names(struct store_walk *walk, uint32_t zone_id, enum data_view view,
	  struct zone_digest *digest, void (*turn)(void *context), void *context)
{
	struct store_cursor *cursor;
	struct node node;
	int result = store_cursor_open(walk, zone_id, &cursor);

	if (result)
		return result;
	while ((result = store_cursor_next(cursor, &node)) == 0) {
		add_node(digest, &node, view);
		if (turn && digest->node_count % NODES_PER_TURN == 0)
			turn(context);
	}
	store_cursor_close(cursor);
	return result == ERR_NOTFOUND ? 0 : result;
}

int
zone_digest_make(struct store_walk *walk, const struct node *apex,
		 struct zone_digest *out, void (*turn)(void *context), void *context)
{
	enum data_view view = data_view_of(apex);
	struct zone_facts facts;
	int result;

	memset(out, 0, sizeof *out);
	if (!node_zone_facts(apex, &facts) || facts.zone_id == CATALOGUE_ID)
		return ERR_DAMAGED;
	add_node(out, apex, view);
	result = add_names(walk, facts.zone_id, view, out, turn, context);
	return result ? result
		      : add_names(walk, facts.zone_id | NSEC3_SPACE, view, out, turn,
				  context);
}

uint64_t
zone_digest_of_zone(const struct node *apex, uint64_t sum)
{
	return XXH3_64bits_withSeed(node_owner(apex), apex->head.owner_len, sum);
}
