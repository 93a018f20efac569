/* Walking what is served: the generation with its overlay. */
#include "loader/store/live_private.h"
#include "shm/errcode.h"

static int
open_walk(struct live *live)
{
	return live->walk ? ERR_OK
			  : store_walk_open_over(live->dir, live->overlay, &live->walk);
}

/* All that comes at the cursor, which is closed. */
static int
walk(struct store_cursor *cursor, live_visit_fn *visit, void *context)
{
	struct node node;
	int rc = ERR_OK, stop = 0;

	while (stop == 0 && (rc = store_cursor_next(cursor, &node)) == ERR_OK)
		stop = visit(context, &node);
	store_cursor_close(cursor);
	return rc == ERR_OK || rc == ERR_NOTFOUND ? stop : rc;
}

int
live_cursor_open(struct live *live, uint32_t zone_id, struct store_cursor **out)
{
	int rc = open_walk(live);

	return rc == ERR_OK ? store_cursor_open(live->walk, zone_id, out) : rc;
}

int
live_cursor_open_at(struct live *live, uint32_t zone_id, const uint8_t *name,
		    struct store_cursor **out)
{
	int rc = open_walk(live);

	return rc == ERR_OK ? store_cursor_open_at(live->walk, zone_id, name, out) : rc;
}

int
live_walk_zone(struct live *live, uint32_t zone_id, live_visit_fn *visit, void *context)
{
	struct store_cursor *cursor;
	int rc = live_cursor_open(live, zone_id, &cursor);

	return rc == ERR_OK ? walk(cursor, visit, context) : rc;
}

int
live_walk_zones(struct live *live, live_visit_fn *visit, void *context)
{
	return live_walk_zone(live, CATALOGUE_ID, visit, context);
}

int
live_walk_zones_from(struct live *live, const uint8_t *origin, live_visit_fn *visit,
		     void *context)
{
	struct store_cursor *cursor;
	int rc = live_cursor_open_at(live, CATALOGUE_ID, origin, &cursor);

	return rc == ERR_OK ? walk(cursor, visit, context) : rc;
}
