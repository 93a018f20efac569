/* Following, name by name. */
#include "loader/lead.h"

#include <string.h>

#include "loader/sign/stored_rrset.h"
#include "shm/aname.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/steered.h"

enum {
	CHAIN_MAX = 16, /* names, as workers follow them */
};

/* What a name is met by on the way down from its apex, see worker/descend.h. */
enum met { MET_OWNER, MET_NOTHING, MET_CUT, MET_DNAME };

struct following {
	struct live *live;
	const struct lead_source *source;
	enum live_address_type type;
	uint16_t rrtype;
	struct live_addresses *out;
	uint8_t name[DNAME_MAX + NAME_PAD]; /* the present one */
	size_t len;
	uint8_t origin[DNAME_MAX + NAME_PAD]; /* of its zone */
	size_t origin_len;
	uint32_t zone_id;
	uint32_t ttl;
	bool is_over;
};

static void
lower_ttl(struct following *f, uint32_t ttl)
{
	if (ttl < f->ttl)
		f->ttl = ttl;
}

static int
end(struct following *f, enum live_addresses_state state)
{
	f->out->state = state;
	f->is_over = true;
	return ERR_OK;
}

static void
go_to(struct following *f, const uint8_t *name, size_t len)
{
	memcpy(f->name, name, len);
	dname_lower(f->name, len);
	f->len = len;
}

/* ---- aliases ---- */

/* The one name in an RRset of a node, written out.  returns its length, 0 for damage. */
static size_t
read_target(const struct following *f, const struct node *node, uint16_t type,
	    uint8_t out[DNAME_MAX], uint32_t *ttl)
{
	const uint8_t *apex =
		node->head.zone_id == CATALOGUE_ID ? node_owner(node) : f->origin;
	size_t apex_len =
		node->head.zone_id == CATALOGUE_ID ? node->head.owner_len : f->origin_len;
	struct arena *arena = arena_new();
	struct sign_rrset rrset;
	struct rrset stored;
	size_t len = 0;

	if (arena && node_find_rrset(node, type, &stored) &&
	    stored_rrset_read(node, &stored, apex, apex_len, arena, &rrset) == ERR_OK &&
	    rrset.count == 1) {
		len = dname_len(rrset.records[0].rdata, rrset.records[0].rdata_len);
		memcpy(out, rrset.records[0].rdata, len);
		*ttl = stored.head.ttl;
	}
	arena_free(arena);
	return len;
}

static int
follow_alias(struct following *f, const struct node *node)
{
	uint8_t target[DNAME_MAX];
	struct aname aname;
	struct block block;
	uint32_t ttl;
	size_t len;

	if (node_find_block(node, BLOCK_ANAME, ANAME_TYPE, &block)) {
		if (!aname_open(&block, &aname))
			return ERR_DAMAGED;
		lower_ttl(f, aname.head.ttl);
		go_to(f, aname.target, aname.head.target_len);
		return ERR_OK;
	}
	len = read_target(f, node, RRTYPE_CNAME, target, &ttl);
	if (len == 0)
		return ERR_DAMAGED;
	lower_ttl(f, ttl);
	go_to(f, target, len);
	return ERR_OK;
}

/* RFC 6672: the name's own labels before the DNAME's target. */
static int
follow_dname(struct following *f, const struct node *node)
{
	size_t prefix_len = f->len - node->head.owner_len, len;
	uint8_t target[DNAME_MAX], name[DNAME_MAX];
	uint32_t ttl;

	len = read_target(f, node, RRTYPE_DNAME, target, &ttl);
	if (len == 0)
		return ERR_DAMAGED;
	if (prefix_len + len > DNAME_MAX)
		return end(f, LIVE_ADDRESSES_KEEP);
	lower_ttl(f, ttl);
	memcpy(name, f->name, prefix_len);
	memcpy(name + prefix_len, target, len);
	go_to(f, name, prefix_len + len);
	return ERR_OK;
}

/* ---- zones ---- */

