/* From nodes to records: what rendering did, undone. */
#include "loader/store/zone_reread.h"

#include <string.h>

#include "loader/sign/stored_rrset.h"
#include "loader/store/zone_state.h"
#include "loader/zone/arena.h"
#include "loader/zone/data_view.h"
#include "loader/zone/steered_bare.h"
#include "loader/zone/zone_sort.h"
#include "shm/errcode.h"
#include "shm/steered.h"

struct reread {
	struct zone_records *zone;
	struct arena *arena; /* of what is copied into the zone */
	enum data_view view;
};

static int
add_rrset(struct reread *r, const struct node *node, const struct rrset *stored)
{
	struct sign_rrset rrset;
	int rc = stored_rrset_read(node, stored, r->zone->origin, r->zone->origin_len,
				   r->arena, &rrset);

	for (size_t i = 0; i < rrset.count && rc == ERR_OK; i++)
		rc = zone_records_add(r->zone, &rrset.records[i]);
	return rc;
}

static int
add_block(struct reread *r, const struct node *node, const struct block *block)
{
	enum zone_mark mark = ZONE_MARK_PROVENANCE;
	struct rrset rrset;
	int rc;

	if (block_holds_rrset(block)) {
		/* what is resolved is found anew, in the node that is served */
		if (!data_view_has(r->view, block->head.type) ||
		    node_is_resolved(node, block->head.type))
			return ERR_OK;
		if (!block_open_rrset(block, &rrset))
			return ERR_DAMAGED;
		rc = add_rrset(r, node, &rrset);
		return rc == ERR_OK && block->head.kind == BLOCK_STEERED
			       ? steered_bare_add(r->zone, r->arena, node_owner(node),
						  node->head.owner_len, block)
			       : rc;
	}
	if (block->head.kind == BLOCK_ANAME)
		mark = ZONE_MARK_ANAME;
	else if (block->head.kind == BLOCK_NOTE)
		mark = ZONE_MARK_NOTE;
	else if (block->head.kind != BLOCK_PROVENANCE)
		return ERR_OK;
	return zone_records_add_mark(r->zone, node_owner(node), node->head.owner_len,
				     mark, block->head.type, block->payload,
				     block->head.len);
}

static int
add_node(void *context, const struct node *node)
{
	struct reread *r = context;
	struct block block;
	uint32_t at = 0;
	int rc = ERR_OK;

	while (rc == ERR_OK && node_next_block(node, &at, &block))
		rc = add_block(r, node, &block);
	return rc;
}

/* Where it came from, as the apex tells. */
static int
add_source(struct zone_records *zone, const struct zone_state *state)
{
	const char *path = state->paths;
	int rc = ERR_OK;

	zone->stamp = state->source.stamp;
	zone->loaded_at_s = state->facts.loaded_at_s;
	zone->is_flattened = (state->facts.flags & ZONE_FLATTENED) != 0;
	for (uint32_t i = 0; i < state->source.path_count && rc >= 0; i++) {
		rc = zone_records_add_path(zone, path);
		path += strlen(path) + 1;
	}
	if (rc < 0)
		return rc;
	if (state->is_redis) {
		zone->redis = arena_copy(zone->arena, &state->redis, sizeof state->redis);
		if (!zone->redis)
			return ERR_NOMEM;
	}
	return ERR_OK;
}

static int
fill(struct reread *r, struct live *live, const struct node *apex)
{
	struct zone_state state;
	int rc;

	if (!zone_state_read(apex, &state))
		return ERR_DAMAGED;
	r->view =
		data_view_of(apex) == DATA_VIEW_OWN ? DATA_VIEW_OWN : DATA_VIEW_UNSIGNED;
	rc = add_source(r->zone, &state);
	if (rc == ERR_OK)
		rc = add_node(r, apex);
	if (rc == ERR_OK)
		rc = live_walk_zone(live, state.facts.zone_id, add_node, r);
	return rc == ERR_OK ? zone_sort(r->zone) : rc;
}

int
zone_reread(struct live *live, const uint8_t *origin, size_t origin_len,
	    struct zone_records **out)
{
	struct reread r = { .arena = arena_new() };
	struct node apex;
	int rc = live_zone(live, origin, origin_len, &apex);

	if (rc == ERR_OK) {
		r.zone = zone_records_new(origin, origin_len);
		rc = r.zone && r.arena ? fill(&r, live, &apex) : ERR_NOMEM;
	}
	arena_free(r.arena);
	if (rc == ERR_OK)
		*out = r.zone;
	else
		zone_records_free(r.zone);
	return rc;
}
