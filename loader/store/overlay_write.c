/* Change sets: one transaction each, their names in the filter before it ends. */
#include <lmdb.h>
#include <malloc.h>
#include <string.h>

#include "loader/store/overlay_private.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/lmdb_env.h"
#include "shm/overlay_value.h"

/* octets put; LMDB holds the pages of the largest for good */
enum { LARGE_SET = 16 << 20 };

/* LMDB keeps the pages that a change set took, to use them again: give those of a large
 * one back.  Nothing of the overlay is borrowed when this is called. */
static void
give_back_pages(struct overlay *o)
{
	size_t bytes = o->set_bytes;

	o->set_bytes = 0;
	if (bytes < LARGE_SET || o->is_snapshot)
		return;
	overlay_close_env(o);
	(void)malloc_trim(0);
}

/* What a write has come to. */
static int
write_error(struct overlay *o, int rc)
{
	rc = lmdb_env_error(rc);
	o->was_full |= rc == ERR_FULL;
	return rc;
}

int
overlay_begin(struct overlay *overlay)
{
	int rc = overlay_renew(overlay);

	if (rc != ERR_OK)
		return rc;
	/* what was read last must not keep pages from being used again */
	mdb_txn_reset(overlay->reading);
	rc = mdb_txn_begin(overlay->env, NULL, 0, &overlay->txn);
	if (rc == MDB_PANIC) { /* an earlier commit failed in its last write */
		overlay->txn = NULL;
		overlay_close_env(overlay);
		rc = overlay_renew(overlay);
		if (rc != ERR_OK)
			return rc;
		rc = mdb_txn_begin(overlay->env, NULL, 0, &overlay->txn);
	}
	return lmdb_env_error(rc);
}

void
overlay_abort(struct overlay *overlay)
{
	if (overlay->txn)
		mdb_txn_abort(overlay->txn);
	overlay->txn = NULL;
	overlay->chain_change = 0;
	give_back_pages(overlay);
}

int
overlay_put(struct overlay *overlay, const void *bytes, size_t len)
{
	uint8_t key_octets[DNAME_KEY_MAX];
	struct node node;
	MDB_val key, value;
	int rc;

	if (!node_open(bytes, len, &node) || node.head.node_len != len)
		return ERR_DAMAGED;
	key.mv_data = key_octets;
	key.mv_size = dname_key(node.head.zone_id, node_owner(&node), key_octets);
	overlay->set_bytes += len;
	overlay_add_to_filter(overlay, &node);
	value.mv_size = OVERLAY_VALUE_HEAD + len + OVERLAY_VALUE_TAIL;
	rc = mdb_put(overlay->txn, overlay->dbi, &key, &value, MDB_RESERVE);
	if (rc == 0) {
		uint8_t *to = value.mv_data;
		uint64_t commit = overlay->commit + 1;

		memcpy(to, &commit, sizeof commit);
		memcpy(to + OVERLAY_VALUE_HEAD, bytes, len);
		memset(to + OVERLAY_VALUE_HEAD + len, 0, OVERLAY_VALUE_TAIL);
		rc = overlay_chain_follow(overlay, &node);
	}
	return write_error(overlay, rc);
}

int
overlay_delete(struct overlay *overlay, uint32_t zone_id, const uint8_t *name,
	       size_t name_len)
{
	uint8_t bytes[sizeof(struct node_head) + DNAME_MAX];
	struct node_head head = {
		.node_len = (uint32_t)(sizeof head + name_len),
		.zone_id = zone_id,
		.flags = NODE_DELETED,
		.owner_len = (uint8_t)name_len,
		.label_count = (uint8_t)dname_label_count(name),
	};

	memcpy(bytes, &head, sizeof head);
	memcpy(bytes + sizeof head, name, name_len);
	return overlay_put(overlay, bytes, head.node_len);
}

int
overlay_note(struct overlay *overlay, const char *name, const void *value, size_t len)
{
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key, stored = { len, NULL };
	int rc = overlay_note_key(name, octets, &key);

	if (rc != ERR_OK)
		return rc;
	rc = mdb_put(overlay->txn, overlay->dbi, &key, &stored, MDB_RESERVE);
	if (rc == 0)
		memcpy(stored.mv_data, value, len);
	return write_error(overlay, rc);
}

int
overlay_commit(struct overlay *overlay)
{
	uint64_t commit = overlay->commit + 1;
	int rc = overlay_note(overlay, OVERLAY_COMMIT_NOTE, &commit, sizeof commit);

	if (rc == ERR_OK)
		rc = overlay_chain_note(overlay);
	if (rc != ERR_OK) {
		overlay_abort(overlay);
		return rc;
	}
	rc = mdb_txn_commit(overlay->txn);
	overlay->txn = NULL;
	if (rc == 0) {
		overlay->commit = commit;
		atomic_store_explicit(&overlay->filter.head->commit_seq, commit,
				      memory_order_release);
	}
	rc = lmdb_env_commit_error(overlay->env, rc);
	overlay->was_full |= rc == ERR_FULL;
	give_back_pages(overlay);
	return rc;
}

uint64_t
overlay_last_commit(const struct overlay *overlay)
{
	return overlay->commit;
}

void
overlay_count_on(struct overlay *overlay, uint64_t commit)
{
	if (overlay->commit < commit)
		overlay->commit = commit;
}

int
overlay_sync(struct overlay *overlay)
{
	int rc = overlay_renew(overlay);

	return rc == ERR_OK ? lmdb_env_error(mdb_env_sync(overlay->env, 1)) : rc;
}

bool
overlay_is_short(const struct overlay *overlay)
{
	MDB_envinfo info;
	MDB_stat stat;

	if (overlay->was_full)
		return true;
	return overlay->env && mdb_env_info(overlay->env, &info) == 0 &&
	       mdb_env_stat(overlay->env, &stat) == 0 &&
	       (info.me_last_pgno + 1) * stat.ms_psize > info.me_mapsize / 2;
}

unsigned
overlay_sweep(struct overlay *overlay)
{
	int dead = 0;

	if (overlay_renew(overlay) != ERR_OK ||
	    mdb_reader_check(overlay->env, &dead) != 0 || dead < 0)
		return 0;
	return (unsigned)dead;
}
