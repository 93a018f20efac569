/* Reading live changes out of LMDB. */
#include "worker/overlay_view.h"

#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
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
	if (rc == 0)
		rc = mdb_cursor_open(view->txn, view->dbi, &view->cursor);
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
	if (view->cursor)
		mdb_cursor_close(view->cursor);
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
	view->reading = mdb_txn_renew(view->txn) == 0 &&
			mdb_cursor_renew(view->txn, view->cursor) == 0;
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

/* ---- the order of chains ---- */

/* Set the cursor on the last key at or before `name` in the chain's space; NULL: on the last
 * one there. */
static int
seek_member(const struct overlay_view *view, uint32_t chain_id, const uint8_t *name,
	    MDB_val *found)
{
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key = { DNAME_KEY_PREFIX, octets }, value;
	int rc;

	if (name)
		key.mv_size = dname_key(chain_id, name, octets);
	else
		dname_key_prefix(chain_id + 1, octets);
	*found = key;
	rc = mdb_cursor_get(view->cursor, found, &value, MDB_SET_RANGE);
	if (rc == 0 && name && found->mv_size == key.mv_size &&
	    memcmp(found->mv_data, octets, key.mv_size) == 0)
		return 0;
	if (rc == 0 || rc == MDB_NOTFOUND)
		rc = mdb_cursor_get(view->cursor, found, &value,
				    rc == 0 ? MDB_PREV : MDB_LAST);
	return rc;
}

/* The node that a member's key leads to: under the zone's id, the apex's in the catalogue. */
static enum overlay_answer
open_member(const struct overlay_view *view, uint32_t chain_id, const MDB_val *member,
	    struct node *out)
{
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key = { member->mv_size, octets }, value;
	int rc;

	if (member->mv_size > sizeof octets)
		return OVERLAY_DAMAGED;
	memcpy(octets, member->mv_data, member->mv_size);
	dname_key_prefix(chain_id & ~CHAIN_SPACE, octets);
	rc = mdb_get(view->txn, view->dbi, &key, &value);
	if (rc == MDB_NOTFOUND) {
		dname_key_prefix(CATALOGUE_ID, octets);
		rc = mdb_get(view->txn, view->dbi, &key, &value);
	}
	if (rc != 0 || !overlay_value_open(value.mv_data, value.mv_size, out))
		return OVERLAY_DAMAGED;
	return OVERLAY_NODE;
}

enum overlay_answer
overlay_view_find_member(const struct overlay_view *view, uint32_t chain_id,
			 const uint8_t *name, struct node *out)
{
	uint8_t prefix[DNAME_KEY_PREFIX];
	MDB_val member;
	int rc = view->reading ? seek_member(view, chain_id, name, &member) : MDB_PANIC;

	if (rc == MDB_NOTFOUND)
		return OVERLAY_UNKNOWN;
	if (rc != 0)
		return OVERLAY_DAMAGED;
	dname_key_prefix(chain_id, prefix);
	if (member.mv_size < sizeof prefix ||
	    memcmp(member.mv_data, prefix, sizeof prefix) != 0)
		return OVERLAY_UNKNOWN;
	return open_member(view, chain_id, &member, out);
}
