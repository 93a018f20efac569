/* The watch list, made that of what is served. */
#include <stdlib.h>
#include <string.h>

#include "loader/store/live_private.h"
#include "loader/store/watch.h"
#include "loader/store/watch_list.h"
#include "shm/errcode.h"

/* Walks end with the next look-up: places are noted first, so many. */
enum { PLACES_MAX = 64 };

/* Whose names are looked at. */
enum stage { FILL_SEALED, FILL_CHANGES, FILL_LEFT_OVER, FILL_END };

struct live_fill {
	struct live *live;
	struct watch *watch;
	enum stage stage;
	bool was_empty; /* nothing is left over */
	struct watch_list_reader *sealed; /* owned */
	struct key_place place; /* within the stage */
	uint64_t noted; /* places, or what might have been one */
	struct watch_list_entry places[PLACES_MAX];
	unsigned count, at; /* of these, and the next one */
	uint32_t zone_id; /* the last one that was asked for in this step; 0: none */
	bool is_served; /* that zone is */
};

int
live_fill_open(struct live *live, struct watch *watch, struct live_fill **out)
{
	struct live_fill *fill = calloc(1, sizeof *fill);
	int rc = fill ? watch_list_open(live->dir, &fill->sealed) : ERR_NOMEM;

	if (rc != ERR_OK) {
		free(fill);
		return rc;
	}
	fill->live = live;
	fill->watch = watch;
	fill->was_empty = !watch_begin_making(watch);
	*out = fill;
	return ERR_OK;
}

void
live_fill_close(struct live_fill *fill)
{
	if (fill)
		watch_list_close(fill->sealed);
	free(fill);
}

/* ---- at a place ---- */

/* Is there a zone of that id, above `owner` or there?  Others of that id are left over from
 * a zone that was replaced or dropped. */
static bool
is_served(struct live_fill *fill, uint32_t zone_id, const uint8_t *owner, size_t len)
{
	struct node apex;

	if (fill->zone_id == zone_id)
		return fill->is_served;
	fill->zone_id = zone_id;
	fill->is_served = false;
	while (!fill->is_served) {
		fill->is_served = live_zone(fill->live, owner, len, &apex) == ERR_OK &&
				  live_zone_of(&apex) == zone_id;
		if (*owner == 0)
			break;
		len -= *owner + 1u;
		owner += *owner + 1u;
	}
	return fill->is_served;
}

static int
find(struct live_fill *fill, const struct watch_list_entry *place, struct node *out)
{
	int rc;

	if (!is_served(fill, place->zone_id, place->owner, place->owner_len))
		return ERR_NOTFOUND;
	rc = live_find(fill->live, place->zone_id, place->owner, place->owner_len, out);
	if (rc != ERR_NOTFOUND)
		return rc;
	rc = live_zone(fill->live, place->owner, place->owner_len, out);
	return rc == ERR_OK && live_zone_of(out) != place->zone_id ? ERR_NOTFOUND : rc;
}

/* Whatever stands there now, whether it wants anything or not. */
static int
look_at(struct live_fill *fill, const struct watch_list_entry *place)
{
	struct node node;
	int rc = find(fill, place, &node);

	if (rc == ERR_OK)
		watch_put(fill->watch, place->zone_id, &node);
	else if (rc == ERR_NOTFOUND)
		watch_forget(fill->watch, place->zone_id, place->owner);
	else
		return rc;
	return ERR_OK;
}

/* ---- places ---- */

static void
note(struct live_fill *fill, uint32_t zone_id, const uint8_t *owner, size_t len)
{
	struct watch_list_entry *place = &fill->places[fill->count++];

	place->zone_id = zone_id;
	place->owner_len = (uint8_t)len;
	memcpy(place->owner, owner, len);
}

static int
note_sealed(struct live_fill *fill)
{
	while (fill->count < PLACES_MAX) {
		if (!watch_list_next(fill->sealed, &fill->places[fill->count]))
			return ERR_NOTFOUND;
		fill->count++;
		fill->noted++;
	}
	return ERR_OK;
}

static int
note_change(void *context, const struct node *node)
{
	struct live_fill *fill = context;

	fill->noted++;
	if (watch_wants_any(node))
		note(fill, live_zone_of(node), node_owner(node), node->head.owner_len);
	return 0;
}

/* watch_walk_fn */
static int
note_left_over(void *context, uint32_t zone_id, const uint8_t *owner, size_t len,
	       bool has_lead)
{
	struct live_fill *fill = context;

	(void)has_lead;
	fill->noted++;
	note(fill, zone_id, owner, len);
	return 0;
}

/* returns 0; ERR_NOTFOUND with the last ones of the stage; or an error code. */
static int
note_more(struct live_fill *fill)
{
	fill->count = fill->at = 0;
	switch (fill->stage) {
	case FILL_SEALED:
		return note_sealed(fill);
	case FILL_CHANGES:
		return fill->live->overlay
			       ? overlay_walk_some(fill->live->overlay, &fill->place,
						   PLACES_MAX, note_change, fill)
			       : ERR_NOTFOUND;
	case FILL_LEFT_OVER:
		if (fill->was_empty)
			return ERR_NOTFOUND;
		/* not within what watch_end ends */
		watch_end(fill->watch, true);
		return watch_walk(fill->watch, &fill->place, PLACES_MAX, note_left_over,
				  fill);
	case FILL_END:
		break;
	}
	return ERR_OK;
}

static int
go_on(struct live_fill *fill)
{
	int rc;

	if (fill->at < fill->count)
		return look_at(fill, &fill->places[fill->at++]);
	rc = note_more(fill);
	if (rc != ERR_NOTFOUND)
		return rc;
	fill->stage++;
	fill->place.len = 0;
	return ERR_OK;
}

/* ---- steps ---- */

static uint64_t
work(const struct live_fill *fill)
{
	return fill->noted + watch_work(fill->watch);
}

static bool
is_at_end(const struct live_fill *fill)
{
	return fill->stage == FILL_END && fill->at == fill->count;
}

int
live_fill_step(struct live_fill *fill, unsigned most)
{
	uint64_t until = work(fill) + most;
	int rc = ERR_OK;

	fill->zone_id = 0;
	fill->is_served = false;
	while (rc == ERR_OK && !is_at_end(fill) && work(fill) < until)
		rc = go_on(fill);
	watch_end(fill->watch, rc == ERR_OK);
	if (rc != ERR_OK || !is_at_end(fill))
		return rc;
	watch_end_making(fill->watch);
	return ERR_NOTFOUND;
}
