/* Overlays copied: the end of one, or one on top of another. */
#include "loader/store/overlay_copy.h"

#include <stdlib.h>

#include "loader/zone/grow.h"
#include "shm/errcode.h"

static int
copy_note(void *context, const char *name, const void *value, size_t len)
{
	return overlay_note(context, name, value, len);
}

/* End the transaction of `to`. */
static int
conclude(struct overlay *to, int rc)
{
	if (rc == 0)
		return overlay_commit(to);
	overlay_abort(to);
	return rc;
}

/* ---- the end of one ---- */

struct copying {
	struct overlay *to;
	uint64_t since;
};

static int
copy_late(void *context, const struct node *node)
{
	const struct copying *copying = context;

	if (overlay_commit_of(node) <= copying->since)
		return 0;
	return overlay_put(copying->to, node->bytes, node->head.node_len);
}

int
overlay_copy_since(struct overlay *from, struct overlay *to, uint64_t *since,
		   bool with_notes)
{
	struct copying copying = { to, *since };
	uint64_t last = overlay_last_commit(from);
	int rc;

	overlay_count_on(to, last);
	rc = overlay_begin(to);
	if (rc != 0)
		return rc;
	if (last > *since)
		rc = overlay_walk(from, copy_late, &copying);
	if (rc == 0 && with_notes)
		rc = overlay_walk_notes(from, copy_note, to);
	rc = conclude(to, rc);
	if (rc == 0)
		*since = last;
	return rc;
}

/* ---- one on top of another ---- */

struct zone_names {
	uint32_t zone_id;
	bool is_wanted; /* its names can be used */
	uint64_t count; /* names that it has in `from` */
};

struct stacking {
	struct live *to;
	struct zone_names *zones; /* by zone id; owned */
	size_t count, room;
	size_t at; /* of the zone whose names come now */
	uint64_t lost;
};

/* Names come zone by zone, in ascending order of the ids. */
static struct zone_names *
add_zone(struct stacking *stacking, uint32_t zone_id)
{
	struct zone_names *zones;

	if (stacking->count > 0 &&
	    stacking->zones[stacking->count - 1].zone_id == zone_id)
		return &stacking->zones[stacking->count - 1];
	zones = grow_items(stacking->zones, &stacking->room, stacking->count + 1,
			   sizeof *zones);
	if (!zones)
		return NULL;
	stacking->zones = zones;
	stacking->zones[stacking->count] = (struct zone_names){ .zone_id = zone_id };
	return &stacking->zones[stacking->count++];
}

static int
count_name(void *context, const struct node *node)
{
	struct zone_names *zone;

	if (node->head.zone_id == CATALOGUE_ID)
		return 0;
	zone = add_zone(context, node->head.zone_id);
	if (!zone)
		return ERR_NOMEM;
	zone->count += !(node->head.flags & NODE_DELETED);
	return 0;
}

static int
compare_ids(const void *a, const void *b)
{
	uint32_t left = ((const struct zone_names *)a)->zone_id;
	uint32_t right = ((const struct zone_names *)b)->zone_id;

	return (left > right) - (left < right);
}

static struct zone_names *
find_zone(struct stacking *stacking, uint32_t zone_id)
{
	const struct zone_names wanted = { .zone_id = zone_id };

	if (stacking->count == 0)
		return NULL;
	return bsearch(&wanted, stacking->zones, stacking->count, sizeof wanted,
		       compare_ids);
}

/* Does `to` have the names that those of `from` change, or has `from` all of them? */
static bool
is_usable(struct stacking *stacking, const struct node *apex,
	  const struct zone_facts *facts, const struct zone_names *zone)
{
	struct zone_facts old;
	struct node old_apex;

	if (live_zone(stacking->to, node_owner(apex), apex->head.owner_len, &old_apex) ==
		    0 &&
	    node_zone_facts(&old_apex, &old) && old.zone_id == facts->zone_id)
		return true;
	return (zone ? zone->count : 0) + 1 == facts->name_count;
}

static int
put_apex(struct stacking *stacking, const struct node *apex)
{
	struct zone_names *zone = NULL;
	struct zone_facts facts;

	if (!(apex->head.flags & NODE_DELETED)) {
		if (!node_zone_facts(apex, &facts))
			return ERR_DAMAGED;
		zone = find_zone(stacking, facts.zone_id);
		if (!is_usable(stacking, apex, &facts, zone)) {
			stacking->lost++;
			return 0;
		}
	}
	if (zone)
		zone->is_wanted = true;
	return overlay_put(live_overlay(stacking->to), apex->bytes, apex->head.node_len);
}

static int
put_node(void *context, const struct node *node)
{
	struct stacking *stacking = context;

	if (node->head.zone_id == CATALOGUE_ID)
		return put_apex(stacking, node);
	while (stacking->zones[stacking->at].zone_id < node->head.zone_id)
		stacking->at++;
	if (!stacking->zones[stacking->at].is_wanted)
		return 0;
	return overlay_put(live_overlay(stacking->to), node->bytes, node->head.node_len);
}

int
overlay_copy_onto_base(struct overlay *from, struct live *to, uint64_t *lost)
{
	struct stacking stacking = { .to = to };
	struct overlay *onto = live_overlay(to);
	int rc = overlay_walk(from, count_name, &stacking);

	overlay_count_on(onto, overlay_last_commit(from));
	if (rc == 0)
		rc = overlay_begin(onto);
	if (rc == 0) {
		rc = overlay_walk(from, put_node, &stacking);
		if (rc == 0 && stacking.lost == 0)
			rc = overlay_walk_notes(from, copy_note, onto);
		rc = conclude(onto, rc);
	}
	*lost = stacking.lost;
	free(stacking.zones);
	return rc;
}
