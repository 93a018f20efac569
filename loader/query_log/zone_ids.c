/* A table of fixed size: a zone has one place in it, and the last one that was asked for
 * has it. */
#include "loader/query_log/zone_ids.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/store/state_paths.h"
#include "loader/store/store_walk.h"
#include "loader/zone/zone_config_json.h"
#include "shm/clock.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/node.h"

enum {
	PLACES = 8192, /* a power of two */
	FRESH_MS = 2000, /* then it is read again */
};

struct place {
	uint64_t until_ms; /* 0: empty */
	uint8_t name_len;
	uint8_t name[DNAME_MAX]; /* lower-cased */
	char id[ZONE_CONFIG_ID_TEXT_MAX];
};

struct zone_ids {
	const struct heritage *heritage;
	struct store_walk *walk; /* NULL: at rest */
	uint64_t now_ms; /* of the first look since it rested; 0: none */
	struct place places[PLACES];
};

struct zone_ids *
zone_ids_new(const struct heritage *heritage)
{
	struct zone_ids *ids = calloc(1, sizeof *ids);

	if (ids)
		ids->heritage = heritage;
	return ids;
}

static struct store_walk *
open_walk(struct zone_ids *ids)
{
	uint64_t id = atomic_load(&ids->heritage->region->swap.published_id);
	char dir[PATH_MAX];

	if (ids->walk || id == 0)
		return ids->walk;
	if (!state_path_generation(ids->heritage->settings->state_dir, id, dir) ||
	    store_walk_open_live(dir, &ids->walk) != ERR_OK)
		ids->walk = NULL;
	return ids->walk;
}

static void
read_id(struct zone_ids *ids, struct place *place)
{
	struct store_walk *walk = open_walk(ids);
	struct block block;
	struct node apex;

	place->id[0] = '\0';
	if (!walk || store_walk_find(walk, CATALOGUE_ID, place->name, &apex) != ERR_OK ||
	    !node_find_block(&apex, BLOCK_DOMAIN_ID, 0, &block) ||
	    block.head.len >= sizeof place->id)
		return;
	memcpy(place->id, block.payload, block.head.len);
	place->id[block.head.len] = '\0';
}

/* FNV-1a: whoever makes zones share a place makes them slower to log, no more. */
static uint64_t
hash(const uint8_t *name, unsigned len)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (unsigned i = 0; i < len; i++)
		sum = (sum ^ name[i]) * UINT64_C(0x100000001b3);
	return sum ^ sum >> 29;
}

const char *
zone_ids_find(struct zone_ids *ids, const uint8_t *name, unsigned name_len)
{
	uint8_t lowered[DNAME_MAX];
	struct place *place;

	memcpy(lowered, name, name_len);
	dname_lower(lowered, name_len);
	place = &ids->places[hash(lowered, name_len) & (PLACES - 1)];
	if (ids->now_ms == 0)
		ids->now_ms = clock_now_ms();
	if (place->until_ms > ids->now_ms && place->name_len == name_len &&
	    memcmp(place->name, lowered, name_len) == 0)
		return place->id;
	memcpy(place->name, lowered, name_len);
	place->name_len = (uint8_t)name_len;
	place->until_ms = ids->now_ms + FRESH_MS;
	read_id(ids, place);
	return place->id;
}

void
zone_ids_rest(struct zone_ids *ids)
{
	store_walk_close(ids->walk);
	ids->walk = NULL;
	ids->now_ms = 0;
}
