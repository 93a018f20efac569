/* Checking a generation as a whole: what a reader would trip over at a query is found
 * before the first one. */
#include "shm/generation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/order_fence.h"
#include "shm/rrtype.h"

enum { REASON_MAX = 256, PREFETCH_BUCKETS = 4 };

struct verifying {
	const struct generation *gen;
	char *reason;
	uint64_t order_next, nsec3_next; /* entries that zones account for so far */
	uint64_t children, child_counts; /* nodes below an apex; what their parents say */
};

static int
damaged(const struct verifying *v, const char *what, uint64_t off, const char *wrong)
{
	snprintf(v->reason, REASON_MAX, "%s %" PRIu64 ": %s", what, off, wrong);
	return ERR_DAMAGED;
}

static int
verify_checksums(const struct verifying *v)
{
	const struct generation *gen = v->gen;

	if (XXH3_64bits(gen->data, gen->data_len) != gen->manifest.data_xxh3) {
		snprintf(v->reason, REASON_MAX, "data.mdb: its checksum is wrong");
		return ERR_DAMAGED;
	}
	if (XXH3_64bits(gen->index, gen->index_len) != gen->manifest.index_xxh3) {
		snprintf(v->reason, REASON_MAX, "index: its checksum is wrong");
		return ERR_DAMAGED;
	}
	return ERR_OK;
}

/* ---- slots: every node is whole, and is found by its own key ---- */

static int
verify_slot(struct verifying *v, uint64_t slot)
{
	uint64_t off = index_offset(slot);
	uint8_t name[DNAME_MAX + NAME_PAD] = { 0 };
	struct node node, found;
	const char *wrong;

	if (!generation_node_at(v->gen, off, &node))
		return damaged(v, "node at", off, "lies outside data.mdb");
	wrong = node_check(&node);
	if (wrong)
		return damaged(v, "node at", off, wrong);
	v->children +=
		node.head.zone_id >= ZONE_ID_FIRST && node.head.zone_id < ZONE_ID_END;
	v->child_counts += node.head.child_count;
	memcpy(name, node_owner(&node), node.head.owner_len);
	if (generation_find(v->gen, node.head.zone_id, name, node.head.owner_len,
			    &found) != ERR_OK ||
	    found.bytes != node.bytes)
		return damaged(v, "node at", off, "is not found by its name");
	return ERR_OK;
}

static void
prefetch_bucket(const struct generation *gen, uint64_t bucket)
{
	const uint64_t *slots = gen->buckets + bucket * INDEX_BUCKET_SLOTS;

	for (unsigned i = 0; i < INDEX_BUCKET_SLOTS && slots[i] != 0; i++)
		if (index_offset(slots[i]) < gen->data_len)
			__builtin_prefetch(gen->data + index_offset(slots[i]));
}

static int
verify_slots(struct verifying *v)
{
	const struct generation *gen = v->gen;
	uint64_t count = 0;

	for (uint64_t bucket = 0; bucket < gen->head.bucket_count; bucket++) {
		const uint64_t *slots = gen->buckets + bucket * INDEX_BUCKET_SLOTS;

		if (bucket + PREFETCH_BUCKETS < gen->head.bucket_count)
			prefetch_bucket(gen, bucket + PREFETCH_BUCKETS);
		for (unsigned i = 0; i < INDEX_BUCKET_SLOTS && slots[i] != 0; i++) {
			int rc = verify_slot(v, slots[i]);

			if (rc != ERR_OK)
				return rc;
			count++;
		}
	}
	if (count != gen->manifest.name_count)
		return damaged(v, "index with names", count,
			       "the manifest has another number");
	if (v->children != v->child_counts)
		return damaged(v, "index with names below an apex", v->children,
			       "their parents count another number");
	return ERR_OK;
}

/* ---- zones and their orders ---- */

/* The node of an order entry; false when no slot leads to it (those were checked). */
static bool
known_node_at(const struct verifying *v, uint64_t off, struct node *out)
{
	uint8_t name[DNAME_MAX + NAME_PAD] = { 0 };
	struct node found;

	if (!generation_node_at(v->gen, off, out))
		return false;
	memcpy(name, node_owner(out), out->head.owner_len);
	return dname_len(name, sizeof name) == out->head.owner_len &&
	       generation_find(v->gen, out->head.zone_id, name, out->head.owner_len,
			       &found) == ERR_OK &&
	       found.bytes == out->bytes;
}

/* Does `node` follow `last` (all zero: none) in canonical order? */
static bool
is_next(const struct node *last, const struct node *node)
{
	return !last->bytes || dname_compare(node_owner(last), node_owner(node)) < 0;
}

/* The fence and heads of the entries up to `entry` (of the zone, counted from 0) that were
 * collected in `block`, which is empty then. */
static int
verify_fence(const struct verifying *v, const struct index_zone *zone, uint64_t entry,
	     struct order_block *block)
{
	const struct generation *gen = v->gen;
	uint64_t number = zone->fence_first + entry / INDEX_FENCE_STEP;
	const uint64_t *found = gen->heads + zone->order_first + entry + 1 - block->count;
	uint64_t heads[INDEX_FENCE_STEP];
	struct index_fence fence;

