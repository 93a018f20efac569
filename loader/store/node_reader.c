/* A sealed LMDB file walked with the offsets of its values. */
#include "loader/store/node_reader.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/lmdb_env.h"

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
reader_begin(struct node_reader *reader)
{
	int rc = mdb_txn_begin(reader->env, NULL, MDB_RDONLY, &reader->txn);

	if (rc) {
		reader->txn = NULL;
		return lmdb_env_error(rc);
	}
	rc = mdb_dbi_open(reader->txn, NULL, 0, &reader->dbi);
	if (!rc)
		rc = mdb_cursor_open(reader->txn, reader->dbi, &reader->cursor);
	if (!rc)
		rc = mdb_env_get_fd(reader->env, &reader->fd);
	return lmdb_env_error(rc);
}

int
node_reader_open(const char *path, struct node_reader **out)
{
	struct node_reader *reader;
	struct stat stat_buf;
	MDB_envinfo info;
	MDB_stat pages;
	int rc;

	if (stat(path, &stat_buf) != 0)
		return errcode_from_errno(errno);
	reader = calloc(1, sizeof *reader);
	if (!reader)
		return ERR_NOMEM;
	reader->data_len = (uint64_t)stat_buf.st_size;
	reader->seeking = true;
	rc = lmdb_env_open(LMDB_ENV_SEALED, path, reader->data_len, &reader->env);
	if (rc == ERR_OK) {
		mdb_env_stat(reader->env, &pages);
		mdb_env_info(reader->env, &info);
		reader->page_len = pages.ms_psize;
		rc = (info.me_last_pgno + 1) * reader->page_len == reader->data_len
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
	uint8_t prefix[DNAME_KEY_PREFIX];
	MDB_val key = { .mv_size = sizeof prefix, .mv_data = prefix };

	if (!reader->seeking)
		return mdb_cursor_get(reader->cursor, &key, value, MDB_NEXT);
	reader->seeking = false;
	dname_key_prefix(reader->seek_id, prefix);
	return mdb_cursor_get(reader->cursor, &key, value, MDB_SET_RANGE);
}

int
node_reader_next(struct node_reader *reader, struct node *out, uint64_t *off)
{
	MDB_val value;
	int rc = lmdb_env_error(cursor_move(reader, &value));

	if (rc == ERR_OK)
		rc = value_off(reader, &value, off);
	if (rc != ERR_OK)
		return rc;
	return node_open(value.mv_data, value.mv_size, out) ? ERR_OK : ERR_DAMAGED;
}
