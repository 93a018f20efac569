/* Change sets of the live store, and the nodes that are put in them. */
#include <assert.h>
#include <string.h>

#include "loader/store/live_private.h"
#include "loader/store/watch.h"
#include "shm/errcode.h"

int
live_begin(struct live *live)
{
	assert(!live->is_snapshot);
	return overlay_begin(live->overlay);
}

int
live_commit(struct live *live)
{
	int rc = overlay_commit(live->overlay);

	live_count_end(live, rc == ERR_OK);
	if (live->watch)
		watch_end(live->watch, rc == ERR_OK);
	return rc;
}

void
live_abort(struct live *live)
{
	overlay_abort(live->overlay);
	live_count_end(live, false);
	if (live->watch)
		watch_end(live->watch, false);
}

int
live_note(struct live *live, const char *key, const void *value, size_t len)
{
	return overlay_note(live->overlay, key, value, len);
}

/* ---- nodes ---- */

int
live_renderer(struct live *live, struct renderer **out)
{
	int rc = live->renderer ? ERR_OK : render_new(&live->renderer);

	*out = live->renderer;
	return rc;
}

/* render_last_fn: the node as it stands, if there is one. */
static bool
last_node(void *context, const struct zone_records *zone,
	  const struct zone_record *record, struct node *out)
{
	const struct node *present = context;

	(void)zone;
	(void)record;
	if (!present->bytes)
		return false;
	*out = *present;
	return true;
}

int
live_render(struct live *live, const struct zone_records *records,
	    const struct zone_record *first, const struct render_place *place,
	    struct node *present, struct node *out)
{
	struct renderer *renderer;
	const uint8_t *bytes;
	int rc = live_renderer(live, &renderer);

	if (rc != ERR_OK)
		return rc;
	render_set_last(renderer, last_node, present);
	rc = render_alone(renderer, records, first, place, &bytes);
	if (rc != ERR_OK)
		return rc;
	return node_open(bytes, UINT32_MAX, out) ? ERR_OK : ERR_DAMAGED;
}

int
live_put_writer(struct live *live)
{
	int rc = node_writer_end(&live->writer);
	struct node node;

	if (rc != ERR_OK)
		return rc;
	if (!node_open(live->writer.bytes, live->writer.len, &node))
		return ERR_DAMAGED;
	if (node.head.zone_id == CATALOGUE_ID)
		rc = live_count_apex(live, node_owner(&node), node.head.owner_len, &node);
	if (rc == ERR_OK && node.head.zone_id == CATALOGUE_ID)
		rc = live_watch_apex(live, node_owner(&node), node.head.owner_len, &node);
	if (rc == ERR_OK)
		live_watch_put(live, &node);
	return rc == ERR_OK
		       ? overlay_put(live->overlay, live->writer.bytes, live->writer.len)
		       : rc;
}

void
live_copy_node(struct live *live, const struct node *node)
{
	live->writer.len = 0;
	live->writer.error = 0;
	node_writer_append(&live->writer, node->bytes, node->head.node_len);
}

void
live_set_facts(struct live *live, const struct zone_facts *facts,
	       const struct redis_facts *redis)
{
	struct node node;
	struct block block;
	uint32_t at = 0;

	if (live->writer.error || !node_open(live->writer.bytes, live->writer.len, &node))
		return;
	while (node_next_block(&node, &at, &block)) {
		uint8_t *payload = live->writer.bytes + (block.payload - node.bytes);

		if (block.head.kind == BLOCK_ZONE && block.head.len >= sizeof *facts)
			memcpy(payload, facts, sizeof *facts);
		if (block.head.kind == BLOCK_REDIS && block.head.len >= sizeof *redis)
			memcpy(payload, redis, sizeof *redis);
	}
}
