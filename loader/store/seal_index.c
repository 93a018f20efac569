/* Buckets, zones and orders of a generation, from one walk over its nodes. */
#include "loader/store/seal_index.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "loader/zone/grow.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

enum {
	BUCKETS_MIN = 2 * INDEX_RUN_MAX,
	LOAD_PERCENT = 55, /* of the slots are filled */
	SEEDS_PER_SIZE = 4,
	SIZES_MAX = 4,
	APEX_LABELS_SHIFT = 24,
};

struct index_walk {
	struct seal_index *index;
	bool zones_sorted;
	size_t zone_at, nsec3_zone_at; /* zones begun so far */
	uint8_t name[DNAME_MAX + NAME_PAD];
};

/* ---- lists that grow ---- */

/* In the order of a zone whose apex has `labels` labels. */
static int
order_add(struct seal_index *index, const uint8_t *owner, unsigned labels, uint64_t off)
{
	uint64_t *list = grow_items(index->order, &index->order_room,
				    index->head.order_count + 1, sizeof *list);

	if (!list)
		return ERR_NOMEM;
	index->order = list;
	index->order[index->head.order_count++] = off;
	return seal_fences_add(&index->fences, owner, labels);
}

static int
nsec3_add(struct seal_index *index, uint64_t hash_head, uint64_t off)
{
	struct index_nsec3 *list = grow_items(index->nsec3, &index->nsec3_room,
					      index->head.nsec3_count + 1, sizeof *list);

	if (!list)
		return ERR_NOMEM;
	index->nsec3 = list;
	index->nsec3[index->head.nsec3_count++] =
		(struct index_nsec3){ .hash_head = hash_head, .node_off = off };
	return ERR_OK;
}

/* While zones are collected, `fence_first` holds their flags and, from bit APEX_LABELS_SHIFT
 * on, the labels of their apex: they are sorted together. */
static int
zones_add(struct seal_index *index, const struct zone_facts *facts, unsigned labels,
	  uint64_t off)
{
	struct index_zone *list = grow_items(index->zones, &index->zone_room,
					     index->head.zone_count + 1, sizeof *list);

	if (!list)
		return ERR_NOMEM;
	index->zones = list;
	index->zones[index->head.zone_count++] = (struct index_zone){
		.zone_id = facts->zone_id,
		.fence_first = facts->flags | labels << APEX_LABELS_SHIFT,
		.apex_off = off,
	};
	return ERR_OK;
}

/* ---- the walk: catalogue, names zone by zone, NSEC3 zone by zone ---- */

static int
zone_compare(const void *a, const void *b)
{
	uint32_t a_id = ((const struct index_zone *)a)->zone_id;
	uint32_t b_id = ((const struct index_zone *)b)->zone_id;

	return (a_id > b_id) - (a_id < b_id);
}

static bool
zones_are_sorted(const struct seal_index *index)
{
	for (size_t i = 1; i < index->head.zone_count; i++)
		if (index->zones[i - 1].zone_id >= index->zones[i].zone_id)
			return false;
	return true;
}

/* Behind the catalogue: zones by their ids, flags beside them. */
static int
zones_finish(struct index_walk *walk)
{
	struct seal_index *index = walk->index;
	size_t count = index->head.zone_count;

	if (walk->zones_sorted)
		return ERR_OK;
	walk->zones_sorted = true;
	if (count == 0)
		return ERR_OK;
	if (!zones_are_sorted(index))
		qsort(index->zones, count, sizeof *index->zones, zone_compare);
	if (!zones_are_sorted(index))
		return ERR_DAMAGED;
	free(index->zone_flags);
	index->zone_flags = malloc(count * sizeof *index->zone_flags);
	if (!index->zone_flags)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		index->zone_flags[i] = index->zones[i].fence_first;
		index->zones[i].fence_first = 0;
	}
	return ERR_OK;
}

/* Begin the orders of all zones up to `zone_id`. */
static int
order_begin_zones(struct index_walk *walk, uint32_t zone_id)
{
	static const uint8_t root[1];
	struct seal_index *index = walk->index;

	while (walk->zone_at < index->head.zone_count &&
	       index->zones[walk->zone_at].zone_id <= zone_id) {
		struct index_zone *zone = &index->zones[walk->zone_at];

		zone->order_first = index->head.order_count;
		zone->fence_first = seal_fences_begin(&index->fences);
		if (index->zone_flags[walk->zone_at] & ZONE_NSEC) {
			/* its own key is empty, as that of the root in a zone of the root */
			if (order_add(index, root, 0, zone->apex_off) != ERR_OK)
				return ERR_NOMEM;
			zone->order_count = 1;
		}
		walk->zone_at++;
	}
	return ERR_OK;
}

static int
take_name(struct index_walk *walk, const struct node *node, uint64_t off)
{
	struct seal_index *index = walk->index;
	struct index_zone *zone;
	struct rrset rrset;
	int rc = order_begin_zones(walk, node->head.zone_id);

	if (rc != ERR_OK)
		return rc;
	if (walk->zone_at == 0)
		return ERR_DAMAGED;
	zone = &index->zones[walk->zone_at - 1];
	if (zone->zone_id != node->head.zone_id)
		return ERR_DAMAGED;
	if (!(index->zone_flags[walk->zone_at - 1] & ZONE_NSEC) ||
	    !node_find_rrset(node, RRTYPE_NSEC, &rrset))
		return ERR_OK;
	zone->order_count++;
	return order_add(index, node_owner(node),
			 index->zone_flags[walk->zone_at - 1] >> APEX_LABELS_SHIFT, off);
}

