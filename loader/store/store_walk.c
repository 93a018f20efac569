/* Reading the tree of a generation, and its overlay's beside it. */
#include "loader/store/store_walk.h"

#include <limits.h>
#include <lmdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "loader/store/overlay.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/lmdb_env.h"
#include "shm/overlay_value.h"

struct store_walk {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	struct overlay *overlay; /* NULL: the generation alone */
	bool owns_overlay;
};

/* Two orders in one.  Where both have a name the overlay's node stands; a tombstone of
 * its hides the other. */
struct store_cursor {
	MDB_cursor *sealed; /* NULL: behind its end, or none; so is `changes` */
	struct overlay_cursor *changes;
	struct node sealed_node, change; /* the next of each */
	uint8_t first[DNAME_KEY_MAX]; /* key to begin at; begins with the zone id */
	size_t first_len;
};

static int
open_env(struct store_walk *walk, const char *path, size_t size)
{
	int rc = lmdb_env_open(LMDB_ENV_SEALED, path, size, &walk->env), code;

	if (rc != ERR_OK)
		return rc;
	code = mdb_txn_begin(walk->env, NULL, MDB_RDONLY, &walk->txn);
	if (code == 0)
		code = mdb_dbi_open(walk->txn, NULL, 0, &walk->dbi);
	return lmdb_env_error(code);
}

int
store_walk_open_over(const char *dir, struct overlay *overlay, struct store_walk **out)
{
	struct store_walk *walk;
	char path[PATH_MAX];
	struct stat info;
	int result;

	if (snprintf(path, sizeof path, "%s/data.mdb", dir) >= (int)sizeof path ||
	    stat(path, &info) != 0)
		return ERR_NOTFOUND;
	walk = calloc(1, sizeof *walk);
	if (!walk)
		return ERR_NOMEM;
	walk->overlay = overlay;
	result = open_env(walk, path, (size_t)info.st_size);
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
	return store_walk_open_over(dir, NULL, out);
}

int
store_walk_open_live(const char *dir, struct store_walk **out)
{
	struct overlay *overlay = NULL;
	char path[PATH_MAX];
	int result;

	if (snprintf(path, sizeof path, "%s/" OVERLAY_DIR, dir) >= (int)sizeof path)
		return ERR_NOTFOUND;
	result = overlay_open_snapshot(path, &overlay);
	if (result && result != ERR_NOTFOUND)
		return result;
	result = store_walk_open_over(dir, overlay, out);
	if (result)
		overlay_close(overlay);
	else
		(*out)->owns_overlay = true;
	return result;
}

void
store_walk_close(struct store_walk *walk)
{
	if (!walk)
		return;
	if (walk->txn)
		mdb_txn_abort(walk->txn);
	if (walk->env)
		mdb_env_close(walk->env);
	if (walk->owns_overlay)
		overlay_close(walk->overlay);
	free(walk);
}

/* The node of a value, its owner a valid name. */
static int
open_node(const MDB_val *value, struct node *out)
{
	return node_open(value->mv_data, value->mv_size, out) &&
			       dname_len(node_owner(out), out->head.owner_len) ==
				       out->head.owner_len
		       ? 0
		       : ERR_DAMAGED;
}

/* ---- cursors ---- */

static int
move_sealed(struct store_cursor *cursor, MDB_cursor_op how)
{
	MDB_val key = { cursor->first_len, cursor->first }, value;
	int code = mdb_cursor_get(cursor->sealed, &key, &value, how);

	if (code == 0 && key.mv_size >= DNAME_KEY_PREFIX &&
	    memcmp(key.mv_data, cursor->first, DNAME_KEY_PREFIX) == 0)
		return open_node(&value, &cursor->sealed_node);
	mdb_cursor_close(cursor->sealed);
	cursor->sealed = NULL;
	return code == MDB_NOTFOUND ? 0 : lmdb_env_error(code);
}

static int
move_changes(struct store_cursor *cursor)
{
	int result = overlay_cursor_next(cursor->changes, &cursor->change);

	if (result != ERR_NOTFOUND)
		return result;
	overlay_cursor_close(cursor->changes);
	cursor->changes = NULL;
	return 0;
}

/* Before the first node of the zone id, or at `name`, and the first change. */
static int
start(struct store_walk *walk, uint32_t zone_id, const uint8_t *name,
      struct store_cursor *cursor)
{
	int result =
		lmdb_env_error(mdb_cursor_open(walk->txn, walk->dbi, &cursor->sealed));

