/* Zones as a whole: put under a new id, so that nothing of an earlier one has to be
 * removed; dropped by a tombstone at the apex. */
#include <stdlib.h>
#include <string.h>

#include "loader/apex_node.h"
#include "loader/live_private.h"
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
	if (next < ZONE_ID_FIRST || next > NSEC3_SPACE || count > NSEC3_SPACE - next)
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

struct zone_put {
	struct live *live;
	const struct zone_records *zone;
	struct renderer *renderer;
	uint32_t new_id, old_id; /* 0: there was no zone of this name */
	struct zone_facts facts;
	uint8_t *apex; /* rendered first, put last; owned */
};

/* render_last_fn: the node of the zone that this one replaces. */
static bool
last_of_zone(void *context, const uint8_t *owner, size_t owner_len, struct node *out)
{
	struct zone_put *put = context;
	uint32_t id = owner_len == put->zone->origin_len ? CATALOGUE_ID : put->old_id;

	return put->old_id != 0 &&
	       live_find(put->live, id, owner, owner_len, out) == ERR_OK;
}

static int
find_old(struct zone_put *put)
{
	struct zone_facts facts;
	struct node apex;
	int rc = live_zone(put->live, put->zone->origin, put->zone->origin_len, &apex);

	if (rc == ERR_OK && node_zone_facts(&apex, &facts))
		put->old_id = facts.zone_id;
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* What is served on from the earlier zone counts too, and is known only once it is
 * rendered. */
static void
count_node(struct zone_put *put, const struct node *node)
{
	struct live_weight weight = live_weigh(node);

	put->facts.record_count += weight.records;
	put->facts.fault_count += weight.faults;
	live_add_depths(&put->facts, node->head.flags, node->head.label_count);
}

static int
render_zone_apex(struct zone_put *put)
{
	const uint8_t *bytes;
	struct node node;
	int rc = render_start(put->renderer, put->zone, put->new_id, NULL, NULL);

	if (rc == ERR_OK)
		rc = render_apex(put->renderer, &bytes);
	if (rc != ERR_OK)
		return rc;
	put->facts = *render_facts(put->renderer);
	if (put->facts.flags & ZONE_SIGNED)
		return ERR_FORMAT;
	put->facts.record_count = put->facts.fault_count = 0;
	if (!node_open(bytes, UINT32_MAX, &node))
		return ERR_DAMAGED;
	count_node(put, &node);
	put->apex = malloc(node.head.node_len);
	if (!put->apex)
		return ERR_NOMEM;
	memcpy(put->apex, bytes, node.head.node_len);
	return ERR_OK;
}

static int
put_names(struct zone_put *put)
{
	const uint8_t *bytes;
	struct node node;
	int rc;

	while ((rc = render_next(put->renderer, &bytes)) == ERR_OK && bytes) {
		if (!node_open(bytes, UINT32_MAX, &node))
			return ERR_DAMAGED;
		count_node(put, &node);
		rc = overlay_put(put->live->overlay, bytes, node.head.node_len);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}

static int
put_apex(struct zone_put *put)
{
	const struct redis_facts none = { 0 };
	struct node node;

	if (!node_open(put->apex, UINT32_MAX, &node))
		return ERR_DAMAGED;
	live_copy_node(put->live, &node);
	live_set_facts(put->live, &put->facts,
		       put->zone->redis ? put->zone->redis : &none);
	return live_put_writer(put->live);
}

int
live_put_zone(struct live *live, const struct zone_records *zone)
{
	struct zone_put put = { .live = live, .zone = zone };
	int rc = live_renderer(live, &put.renderer);

	if (rc == ERR_OK)
		rc = find_old(&put);
	if (rc == ERR_OK)
		rc = new_zone_ids(live, 1, &put.new_id);
	if (rc != ERR_OK)
		return rc;
	render_set_last(put.renderer, last_of_zone, &put);
	rc = render_zone_apex(&put);
	if (rc == ERR_OK)
		rc = put_names(&put);
	if (rc == ERR_OK)
		rc = put_apex(&put);
	render_set_last(put.renderer, NULL, NULL);
	free(put.apex);
	return rc;
}

/* ---- breaking and dropping ---- */

int
live_break_zone(struct live *live, const uint8_t *origin, size_t origin_len,
		const struct builder_source *source, const char *error)
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
	return rc == ERR_OK
		       ? overlay_delete(live->overlay, CATALOGUE_ID, origin, origin_len)
		       : rc;
}
