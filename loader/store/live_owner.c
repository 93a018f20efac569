/* One owner of a zone replaced or removed, with what that means for the names above it:
 * empty non-terminals come and go, and each knows its children. */

#include "loader/store/live_signing.h"
#include "shm/errcode.h"

/* The name above, in place; returns its length. */
static size_t
go_up(const uint8_t **name, size_t len)
{
	size_t label = **name + 1u;

	*name += label;
	return len - label;
}

static bool
is_below(const struct live_edit *edit, const uint8_t *name, size_t len)
{
	return len > edit->origin_len &&
	       dname_is_subdomain(name, len, edit->origin, edit->origin_len);
}

static uint16_t
wildcard_flag(uint16_t flags, bool has_wildcard)
{
	return (uint16_t)(has_wildcard ? flags | NODE_HAS_WILDCARD
				       : flags & ~(unsigned)NODE_HAS_WILDCARD);
}

static int
put_children(struct live_edit *edit, const struct node *node, uint32_t child_count,
	     bool has_wildcard)
{
	live_copy_node(edit->live, node);
	node_writer_set_facts(&edit->live->writer,
			      wildcard_flag(node->head.flags, has_wildcard), child_count);
	return live_put_writer(edit->live);
}

static int
put_non_terminal(struct live_edit *edit, const uint8_t *name, size_t len,
		 uint32_t child_count, bool has_wildcard)
{
	uint16_t flags =
		dname_is_wildcard(name) ? NODE_EMPTY | NODE_IS_WILDCARD : NODE_EMPTY;

	flags = wildcard_flag(flags, has_wildcard);
	node_writer_begin(&edit->live->writer, edit->facts.zone_id, flags, name, len);
	node_writer_set_facts(&edit->live->writer, flags, child_count);
	return live_put_writer(edit->live);
}

/* A new name is there: tell the one above, and make it if it is not there either. */
static int
add_to_parents(struct live_edit *edit, const uint8_t *name, size_t len)
{
	bool is_wildcard = dname_is_wildcard(name);
	struct node parent;
	int rc;

	for (len = go_up(&name, len); len > edit->origin_len; len = go_up(&name, len)) {
		rc = live_find(edit->live, edit->facts.zone_id, name, len, &parent);
		if (rc == ERR_OK)
			return put_children(
				edit, &parent, parent.head.child_count + 1,
				is_wildcard || (parent.head.flags & NODE_HAS_WILDCARD));
		if (rc == ERR_NOTFOUND)
			rc = put_non_terminal(edit, name, len, 1, is_wildcard);
		if (rc != ERR_OK)
			return rc;
		edit->facts.name_count++;
		is_wildcard = dname_is_wildcard(name);
	}
	edit->child_count++;
	edit->has_wildcard |= is_wildcard;
	return ERR_OK;
}

/* A name is gone: tell the one above, and remove it if that was all it was there for. */
static int
remove_from_parents(struct live_edit *edit, const uint8_t *name, size_t len)
{
	bool is_wildcard = dname_is_wildcard(name);
	struct node parent;
	int rc;

	for (len = go_up(&name, len); len > edit->origin_len; len = go_up(&name, len)) {
		rc = live_find(edit->live, edit->facts.zone_id, name, len, &parent);
		if (rc == ERR_NOTFOUND || (rc == ERR_OK && parent.head.child_count == 0))
			return ERR_DAMAGED;
		if (rc != ERR_OK)
			return rc;
		if (parent.head.child_count > 1 || !live_is_non_terminal(&parent))
			return put_children(
				edit, &parent, parent.head.child_count - 1,
				!is_wildcard && (parent.head.flags & NODE_HAS_WILDCARD));
		rc = overlay_delete(edit->live->overlay, edit->facts.zone_id, name, len);
		if (rc != ERR_OK)
			return rc;
		edit->facts.name_count--;
		is_wildcard = dname_is_wildcard(name);
	}
	if (edit->child_count == 0)
		return ERR_DAMAGED;
	edit->child_count--;
	edit->has_wildcard &= !is_wildcard;
	return ERR_OK;
}

/* ---- putting ---- */

/* Render the owner in place of `present` (bytes NULL: the name is new). */
static int
render_owner(struct live_edit *edit, const struct zone_records *records,
	     const struct zone_record *first, struct node *present, struct node *out)
{
	const struct render_place place = {
		.zone_id = edit->facts.zone_id,
		.child_count = present->head.child_count,
		.has_wildcard = present->head.flags & NODE_HAS_WILDCARD,
		.is_flattened = edit->facts.flags & ZONE_FLATTENED,
	};

	return live_render(edit->live, records, first, &place, present, out);
}

int
live_put_owner(struct live_edit *edit, const struct zone_records *records,
	       const struct zone_record *first)
{
	const uint8_t *owner = first->owner;
	struct node present = { 0 }, node;
	size_t len = first->owner_len;
	bool is_new;
	int rc;

	if (!is_below(edit, owner, len) || records->origin_len != edit->origin_len)
		return ERR_RANGE;
	rc = live_find(edit->live, edit->facts.zone_id, owner, len, &present);
	if (rc != ERR_OK && rc != ERR_NOTFOUND)
		return rc;
	is_new = rc == ERR_NOTFOUND;
	if (is_new)
		present = (struct node){ 0 };
	if (edit->is_signed)
		rc = live_sign_touch(edit, owner, len, is_new ? NULL : &present);
	else
		rc = ERR_OK;
	if (rc == ERR_OK)
		rc = render_owner(edit, records, first, &present, &node);
	if (rc == ERR_OK && edit->is_signed)
		rc = live_keep_addresses(edit->live, &present, &node);
	if (rc != ERR_OK)
		return rc;
	if (is_new)
		edit->facts.name_count++;
	else
		live_count_out(edit, &present);
	live_count_in(edit, &node);
	zone_facts_add_depths(&edit->facts, node.head.flags, node.head.label_count);
	live_watch_put(edit->live, &node);
	rc = overlay_put(edit->live->overlay, node.bytes, node.head.node_len);
	return rc == ERR_OK && is_new ? add_to_parents(edit, owner, len) : rc;
}

/* ---- removing ---- */

int
live_drop_owner(struct live_edit *edit, const uint8_t *owner, size_t owner_len)
{
	struct node present;
	int rc;

	if (!is_below(edit, owner, owner_len))
		return ERR_RANGE;
	rc = live_find(edit->live, edit->facts.zone_id, owner, owner_len, &present);
	if (rc == ERR_NOTFOUND || (rc == ERR_OK && live_is_non_terminal(&present)))
		return ERR_OK;
	if (rc == ERR_OK && edit->is_signed)
		rc = live_sign_touch(edit, owner, owner_len, &present);
	if (rc != ERR_OK)
		return rc;
	live_count_out(edit, &present);
	if (present.head.child_count > 0)
		return put_non_terminal(edit, owner, owner_len, present.head.child_count,
					present.head.flags & NODE_HAS_WILDCARD);
	edit->facts.name_count--;
	present.head.flags |= NODE_DELETED;
	live_watch_put(edit->live, &present);
	rc = overlay_delete(edit->live->overlay, edit->facts.zone_id, owner, owner_len);
	return rc == ERR_OK ? remove_from_parents(edit, owner, owner_len) : rc;
}
