/* Opening the live store, and looking names up. */
#include "loader/store/live.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "loader/store/live_private.h"
#include "loader/store/state_paths.h"
#include "shm/errcode.h"

/* ---- opening ---- */

static int
open_generation(const char *dir, struct live **out)
{
	struct live *live = calloc(1, sizeof *live);
	int rc;

	if (!live)
		return ERR_NOMEM;
	live->dir = strdup(dir);
	rc = live->dir ? generation_open(dir, GENERATION_LAZY, &live->gen) : ERR_NOMEM;
	live->has_gen = rc == ERR_OK;
	if (rc != ERR_OK) {
		live_close(live);
		return rc;
	}
	*out = live;
	return ERR_OK;
}

int
live_open(const char *generation_dir, uint64_t expect_names, struct live **out)
{
	char path[PATH_MAX];
	struct live *live;
	int rc = open_generation(generation_dir, &live);

	if (rc != ERR_OK)
		return rc;
	rc = ERR_RANGE;
	if (state_path_print(path, "%s/" OVERLAY_DIR, generation_dir))
		rc = overlay_open(path, &live->gen, expect_names, &live->overlay);
	if (rc != ERR_OK) {
		live_close(live);
		return rc;
	}
	*out = live;
	return ERR_OK;
}

int
live_open_snapshot(const char *generation_dir, struct live **out)
{
	char path[PATH_MAX];
	struct live *live;
	int rc = open_generation(generation_dir, &live);

	if (rc != ERR_OK)
		return rc;
	live->is_snapshot = true;
	rc = ERR_RANGE;
	if (state_path_print(path, "%s/" OVERLAY_DIR, generation_dir))
		rc = overlay_open_snapshot(path, &live->overlay);
	if (rc != ERR_OK && rc != ERR_NOTFOUND) {
		live_close(live);
		return rc;
	}
	*out = live;
	return ERR_OK;
}

void
live_close(struct live *live)
{
	if (!live)
		return;
	live_signing_free(live);
	store_walk_close(live->walk);
	overlay_close(live->overlay);
	render_free(live->renderer);
	node_writer_fini(&live->writer);
	if (live->has_gen)
		generation_close(&live->gen);
	free(live->dir);
	free(live);
}

const struct generation *
live_generation(const struct live *live)
{
	return &live->gen;
}

struct overlay *
live_overlay(struct live *live)
{
	return live->overlay;
}

/* ---- looking up ---- */

int
live_find(struct live *live, uint32_t zone_id, const uint8_t *name, size_t name_len,
	  struct node *out)
{
	uint8_t padded[DNAME_MAX + NAME_PAD] = { 0 };
	int rc = ERR_NOTFOUND;

	if (name_len > DNAME_MAX)
		return ERR_NOTFOUND;
	memcpy(padded, name, name_len);
	if (live->overlay)
		rc = overlay_find(live->overlay, zone_id, padded, out);
	if (rc == ERR_NOTFOUND)
		return generation_find(&live->gen, zone_id, padded, name_len, out);
	if (rc == ERR_OK && (out->head.flags & NODE_DELETED))
		return ERR_NOTFOUND;
	return rc;
}

int
live_zone(struct live *live, const uint8_t *origin, size_t origin_len, struct node *apex)
{
	return live_find(live, CATALOGUE_ID, origin, origin_len, apex);
}

int
live_find_owner(struct live *live, const uint8_t *origin, size_t origin_len,
		const uint8_t *owner, size_t owner_len, struct node *out)
{
	struct zone_facts facts;
	int rc = live_zone(live, origin, origin_len, out);

	if (rc != ERR_OK || owner_len == origin_len)
		return rc;
	if (!node_zone_facts(out, &facts))
		return ERR_DAMAGED;
	return live_find(live, facts.zone_id, owner, owner_len, out);
}

int
live_read_note(struct live *live, const char *key, void *value, size_t room)
{
	return live->overlay ? overlay_read_note(live->overlay, key, value, room)
			     : ERR_NOTFOUND;
}
