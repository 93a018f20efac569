/* The watch list, read by another process. */
#include <limits.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/store/state_paths.h"
#include "loader/store/watch_private.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/lmdb_env.h"
#include "shm/wire.h"

struct watch_reader {
	struct MDB_env *env;
	struct MDB_txn *txn;
	MDB_dbi tables[WATCH_TABLES];
};

int
watch_reader_open(const char *state_dir, struct watch_reader **out)
{
	struct watch_reader *reader;
	char dir[PATH_MAX], path[PATH_MAX];
	int rc;

	if (!state_path_print(dir, "%s/" WATCH_DIR, state_dir) ||
	    !state_path_print(path, "%s/data.mdb", dir))
		return ERR_RANGE;
	if (access(path, R_OK) != 0)
		return ERR_NOTFOUND;
	reader = calloc(1, sizeof *reader);
	if (!reader)
		return ERR_NOMEM;
	rc = lmdb_env_open(LMDB_ENV_WATCH_READER, dir, 0, &reader->env);
	if (rc != ERR_OK) {
		free(reader);
		return rc;
	}
	*out = reader;
	return ERR_OK;
}

void
watch_reader_close(struct watch_reader *reader)
{
	if (!reader)
		return;
	if (reader->txn)
		mdb_txn_abort(reader->txn);
	mdb_env_close(reader->env);
	free(reader);
}

int
watch_read_begin(struct watch_reader *reader)
{
	int rc = mdb_txn_begin(reader->env, NULL, MDB_RDONLY, &reader->txn);

	if (rc != 0) {
		reader->txn = NULL;
		return lmdb_env_error(rc);
	}
	for (unsigned i = 0; i < WATCH_TABLES && rc == 0; i++)
		rc = mdb_dbi_open(reader->txn, watch_table_names[i], 0,
				  &reader->tables[i]);
	if (rc != 0)
		watch_read_end(reader);
	return lmdb_env_error(rc);
}

void
watch_read_end(struct watch_reader *reader)
{
	if (reader->txn)
		mdb_txn_abort(reader->txn);
	reader->txn = NULL;
}

/* ---- walking ---- */

typedef int entry_fn(void *context, const MDB_val *key, const MDB_val *value);

struct walk {
	void *context;
	watch_target_fn *target;
	watch_node_fn *node;
	watch_name_fn *name;
	watch_place_fn *place;
};

static int
walk_table(struct watch_reader *reader, enum watch_table table, entry_fn *take,
	   struct walk *walk)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int stop = 0, rc;

	rc = mdb_cursor_open(reader->txn, reader->tables[table], &cursor);
	if (rc != 0)
		return lmdb_env_error(rc);
	while (stop == 0 && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
		stop = take(walk, &key, &value);
	mdb_cursor_close(cursor);
	return rc == 0 || rc == MDB_NOTFOUND ? stop : lmdb_env_error(rc);
}

static int
take_target(void *context, const MDB_val *key, const MDB_val *value)
{
	const struct walk *walk = context;
	uint64_t number;

	if (key->mv_size != sizeof number || value->mv_size < sizeof(uint32_t))
		return ERR_DAMAGED;
	memcpy(&number, key->mv_data, sizeof number);
	return walk->target(walk->context, number,
			    (const uint8_t *)value->mv_data + sizeof(uint32_t),
			    value->mv_size - sizeof(uint32_t));
}

int
watch_read_targets(struct watch_reader *reader, watch_target_fn *visit, void *context)
{
	struct walk walk = { .target = visit, .context = context };

	return walk_table(reader, WATCH_TARGETS, take_target, &walk);
}

static int
take_node(void *context, const MDB_val *key, const MDB_val *value)
{
	const uint8_t *octets = value->mv_data;
	const struct walk *walk = context;
	char owner[DNAME_TEXT_MAX];

	(void)key;
	if (value->mv_size < 1 || value->mv_size < 1u + octets[0] ||
	    dname_len(octets + 1, octets[0]) != octets[0])
		return ERR_DAMAGED;
	dname_to_text(octets + 1, owner);
	return walk->node(walk->context, owner, octets + 1 + octets[0],
			  value->mv_size - 1 - octets[0]);
}

int
watch_read_nodes(struct watch_reader *reader, watch_node_fn *visit, void *context)
{
	struct walk walk = { .node = visit, .context = context };

	return walk_table(reader, WATCH_NODES, take_node, &walk);
}

static int
take_place(void *context, const MDB_val *key, const MDB_val *value)
{
	const uint8_t *octets = value->mv_data;
	const struct walk *walk = context;

	if (key->mv_size < sizeof(uint32_t) || value->mv_size < 1 ||
	    value->mv_size < 1u + octets[0] ||
	    dname_len(octets + 1, octets[0]) != octets[0])
		return ERR_DAMAGED;
	return walk->place(walk->context, wire_get_u32(key->mv_data), octets + 1,
			   octets[0]);
}

int
watch_read_places(struct watch_reader *reader, watch_place_fn *visit, void *context)
{
	struct walk walk = { .place = visit, .context = context };

	return walk_table(reader, WATCH_NODES, take_place, &walk);
}

static int
take_name(void *context, const MDB_val *key, const MDB_val *value)
{
	const struct walk *walk = context;

	(void)value;
	return walk->name(walk->context, key->mv_data, key->mv_size);
}

int
watch_read_names(struct watch_reader *reader, watch_name_fn *visit, void *context)
{
	struct walk walk = { .name = visit, .context = context };

	return walk_table(reader, WATCH_NAMES, take_name, &walk);
}
