/* Walking what is served: the generation with its overlay. */
#include "loader/store/live_private.h"
#include "shm/errcode.h"

int
live_cursor_open(struct live *live, uint32_t zone_id, struct store_cursor **out)
{
	int rc = ERR_OK;

	if (!live->walk)
		rc = store_walk_open_over(live->dir, live->overlay, &live->walk);
	return rc == ERR_OK ? store_cursor_open(live->walk, zone_id, out) : rc;
}

int
live_walk_zone(struct live *live, uint32_t zone_id, live_visit_fn *visit, void *context)
{
	struct store_cursor *cursor;
	struct node node;
	int rc = live_cursor_open(live, zone_id, &cursor), stop = 0;

	if (rc != ERR_OK)
		return rc;
	while (stop == 0 && (rc = store_cursor_next(cursor, &node)) == ERR_OK)
		stop = visit(context, &node);
	store_cursor_close(cursor);
	return rc == ERR_OK || rc == ERR_NOTFOUND ? stop : rc;
}

int
live_walk_zones(struct live *live, live_visit_fn *visit, void *context)
{
	return live_walk_zone(live, CATALOGUE_ID, visit, context);
}
