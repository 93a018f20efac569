/* What an edit does to a chain of denial: the places there of the names that it touches. */
#include <stdlib.h>
#include <string.h>

#include "loader/store/live_signing.h"
#include "loader/zone/grow.h"
#include "shm/errcode.h"
#include "shm/nsec3_hash.h"
#include "shm/rrtype.h"

const uint8_t *
live_chain_rdata(const struct node *node, uint16_t type, size_t *len)
{
	enum { RR_HEAD = 12 };
	struct rrset rrset;

	if (!node_find_rrset(node, type, &rrset) || rrset.head.rr_count != 1 ||
	    rrset.head.wire_len < RR_HEAD)
		return NULL;
	*len = rrset.head.wire_len - (size_t)RR_HEAD;
	return rrset.wire + RR_HEAD;
}

const uint8_t *
live_hash_place(struct live_edit *edit, const uint8_t hash[NSEC3_HASH_LEN], size_t *len)
{
	uint8_t place[NSEC3_LABEL_LEN + 1 + DNAME_MAX];

	*len = NSEC3_LABEL_LEN + 1 + edit->origin_len;
	if (*len > DNAME_MAX)
		return NULL;
	nsec3_hash_to_label(hash, place);
	memcpy(place + NSEC3_LABEL_LEN + 1, edit->origin, edit->origin_len);
	return arena_copy(node_sign_arena(edit->live->signing->sign), place, *len);
}

/* ---- links ---- */

static struct live_link *
add_link(struct live_signing *signing)
{
	struct live_link *links = grow_items(signing->links, &signing->link_room,
					     signing->link_count + 1, sizeof *links);

	if (!links)
		return NULL;
	signing->links = links;
	links[signing->link_count] = (struct live_link){ 0 };
	return &links[signing->link_count++];
}

static int
add_nsec_link(struct live_signing *signing, struct live_touched *touched,
	      const struct node *old, const struct node *node, bool is)
{
	struct live_link *link = add_link(signing);
	const struct node *named = node ? node : old;
	size_t len;

	if (!link)
		return ERR_NOMEM;
	*link = (struct live_link){
		.place = touched ? touched->name : node_owner(named),
		.place_len = touched ? touched->len : named->head.owner_len,
		.node = node,
		.touched = touched,
		.old = *old,
		.was = old->bytes && live_chain_rdata(old, RRTYPE_NSEC, &len),
		.is = is,
		.is_cut = touched && node && (node->head.flags & NODE_HAS_NS),
	};
	return ERR_OK;
}

static int
make_nsec_links(struct live_signing *signing)
{
	int rc = add_nsec_link(signing, NULL, &signing->apex, &signing->new_apex, true);

	for (size_t i = 0; rc == ERR_OK && i < signing->touched_count; i++) {
		struct live_touched *touched = signing->touched[i];
		bool is = touched->is_whole && !touched->is_hidden;

		rc = add_nsec_link(signing, touched, &touched->old,
				   touched->node.bytes ? &touched->node : NULL, is);
	}
	return rc;
}

/* ---- links of NSEC3: names above those that are touched may come and go as well ---- */

static bool
is_unsigned_cut(const struct node *node)
{
	struct block block;

	return (node->head.flags & NODE_HAS_NS) &&
	       !node_find_block(node, BLOCK_RRSET, RRTYPE_DS, &block) &&
	       !node_find_block(node, BLOCK_BAD_RRSET, RRTYPE_DS, &block);
}

/* Has an empty name something below it that is not an unsigned delegation?  One that has very
 * many of these is taken to stay as it was. */
