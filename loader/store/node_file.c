/* LMDB as a file of sorted nodes. */
#include "loader/store/node_file.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/zone/apex_node.h"
#include "shm/dname.h"
#include "shm/errcode.h"

enum {
	WRITE_MODE = 0640, /* LMDB opens the file twice */
	SEALED_MODE = 0440,
	BATCH_LEN = 16 << 20, /* octets put per transaction */
	BATCH_SLACK = 1 << 20, /* pages that a transaction copies or frees */
	LMDB_NODE_LEN = 16, /* LMDB's own octets per node, rounded up */
	WRITE_FLAGS = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC | MDB_NOTLS,
	READ_FLAGS = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS | MDB_RDONLY,
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

struct node_reader {
	MDB_env *env;
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_dbi dbi;
	uint64_t page_len;
	uint64_t data_len;
	const uint8_t *base; /* where LMDB maps the file; NULL: not known yet */
	int fd; /* borrowed from LMDB */
	bool seeking; /* `seek_id` says where the next node is */
	uint32_t seek_id;
};

static int
error_from_lmdb(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return ERR_OK;
	case MDB_KEYEXIST:
		return ERR_EXISTS;
	case MDB_NOTFOUND:
		return ERR_NOTFOUND;
	case MDB_MAP_FULL:
		return ERR_FULL;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_PANIC:
		return ERR_DAMAGED;
	}
	return rc > 0 ? errcode_from_errno(rc) : ERR_IO;
}

/* ---- writing ---- */

static int
batch_begin(struct node_file *file)
{
	int rc = mdb_txn_begin(file->env, NULL, 0, &file->txn);

	if (rc) {
		file->txn = NULL;
		return error_from_lmdb(rc);
	}
	file->batch_len = 0;
	rc = mdb_dbi_open(file->txn, NULL, 0, &file->dbi);
	if (!rc)
		rc = mdb_cursor_open(file->txn, file->dbi, &file->cursor);
	if (rc) {
		mdb_txn_abort(file->txn);
		file->txn = NULL;
	}
	return error_from_lmdb(rc);
}

/* LMDB calls it EIO when the device takes only part of a write.  Why it would not take
 * more, another write at the end of the file tells; the file is lost anyway. */
