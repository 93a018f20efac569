/* The watch list, kept along with the changes, and made anew from what is served. */
#include <stdlib.h>
#include <string.h>

#include "loader/store/live_private.h"
#include "loader/store/watch.h"
#include "loader/store/watch_list.h"
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

/* The id of the zone that a node belongs to; 0: of none. */
static uint32_t
zone_of(const struct node *node)
{
	struct zone_facts facts;

	if (node->head.zone_id != CATALOGUE_ID)
		return node->head.zone_id;
	return node_zone_facts(node, &facts) ? facts.zone_id : 0;
}

void
live_watch_put(struct live *live, const struct node *node)
{
	uint32_t zone_id = live->watch ? zone_of(node) : 0;

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
	old_id = zone_of(&before);
	if (old_id != 0 && (!after || zone_of(after) != old_id))
		watch_drop_zone(live->watch, old_id);
	return ERR_OK;
}

/* ---- all of it ---- */

struct filling {
	struct live *live;
	struct watch *watch;
	uint32_t zone_id; /* the last one that was asked for */
	bool is_served; /* that zone is */
};

/* Is there a zone of that id, above `owner` or there?  Others of that id are left over from
 * a zone that was replaced or dropped. */
static bool
is_served(struct filling *filling, uint32_t zone_id, const uint8_t *owner, size_t len)
{
	struct node apex;

	if (filling->zone_id == zone_id)
		return filling->is_served;
	filling->zone_id = zone_id;
	filling->is_served = false;
	while (!filling->is_served) {
		filling->is_served =
			live_zone(filling->live, owner, len, &apex) == ERR_OK &&
			zone_of(&apex) == zone_id;
		if (*owner == 0)
			break;
		len -= *owner + 1u;
		owner += *owner + 1u;
	}
	return filling->is_served;
}

/* Whatever stands there now, whether it still wants anything or not. */
static int
fill_place(struct filling *filling, uint32_t zone_id, const uint8_t *owner, size_t len)
{
	struct node node;
	int rc;

	if (!is_served(filling, zone_id, owner, len))
		return ERR_OK;
	rc = live_find(filling->live, zone_id, owner, len, &node);
	if (rc == ERR_NOTFOUND) {
		rc = live_zone(filling->live, owner, len, &node);
		if (rc == ERR_OK && zone_of(&node) != zone_id)
			rc = ERR_NOTFOUND;
	}
	if (rc == ERR_OK)
		watch_put(filling->watch, zone_id, &node);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* watch_list_fn */
static int
fill_sealed(void *context, const struct watch_list_entry *entry)
{
	return fill_place(context, entry->zone_id, entry->owner, entry->owner_len);
}

/* A cursor of the overlay ends with the next look-up: who wants something is noted first. */
struct noted {
	uint8_t *places; /* zone id, length of the owner, owner; owned */
	size_t len, room;
};

enum { PLACE_HEAD = 5 };

static int
note_change(void *context, const struct node *node)
{
	struct noted *noted = context;
	uint32_t zone_id = zone_of(node);
	size_t need = PLACE_HEAD + (size_t)node->head.owner_len;
	uint8_t *at;

	if (!watch_wants_any(node))
		return 0;
	if (noted->len + need > noted->room) {
		size_t room = 2 * (noted->len + need);
		uint8_t *grown = realloc(noted->places, room);

		if (!grown)
			return ERR_NOMEM;
		noted->places = grown;
		noted->room = room;
	}
	at = noted->places + noted->len;
	memcpy(at, &zone_id, sizeof zone_id);
	at[sizeof zone_id] = node->head.owner_len;
	memcpy(at + PLACE_HEAD, node_owner(node), node->head.owner_len);
	noted->len += need;
	return 0;
}

static int
fill_changes(struct filling *filling)
{
	struct noted noted = { 0 };
	int rc = overlay_walk(filling->live->overlay, note_change, &noted);

	for (size_t at = 0; rc == ERR_OK && at < noted.len;) {
		const uint8_t *place = noted.places + at;
		uint32_t zone_id;

		memcpy(&zone_id, place, sizeof zone_id);
		rc = fill_place(filling, zone_id, place + PLACE_HEAD,
				place[sizeof zone_id]);
		at += PLACE_HEAD + (size_t)place[sizeof zone_id];
	}
	free(noted.places);
	return rc;
}

int
live_fill_watch(struct live *live, struct watch *watch)
{
	struct filling filling = { .live = live, .watch = watch };
	int rc = watch_list_read(live->dir, fill_sealed, &filling);

	return rc == ERR_OK && live->overlay ? fill_changes(&filling) : rc;
}