static int
has_signed_below(struct live_edit *edit, const uint8_t *name, size_t len, bool was,
		 bool *out)
{
	enum { LOOKED_AT_MAX = 1000 };
	const uint8_t *above = NULL;
	uint8_t cut[DNAME_MAX];
	struct store_cursor *cursor;
	struct node node;
	size_t cut_len = 0;
	int rc = live_cursor_open_at(edit->live, edit->facts.zone_id, name, &cursor);

	*out = was;
	if (rc != ERR_OK)
		return rc;
	for (unsigned i = 0; i < LOOKED_AT_MAX; i++) {
		rc = store_cursor_next(cursor, &node);
		if (rc != ERR_OK || !dname_is_subdomain(node_owner(&node),
							node.head.owner_len, name, len)) {
			*out = false;
			break;
		}
		if (node.head.owner_len == len || live_is_non_terminal(&node) ||
		    (above && dname_is_subdomain(node_owner(&node), node.head.owner_len,
						 cut, cut_len)))
			continue;
		if (!is_unsigned_cut(&node)) {
			*out = true;
			break;
		}
		cut_len = node.head.owner_len;
		memcpy(cut, node_owner(&node), cut_len);
		above = cut;
	}
	store_cursor_close(cursor);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static int
is_member(struct live_edit *edit, const struct node *node, bool is_apex, bool was,
	  bool *out)
{
	bool is_optout = edit->live->signing->denial == DENIAL_OPTOUT;

	*out = is_apex || !live_is_hidden(edit, node_owner(node), node->head.owner_len);
	if (!*out || is_apex || !is_optout)
		return ERR_OK;
	if (live_is_non_terminal(node))
		return has_signed_below(edit, node_owner(node), node->head.owner_len, was,
					out);
	*out = !is_unsigned_cut(node);
	return ERR_OK;
}

bool
live_links_hold(struct live_edit *edit, const struct node *node)
{
	uint8_t hash[NSEC3_HASH_LEN];
	const uint8_t *place;
	struct node found;
	size_t len;

	if (!live_uses_nsec3(edit->live->signing))
		return live_chain_rdata(node, RRTYPE_NSEC, &len) != NULL;
	nsec3_hash(node_owner(node), node->head.owner_len, (const uint8_t *)"", 0, 0,
		   hash);
	place = live_hash_place(edit, hash, &len);
	return place &&
	       live_find(edit->live, live_chain_id(edit), place, len, &found) == ERR_OK;
}

static int
find_old_nsec3(struct live_edit *edit, struct live_link *link)
{
	struct node found;
	int rc = live_find(edit->live, live_chain_id(edit), link->place, link->place_len,
			   &found);

	if (rc == ERR_NOTFOUND)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = live_keep_node(edit, &found, &link->old);
	link->was = rc == ERR_OK;
	return rc;
}

static int
add_nsec3_link(struct live_edit *edit, const uint8_t *name, size_t len,
	       const struct node *node)
{
	struct live_signing *signing = edit->live->signing;
	bool is_apex = len == edit->origin_len;
	struct live_link *link = add_link(signing);
	uint8_t hash[NSEC3_HASH_LEN];
	int rc;

	if (!link)
		return ERR_NOMEM;
	nsec3_hash(name, (unsigned)len, (const uint8_t *)"", 0, 0, hash);
	link->place = live_hash_place(edit, hash, &link->place_len);
	if (!link->place)
		return ERR_NOMEM;
	link->node = node;
	link->is_cut = !is_apex && node && (node->head.flags & NODE_HAS_NS);
	rc = find_old_nsec3(edit, link);
	return rc == ERR_OK && node ? is_member(edit, node, is_apex, link->was, &link->is)
				    : rc;
}

static int
add_nsec3_above(struct live_edit *edit, const uint8_t *name, size_t len)
{
	struct arena *arena = node_sign_arena(edit->live->signing->sign);
	struct node found, *kept = NULL;
	int rc = live_find(edit->live, edit->facts.zone_id, name, len, &found);

	if (rc == ERR_OK) {
		kept = arena_take_items(arena, 1, sizeof *kept);
		rc = kept ? live_keep_node(edit, &found, kept) : ERR_NOMEM;
	}
	if (rc != ERR_OK && rc != ERR_NOTFOUND)
		return rc;
	return add_nsec3_link(edit, name, len, kept);
}

/* The names above, as far as they are not above the name that came before as well. */
static int
add_above(struct live_edit *edit, const struct live_touched *touched,
	  const struct live_touched *last)
{
	const uint8_t *name = touched->name;
	size_t len = touched->len;
	int rc = ERR_OK;

	while (rc == ERR_OK) {
		len -= name[0] + 1u;
		name += name[0] + 1u;
		if (len <= edit->origin_len ||
		    (last && dname_is_subdomain(last->name, last->len, name, len)))
			break;
		rc = add_nsec3_above(edit, name, len);
	}
	return rc;
}

int
live_compare_links(const void *a, const void *b)
{
	return dname_compare(((const struct live_link *)a)->place,
			     ((const struct live_link *)b)->place);
}

static int
make_nsec3_links(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	const struct live_touched *last = NULL;
	int rc = add_nsec3_link(edit, edit->origin, edit->origin_len, &signing->new_apex);

	for (size_t i = 0; rc == ERR_OK && i < signing->touched_count; i++) {
		struct live_touched *touched = signing->touched[i];

		rc = add_above(edit, touched, last);
		if (rc == ERR_OK)
			rc = add_nsec3_link(edit, touched->name, touched->len,
					    touched->node.bytes ? &touched->node : NULL);
		if (rc == ERR_OK)
			signing->links[signing->link_count - 1].touched = touched;
		last = touched;
	}
	if (rc == ERR_OK)
		qsort(signing->links, signing->link_count, sizeof *signing->links,
		      live_compare_links);
	return rc;
}

int
live_links_make(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	int rc;

	signing->link_count = 0;
	signing->neighbour_count = 0;
	rc = live_uses_nsec3(signing) ? make_nsec3_links(edit) : make_nsec_links(signing);
	return rc == ERR_OK ? live_runs_join(edit) : rc;
}
