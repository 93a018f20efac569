/* Decoding and fetching for a batch. */
#include "worker/stage.h"

#include "worker/answering.h"
#include "worker/query_common.h"
#include "worker/sealed.h"

enum {
	STAGE_APEX_LINES = 5, /* cache lines of an apex node: its facts and its SOA */
};

/* ---- the zone ---- */

static inline void
stage_begin(struct query *q, struct stage *stage, const struct zone_store *store,
	    const struct hash_seed *seed, uint16_t udp_size)
{
	size_t depth;

	query_decode(q, udp_size);
	q->apex = q->closest = NULL;
	if (q->verdict != QUERY_LOOKUP) {
		stage->zone_labels = ZONE_STORE_NO_APEX;
		return;
	}
	query_hash_labels(q, seed);
	depth = store->deepest_apex[q->label_count];
	stage->zone_labels = (uint8_t)depth;
	if (depth == ZONE_STORE_NO_APEX)
		return;
	stage->zone_start = q->label_start[q->label_count - depth];
	stage->hash = name_hash_key(seed, q->state[depth], CATALOGUE_ID);
	stage->bucket = zone_store_prefetch(store, stage->hash);
}

/* The facts of an apex that stands where worker/sealed.h can read it: its first block.
 * Behind a damaged node they are anything, but there. */
static inline const struct zone_facts *
stage_facts(const struct sealed_node *apex)
{
	const struct sealed_block *block =
		(const struct sealed_block *)sealed_blocks(apex);

	if (block->head.kind != BLOCK_ZONE ||
	    block->head.len != sizeof(struct zone_facts))
		return NULL;
	return (const struct zone_facts *)(const void *)(block + 1);
}

/* The zone in the overlay, at another depth, or behind a full bucket. */
__attribute__((noinline)) static void
stage_search_zone(const struct query *q, struct stage *stage,
		  const struct zone_store *store)
{
	unsigned depth = stage->zone_labels;
	struct zone zone = { .labels = depth };
	enum lookup_result found;

	found = lookup_fetched(store, stage->hash, stage->off, CATALOGUE_ID,
			       query_suffix(q, depth), query_suffix_len(q, depth),
			       &zone.apex);
	if (found == LOOKUP_MISSING && depth > 0)
		found = zone_find(store, q, depth - 1, &zone);
	stage->apex = NULL;
	stage->is_sealed = false;
	stage->status = STAGE_DAMAGED;
	if (found == LOOKUP_MISSING)
		stage->status = STAGE_NO_ZONE;
	if (found != LOOKUP_FOUND || !zone_open(&zone, zone.labels))
		return;
	stage->apex = zone.apex.bytes;
	stage->facts = zone.facts;
	stage->is_sealed = stage_facts((const struct sealed_node *)stage->apex) != NULL;
	stage->zone_labels = (uint8_t)zone.labels;
	stage->zone_start = q->label_start[q->label_count - zone.labels];
}

/* ---- the owner ---- */

/* Take the zone of the query before, when it is the same: a flood asks for one. */
static inline bool
stage_take_same(const struct query *q, struct stage *stage, const struct stage *before,
		uint64_t hash_before)
{
	unsigned zone_len = (unsigned)q->name_len - stage->zone_start;
	const struct sealed_node *apex = (const struct sealed_node *)before->apex;

	if (stage->hash != hash_before || !before->is_sealed ||
	    apex->head.owner_len != zone_len ||
	    !sealed_octets_equal(sealed_owner(apex), q->name + stage->zone_start,
				 zone_len))
		return false;
	stage->apex = before->apex;
	stage->facts = before->facts;
	stage->is_sealed = true;
	return true;
}

/* returns whether there is a zone. */
static inline bool
stage_take_zone(const struct query *q, struct stage *stage,
		const struct zone_store *store)
{
	unsigned zone_len = (unsigned)q->name_len - stage->zone_start;
	const struct sealed_node *apex = NULL;
	const struct zone_facts *facts;

	if (!lookup_may_be_live(store, stage->hash))
		apex = sealed_node_at(&store->gen, stage->off, CATALOGUE_ID,
				      q->name + stage->zone_start, zone_len, zone_len);
	if (apex && (facts = stage_facts(apex))) {
		stage->apex = (const uint8_t *)apex;
		stage->facts = facts;
		stage->is_sealed = true;
		return true;
	}
	stage_search_zone(q, stage, store);
	return stage->apex != NULL;
}

static inline void
stage_fetch_owner(const struct query *q, struct stage *stage,
		  const struct zone_store *store, const struct hash_seed *seed)
{
	if (stage->zone_start == 0) {
		stage->status = STAGE_AT_APEX;
		return;
	}
	stage->status = STAGE_BELOW_APEX;
	stage->hash =
		name_hash_key(seed, q->state[q->label_count], stage->facts->zone_id);
	stage->bucket = zone_store_prefetch(store, stage->hash);
}

/* ---- a batch ---- */

static void
stage_fetch_zones(struct stage *stages, const struct stage *end,
		  const struct zone_store *store)
{
	uint64_t hash = 0, off = LOOKUP_UNKNOWN;

	for (struct stage *stage = stages; stage != end; stage++) {
		if (stage->zone_labels == ZONE_STORE_NO_APEX)
			continue;
		if (stage->hash != hash) {
			hash = stage->hash;
			off = lookup_fetch_node(store, stage->bucket, hash,
						STAGE_APEX_LINES);
		}
		stage->off = off;
	}
}

static void
stage_find_zones(struct query *queries, struct stage *stages, unsigned count,
		 const struct zone_store *store, const struct hash_seed *seed)
{
	static const struct stage none;
	const struct stage *before = &none;
	uint64_t hash_before = 0;

	for (unsigned i = 0; i < count; i++) {
		struct query *q = &queries[i];
		struct stage *stage = &stages[i];
		uint64_t hash = stage->hash;

		if (stage->zone_labels == ZONE_STORE_NO_APEX) {
			stage->status = STAGE_NO_ZONE;
			stage->is_sealed = false;
			continue;
		}
		if (!stage_take_same(q, stage, before, hash_before) &&
		    !stage_take_zone(q, stage, store))
			continue;
		q->apex = stage->apex;
		before = stage;
		hash_before = hash;
		stage_fetch_owner(q, stage, store, seed);
	}
}

void
stage_batch(struct query *queries, struct stage *stages, unsigned count,
	    const struct zone_store *store, uint16_t udp_size)
{
	/* nobody else's, so that it stays in registers */
	const struct hash_seed seed = store->gen.head.seed;
	struct stage *end = stages + count;

	for (unsigned i = 0; i < count; i++)
		stage_begin(&queries[i], &stages[i], store, &seed, udp_size);
	stage_fetch_zones(stages, end, store);
	stage_find_zones(queries, stages, count, store, &seed);
	for (struct stage *stage = stages; stage != end; stage++)
		if (stage->status == STAGE_BELOW_APEX)
			stage->off = lookup_fetch_node(store, stage->bucket, stage->hash,
						       LOOKUP_NODE_LINES);
}
