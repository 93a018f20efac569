/* Reading the tree of a generation and its overlay; one of the few files that know LMDB. */
#include "loader/store_walk.h"

#include <limits.h>
#include <lmdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/overlay_filter.h"

enum { SEALED = 0, OVERLAY = 1, LAYERS = 2 };

/* as the writer and the workers have it: address space, not memory */
enum { OVERLAY_MAP_GIB = 32, OVERLAY_READERS_MAX = 1024 };

struct layer {
	MDB_env *env; /* NULL: there is none */
	MDB_txn *txn;
	MDB_dbi dbi;
};

struct store_walk {
	struct layer layers[LAYERS];
};

/* Where the cursor stands in one layer: at `key`, which is yet to be given. */
struct place {
	MDB_cursor *cursor;
	MDB_val key, value;
	bool is_at_end;
};

struct store_cursor {
	struct place places[LAYERS];
	uint8_t prefix[4]; /* of the keys of the zone id */
};

static int
translate(int code)
{
	if (code > 0)
		return errcode_from_errno(code);
	switch (code) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return ERR_NOTFOUND;
	}
	return ERR_DAMAGED;
}

static int
open_env(struct layer *layer, const char *path, size_t size, unsigned flags)
{
	int code = mdb_env_create(&layer->env);

	if (code == 0)
		code = mdb_env_set_mapsize(layer->env, size);
	if (code == 0)
		code = mdb_env_set_maxreaders(layer->env, OVERLAY_READERS_MAX);
	if (code == 0)
		code = mdb_env_open(layer->env, path, MDB_RDONLY | MDB_NOTLS | flags,
				    0640);
	if (code == 0)
		code = mdb_txn_begin(layer->env, NULL, MDB_RDONLY, &layer->txn);
	if (code == 0)
		code = mdb_dbi_open(layer->txn, NULL, 0, &layer->dbi);
	return translate(code);
}

static int
open_sealed(struct store_walk *walk, const char *dir)
{
	char path[PATH_MAX];
	struct stat info;

	if (snprintf(path, sizeof path, "%s/data.mdb", dir) >= (int)sizeof path ||
	    stat(path, &info) != 0)
		return ERR_NOTFOUND;
	return open_env(&walk->layers[SEALED], path, (size_t)info.st_size,
			MDB_NOSUBDIR | MDB_NOLOCK);
}

/* returns 0 too when there is none. */
static int
open_overlay(struct store_walk *walk, const char *dir)
{
	char path[PATH_MAX];
	struct stat info;
	int len = snprintf(path, sizeof path, "%s/overlay/data.mdb", dir);

	if (len >= (int)sizeof path || stat(path, &info) != 0)
		return 0;
	*strrchr(path, '/') = '\0';
	return open_env(&walk->layers[OVERLAY], path, (size_t)OVERLAY_MAP_GIB << 30, 0);
}

static int
open_walk(const char *dir, bool is_live, struct store_walk **out)
{
	struct store_walk *walk = calloc(1, sizeof *walk);
	int result;

	if (!walk)
		return ERR_NOMEM;
	result = open_sealed(walk, dir);
	if (result == 0 && is_live)
		result = open_overlay(walk, dir);
	if (result) {
		store_walk_close(walk);
		return result;
	}
	*out = walk;
	return 0;
}

int
store_walk_open(const char *dir, struct store_walk **out)
{
	return open_walk(dir, false, out);
}

int
store_walk_open_live(const char *dir, struct store_walk **out)
{
	return open_walk(dir, true, out);
}

void
store_walk_close(struct store_walk *walk)
{
	if (!walk)
		return;
	for (unsigned i = 0; i < LAYERS; i++) {
		if (walk->layers[i].txn)
			mdb_txn_abort(walk->layers[i].txn);
		if (walk->layers[i].env)
			mdb_env_close(walk->layers[i].env);
	}
	free(walk);
}

/* The node of a value, its owner a valid name. */
static bool
open_node(const MDB_val *value, unsigned layer, struct node *out)
{
	size_t head = layer == OVERLAY ? OVERLAY_VALUE_HEAD : 0;

	return value->mv_size >= head &&
	       node_open((const uint8_t *)value->mv_data + head, value->mv_size - head,
			 out) &&
	       dname_len(node_owner(out), out->head.owner_len) == out->head.owner_len;
}

/* ---- cursors ---- */

static int
move(struct store_cursor *cursor, struct place *place, MDB_cursor_op how)
{
	int code = mdb_cursor_get(place->cursor, &place->key, &place->value, how);

	place->is_at_end =
		code != 0 || place->key.mv_size < sizeof cursor->prefix ||
		memcmp(place->key.mv_data, cursor->prefix, sizeof cursor->prefix) != 0;
	return code == MDB_NOTFOUND ? 0 : translate(code);
}

