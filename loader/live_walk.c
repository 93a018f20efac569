/* Two orders in one: the generation's tree and the overlay's.  Where both have a name the
 * overlay's node stands, and a tombstone hides the other. */
#include <stdlib.h>

#include "loader/live_private.h"
#include "shm/errcode.h"

struct live_cursor {
	struct store_cursor *base; /* NULL: behind its end, or none */
	struct overlay_cursor *changes;
	struct node base_node, change; /* the next of each */
};

static int
next_base(struct live_cursor *cursor)
{
	int rc = store_cursor_next(cursor->base, &cursor->base_node);

	if (rc != ERR_NOTFOUND)
		return rc;
	store_cursor_close(cursor->base);
	cursor->base = NULL;
	return ERR_OK;
}

static int
next_change(struct live_cursor *cursor)
{
	int rc = overlay_cursor_next(cursor->changes, &cursor->change);

	if (rc != ERR_NOTFOUND)
		return rc;
	overlay_cursor_close(cursor->changes);
	cursor->changes = NULL;
	return ERR_OK;
}

static int
open_base(struct live *live, uint32_t zone_id, struct live_cursor *cursor)
{
	int rc = ERR_OK;

	if (!live->walk)
		rc = store_walk_open(live->dir, &live->walk);
	if (rc == ERR_OK)
		rc = store_cursor_open(live->walk, zone_id, &cursor->base);
	return rc == ERR_OK ? next_base(cursor) : rc;
}

int
live_cursor_open(struct live *live, uint32_t zone_id, struct live_cursor **out)
{
	struct live_cursor *cursor = calloc(1, sizeof *cursor);
	int rc;

	if (!cursor)
		return ERR_NOMEM;
	rc = open_base(live, zone_id, cursor);
	if (rc == ERR_OK && live->overlay) {
		rc = overlay_cursor_open(live->overlay, zone_id, &cursor->changes);
		if (rc == ERR_OK)
			rc = next_change(cursor);
	}
	if (rc != ERR_OK) {
		live_cursor_close(cursor);
		return rc;
	}
	*out = cursor;
	return ERR_OK;
}

/* Which comes first: negative the generation's, positive the overlay's. */
static int
compare(const struct live_cursor *cursor)
{
	if (!cursor->changes)
		return -1;
	if (!cursor->base)
		return 1;
	return dname_compare(node_owner(&cursor->base_node), node_owner(&cursor->change));
}

int
live_cursor_next(struct live_cursor *cursor, struct node *out)
{
	int rc = ERR_OK;

	while (rc == ERR_OK && (cursor->base || cursor->changes)) {
		int order = compare(cursor);

		*out = order < 0 ? cursor->base_node : cursor->change;
		if (order <= 0)
			rc = next_base(cursor);
		if (rc == ERR_OK && order >= 0)
			rc = next_change(cursor);
		if (rc == ERR_OK && !(out->head.flags & NODE_DELETED))
			return ERR_OK;
	}
	return rc == ERR_OK ? ERR_NOTFOUND : rc;
}

void
live_cursor_close(struct live_cursor *cursor)
{
	if (!cursor)
		return;
	store_cursor_close(cursor->base);
	overlay_cursor_close(cursor->changes);
	free(cursor);
}

int
live_walk_zone(struct live *live, uint32_t zone_id, live_visit_fn *visit, void *context)
{
	struct live_cursor *cursor;
	struct node node;
	int rc = live_cursor_open(live, zone_id, &cursor), stop = 0;

	if (rc != ERR_OK)
		return rc;
	while (stop == 0 && (rc = live_cursor_next(cursor, &node)) == ERR_OK)
		stop = visit(context, &node);
	live_cursor_close(cursor);
	return rc == ERR_OK || rc == ERR_NOTFOUND ? stop : rc;
}

int
live_walk_zones(struct live *live, live_visit_fn *visit, void *context)
{
	return live_walk_zone(live, CATALOGUE_ID, visit, context);
}
