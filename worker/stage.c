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

	if (!query_decode_common(q, udp_size)) {
		query_decode_uncommon(q, udp_size);
		if (q->verdict != QUERY_LOOKUP) {
			stage->zone_labels = ZONE_STORE_NO_APEX;
			return;
		}
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
	stage->facts = zone.facts;
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
		  const struct zone_store *store, const struct hash_seed *seed)
{
	unsigned zone_len = (unsigned)q->name_len - stage->zone_start;
	const struct zone_facts *facts = NULL;
	const struct sealed_node *apex = NULL;

	stage->is_fast = false;
	stage->status = STAGE_NO_ZONE;
	if (stage->zone_labels == ZONE_STORE_NO_APEX)
		return;
	if (!lookup_may_be_live(store, stage->hash))
		apex = sealed_node_at(&store->gen, stage->off, CATALOGUE_ID,
				      q->name + stage->zone_start, zone_len, zone_len);
	if (apex)
		facts = stage_sealed_facts(apex);
	if (__builtin_expect(facts != NULL, 1)) {
		stage->apex = (const uint8_t *)apex;
		stage->facts = facts;
		stage->is_fast = q->is_common;
		stage->status = STAGE_AT_APEX;
	} else {
		stage_search_zone(q, stage, store);
		if (stage->status != STAGE_AT_APEX)
			return;
		facts = stage->facts;
	}
	if (stage->zone_start == 0) {
		/* that RRset is the parent's */
		if (q->type == TYPE_DS)
			stage->is_fast = false;
		return;
	}
	stage->status = STAGE_BELOW_APEX;
	stage->hash = name_hash_key(seed, q->state[q->label_count], facts->zone_id);
	stage->bucket = zone_store_prefetch(store, stage->hash);
}

void
stage_batch(struct query *queries, struct stage *stages, unsigned count,
	    const struct zone_store *store, uint16_t udp_size)
{
	const struct hash_seed seed =
		store->gen.head.seed; /* nobody else's: kept in registers */
	struct stage *end = stages + count, *stage;

	for (unsigned i = 0; i < count; i++)
		stage_begin(&queries[i], &stages[i], store, &seed, udp_size);
	for (stage = stages; stage != end; stage++)
		if (stage->zone_labels != ZONE_STORE_NO_APEX)
			stage->off = lookup_fetch_node(store, stage->bucket, stage->hash,
						       STAGE_APEX_LINES);
	for (unsigned i = 0; i < count; i++)
		stage_fetch_owner(&queries[i], &stages[i], store, &seed);
	for (stage = stages; stage != end; stage++)
		if (stage->status == STAGE_BELOW_APEX)
			stage->off = lookup_fetch_node(store, stage->bucket, stage->hash,
						       LOOKUP_NODE_LINES);
}