/* Find the zone of a name.  returns ERR_NOTFOUND when it is in none. */
static int
find_zone(struct following *f, const uint8_t *name, size_t len, struct node *apex)
{
	for (;;) {
		int rc = live_zone(f->live, name, len, apex);

		if (rc != ERR_NOTFOUND || *name == 0)
			return rc;
		len -= *name + 1u;
		name += *name + 1u;
	}
}

/* Does a node hide the present name, or is it that itself? */
static bool
is_met(const struct following *f, const struct node *node, enum met *met)
{
	bool is_apex = node->head.zone_id == CATALOGUE_ID;
	bool is_own = node->head.owner_len == f->len;

	if ((node->head.flags & NODE_HAS_NS) && !is_apex)
		*met = MET_CUT;
	else if ((node->head.flags & NODE_HAS_DNAME) && !is_own)
		*met = MET_DNAME;
	else if (is_own)
		*met = MET_OWNER;
	else
		return false;
	return true;
}

/* Go down from the apex to the present name, or the wildcard in its place. */
static int
descend(struct following *f, struct node *node, enum met *met)
{
	static const uint8_t asterisk[] = { 1, '*' };
	unsigned labels = dname_label_count(f->name) - dname_label_count(f->origin);
	bool has_wildcard = node->head.flags & NODE_HAS_WILDCARD;
	const uint8_t *encloser = f->name + (f->len - f->origin_len);
	uint8_t name[DNAME_MAX + NAME_PAD];
	int rc = ERR_OK;

	*met = MET_NOTHING;
	if (is_met(f, node, met))
		return ERR_OK;
	while (labels-- > 0) {
		const uint8_t *below = dname_skip(f->name, labels);

		rc = live_find(f->live, f->zone_id, below,
			       f->len - (size_t)(below - f->name), node);
		if (rc != ERR_OK)
			break;
		if (is_met(f, node, met))
			return ERR_OK;
		has_wildcard = node->head.flags & NODE_HAS_WILDCARD;
		encloser = below;
	}
	if (rc != ERR_NOTFOUND || !has_wildcard)
		return rc == ERR_NOTFOUND ? ERR_OK : rc;
	memcpy(name, asterisk, sizeof asterisk);
	memcpy(name + sizeof asterisk, encloser, f->len - (size_t)(encloser - f->name));
	rc = live_find(f->live, f->zone_id, name,
		       sizeof asterisk + f->len - (size_t)(encloser - f->name), node);
	if (rc == ERR_OK)
		*met = MET_OWNER;
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* ---- ends ---- */

/* The first name of the resolver's chain that is in a zone of ours, if any. */
static int
come_back(struct following *f, const struct resolved *found, bool *is_ours)
{
	const uint8_t *name = found->names;
	struct node apex;
	int rc = ERR_NOTFOUND;

	*is_ours = false;
	for (unsigned i = 0; i < found->head.name_count && rc == ERR_NOTFOUND; i++) {
		size_t len = dname_len(name, DNAME_MAX);

		rc = find_zone(f, name, len, &apex);
		if (rc == ERR_OK) {
			go_to(f, name, len);
			*is_ours = true;
		}
		name += len;
	}
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static int
end_outside(struct following *f)
{
	const struct lead_source *source = f->source;
	struct resolved found;
	bool is_told, is_ours, is_known;
	int rc;

	is_told = source->resolved &&
		  resolved_store_find(source->resolved, f->rrtype, f->name, f->len,
				      &found) == ERR_OK;
	is_known = is_told && found.head.state != RESOLVED_NEVER;
	f->out->is_awaited = !is_told && source->wishes;
	if (source->wishes && (!is_known || (found.head.flags & RESOLVED_WISHED)))
		resolver_wish(source->wishes, f->name, (unsigned)f->len,
			      RESOLVER_WISHES_MAX);
	if (!is_known)
		return end(f, LIVE_ADDRESSES_KEEP);
	lower_ttl(f, found.head.ttl);
	rc = come_back(f, &found, &is_ours);
	if (rc != ERR_OK || is_ours)
		return rc;
	if (found.head.address_count == 0)
		return end(f, LIVE_ADDRESSES_NONE);
	f->out->ttl = f->ttl;
	rc = live_addresses_set(f->out, f->type, found.addresses,
				found.head.address_count);
	return rc == ERR_OK ? end(f, LIVE_ADDRESSES_SET) : rc;
}

static int
end_at(struct following *f, const struct block *block)
{
	struct rrset rrset;
	int rc;

	if (!block_open_rrset(block, &rrset))
		return ERR_DAMAGED;
	lower_ttl(f, rrset.head.ttl);
	f->out->ttl = f->ttl;
	rc = live_addresses_copy(f->out, block);
	return rc == ERR_OK ? end(f, LIVE_ADDRESSES_SET) : rc;
}

/* What stands at a name: an end, or a lead further on.  What was resolved for it is none. */
static int
look_at(struct following *f, const struct node *node)
{
	struct block block;
	uint32_t at = 0;

	while (node_next_block(node, &at, &block)) {
		if (block.head.type != f->rrtype)
			continue;
		if (block_holds_rrset(&block) && !node_is_resolved(node, f->rrtype))
			return end_at(f, &block);
		if (block.head.kind == BLOCK_BAD_RRSET)
			return end(f, LIVE_ADDRESSES_KEEP);
	}
	if (node_find_block(node, BLOCK_ANAME, ANAME_TYPE, &block) ||
	    node_find_block(node, BLOCK_RRSET, RRTYPE_CNAME, &block))
		return follow_alias(f, node);
	if (node_find_block(node, BLOCK_BAD_RRSET, ANAME_TYPE, &block) ||
	    node_find_block(node, BLOCK_BAD_RRSET, RRTYPE_CNAME, &block) ||
	    node_find_block(node, BLOCK_BAD_RRSET, BAD_RRSET_ALL, &block))
		return end(f, LIVE_ADDRESSES_KEEP);
	return end(f, LIVE_ADDRESSES_NONE);
}

static int
go_on(struct following *f)
{
	struct zone_facts facts;
	struct node node;
	enum met met;
	int rc = find_zone(f, f->name, f->len, &node);

	if (rc == ERR_NOTFOUND)
		return end_outside(f);
	if (rc != ERR_OK || !node_zone_facts(&node, &facts))
		return rc != ERR_OK ? rc : ERR_DAMAGED;
	if (facts.flags & ZONE_BROKEN)
		return end(f, LIVE_ADDRESSES_KEEP);
	f->zone_id = facts.zone_id;
	f->origin_len = node.head.owner_len;
	memcpy(f->origin, node_owner(&node), f->origin_len);
	rc = descend(f, &node, &met);
	if (rc != ERR_OK)
		return rc;
	switch (met) {
	case MET_OWNER:
		return look_at(f, &node);
	case MET_NOTHING:
		return end(f, LIVE_ADDRESSES_NONE);
	case MET_CUT:
		return end_outside(f);
	case MET_DNAME:
		return follow_dname(f, &node);
	}
	return ERR_DAMAGED;
}

int
lead_follow(struct live *live, const struct lead_source *source, const uint8_t *origin,
	    size_t origin_len, const struct node *node, enum live_address_type type,
	    struct live_addresses *out)
{
	struct following f = {
		.live = live,
		.source = source,
		.type = type,
		.rrtype = live_address_rrtype(type),
		.out = out,
		.origin_len = origin_len,
		.ttl = UINT32_MAX,
	};
	int rc;

	out->state = LIVE_ADDRESSES_KEEP;
	out->is_awaited = false;
	memcpy(f.origin, origin, origin_len);
	rc = follow_alias(&f, node);
	out->signed_ttl = f.ttl;
	for (unsigned i = 1; rc == ERR_OK && !f.is_over && i < CHAIN_MAX; i++)
		rc = go_on(&f);
	return rc;
}
