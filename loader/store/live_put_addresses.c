/* Address RRsets put at names that lead to them. */
#include <string.h>

#include "loader/store/live_addresses.h"
#include "loader/store/live_signing.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/steered.h"

/* An RRset that is to stand at a node. */
struct part {
	bool is_there;
	struct block block;
	struct resolved_facts facts;
};

struct composing {
	struct node_writer *writer;
	struct part parts[LIVE_ADDRESS_TYPES];
	bool is_put[LIVE_ADDRESS_TYPES];
	bool has_steered;
	bool has_facts; /* the BLOCK_RESOLVEDs are written */
};

static void
put_block(struct composing *c, const struct block *block)
{
	c->has_steered |= block->head.kind == BLOCK_STEERED;
	node_writer_put_block(c->writer, (enum block_kind)block->head.kind,
			      block->head.type, block->payload, block->head.len);
}

/* Those that stand before an RRset of `before`. */
static void
put_plain(struct composing *c, uint32_t before)
{
	for (unsigned i = 0; i < LIVE_ADDRESS_TYPES; i++) {
		const struct part *part = &c->parts[i];

		if (!part->is_there || c->is_put[i] ||
		    part->block.head.kind != BLOCK_RRSET ||
		    part->block.head.type >= before)
			continue;
		put_block(c, &part->block);
		c->is_put[i] = true;
	}
}

/* All that is left, behind the plain RRsets. */
static void
put_rest(struct composing *c)
{
	put_plain(c, UINT32_MAX);
	for (unsigned i = 0; i < LIVE_ADDRESS_TYPES && !c->has_facts; i++) {
		const struct part *part = &c->parts[i];

		if (!part->is_there)
			continue;
		if (!c->is_put[i])
			put_block(c, &part->block);
		node_writer_put_block(c->writer, BLOCK_RESOLVED, part->block.head.type,
				      &part->facts, sizeof part->facts);
	}
	c->has_facts = true;
}

static void
put_before(struct composing *c, const struct block *block)
{
	switch (block->head.kind) {
	case BLOCK_ZONE:
	case BLOCK_NEGATIVE_SOA:
	case BLOCK_NSEC3PARAM:
		return;
	case BLOCK_RRSET:
		put_plain(c, block->head.type);
		return;
	default:
		put_rest(c);
	}
}

static bool
is_resolved_block(const struct node *node, const struct block *block)
{
	return block->head.kind == BLOCK_RESOLVED ||
	       (block_holds_rrset(block) && node_is_resolved(node, block->head.type));
}

/* Write the node with these parts in place of what it has resolved. */
static void
compose(struct composing *c, const struct node *node)
{
	unsigned flags = node->head.flags & ~(unsigned)NODE_HAS_STEERED;
	struct block block;
	uint32_t at = 0;

	node_writer_begin(c->writer, node->head.zone_id, (uint16_t)flags,
			  node_owner(node), node->head.owner_len);
	while (node_next_block(node, &at, &block)) {
		if (is_resolved_block(node, &block))
			continue;
		put_before(c, &block);
		put_block(c, &block);
	}
	put_rest(c);
	if (c->has_steered)
		flags |= NODE_HAS_STEERED;
	node_writer_set_facts(c->writer, (uint16_t)flags, node->head.child_count);
}

/* ---- from what stood there ---- */

/* The node's RRset that was resolved; none when it has one of its own. */
static void
take_part(const struct node *node, uint16_t type, struct part *out)
{
	struct block facts;

	out->is_there = node_find_block(node, BLOCK_RESOLVED, type, &facts) &&
			facts.head.len == sizeof out->facts &&
			(node_find_block(node, BLOCK_RRSET, type, &out->block) ||
			 node_find_block(node, BLOCK_STEERED, type, &out->block));
	if (out->is_there)
		memcpy(&out->facts, facts.payload, sizeof out->facts);
}

static bool
has_own(const struct node *node, uint16_t type)
{
	struct block block;

	return (node_find_block(node, BLOCK_RRSET, type, &block) ||
		node_find_block(node, BLOCK_STEERED, type, &block) ||
		node_find_block(node, BLOCK_BAD_RRSET, type, &block)) &&
	       !node_is_resolved(node, type);
}

int
live_keep_addresses(struct live *live, const struct node *present, struct node *node)
{
	struct composing c = { .writer = &live->writer };
	bool is_any = false;
	int rc;

	if (!present->bytes || !live_leads_on(node))
		return ERR_OK;
	for (unsigned i = 0; i < LIVE_ADDRESS_TYPES; i++) {
		uint16_t type = live_address_rrtype((enum live_address_type)i);

		if (!has_own(node, type))
			take_part(present, type, &c.parts[i]);
		is_any |= c.parts[i].is_there;
	}
	if (!is_any)
		return ERR_OK;
	compose(&c, node);
	rc = node_writer_end(&live->writer);
	if (rc != ERR_OK)
		return rc;
	return node_open(live->writer.bytes, live->writer.len, node) ? ERR_OK
								     : ERR_DAMAGED;
}

/* ---- from what it leads to now ---- */

static void
set_part(const struct node *node, enum live_address_type type,
	 const struct live_addresses *addresses, struct part *out)
{
	uint16_t rrtype = live_address_rrtype(type);

	out->is_there = false;
	if (has_own(node, rrtype) || addresses->state == LIVE_ADDRESSES_NONE)
		return;
	if (addresses->state == LIVE_ADDRESSES_KEEP) {
		take_part(node, rrtype, out);
		return;
	}
	*out = (struct part){
		.is_there = true,
		.block = { .head = { .kind = addresses->is_steered ? BLOCK_STEERED
								   : BLOCK_RRSET,
				     .type = rrtype,
				     .len = (uint32_t)addresses->len },
			   .payload = addresses->payload },
		.facts = { .signed_ttl = addresses->signed_ttl },
	};
}