static int
write_error(const struct node_file *file)
{
	static const uint8_t zeros[1 << 16];
	struct stat stat;
	ssize_t written;

	if (fstat(file->fd, &stat) != 0)
		return ERR_IO;
	written = pwrite(file->fd, zeros, sizeof zeros, stat.st_size);
	if (written < 0)
		return errcode_from_errno(errno);
	return written < (ssize_t)sizeof zeros ? ERR_NOSPACE : ERR_IO;
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
	return rc == EIO ? write_error(file) : error_from_lmdb(rc);
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
		rc = error_from_lmdb(mdb_env_set_mapsize(file->env, file->map_len));
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

static int
env_open(MDB_env **env, const char *path, unsigned flags, uint64_t map_len)
{
	int rc = mdb_env_create(env);

	if (rc)
		return error_from_lmdb(rc);
	rc = mdb_env_set_mapsize(*env, map_len);
	if (!rc)
		rc = mdb_env_open(*env, path, flags, WRITE_MODE);
	if (rc) {
		mdb_env_close(*env);
		*env = NULL;
	}
	return error_from_lmdb(rc);
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
	rc = env_open(&file->env, path, WRITE_FLAGS, file->map_len);
	if (rc != ERR_OK) {
		free(file);
		return rc;
	}
	file->page_len = env_page_len(file->env);
	rc = error_from_lmdb(mdb_env_get_fd(file->env, &file->fd));
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
		return error_from_lmdb(rc);
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

/* ---- reading ---- */

static int
reader_begin(struct node_reader *reader)
{
	int rc = mdb_txn_begin(reader->env, NULL, MDB_RDONLY, &reader->txn);

	if (rc) {
		reader->txn = NULL;
		return error_from_lmdb(rc);
	}
	rc = mdb_dbi_open(reader->txn, NULL, 0, &reader->dbi);
	if (!rc)
		rc = mdb_cursor_open(reader->txn, reader->dbi, &reader->cursor);
	if (!rc)
		rc = mdb_env_get_fd(reader->env, &reader->fd);
	return error_from_lmdb(rc);
}

int
node_reader_open(const char *path, struct node_reader **out)
{
	struct node_reader *reader;
	struct stat stat_buf;
	int rc;

	if (stat(path, &stat_buf) != 0)
		return errcode_from_errno(errno);
	reader = calloc(1, sizeof *reader);
	if (!reader)
		return ERR_NOMEM;
	reader->data_len = (uint64_t)stat_buf.st_size;
	reader->seeking = true;
	rc = env_open(&reader->env, path, READ_FLAGS, reader->data_len);
	if (rc == ERR_OK) {
		reader->page_len = env_page_len(reader->env);
		rc = used_len(reader->env, reader->page_len) == reader->data_len
			     ? reader_begin(reader)
			     : ERR_DAMAGED;
	}
	if (rc != ERR_OK) {
		node_reader_close(reader);
		return rc;
	}
	*out = reader;
	return ERR_OK;
}

void
node_reader_close(struct node_reader *reader)
{
	if (!reader)
		return;
	if (reader->cursor)
		mdb_cursor_close(reader->cursor);
	if (reader->txn)
		mdb_txn_abort(reader->txn);
	if (reader->env)
		mdb_env_close(reader->env);
	free(reader);
}

void
node_reader_seek(struct node_reader *reader, uint32_t zone_id)
{
	reader->seeking = true;
	reader->seek_id = zone_id;
}

/* LMDB does not tell where it maps the file, but each of its pages begins with its own
 * number, and a value begins on the page that has the header.  The first value is
 * compared with the file, all others must agree with it. */
static int
find_base(struct node_reader *reader, const uint8_t *value)
{
	const uint8_t *page = value - (uintptr_t)value % reader->page_len;
	uint8_t stored[sizeof(struct node_head)];
	size_t number;
	off_t off;

	memcpy(&number, page, sizeof number);
	off = (off_t)(number * reader->page_len + (uint64_t)(value - page));
	if (pread(reader->fd, stored, sizeof stored, off) != (ssize_t)sizeof stored ||
	    memcmp(stored, value, sizeof stored) != 0)
		return ERR_DAMAGED;
	reader->base = value - off;
	return ERR_OK;
}

/* Where a value stands in the file; ERR_DAMAGED when outside. */
static int
value_off(struct node_reader *reader, const MDB_val *value, uint64_t *off)
{
	const uint8_t *at = value->mv_data;

	if (value->mv_size < sizeof(struct node_head))
		return ERR_DAMAGED;
	if (!reader->base) {
		int rc = find_base(reader, at);

		if (rc != ERR_OK)
			return rc;
	}
	if (at < reader->base)
		return ERR_DAMAGED;
	*off = (uint64_t)(at - reader->base);
	return *off > reader->data_len || value->mv_size > reader->data_len - *off
		       ? ERR_DAMAGED
		       : ERR_OK;
}

static int
cursor_move(struct node_reader *reader, MDB_val *value)
{
	uint8_t prefix[4];
	MDB_val key = { .mv_size = sizeof prefix, .mv_data = prefix };

	if (!reader->seeking)
		return mdb_cursor_get(reader->cursor, &key, value, MDB_NEXT);
	reader->seeking = false;
	for (unsigned i = 0; i < sizeof prefix; i++)
		prefix[i] = (uint8_t)(reader->seek_id >> (24 - 8 * i));
	return mdb_cursor_get(reader->cursor, &key, value, MDB_SET_RANGE);
}

int
node_reader_next(struct node_reader *reader, struct node *out, uint64_t *off)
{
	MDB_val value;
	int rc = error_from_lmdb(cursor_move(reader, &value));

	if (rc == ERR_OK)
		rc = value_off(reader, &value, off);
	if (rc != ERR_OK)
		return rc;
	return node_open(value.mv_data, value.mv_size, out) ? ERR_OK : ERR_DAMAGED;
}
