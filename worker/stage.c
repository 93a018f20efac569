/* Decoding and fetching for a batch. */
#include "worker/stage.h"

#include "worker/answering.h"
#include "worker/query_common.h"
#include "worker/sealed.h"

enum {
	STAGE_APEX_LINES = 5, /* cache lines of an apex node: its facts and its SOA */
	STAGE_NO_DEPTH = 0xff, /* zone_labels: nothing to look for */
};

/* ---- the zone ---- */

static inline void
stage_begin(struct query *q, struct stage *stage, const struct zone_store *store,
	    uint16_t udp_size)
{
	const struct hash_seed *seed = &store->gen.head.seed;
	int depth;

	if (!query_decode_common(q, udp_size))
		query_decode_uncommon(q, udp_size);
	stage->zone_labels = STAGE_NO_DEPTH;
	stage->status = STAGE_NO_ZONE;
	stage->is_fast = false;
	if (q->verdict != QUERY_LOOKUP)
		return;
	query_hash_labels(q, seed);
	depth = store->deepest_apex[q->label_count];
	if (depth < 0)
		return;
	stage->zone_labels = (uint8_t)depth;
	stage->zone_start = q->label_start[q->label_count - depth];
	stage->hash = name_hash_key(seed, q->state[depth], CATALOGUE_ID);
	zone_store_prefetch(store, stage->hash);
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
	stage->status = STAGE_DAMAGED;
	if (found == LOOKUP_MISSING)
		stage->status = STAGE_NO_ZONE;
	if (found != LOOKUP_FOUND || !zone_open(&zone, zone.labels))
		return;
	stage->apex = zone.apex.bytes;
	stage->zone_labels = (uint8_t)zone.labels;
	stage->zone_start = q->label_start[q->label_count - zone.labels];
	stage->status = STAGE_AT_APEX;
}

/* The facts of an apex that stands in the generation; NULL when that has to be looked at
 * more closely. */
static inline const struct zone_facts *
stage_sealed_facts(const struct sealed_node *apex)
{
	const uint8_t *at = sealed_blocks(apex);
	const struct sealed_block *block = (const struct sealed_block *)at;

	if (block->head.kind != BLOCK_ZONE ||
	    block->head.len < sizeof(struct zone_facts) ||
	    (ptrdiff_t)block->head.len > sealed_end(apex) - at - (ptrdiff_t)sizeof *block)
		return NULL;
	return (const struct zone_facts *)(const void *)(at + sizeof *block);
}

/* ---- the owner ---- */

static inline void
stage_fetch_owner(const struct query *q, struct stage *stage,
		  const struct zone_store *store)
{
	unsigned labels = stage->zone_labels;
	const struct zone_facts *facts = NULL;
	const struct sealed_node *apex = NULL;

	if (labels == STAGE_NO_DEPTH)
		return;
	if (!lookup_may_be_live(store, stage->hash))
		apex = sealed_node_at(&store->gen, stage->off, CATALOGUE_ID,
				      q->name + stage->zone_start,
				      (unsigned)q->name_len - stage->zone_start,
				      (unsigned)q->name_len - stage->zone_start);
	if (apex)
		facts = stage_sealed_facts(apex);
	if (facts) {
		stage->apex = (const uint8_t *)apex;
		stage->is_fast = q->is_common;
		stage->status = STAGE_AT_APEX;
	} else {
		struct node node;

		stage_search_zone(q, stage, store);
		if (stage->status != STAGE_AT_APEX)
			return;
		labels = stage->zone_labels;
		node.bytes = stage->apex;
		memcpy(&node.head, stage->apex, sizeof node.head);
		facts = node_facts(&node);
	}
	if (labels == q->label_count)
		return;
	stage->status = STAGE_BELOW_APEX;
	stage->hash = name_hash_key(&store->gen.head.seed, q->state[q->label_count],
				    facts->zone_id);
	zone_store_prefetch(store, stage->hash);
}

void
stage_batch(struct query *queries, struct stage *stages, unsigned count,
	    const struct zone_store *store, uint16_t udp_size)
{
	for (unsigned i = 0; i < count; i++)
		stage_begin(&queries[i], &stages[i], store, udp_size);
	for (unsigned i = 0; i < count; i++)
		if (stages[i].zone_labels != STAGE_NO_DEPTH)
			stages[i].off = lookup_fetch_node(store, stages[i].hash,
							  STAGE_APEX_LINES);
	for (unsigned i = 0; i < count; i++)
		stage_fetch_owner(&queries[i], &stages[i], store);
	for (unsigned i = 0; i < count; i++)
		if (stages[i].status == STAGE_BELOW_APEX)
			stages[i].off = lookup_fetch_node(store, stages[i].hash,
							  LOOKUP_NODE_LINES);
}