	if (result == 0)
		result = move_sealed(cursor, MDB_SET_RANGE);
	if (result || !walk->overlay)
		return result;
	result = name ? overlay_cursor_open_at(walk->overlay, zone_id, name,
					       &cursor->changes)
		      : overlay_cursor_open(walk->overlay, zone_id, &cursor->changes);
	return result ? result : move_changes(cursor);
}

static int
open_cursor(struct store_walk *walk, uint32_t zone_id, const uint8_t *name,
	    struct store_cursor **out)
{
	struct store_cursor *cursor = calloc(1, sizeof *cursor);
	int result;

	if (!cursor)
		return ERR_NOMEM;
	cursor->first_len = DNAME_KEY_PREFIX;
	dname_key_prefix(zone_id, cursor->first);
	if (name)
		cursor->first_len = dname_key(zone_id, name, cursor->first);
	result = start(walk, zone_id, name, cursor);
	if (result)
		store_cursor_close(cursor);
	else
		*out = cursor;
	return result;
}

int
store_cursor_open(struct store_walk *walk, uint32_t zone_id, struct store_cursor **out)
{
	return open_cursor(walk, zone_id, NULL, out);
}

int
store_cursor_open_at(struct store_walk *walk, uint32_t zone_id, const uint8_t *name,
		     struct store_cursor **out)
{
	return open_cursor(walk, zone_id, name, out);
}

/* Which comes first: negative the sealed node, positive the change, 0 both. */
static int
compare(const struct store_cursor *cursor)
{
	if (!cursor->changes)
		return -1;
	if (!cursor->sealed)
		return 1;
	return dname_compare(node_owner(&cursor->sealed_node),
			     node_owner(&cursor->change));
}

int
store_cursor_next(struct store_cursor *cursor, struct node *out)
{
	int result = 0;

	while (result == 0 && (cursor->sealed || cursor->changes)) {
		int order = compare(cursor);

		*out = order < 0 ? cursor->sealed_node : cursor->change;
		if (order <= 0)
			result = move_sealed(cursor, MDB_NEXT);
		if (result == 0 && order >= 0)
			result = move_changes(cursor);
		if (result == 0 && !(out->head.flags & NODE_DELETED))
			return 0;
	}
	return result ? result : ERR_NOTFOUND;
}

void
store_cursor_close(struct store_cursor *cursor)
{
	if (!cursor)
		return;
	if (cursor->sealed)
		mdb_cursor_close(cursor->sealed);
	overlay_cursor_close(cursor->changes);
	free(cursor);
}

/* ---- single look-ups ---- */

int
store_walk_find(struct store_walk *walk, uint32_t zone_id, const uint8_t *name,
		struct node *out)
{
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key = { dname_key(zone_id, name, octets), octets }, value;
	int result = ERR_NOTFOUND;

	if (walk->overlay)
		result = overlay_find(walk->overlay, zone_id, name, out);
	if (result == 0)
		return out->head.flags & NODE_DELETED ? ERR_NOTFOUND : 0;
	if (result != ERR_NOTFOUND)
		return result;
	result = lmdb_env_error(mdb_get(walk->txn, walk->dbi, &key, &value));
	return result ? result : open_node(&value, out);
}

/* What store_walk_notes is asked for. */
struct note_wish {
	const char *prefix;
	int (*visit)(void *context, const struct store_note *note);
	void *context;
};

static int
visit_note(void *context, const char *name, const void *value, size_t len)
{
	const struct note_wish *wish = context;
	const struct store_note note = { name, strlen(name), value, len };

	if (strncmp(name, wish->prefix, strlen(wish->prefix)) != 0)
		return 0;
	return wish->visit(wish->context, &note);
}

int
store_walk_find_zone(struct store_walk *walk, const uint8_t *name, struct node *out)
{
	int rc = store_walk_find(walk, CATALOGUE_ID, name, out);

	while (rc == ERR_NOTFOUND && name[0] != 0) {
		name += name[0] + 1u;
		rc = store_walk_find(walk, CATALOGUE_ID, name, out);
	}
	return rc;
}

int
store_walk_notes(struct store_walk *walk, const char *prefix,
		 int (*visit)(void *context, const struct store_note *note),
		 void *context)
{
	struct note_wish wish = { prefix, visit, context };

	return walk->overlay ? overlay_walk_notes(walk->overlay, visit_note, &wish) : 0;
}
