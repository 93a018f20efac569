/* What is served of a zone, and of a name in it. */
#include "loader/redis/follow_served.h"

#include "loader/zone/apex_node.h"
#include "loader/zone/served_soa.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/steered.h"

uint64_t
follow_served_hash(const struct node *node)
{
	struct provenance provenance;

	return node_copy_block(node, BLOCK_PROVENANCE, &provenance, sizeof provenance)
		       ? provenance.value_hash
		       : 0;
}

/* Has the source put it there, or we? */
static bool
is_from_source(uint16_t type)
{
	return type != RRTYPE_SOA && type != RRTYPE_DNSKEY && type != RRTYPE_NSEC &&
	       type != RRTYPE_NSEC3PARAM;
}

uint64_t
follow_served_count(const struct node *node, uint16_t type)
{
	uint64_t count = 0;
	struct block block;
	struct rrset rrset;
	uint32_t at = 0;

	while (node_next_block(node, &at, &block))
		if (block_holds_rrset(&block) && is_from_source(block.head.type) &&
		    (type == 0 || block.head.type == type) &&
		    block_open_rrset(&block, &rrset))
			count += rrset.head.rr_count;
	return count;
}

int
follow_served_find(struct follow *f, const struct plan *plan, const uint8_t *owner,
		   size_t len, bool is_apex, struct node *out)
{
	return live_find(f->live, is_apex ? CATALOGUE_ID : plan->facts.zone_id, owner,
			 len, out);
}

int
follow_served_read(struct follow *f, const struct change_zone *zone, struct plan *plan,
		   struct zone_config *soa)
{
	struct node apex;
	int rc = live_zone(f->live, zone->origin, zone->origin_len, &apex);

	if (rc == ERR_NOTFOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return rc;
	if (!node_zone_facts(&apex, &plan->facts))
		return ERR_DAMAGED;
	plan->is_served = true;
	plan->is_ours = apex_is_from_redis(&apex);
	plan->is_broken = plan->facts.flags & ZONE_BROKEN;
	plan->is_signed = node_copy_block(&apex, BLOCK_SIGNING, &plan->signing,
					  sizeof plan->signing);
	if (!node_copy_block(&apex, BLOCK_REDIS, &plan->redis, sizeof plan->redis) ||
	    !served_soa_read(&apex, soa))
		plan->is_broken = true;
	plan->served = plan->facts.record_count;
	if (plan->served > plan->signing.made_count)
		plan->served -= plan->signing.made_count;
	plan->offered = plan->served;
	plan->has_old_error = !apex_has_error(&apex, "");
	plan->has_conflict = apex_has_error(&apex, FOLLOW_CONFLICT_TEXT);
	return ERR_OK;
}
