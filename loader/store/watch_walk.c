/* Walking the watch list, by who writes it. */
#include <lmdb.h>

#include "loader/store/watch_private.h"
#include "shm/errcode.h"
#include "shm/lmdb_env.h"
#include "shm/wire.h"

static bool
has_lead(const MDB_val *value)
{
	const uint8_t *octets = value->mv_data, *want;
	enum watch_want kind;
	size_t at, len;

	at = 1u + octets[0];
	while (watch_next_want(octets, value->mv_size, &at, &kind, &want, &len))
		if (kind == WATCH_LEAD)
			return true;
	return false;
}

static int
walk(MDB_cursor *cursor, struct key_place *place, unsigned max, watch_walk_fn *visit,
     void *context)
{
	MDB_val key, value;
	int rc = key_place_seek(place, cursor, &key, &value), stop = 0;

	for (; rc == 0 && stop == 0 && max > 0; max--) {
		const uint8_t *octets = value.mv_data;

		if (key.mv_size < sizeof(uint32_t) || !key_place_set(place, &key) ||
		    value.mv_size < 1 || value.mv_size < 1u + octets[0])
			return ERR_DAMAGED;
		stop = visit(context, wire_get_u32(place->key), octets + 1, octets[0],
			     has_lead(&value));
		if (stop == 0)
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return rc != 0 ? lmdb_env_error(rc) : stop;
}

int
watch_walk(struct watch *watch, struct key_place *place, unsigned max,
	   watch_walk_fn *visit, void *context)
{
	MDB_cursor *cursor;
	MDB_txn *txn;
	int rc;

	if (watch->is_stale || watch->txn)
		return ERR_BUSY;
	rc = mdb_txn_begin(watch->env, NULL, MDB_RDONLY, &txn);
	if (rc != 0)
		return lmdb_env_error(rc);
	rc = mdb_cursor_open(txn, watch->tables[WATCH_NODES], &cursor);
	if (rc == 0) {
		rc = walk(cursor, place, max, visit, context);
		mdb_cursor_close(cursor);
	} else {
		rc = lmdb_env_error(rc);
	}
	mdb_txn_abort(txn);
	return rc;
}
