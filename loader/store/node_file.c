/* LMDB as a file of sorted nodes, appended to in bounded transactions. */
#include "loader/store/node_file.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/zone/apex_node.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/lmdb_env.h"
#include "shm/node.h"

enum {
	SEALED_MODE = 0440,
	BATCH_LEN = 16 << 20, /* octets put per transaction */
	BATCH_SLACK = 1 << 20, /* pages that a transaction copies or frees */
	LMDB_NODE_LEN = 16, /* LMDB's own octets per node, rounded up */
};

#define FIRST_MAP_LEN (UINT64_C(64) << 20)

struct node_file {
	MDB_env *env;
	MDB_txn *txn; /* NULL: failed */
	MDB_cursor *cursor;
	MDB_dbi dbi;
	uint64_t page_len;
	uint64_t map_len;
	uint64_t batch_len; /* upper bound of what this transaction adds */
	int fd; /* borrowed from LMDB */
};

static int
batch_begin(struct node_file *file)
{
	int rc = mdb_txn_begin(file->env, NULL, 0, &file->txn);

	if (rc) {
		file->txn = NULL;
		return lmdb_env_error(rc);
	}
	file->batch_len = 0;
	rc = mdb_dbi_open(file->txn, NULL, 0, &file->dbi);
	if (!rc)
		rc = mdb_cursor_open(file->txn, file->dbi, &file->cursor);
	if (rc) {
		mdb_txn_abort(file->txn);
		file->txn = NULL;
	}
	return lmdb_env_error(rc);
}

static int
batch_commit(struct node_file *file)
{
	MDB_txn *txn = file->txn;
	int rc;

	if (!txn)
		return ERR_IO;
	file->txn = NULL;
	mdb_cursor_close(file->cursor);
	rc = mdb_txn_commit(txn);
	return lmdb_env_commit_error(file->env, rc);
}

/* Octets of the file that are in use. */
static uint64_t
used_len(MDB_env *env, uint64_t page_len)
{
	MDB_envinfo info;

	mdb_env_info(env, &info);
	return ((uint64_t)info.me_last_pgno + 1) * page_len;
}

/* Have room for `len` octets in this transaction.  The map grows between transactions
 * only, and before it is full: MDB_MAP_FULL would cost what the transaction holds. */
static int
batch_reserve(struct node_file *file, uint64_t len)
{
	uint64_t need;
	int rc;

	if (file->batch_len + len <= BATCH_LEN) {
		file->batch_len += len;
		return ERR_OK;
	}
	rc = batch_commit(file);
	if (rc != ERR_OK)
		return rc;
	need = used_len(file->env, file->page_len) + BATCH_LEN + len + BATCH_SLACK;
	if (need > file->map_len) {
		while (file->map_len < need)
			file->map_len *= 2;
		rc = lmdb_env_error(mdb_env_set_mapsize(file->env, file->map_len));
		if (rc != ERR_OK)
			return rc;
	}
	rc = batch_begin(file);
	file->batch_len = len;
	return rc;
}

/* At most this many octets does a node add to the file.  A leaf holds two nodes at
 * least; longer ones get pages of their own. */
static uint64_t
put_bound(const struct node_file *file, size_t key_len, size_t len)
{
	uint64_t all = (uint64_t)key_len + len + LMDB_NODE_LEN;

	if (all <= file->page_len / 4)
		return 2 * all;
	return (all / file->page_len + 2) * file->page_len;
}

static uint64_t
env_page_len(MDB_env *env)
{
	MDB_stat stat;

	mdb_env_stat(env, &stat);
	return stat.ms_psize;
}

int
node_file_create(const char *path, struct node_file **out)
{
	struct node_file *file = calloc(1, sizeof *file);
	int rc;

	if (!file)
		return ERR_NOMEM;
	file->map_len = FIRST_MAP_LEN;
	rc = lmdb_env_open(LMDB_ENV_SEALED_NEW, path, file->map_len, &file->env);
	if (rc != ERR_OK) {
		free(file);
		return rc;
	}
	file->page_len = env_page_len(file->env);
	rc = lmdb_env_error(mdb_env_get_fd(file->env, &file->fd));
	if (rc == ERR_OK)
		rc = batch_begin(file);
	if (rc != ERR_OK) {
		node_file_abort(file);
		return rc;
	}
	*out = file;
	return ERR_OK;
}

/* Set the ids in the stored copy of a node. */
static void
stored_set_ids(uint8_t *stored, uint32_t key_id, uint32_t zone_id)
{
	memcpy(stored + offsetof(struct node_head, zone_id), &key_id, sizeof key_id);
	apex_set_zone_id(stored, zone_id);
}

int
node_file_put(struct node_file *file, const uint8_t *node, uint32_t zone_id)
{
	struct node_head head;
	uint8_t key[DNAME_KEY_MAX];
	MDB_val key_val, data_val;
	uint32_t key_id;
	int rc;

	memcpy(&head, node, sizeof head);
	key_id = head.flags & NODE_APEX ? CATALOGUE_ID
					: zone_id | (head.zone_id & NSEC3_SPACE);
	key_val.mv_data = key;
	key_val.mv_size = dname_key(key_id, node + sizeof head, key);
	data_val.mv_data = NULL;
	data_val.mv_size = head.node_len;
	rc = batch_reserve(file, put_bound(file, key_val.mv_size, head.node_len));
	if (rc != ERR_OK)
		return rc;
	rc = mdb_cursor_put(file->cursor, &key_val, &data_val, MDB_APPEND | MDB_RESERVE);
	if (rc)
		return lmdb_env_error(rc);
	memcpy(data_val.mv_data, node, head.node_len);
	stored_set_ids(data_val.mv_data, key_id, zone_id);
	return ERR_OK;
}

/* A last page that was freed is never written: make the file as long as LMDB maps. */
static int
file_close_up(int fd, uint64_t len)
{
	struct stat stat;

	if (fstat(fd, &stat) != 0)
		return errcode_from_errno(errno);
	if ((uint64_t)stat.st_size != len && ftruncate(fd, (off_t)len) != 0)
		return errcode_from_errno(errno);
	return fchmod(fd, SEALED_MODE) == 0 ? ERR_OK : errcode_from_errno(errno);
}

int
node_file_finish(struct node_file *file, uint64_t *len)
{
	int rc = batch_commit(file);

	if (rc == ERR_OK) {
		*len = used_len(file->env, file->page_len);
		rc = file_close_up(file->fd, *len);
	}
	node_file_abort(file);
	return rc;
}

void
node_file_abort(struct node_file *file)
{
	if (!file)
		return;
	if (file->txn) {
		mdb_cursor_close(file->cursor);
		mdb_txn_abort(file->txn);
	}
	mdb_env_close(file->env);
	free(file);
}