int
store_cursor_open(struct store_walk *walk, uint32_t zone_id, struct store_cursor **out)
{
	struct store_cursor *cursor = calloc(1, sizeof *cursor);
	uint8_t key[DNAME_KEY_MAX];
	int result = 0;

	if (!cursor)
		return ERR_NOMEM;
	/* the key of the root name is the zone id alone */
	dname_key(zone_id, (const uint8_t[]){ 0 }, key);
	memcpy(cursor->prefix, key, sizeof cursor->prefix);
	for (unsigned i = 0; i < LAYERS && result == 0; i++) {
		struct place *place = &cursor->places[i];
		const struct layer *layer = &walk->layers[i];

		place->is_at_end = true;
		if (!layer->env)
			continue;
		result = translate(
			mdb_cursor_open(layer->txn, layer->dbi, &place->cursor));
		place->key = (MDB_val){ sizeof cursor->prefix, cursor->prefix };
		if (result == 0)
			result = move(cursor, place, MDB_SET_RANGE);
	}
	if (result)
		store_cursor_close(cursor);
	else
		*out = cursor;
	return result;
}

/* Which layer's key comes first; the overlay's when both have it. */
static unsigned
first_layer(const struct place places[LAYERS], bool *is_in_both)
{
	const MDB_val *sealed = &places[SEALED].key, *live = &places[OVERLAY].key;
	size_t shorter =
		sealed->mv_size < live->mv_size ? sealed->mv_size : live->mv_size;
	int order;

	*is_in_both = false;
	if (places[OVERLAY].is_at_end || places[SEALED].is_at_end)
		return places[OVERLAY].is_at_end ? SEALED : OVERLAY;
	order = memcmp(sealed->mv_data, live->mv_data, shorter);
	if (order == 0)
		order = (sealed->mv_size > live->mv_size) -
			(sealed->mv_size < live->mv_size);
	*is_in_both = order == 0;
	return order < 0 ? SEALED : OVERLAY;
}

int
store_cursor_next(struct store_cursor *cursor, struct node *out)
{
	struct place *places = cursor->places;
	int result = 0;

	while (!places[SEALED].is_at_end || !places[OVERLAY].is_at_end) {
		bool is_in_both;
		unsigned layer = first_layer(places, &is_in_both);

		if (!open_node(&places[layer].value, layer, out))
			return ERR_DAMAGED;
		for (unsigned i = 0; i < LAYERS && result == 0; i++)
			if (i == layer || is_in_both)
				result = move(cursor, &places[i], MDB_NEXT);
		if (result || !(out->head.flags & NODE_DELETED))
			return result;
	}
	return ERR_NOTFOUND;
}

void
store_cursor_close(struct store_cursor *cursor)
{
	if (!cursor)
		return;
	for (unsigned i = 0; i < LAYERS; i++)
		if (cursor->places[i].cursor)
			mdb_cursor_close(cursor->places[i].cursor);
	free(cursor);
}

/* ---- single look-ups ---- */

int
store_walk_find(struct store_walk *walk, uint32_t zone_id, const uint8_t *name,
		struct node *out)
{
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key = { dname_key(zone_id, name, octets), octets }, value;

	for (unsigned i = LAYERS; i-- > 0;) {
		struct layer *layer = &walk->layers[i];
		int result = ERR_NOTFOUND;

		if (layer->env)
			result = translate(mdb_get(layer->txn, layer->dbi, &key, &value));
		if (result == ERR_NOTFOUND)
			continue;
		if (result == 0 && !open_node(&value, i, out))
			return ERR_DAMAGED;
		return result == 0 && out->head.flags & NODE_DELETED ? ERR_NOTFOUND
								     : result;
	}
	return ERR_NOTFOUND;
}

int
store_walk_notes(struct store_walk *walk, const char *prefix,
		 int (*visit)(void *context, const struct store_note *note),
		 void *context)
{
	struct layer *layer = &walk->layers[OVERLAY];
	char start[DNAME_KEY_MAX] = OVERLAY_NOTE_PREFIX;
	const size_t head = sizeof OVERLAY_NOTE_PREFIX - 1;
	size_t len = head + strlen(prefix);
	MDB_val key = { len, start }, value;
	MDB_cursor *cursor;
	int result;

	if (!layer->env || len > sizeof start)
		return 0;
	memcpy(start + head, prefix, len - head);
	result = translate(mdb_cursor_open(layer->txn, layer->dbi, &cursor));
	if (result)
		return result;
	result = translate(mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE));
	while (result == 0 && key.mv_size >= len &&
	       memcmp(key.mv_data, start, len) == 0) {
		const struct store_note note = {
			.name = (const char *)key.mv_data + head,
			.name_len = key.mv_size - head,
			.value = value.mv_data,
			.value_len = value.mv_size,
		};

		result = visit(context, &note);
		if (result == 0)
			result =
				translate(mdb_cursor_get(cursor, &key, &value, MDB_NEXT));
	}
	mdb_cursor_close(cursor);
	return result == ERR_NOTFOUND ? 0 : result;
}