	order_block_finish(block, &fence, heads);
	if (memcmp(&fence, &gen->fences[number], sizeof fence) != 0 ||
	    memcmp(heads, found, block->count * sizeof *heads) != 0)
		return damaged(v, "fences: block", number, "differs from its nodes");
	block->count = 0;
	return ERR_OK;
}

static int
verify_fences(const struct verifying *v, const struct index_zone *zone, uint64_t entry,
	      const struct node *node, struct order_block *block)
{
	struct node apex;

	if (!v->gen->fences)
		return ERR_OK;
	if (!generation_node_at(v->gen, zone->apex_off, &apex))
		return ERR_DAMAGED;
	order_block_add(block, node_owner(node), apex.head.label_count);
	return block->count == INDEX_FENCE_STEP || entry + 1 == zone->order_count
		       ? verify_fence(v, zone, entry, block)
		       : ERR_OK;
}

static int
verify_order(const struct verifying *v, const struct index_zone *zone)
{
	const struct generation *gen = v->gen;
	struct order_block block = { 0 };
	struct node node, last = { 0 };

	for (uint64_t i = 0; i < zone->order_count; i++) {
		uint64_t off = gen->order[zone->order_first + i];
		struct rrset rrset;

		if (!known_node_at(v, off, &node) ||
		    !node_find_rrset(&node, RRTYPE_NSEC, &rrset))
			return damaged(v, "order: node at", off, "owns no NSEC");
		if (i == 0 ? off != zone->apex_off : node.head.zone_id != zone->zone_id)
			return damaged(v, "order: node at", off,
				       "belongs to another zone");
		if (!is_next(&last, &node))
			return damaged(v, "order: node at", off, "is out of order");
		if (verify_fences(v, zone, i, &node, &block) != ERR_OK)
			return ERR_DAMAGED;
		last = node;
	}
	return ERR_OK;
}

static int
verify_nsec3(const struct verifying *v, const struct index_zone *zone)
{
	const struct generation *gen = v->gen;
	struct node node, last = { 0 };

	for (uint64_t i = 0; i < zone->nsec3_count; i++) {
		const struct index_nsec3 *entry = &gen->nsec3[zone->nsec3_first + i];
		uint64_t hash_head;

		if (!known_node_at(v, entry->node_off, &node) ||
		    node.head.zone_id != (zone->zone_id | NSEC3_SPACE) ||
		    !index_hash_head(node_owner(&node), &hash_head) ||
		    hash_head != entry->hash_head)
			return damaged(v, "nsec3: node at", entry->node_off,
				       "differs from its entry");
		if (!is_next(&last, &node))
			return damaged(v, "nsec3: node at", entry->node_off,
				       "is out of order");
		last = node;
	}
	return ERR_OK;
}

static int
verify_apex(const struct verifying *v, const struct index_zone *zone)
{
	const struct generation *gen = v->gen;
	struct zone_facts facts;
	struct node node;
	unsigned labels;

	if (!generation_node_at(gen, zone->apex_off, &node) ||
	    !node_zone_facts(&node, &facts) || facts.zone_id != zone->zone_id)
		return damaged(v, "zone", zone->zone_id,
			       "its apex is not where it should be");
	labels = node.head.label_count;
	if (labels > DNAME_LABELS_MAX ||
	    !(gen->head.apex_depths[labels / 64] >> labels % 64 & 1))
		return damaged(v, "zone", zone->zone_id, "its depth is not listed");
	if (!!(facts.flags & ZONE_NSEC) != (zone->order_count > 0))
		return damaged(v, "zone", zone->zone_id,
			       "its NSEC records are not listed");
	return ERR_OK;
}

static int
verify_zone(struct verifying *v, const struct index_zone *zone)
{
	int rc;

	if (zone->zone_id < ZONE_ID_FIRST || zone->zone_id >= ZONE_ID_END ||
	    (zone > v->gen->zones && zone[-1].zone_id >= zone->zone_id) ||
	    generation_zone(v->gen, zone->zone_id) != zone ||
	    zone->order_first != v->order_next || zone->nsec3_first != v->nsec3_next)
		return damaged(v, "zone", zone->zone_id, "its entry is out of order");
	v->order_next += zone->order_count;
	v->nsec3_next += zone->nsec3_count;
	rc = verify_apex(v, zone);
	if (rc == ERR_OK)
		rc = verify_order(v, zone);
	return rc == ERR_OK ? verify_nsec3(v, zone) : rc;
}

static int
verify_zones(struct verifying *v)
{
	const struct index_head *head = &v->gen->head;
	int rc = ERR_OK;

	if (head->zone_count != v->gen->manifest.zone_count)
		return damaged(v, "index with zones", head->zone_count,
			       "the manifest has another number");
	for (uint64_t i = 0; i < head->zone_count && rc == ERR_OK; i++)
		rc = verify_zone(v, &v->gen->zones[i]);
	if (rc == ERR_OK &&
	    (v->order_next != head->order_count || v->nsec3_next != head->nsec3_count))
		return damaged(v, "index with zones", head->zone_count,
			       "order entries belong to none");
	return rc;
}

int
generation_verify(const struct generation *gen, char reason[REASON_MAX])
{
	struct verifying v = { .gen = gen, .reason = reason };
	int rc = verify_checksums(&v);

	if (rc == ERR_OK)
		rc = verify_slots(&v);
	return rc == ERR_OK ? verify_zones(&v) : rc;
}
