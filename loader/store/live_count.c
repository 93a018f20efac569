/* What a zone holds, and what all zones hold together, kept along with the changes. */
#include "loader/store/live_private.h"

#include <string.h>

#include "loader/zone/apex_node.h"
#include "shm/errcode.h"
#include "shm/steered.h"

/* ---- one zone, while it is edited ---- */

/* What a node counts for in its zone. */
struct weight {
	uint64_t records; /* RRs and their signatures */
	uint32_t faults; /* BLOCK_BAD_RRSETs; types with a BLOCK_NOTE of FAULT_PARTIAL */
	bool is_noted; /* there is a BLOCK_NOTE */
	uint64_t value_hash; /* of its provenance */
};

/* Is the RRset served without some of its records?  Notes stand in the order of types. */
static bool
is_partial(const struct block *note, uint16_t *last_type)
{
	if (note->head.len < 1 || note->payload[0] != FAULT_PARTIAL ||
	    note->head.type == *last_type)
		return false;
	*last_type = note->head.type;
	return true;
}

static struct weight
weigh(const struct node *node)
{
	struct weight weight = { 0 };
	struct provenance provenance;
	struct block block;
	struct rrset rrset;
	uint16_t last_type = 0;
	uint32_t at = 0;

	while (node_next_block(node, &at, &block)) {
		if (block_holds_rrset(&block) && block_open_rrset(&block, &rrset))
			weight.records +=
				(uint64_t)rrset.head.rr_count + rrset.head.sig_count;
		weight.faults += block.head.kind == BLOCK_BAD_RRSET;
		if (block.head.kind == BLOCK_NOTE) {
			weight.faults += is_partial(&block, &last_type);
			weight.is_noted = true;
		}
	}
	if (node_copy_block(node, BLOCK_PROVENANCE, &provenance, sizeof provenance))
		weight.value_hash = provenance.value_hash;
	return weight;
}

void
live_count_in(struct live_edit *edit, const struct node *node)
{
	struct weight weight = weigh(node);

	edit->facts.record_count += weight.records;
	edit->facts.fault_count += weight.faults;
	if (weight.is_noted)
		edit->facts.flags |= ZONE_NOTED;
	edit->redis.raw_digest += weight.value_hash;
}

void
live_count_out(struct live_edit *edit, const struct node *node)
{
	struct weight weight = weigh(node);

	edit->facts.record_count -= weight.records;
	edit->facts.fault_count -= weight.faults;
	edit->redis.raw_digest -= weight.value_hash;
}

/* ---- all of them ---- */

/* Add what an apex says of its zone, `sign` 1, or take it away, -1. */
static void
add_apex(struct live_totals *totals, const struct node *apex, int sign)
{
	uint64_t one = sign < 0 ? UINT64_MAX : 1;
	struct zone_facts facts;
	struct block block;

	if (!node_zone_facts(apex, &facts))
		return;
	totals->zones += one;
	totals->records += one * facts.record_count;
	totals->faults += one * facts.fault_count;
	if (node_find_block(apex, BLOCK_ERROR, 0, &block))
		totals->broken += one;
	if (apex_is_from_redis(apex))
		totals->redis_zones += one;
}

static void
add_totals(struct live_totals *to, const struct live_totals *what)
{
	to->zones += what->zones;
	to->redis_zones += what->redis_zones;
	to->records += what->records;
	to->broken += what->broken;
	to->faults += what->faults;
}

static int
count_apex(void *context, const struct node *apex)
{
	add_apex(context, apex, 1);
	return 0;
}

int
live_count(struct live *live, struct live_totals *out)
{
	struct live_totals totals = { 0 };
	int rc = ERR_OK;

	if (!live->has_totals) {
		rc = live_walk_zones(live, count_apex, &totals);
		live->totals = totals;
		live->has_totals = rc == ERR_OK;
	}
	*out = live->totals;
	return rc;
}

int
live_count_apex(struct live *live, const uint8_t *origin, size_t origin_len,
		const struct node *after)
{
	struct node before;
	int rc;

	if (!live->has_totals)
		return ERR_OK;
	rc = live_zone(live, origin, origin_len, &before);
	if (rc == ERR_OK)
		add_apex(&live->pending, &before, -1);
	if (after)
		add_apex(&live->pending, after, 1);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

void
live_count_end(struct live *live, bool is_committed)
{
	if (is_committed)
		add_totals(&live->totals, &live->pending);
	memset(&live->pending, 0, sizeof live->pending);
}
