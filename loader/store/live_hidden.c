/* What cuts and DNAMEs hide: names below them belong to no chain of denial, and have no
 * signatures. */
#include <string.h>

#include "loader/store/live_signing.h"
#include "shm/errcode.h"

enum { BELOW_MAX = 1000 }; /* names that one change may hide, or show, at once */

bool
live_is_hidden(struct live_edit *edit, const uint8_t *name, size_t len)
{
	const struct zone_facts *facts = &edit->facts;
	unsigned labels = dname_label_count(name);
	struct node above;

	if (len > edit->origin_len &&
	    (edit->live->signing->new_apex.head.flags & NODE_HAS_DNAME))
		return true;
	for (;;) {
		len -= name[0] + 1u;
		name += name[0] + 1u;
		labels--;
		if (len <= edit->origin_len)
			return false;
		if (((facts->cut_depths[labels / 64] |
		      facts->dname_depths[labels / 64]) >>
			     labels % 64 &
		     1) &&
		    live_find(edit->live, facts->zone_id, name, len, &above) == ERR_OK &&
		    (above.head.flags & (NODE_HAS_NS | NODE_HAS_DNAME)))
			return true;
	}
}

static bool
hides(const struct node *node)
{
	return node->bytes && (node->head.flags & (NODE_HAS_NS | NODE_HAS_DNAME));
}

/* Note the names below one.  returns ERR_FULL beyond `max`. */
static int
touch_below(struct live_edit *edit, const uint8_t *name, size_t len, size_t max)
{
	struct store_cursor *cursor;
	struct node node;
	size_t count = 0;
	int rc = live_cursor_open_at(edit->live, edit->facts.zone_id, name, &cursor);

	if (rc != ERR_OK)
		return rc;
	while ((rc = store_cursor_next(cursor, &node)) == ERR_OK &&
	       dname_is_subdomain(node_owner(&node), node.head.owner_len, name, len)) {
		if (node.head.owner_len == len)
			continue;
		rc = count++ < max ? live_sign_touch(edit, node_owner(&node),
						     node.head.owner_len, &node)
				   : ERR_FULL;
		if (rc != ERR_OK)
			break;
	}
	store_cursor_close(cursor);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* A name hides what is below it from now on, or does so no more.  Those that are too many are
 * taken out of the chain by and by, or signed with the whole zone. */
static int
touch_changed(struct live_edit *edit, const uint8_t *name, size_t len, bool was, bool is)
{
	int rc = was == is ? ERR_OK : touch_below(edit, name, len, BELOW_MAX);

	if (rc != ERR_FULL)
		return rc;
	if (was)
		return ERR_FORMAT;
	edit->live->signing->facts.flags |= SIGNING_UNTIDY;
	edit->is_untidy = true;
	return ERR_OK;
}

int
live_hidden_touch(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	size_t count = signing->touched_count;
	int rc = touch_changed(edit, edit->origin, edit->origin_len,
			       signing->apex.head.flags & NODE_HAS_DNAME,
			       signing->new_apex.head.flags & NODE_HAS_DNAME);

	for (size_t i = 0; rc == ERR_OK && i < count; i++) {
		const struct live_touched *touched = signing->touched[i];
		struct node now = { .bytes = NULL };

		rc = live_find(edit->live, edit->facts.zone_id, touched->name,
			       touched->len, &now);
		if (rc == ERR_NOTFOUND)
			now.bytes = NULL;
		if (rc == ERR_OK || rc == ERR_NOTFOUND)
			rc = touch_changed(edit, touched->name, touched->len,
					   hides(&touched->old), hides(&now));
	}
	return rc;
}

/* ---- by and by ---- */

enum { LOOKED_AT_MAX = 20000 }; /* names, in one step */

static int
touch_hidden(struct live_edit *edit, const struct node *node)
{
	if (!live_is_hidden(edit, node_owner(node), node->head.owner_len) ||
	    !live_links_hold(edit, node))
		return ERR_NOTFOUND;
	return live_sign_touch(edit, node_owner(node), node->head.owner_len, node);
}

/* Look on for hidden names that the chain has.  returns 0, or ERR_NOTFOUND behind the last
 * name. */
static int
look_on(struct live_edit *edit, struct live_renewal *renewal, size_t max)
{
	struct store_cursor *cursor;
	struct node node;
	size_t count = 0;
	int rc = live_renewal_open(edit->live, renewal, edit->facts.zone_id, &cursor);

	if (rc != ERR_OK)
		return rc;
	for (unsigned i = 0; rc == ERR_OK && count < max && i < LOOKED_AT_MAX; i++) {
		rc = store_cursor_next(cursor, &node);
		if (rc != ERR_OK)
			break;
		memcpy(renewal->place, node_owner(&node), node.head.owner_len);
		renewal->has_place = true;
		rc = touch_hidden(edit, &node);
		count += rc == ERR_OK;
		rc = rc == ERR_NOTFOUND ? ERR_OK : rc;
	}
	store_cursor_close(cursor);
	return rc;
}

int
live_hidden_tidy(struct live_edit *edit, struct live_renewal *renewal, size_t max)
{
	struct live_signing *signing = edit->live->signing;
	int rc;

	if (!renewal->is_tidying)
		renewal->is_at_nsec3 = renewal->has_place = false;
	renewal->is_tidying = true;
	rc = look_on(edit, renewal, max);
	if (rc == ERR_NOTFOUND) {
		renewal->is_tidying = renewal->has_place = false;
		signing->facts.flags &= (uint16_t)~SIGNING_UNTIDY;
		rc = ERR_OK;
	}
	if (rc != ERR_OK || (renewal->is_tidying && signing->touched_count == 0))
		return rc;
	live_copy_node(edit->live, &signing->apex);
	rc = live_sign_names(edit);
	return rc == ERR_OK ? live_sign_put_apex(edit) : rc;
}
