/* The watch list, kept along with the changes. */
#include "loader/store/live_private.h"
#include "loader/store/watch.h"
#include "shm/errcode.h"

void
live_set_watch(struct live *live, struct watch *watch)
{
	live->watch = watch;
}

struct watch *
live_watch(const struct live *live)
{
	return live->watch;
}

uint32_t
live_zone_of(const struct node *node)
{
	struct zone_facts facts;

	if (node->head.zone_id != CATALOGUE_ID)
		return node->head.zone_id;
	return node_zone_facts(node, &facts) ? facts.zone_id : 0;
}

void
live_watch_put(struct live *live, const struct node *node)
{
	uint32_t zone_id = live->watch ? live_zone_of(node) : 0;

	if (zone_id != 0)
		watch_put(live->watch, zone_id, node);
}

int
live_watch_apex(struct live *live, const uint8_t *origin, size_t origin_len,
		const struct node *after)
{
	struct node before;
	uint32_t old_id;
	int rc;

	if (!live->watch)
		return ERR_OK;
	rc = live_zone(live, origin, origin_len, &before);
	if (rc != ERR_OK)
		return rc == ERR_NOTFOUND ? ERR_OK : rc;
	old_id = live_zone_of(&before);
	if (old_id != 0 && (!after || live_zone_of(after) != old_id))
		watch_drop_zone(live->watch, old_id);
	return ERR_OK;
}