/* Write a node into live->writer. */
static void
write_leader(struct live *live, const struct live_leader *leader, const struct node *node)
{
	struct composing c = { .writer = &live->writer };

	for (unsigned i = 0; i < LIVE_ADDRESS_TYPES; i++)
		set_part(node, (enum live_address_type)i, &leader->types[i], &c.parts[i]);
	compose(&c, node);
}

static int
put_leader(struct live_edit *edit, const struct live_leader *leader)
{
	struct live *live = edit->live;
	struct node present, node;
	int rc = live_find(live, edit->facts.zone_id, leader->owner, leader->owner_len,
			   &present);

	if (rc == ERR_NOTFOUND || (rc == ERR_OK && !live_leads_on(&present)))
		return ERR_OK;
	if (rc == ERR_OK)
		rc = live_sign_touch(edit, leader->owner, leader->owner_len, &present);
	if (rc != ERR_OK)
		return rc;
	live_count_out(edit, &present);
	write_leader(live, leader, &present);
	rc = node_writer_end(&live->writer);
	if (rc != ERR_OK)
		return rc;
	if (!node_open(live->writer.bytes, live->writer.len, &node))
		return ERR_DAMAGED;
	live_count_in(edit, &node);
	live_watch_put(live, &node);
	return overlay_put(live->overlay, node.bytes, node.head.node_len);
}

/* ---- in the transaction of a change ---- */

void
live_set_lead(struct live *live, live_lead_fn *find, live_led_fn *put, void *context)
{
	live->find_lead = find;
	live->put_led = put;
	live->lead_context = context;
}

/* returns whether it leads to anything else than stands there. */
static int
find_lead(const struct live_edit *edit, const struct node *node,
	  struct live_leader *leader, bool *is_new)
{
	const struct live *live = edit->live;
	int rc;

	leader->owner_len = node->head.owner_len;
	memcpy(leader->owner, node_owner(node), node->head.owner_len);
	rc = live->find_lead(live->lead_context, edit, node, leader);
	*is_new = false;
	for (unsigned i = 0; rc == ERR_OK && i < LIVE_ADDRESS_TYPES; i++) {
		enum live_address_type type = (enum live_address_type)i;

		*is_new |= !has_own(node, live_address_rrtype(type)) &&
			   !live_addresses_are_there(node, type, &leader->types[i]);
	}
	return rc;
}

static int
lead_name(struct live_edit *edit, const struct live_touched *touched,
	  struct live_leader *leader)
{
	struct node found, node;
	bool is_new = false;
	int rc = live_find(edit->live, edit->facts.zone_id, touched->name, touched->len,
			   &found);

	if (rc == ERR_NOTFOUND || (rc == ERR_OK && !live_leads_on(&found)))
		return ERR_OK;
	if (rc == ERR_OK)
		rc = live_keep_node(edit, &found, &node);
	if (rc == ERR_OK)
		rc = find_lead(edit, &node, leader, &is_new);
	return rc == ERR_OK && is_new ? put_leader(edit, leader) : rc;
}

int
live_lead_names(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	struct live_leader leader = { .owner_len = 0 };
	size_t count = edit->live->find_lead ? signing->touched_count : 0;
	int rc = ERR_OK;

	for (size_t i = 0; rc == ERR_OK && i < count; i++)
		rc = lead_name(edit, signing->touched[i], &leader);
	live_leader_fini(&leader);
	return rc;
}

int
live_lead_apex(struct live_edit *edit, const struct node *apex)
{
	struct live_leader leader = { .owner_len = 0 };
	bool is_new = false;
	struct node node;
	int rc = edit->live->find_lead ? live_keep_node(edit, apex, &node) : ERR_OK;

	if (rc == ERR_OK && edit->live->find_lead)
		rc = find_lead(edit, &node, &leader, &is_new);
	if (rc == ERR_OK && is_new)
		write_leader(edit->live, &leader, &node);
	live_leader_fini(&leader);
	return rc;
}

/* ---- in one of their own ---- */

/* The apex, which may be one of them. */
static int
put_apex(struct live_edit *edit, const struct live_leader *leader)
{
	struct node present;
	int rc = live_zone(edit->live, edit->origin, edit->origin_len, &present);

	if (rc != ERR_OK)
		return rc;
	live_count_out(edit, &present);
	if (leader && live_leads_on(&present))
		write_leader(edit->live, leader, &present);
	else
		live_copy_node(edit->live, &present);
	return live_edit_end_written(edit);
}

static int
put_all(struct live *live, const uint8_t *origin, size_t origin_len,
	const struct live_leader *leaders, size_t count, uint64_t *made)
{
	const struct live_leader *apex = NULL;
	struct live_edit edit;
	int rc = live_edit_begin(live, origin, origin_len, &edit);

	if (rc == ERR_OK && !edit.is_signed)
		rc = ERR_FORMAT;
	for (size_t i = 0; i < count && rc == ERR_OK; i++)
		if (leaders[i].owner_len == origin_len)
			apex = &leaders[i];
		else
			rc = put_leader(&edit, &leaders[i]);
	if (rc == ERR_OK)
		rc = put_apex(&edit, apex);
	*made = edit.made;
	return rc;
}

int
live_put_addresses(struct live *live, const uint8_t *origin, size_t origin_len,
		   const struct live_leader *leaders, size_t count, uint64_t *made)
{
	int rc = live_begin(live);

	*made = 0;
	if (rc != ERR_OK)
		return rc;
	rc = put_all(live, origin, origin_len, leaders, count, made);
	if (rc == ERR_OK)
		return live_commit(live);
	live_abort(live);
	return rc;
}
