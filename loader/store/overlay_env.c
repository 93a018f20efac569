/* What stands below reading and writing an overlay: the environment and the filter. */
#include <lmdb.h>
#include <string.h>

#include "loader/store/overlay_private.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/lmdb_env.h"
#include "shm/name_hash.h"

static int
open_writer(struct overlay *o)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(o->env, NULL, 0, &txn);

	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &o->dbi);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	rc = mdb_txn_commit(txn);
	if (rc == 0)
		rc = mdb_txn_begin(o->env, NULL, MDB_RDONLY, &o->reading);
	if (rc == 0)
		mdb_txn_reset(o->reading);
	return rc;
}

static int
open_snapshot(struct overlay *o)
{
	int rc = mdb_txn_begin(o->env, NULL, MDB_RDONLY, &o->reading);

	return rc == 0 ? mdb_dbi_open(o->reading, NULL, 0, &o->dbi) : rc;
}

int
overlay_renew(struct overlay *o)
{
	int rc;

	if (o->env)
		return ERR_OK;
	rc = lmdb_env_open(o->is_snapshot ? LMDB_ENV_OVERLAY_READER
					  : LMDB_ENV_OVERLAY_WRITER,
			   o->dir, 0, &o->env);
	if (rc == ERR_OK)
		rc = lmdb_env_error(o->is_snapshot ? open_snapshot(o) : open_writer(o));
	if (rc != ERR_OK)
		overlay_close_env(o);
	return rc;
}

void
overlay_close_env(struct overlay *o)
{
	if (o->reading)
		mdb_txn_abort(o->reading);
	if (o->env)
		mdb_env_close(o->env);
	o->reading = NULL;
	o->env = NULL;
}

void
overlay_add_to_filter(struct overlay *o, const struct node *node)
{
	uint8_t name[DNAME_MAX + NAME_PAD];
	uint64_t hash;

	memcpy(name, node_owner(node), node->head.owner_len);
	hash = name_hash(&o->gen->head.seed, node->head.zone_id, name);
	overlay_filter_add(&o->filter, hash, o->commit + 1);
	overlay_chain_add_to_filter(o, node);
	if (node->head.zone_id == CATALOGUE_ID)
		atomic_fetch_or_explicit(
			&o->filter.head->apex_depths[node->head.label_count / 64],
			UINT64_C(1) << node->head.label_count % 64, memory_order_relaxed);
}
