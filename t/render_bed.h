/* The nodes of one zone, kept to be looked at, and compared with its records. */
#ifndef T_RENDER_BED_H
#define T_RENDER_BED_H

#include <stdlib.h>

#include "loader/zone/render.h"
#include "t/rrset_reader.h"
#include "t/tap.h"
#include "t/zone_maker.h"

enum { NODES_MAX = 8192, MESSAGE_MAX = 65535 };

static struct {
	struct node node;
	uint8_t *bytes;
} nodes[NODES_MAX];
static size_t node_count;
static unsigned warnings;
static char last_warning[256];

static inline void
take_warning(void *context, const struct zone_records *zone,
	     const struct zone_record *record, const char *text)
{
	(void)context;
	(void)zone;
	(void)record;
	snprintf(last_warning, sizeof last_warning, "%s", text);
	warnings++;
}

static inline void
keep_node(const uint8_t *bytes)
{
	struct node_head head;
	uint8_t *copy;

	memcpy(&head, bytes, sizeof head);
	copy = malloc(head.node_len);
	if (!copy || node_count == NODES_MAX)
		bail_out("too many nodes");
	memcpy(copy, bytes, head.node_len);
	nodes[node_count].bytes = copy;
	if (!node_open(copy, head.node_len, &nodes[node_count++].node))
		bail_out("a node that does not open");
}

static inline void
forget_nodes(void)
{
	while (node_count > 0)
		free(nodes[--node_count].bytes);
}

static inline size_t
count_records(const struct zone_records *zone)
{
	size_t count = 0;

	for (size_t i = 0; i < zone->count; i++)
		count += zone->records[i].type != ZONE_MARK_TYPE;
	return count;
}

static inline void
render_all(struct zone_records *zone)
{
	struct renderer *renderer;
	const uint8_t *node;

	forget_nodes();
	warnings = 0;
	if (render_new(&renderer) != 0 ||
	    render_start(renderer, zone, 9, take_warning, NULL) != 0 ||
	    render_apex(renderer, &node) != 0)
		bail_out("cannot render");
	do
		keep_node(node);
	while (render_next(renderer, &node) == 0 && node);
	while (render_next_nsec3(renderer, &node) == 0 && node)
		keep_node(node);
	is_int(render_facts(renderer)->record_count, count_records(zone),
	       "all records are counted");
	render_free(renderer);
}

static inline void
check_block(const struct zone_records *zone, const struct node *node,
	    const struct block *block, const char *owner)
{
	const struct zone_record *records;
	struct rrset rrset;
	size_t count;

	if (block->head.kind != BLOCK_RRSET && block->head.kind != BLOCK_NEGATIVE_SOA)
		return;
	if (!rrset_open(block, &rrset)) {
		ok(false, "%s type %u opens", owner, block->head.type);
		return;
	}
	records = rrset_read_records(zone, node, rrset.type, &count);
	is_int(rrset.head.rr_count, count, "%s type %u: all its records", owner,
	       rrset.type);
	if (block->head.kind == BLOCK_RRSET)
		is_int(rrset.head.ttl, records ? records->ttl : 0, "and their TTL");
	ok(rrset_read_wire(node, &rrset, records, count, rrset.head.ttl), "they read back");
	ok(rrset_read_sigs(node, &rrset, zone, rrset.head.ttl), "and so do their signatures");
}

/* Is `below` a child of `above`? */
static inline bool
is_child(const struct node *below, const struct node *above)
{
	const uint8_t *owner = node_owner(below);
	size_t len = below->head.owner_len - owner[0] - 1u;

	return !(below->head.flags & NODE_APEX) && below->head.zone_id < NSEC3_SPACE &&
	       above->head.zone_id < NSEC3_SPACE && above->head.owner_len == len &&
	       memcmp(owner + owner[0] + 1, node_owner(above), len) == 0;
}

/* Does each node say how many children it has? */
static inline bool
children_are_right(void)
{
	for (size_t i = 0; i < node_count; i++) {
		uint32_t children = 0;

		for (size_t k = 0; k < node_count; k++)
			children += is_child(&nodes[k].node, &nodes[i].node);
		if (children != nodes[i].node.head.child_count)
			return false;
	}
	return true;
}

/* Every node is whole, in key order, knows its children, and its RRsets are the zone's. */
static inline void
check_zone(struct zone_records *zone)
{
	render_all(zone);
	ok(children_are_right(), "children are counted");
	for (size_t i = 0; i < node_count; i++) {
		const struct node *node = &nodes[i].node;
		char owner[DNAME_TEXT_MAX];
		struct block block;
		uint32_t at = 0;

		dname_to_text(node_owner(node), owner);
		is(node_check(node), NULL, "%s is whole", owner);
		if (i > 0 && nodes[i - 1].node.head.zone_id == node->head.zone_id)
			ok(dname_compare(node_owner(&nodes[i - 1].node),
					 node_owner(node)) < 0,
			   "%s is in order", owner);
		while (node_next_block(node, &at, &block))
			check_block(zone, node, &block, owner);
	}
}

/* ---- looking at single nodes ---- */

static inline const struct node *
node_of(const char *text, uint32_t zone_id)
{
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(text, name);

	for (size_t i = 0; i < node_count; i++)
		if (nodes[i].node.head.zone_id == zone_id &&
		    nodes[i].node.head.owner_len == len &&
		    memcmp(node_owner(&nodes[i].node), name, len) == 0)
			return &nodes[i].node;
	return NULL;
}

static inline void
flags_are(const char *name, unsigned want)
{
	const struct node *node = node_of(name, 9);

	is_int(node ? node->head.flags : 0xffff, want, "flags of %s", name);
}

#endif