static int
take_nsec3(struct index_walk *walk, const struct node *node, uint64_t off)
{
	struct seal_index *index = walk->index;
	uint32_t zone_id = node->head.zone_id & ~NSEC3_SPACE;
	struct index_zone *zone;
	uint64_t hash_head;

	while (walk->nsec3_zone_at < index->head.zone_count &&
	       index->zones[walk->nsec3_zone_at].zone_id <= zone_id)
		index->zones[walk->nsec3_zone_at++].nsec3_first = index->head.nsec3_count;
	if (walk->nsec3_zone_at == 0)
		return ERR_DAMAGED;
	zone = &index->zones[walk->nsec3_zone_at - 1];
	if (zone->zone_id != zone_id || !index_hash_head(node_owner(node), &hash_head))
		return ERR_DAMAGED;
	zone->nsec3_count++;
	return nsec3_add(index, hash_head, off);
}

static int
take_apex(struct index_walk *walk, const struct node *node, uint64_t off)
{
	struct seal_index *index = walk->index;
	unsigned labels = node->head.label_count;
	struct zone_facts facts;
	struct block block;

	if (!node_zone_facts(node, &facts) || labels > DNAME_LABELS_MAX)
		return ERR_DAMAGED;
	index->summary.zone_count++;
	index->summary.record_count += facts.record_count;
	index->summary.fault_count += facts.fault_count;
	if (node_find_block(node, BLOCK_ERROR, 0, &block))
		index->summary.broken_count++;
	index->head.apex_depths[labels / 64] |= UINT64_C(1) << labels % 64;
	return zones_add(index, &facts, labels, off);
}

static int
take_node(struct index_walk *walk, const struct node *node, uint64_t off)
{
	uint32_t zone_id = node->head.zone_id;
	uint64_t hash;
	int rc;

	if (off >> INDEX_OFFSET_BITS)
		return ERR_RANGE;
	if (zone_id == CATALOGUE_ID) {
		rc = take_apex(walk, node, off);
	} else {
		rc = zones_finish(walk);
		if (rc == ERR_OK)
			rc = zone_id & NSEC3_SPACE ? take_nsec3(walk, node, off)
						   : take_name(walk, node, off);
	}
	if (rc != ERR_OK)
		return rc;
	walk->index->summary.name_count++;
	/* a copy: behind the last node of the file nothing may be read */
	memcpy(walk->name, node_owner(node), node->head.owner_len);
	hash = name_hash(&walk->index->head.seed, zone_id, walk->name);
	return seal_buckets_add(&walk->index->buckets, hash, off);
}

static int
walk_nodes(struct seal_index *index, struct node_reader *reader)
{
	struct index_walk walk = { .index = index };
	struct node node;
	uint64_t off;
	int rc;

	node_reader_seek(reader, CATALOGUE_ID);
	while ((rc = node_reader_next(reader, &node, &off)) == ERR_OK) {
		rc = take_node(&walk, &node, off);
		if (rc != ERR_OK)
			return rc;
	}
	if (rc != ERR_NOTFOUND)
		return rc;
	rc = zones_finish(&walk);
	if (rc == ERR_OK)
		rc = order_begin_zones(&walk, UINT32_MAX);
	while (walk.nsec3_zone_at < index->head.zone_count)
		index->zones[walk.nsec3_zone_at++].nsec3_first = index->head.nsec3_count;
	(void)seal_fences_begin(&index->fences); /* the last zone ends */
	return rc == ERR_OK ? seal_buckets_flush(&index->buckets) : rc;
}

/* ---- the whole ---- */

/* Start over with a new seed; the lists keep their memory. */
static int
index_reset(struct seal_index *index, uint64_t data_len)
{
	struct index_head head = {
		.version = GENERATION_VERSION,
		.byte_order = GENERATION_BYTE_ORDER,
		.data_len = data_len,
		.bucket_count = index->buckets.count,
	};

	memcpy(head.magic, INDEX_MAGIC, sizeof head.magic);
	if (getrandom(&head.seed, sizeof head.seed, 0) != (ssize_t)sizeof head.seed)
		return ERR_IO;
	index->head = head;
	index->summary = (struct index_summary){ 0 };
	seal_fences_reset(&index->fences);
	return ERR_OK;
}

static int
try_seeds(struct seal_index *index, struct node_reader *reader, uint64_t bucket_count,
	  uint64_t data_len)
{
	int rc = ERR_FULL;

	for (unsigned i = 0; i < SEEDS_PER_SIZE && rc == ERR_FULL; i++) {
		rc = seal_buckets_init(&index->buckets, bucket_count);
		if (rc == ERR_OK)
			rc = index_reset(index, data_len);
		if (rc == ERR_OK)
			rc = walk_nodes(index, reader);
	}
	return rc;
}

int
seal_index_make(struct node_reader *reader, uint64_t name_count, uint64_t data_len,
		struct seal_index *out)
{
	uint64_t bucket_count =
		name_count * 100 / (LOAD_PERCENT * INDEX_BUCKET_SLOTS) + 1;
	int rc = ERR_FULL;

	if (bucket_count < BUCKETS_MIN)
		bucket_count = BUCKETS_MIN;
	for (unsigned i = 0; i < SIZES_MAX && rc == ERR_FULL; i++) {
		rc = try_seeds(out, reader, bucket_count, data_len);
		bucket_count *= 2;
	}
	return rc;
}

void
seal_index_fini(struct seal_index *index)
{
	seal_buckets_fini(&index->buckets);
	free(index->zones);
	free(index->zone_flags);
	free(index->order);
	free(index->nsec3);
	seal_fences_fini(&index->fences);
	memset(index, 0, sizeof *index);
}
