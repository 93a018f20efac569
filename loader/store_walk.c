/* Reading the tree of a sealed generation; one of the few files that know LMDB. */
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

struct store_walk {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
};

struct store_cursor {
	MDB_cursor *cursor;
	uint8_t prefix[4]; /* of the keys of the zone id */
	bool is_started;
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
open_env(struct store_walk *walk, const char *path, size_t size)
{
	int code = mdb_env_create(&walk->env);

	if (code == 0)
		code = mdb_env_set_mapsize(walk->env, size);
	if (code == 0)
		code = mdb_env_open(walk->env, path,
				    MDB_RDONLY | MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS,
				    0);
	if (code == 0)
		code = mdb_txn_begin(walk->env, NULL, MDB_RDONLY, &walk->txn);
	if (code == 0)
		code = mdb_dbi_open(walk->txn, NULL, 0, &walk->dbi);
	return translate(code);
}

int
store_walk_open(const char *dir, struct store_walk **out)
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
	result = open_env(walk, path, (size_t)info.st_size);
	if (result) {
		store_walk_close(walk);
		return result;
	}
	*out = walk;
	return 0;
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
	free(walk);
}

int
store_cursor_open(struct store_walk *walk, uint32_t zone_id, struct store_cursor **out)
{
	struct store_cursor *cursor = calloc(1, sizeof *cursor);
	uint8_t key[DNAME_KEY_MAX];
	int code;

	if (!cursor)
		return ERR_NOMEM;
	/* the key of the root name is the zone id alone */
	dname_key(zone_id, (const uint8_t[]){ 0 }, key);
	memcpy(cursor->prefix, key, sizeof cursor->prefix);
	code = mdb_cursor_open(walk->txn, walk->dbi, &cursor->cursor);
	if (code != 0) {
		free(cursor);
		return translate(code);
	}
	*out = cursor;
	return 0;
}

int
store_cursor_next(struct store_cursor *cursor, struct node *out)
{
	MDB_val key = { .mv_size = sizeof cursor->prefix, .mv_data = cursor->prefix };
	MDB_val value;
	int code;

	code = mdb_cursor_get(cursor->cursor, &key, &value,
			      cursor->is_started ? MDB_NEXT : MDB_SET_RANGE);
	cursor->is_started = true;
	if (code != 0)
		return translate(code);
	if (key.mv_size < sizeof cursor->prefix)
		return ERR_DAMAGED;
	if (memcmp(key.mv_data, cursor->prefix, sizeof cursor->prefix) != 0)
		return ERR_NOTFOUND;
	if (!node_open(value.mv_data, value.mv_size, out) ||
	    dname_len(node_owner(out), out->head.owner_len) != out->head.owner_len)
		return ERR_DAMAGED;
	return 0;
}

void
store_cursor_close(struct store_cursor *cursor)
{
	if (!cursor)
		return;
	mdb_cursor_close(cursor->cursor);
	free(cursor);
}
