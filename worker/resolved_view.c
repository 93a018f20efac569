/* Reading resolved addresses out of LMDB. */
#include "worker/resolved_view.h"

#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>

#include "shm/errcode.h"
#include "shm/lmdb_env.h"

void
resolved_view_init(struct resolved_view *view, struct resolver_wishes *wishes)
{
	*view = (struct resolved_view){ .wishes = wishes };
}

/* Dead readers may hold all slots, so clear once. */
static int
begin(struct resolved_view *view)
{
	int rc = mdb_txn_begin(view->env, NULL, MDB_RDONLY, &view->txn), dead;

	if (rc == MDB_READERS_FULL && mdb_reader_check(view->env, &dead) == 0)
		rc = mdb_txn_begin(view->env, NULL, MDB_RDONLY, &view->txn);
	if (rc == 0)
		rc = mdb_dbi_open(view->txn, NULL, 0, &view->dbi);
	return rc;
}

static bool
has_our_format(struct resolved_view *view)
{
	MDB_val key = { strlen(RESOLVED_MARK), (void *)(uintptr_t)RESOLVED_MARK }, value;
	uint32_t version;

	if (mdb_get(view->txn, view->dbi, &key, &value) != 0 ||
	    value.mv_size != sizeof version)
		return false;
	memcpy(&version, value.mv_data, sizeof version);
	return version == RESOLVED_VERSION;
}

void
resolved_view_follow(struct resolved_view *view, const char *state_dir,
		     uint32_t store_seq)
{
	char path[PATH_MAX];
	int rc;

	if (store_seq == view->store_seq)
		return;
	resolved_view_close(view);
	view->store_seq = store_seq;
	if (snprintf(path, sizeof path, "%s/" RESOLVED_DIR, state_dir) >=
	    (int)sizeof path)
		return;
	rc = lmdb_env_open(LMDB_ENV_RESOLVED_READER, path, 0, &view->env);
	if (rc == ERR_OK)
		rc = lmdb_env_error(begin(view));
	if (rc == ERR_OK && has_our_format(view))
		view->reading = true;
	else
		resolved_view_close(view);
	resolved_view_rest(view);
}

void
resolved_view_close(struct resolved_view *view)
{
	if (view->txn)
		mdb_txn_abort(view->txn);
	if (view->env)
		mdb_env_close(view->env);
	view->txn = NULL;
	view->env = NULL;
	view->reading = false;
}

void
resolved_view_end(struct resolved_view *view)
{
	mdb_txn_reset(view->txn);
	view->reading = false;
}

bool
resolved_view_find(struct resolved_view *view, uint16_t type, const uint8_t *name,
		   size_t name_len, struct resolved *out)
{
	uint8_t key_octets[RESOLVED_KEY_MAX];
	MDB_val key = { resolved_key(type, name, name_len, key_octets), key_octets },
		value;

	if (!view->env)
		return false;
	if (!view->reading) {
		if (mdb_txn_renew(view->txn) != 0)
			return false;
		view->reading = true;
	}
	return mdb_get(view->txn, view->dbi, &key, &value) == 0 &&
	       resolved_open(value.mv_data, value.mv_size, type, out);
}
