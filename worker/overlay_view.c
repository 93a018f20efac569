/* Reading live changes out of LMDB. */
#include "worker/overlay_view.h"

#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <sys/stat.h>

#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/lmdb_env.h"
#include "shm/overlay_value.h"

/* Begin the one read transaction; dead readers may hold all slots, so clear once. */
static int
begin(struct overlay_view *view)
{
	int rc = mdb_txn_begin(view->env, NULL, MDB_RDONLY, &view->txn), dead;

	if (rc == MDB_READERS_FULL && mdb_reader_check(view->env, &dead) == 0)
		rc = mdb_txn_begin(view->env, NULL, MDB_RDONLY, &view->txn);
	if (rc == 0)
		rc = mdb_dbi_open(view->txn, NULL, 0, &view->dbi);
	return rc;
}

int
overlay_view_open(const char *dir, struct overlay_view *out)
{
	struct overlay_view view = { .env = NULL };
	char path[PATH_MAX];
	struct stat status;
	int rc;

	*out = view;
	if (stat(dir, &status) != 0)
		return ERR_OK;
	rc = lmdb_env_open(LMDB_ENV_OVERLAY_READER, dir, 0, &view.env);
	if (rc == ERR_OK)
		rc = lmdb_env_error(begin(&view));
	if (rc != ERR_OK) {
		overlay_view_close(&view);
		return rc;
	}
	view.reading = true;
	overlay_view_rest(&view);
	if (snprintf(path, sizeof path, "%s/filter", dir) >= (int)sizeof path ||
	    overlay_filter_open(path, false, &view.filter) != ERR_OK)
		view.filter.head = NULL;
	else
		overlay_seen_init(&view.seen);
	*out = view;
	return ERR_OK;
}

void
overlay_view_close(struct overlay_view *view)
{
	if (!view->env)
		return;
	if (view->txn)
		mdb_txn_abort(view->txn);
	mdb_env_close(view->env);
	overlay_filter_close(&view->filter);
	overlay_seen_fini(&view->seen);
	view->env = NULL;
}

void
overlay_view_rest(struct overlay_view *view)
{
	if (view->env && view->reading)
		mdb_txn_reset(view->txn);
	view->reading = false;
	view->active = false;
}

void
overlay_view_renew(struct overlay_view *view)
{
	uint64_t seq = 1;

	if (!view->env)
		return;
	view->seen.batch++;
	if (view->filter.head) {
		seq = atomic_load_explicit(&view->filter.head->commit_seq,
					   memory_order_acquire);
		if (seq == 0 || (view->reading && seq == view->seen_seq))
			return;
	}
	if (view->reading)
		mdb_txn_reset(view->txn);
	view->reading = mdb_txn_renew(view->txn) == 0;
	view->active = true;
	view->seen_seq = seq;
}

/* Search the tree. */
static enum overlay_answer
find_in_tree(const struct overlay_view *view, uint32_t zone_id, const uint8_t *name,
	     struct node *out)
{
	uint8_t key_octets[DNAME_KEY_MAX];
	MDB_val key = { dname_key(zone_id, name, key_octets), key_octets }, value;
	int rc = view->reading ? mdb_get(view->txn, view->dbi, &key, &value) : MDB_PANIC;

	if (rc == MDB_NOTFOUND)
		return OVERLAY_UNKNOWN;
	if (rc != 0 || !overlay_value_open(value.mv_data, value.mv_size, out))
		return OVERLAY_DAMAGED;
	return OVERLAY_NODE;
}

enum overlay_answer
overlay_view_find(const struct overlay_view *view, uint64_t hash, uint32_t zone_id,
		  const uint8_t *name, size_t name_len, struct node *out)
{
	uint64_t changed_in = UINT64_MAX;

	if (view->seen.slots)
		changed_in = overlay_filter_changed_in(&view->filter, hash);
	if (!view->seen.slots || !overlay_seen_find(&view->seen, hash, changed_in,
						    zone_id, name, name_len, out)) {
		enum overlay_answer answer = find_in_tree(view, zone_id, name, out);

		if (answer != OVERLAY_NODE)
			return answer;
		if (changed_in <= view->seen_seq)
			overlay_seen_keep(&view->seen, hash, view->seen_seq, out);
	}
	return out->head.flags & NODE_DELETED ? OVERLAY_GONE : OVERLAY_NODE;
}
