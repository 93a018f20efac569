/* Zones as a whole: put under a new id, so that nothing of an earlier one has to be
 * removed; dropped by a tombstone at the apex. */
#include "loader/store/live_private.h"
#include "loader/zone/apex_node.h"
#include "shm/errcode.h"

static const char next_id_note[] = "next_zone_id";

/* Ids that no zone ever had. */
static int
new_zone_ids(struct live *live, uint32_t count, uint32_t *first)
{
	uint32_t noted = 0, next = live->gen.manifest.next_zone_id;
	int rc = overlay_read_note(live->overlay, next_id_note, &noted, sizeof noted);

	if (rc != ERR_NOTFOUND && rc != (int)sizeof noted)
		return rc < 0 ? rc : ERR_DAMAGED;
	if (next < noted)
		next = noted;
	if (next < ZONE_ID_FIRST || next > ZONE_ID_END || count > ZONE_ID_END - next)
		return ERR_FULL;
	*first = next;
	next += count;
	return overlay_note(live->overlay, next_id_note, &next, sizeof next);
}

int
live_take_ids(struct live *live, uint32_t count, uint32_t *first)
{
	int rc = live_begin(live);

	if (rc != ERR_OK)
		return rc;
	rc = new_zone_ids(live, count, first);
	if (rc == ERR_OK)
		return live_commit(live);
	live_abort(live);
	return rc;
}

/* ---- putting ---- */

/* render_last_fn: the node of the zone that this one replaces. */
static bool
last_of_zone(void *context, const struct zone_records *zone,
	     const struct zone_record *record, struct node *out)
{
	return live_find_owner(context, zone->origin, zone->origin_len, record->owner,
			       record->owner_len, out) == ERR_OK;
}

static void
tell_led(const struct live *live, uint32_t zone_id, const struct node *node)
{
	if (live->put_led && live_leads_on(node))
		live->put_led(live->lead_context, zone_id, node_owner(node),
			      node->head.owner_len);
}

static int
put_rendered(struct live *live, const uint8_t *bytes)
{
	struct node node;

	if (!node_open(bytes, UINT32_MAX, &node))
		return ERR_DAMAGED;
	if (!(node.head.zone_id & NSEC3_SPACE)) {
		live_watch_put(live, &node);
		tell_led(live, node.head.zone_id, &node);
	}
	return overlay_put(live->overlay, bytes, node.head.node_len);
}

typedef int next_node_fn(struct renderer *renderer, const uint8_t **node);

static int
put_all(struct live *live, struct renderer *renderer, next_node_fn *next)
{
	const uint8_t *bytes;
	int rc;

	while ((rc = next(renderer, &bytes)) == ERR_OK && bytes) {
		rc = put_rendered(live, bytes);
		if (rc != ERR_OK)
			break;
	}
	return rc;
}

/* The apex comes last: until then the zone's name leads to the earlier one. */
static int
put_nodes(struct live *live, struct renderer *renderer, uint32_t id)
{
	const uint8_t *bytes;
	struct node apex;
	int rc = render_apex(renderer, &bytes);

	if (rc != ERR_OK)
		return rc;
	if (!node_open(bytes, UINT32_MAX, &apex))
		return ERR_DAMAGED;
	live_copy_node(live, &apex);
	tell_led(live, id, &apex);
	rc = put_all(live, renderer, render_next);
	if (rc == ERR_OK && render_has_nsec3(renderer))
		rc = put_all(live, renderer, render_next_nsec3);
	return rc == ERR_OK ? live_put_writer(live) : rc;
}

int
live_put_zone(struct live *live, const struct zone_records *zone)
{
	struct renderer *renderer;
	uint32_t id;
	int rc = live_renderer(live, &renderer);

	if (rc == ERR_OK)
		rc = new_zone_ids(live, 1, &id);
	if (rc != ERR_OK)
		return rc;
	render_set_last(renderer, last_of_zone, live);
	rc = render_start(renderer, zone, id, NULL, NULL);
	return rc == ERR_OK ? put_nodes(live, renderer, id) : rc;
}

/* ---- breaking and dropping ---- */

int
live_break_zone(struct live *live, const uint8_t *origin, size_t origin_len,
		const struct zone_source *source, const char *error)
{
	struct node apex;
	uint32_t id;
	int rc = live_zone(live, origin, origin_len, &apex);

	if (rc != ERR_NOTFOUND)
		return rc == ERR_OK ? ERR_EXISTS : rc;
	rc = new_zone_ids(live, 1, &id);
	if (rc == ERR_OK)
		rc = apex_write_broken(&live->writer, origin, origin_len, source, error);
	if (rc != ERR_OK)
		return rc;
	apex_set_zone_id(live->writer.bytes, id);
	return live_put_writer(live);
}

int
live_drop_zone(struct live *live, const uint8_t *origin, size_t origin_len)
{
	struct node apex;
	int rc = live_zone(live, origin, origin_len, &apex);

	if (rc != ERR_OK)
		return rc;
	rc = live_count_apex(live, origin, origin_len, NULL);
	if (rc == ERR_OK)
		rc = live_watch_apex(live, origin, origin_len, NULL);
	return rc == ERR_OK
		       ? overlay_delete(live->overlay, CATALOGUE_ID, origin, origin_len)
		       : rc;
}
