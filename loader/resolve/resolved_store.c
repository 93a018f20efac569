/* Writing resolved addresses into LMDB. */
#include "loader/resolve/resolved_store.h"

#include <errno.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/errcode.h"
#include "shm/lmdb_env.h"

enum { DIR_MODE = 0750 };

struct resolved_store {
	char path[PATH_MAX];
	MDB_env *env; /* NULL: it must be opened again */
	MDB_dbi dbi;
	bool is_snapshot;
	MDB_txn *txn; /* NULL: nothing was changed since the last commit */
	uint8_t value[RESOLVED_VALUE_MAX]; /* of the entry that was found last */
};

/* ---- opening ---- */

static MDB_val
mark_key(void)
{
	return (MDB_val){ strlen(RESOLVED_MARK), (void *)(uintptr_t)RESOLVED_MARK };
}

static int open_store(struct resolved_store *store);

static void
close_env(struct resolved_store *store)
{
	if (store->env)
		mdb_env_close(store->env);
	store->env = NULL;
}

/* An environment whose last commit failed half-way takes no more: a new one on the same file
 * goes on from the commit before. */
static int
begin(struct resolved_store *store)
{
	int rc;

	if (store->txn)
		return ERR_OK;
	rc = store->env ? mdb_txn_begin(store->env, NULL,
					store->is_snapshot ? MDB_RDONLY : 0, &store->txn)
			: MDB_PANIC;
	if (rc != MDB_PANIC || store->is_snapshot)
		return lmdb_env_error(rc);
	close_env(store);
	return open_store(store);
}

static void
abandon(struct resolved_store *store)
{
	if (store->txn)
		mdb_txn_abort(store->txn);
	store->txn = NULL;
}

/* Set or check the version. */
static int
check_version(struct resolved_store *store)
{
	uint32_t version = RESOLVED_VERSION;
	MDB_val key = mark_key(), value = { sizeof version, &version };
	MDB_stat stat;
	int rc = mdb_get(store->txn, store->dbi, &key, &value);

	if (rc == MDB_NOTFOUND) {
		rc = mdb_stat(store->txn, store->dbi, &stat);
		if (rc == 0 && stat.ms_entries > 0)
			return ERR_FORMAT;
		value = (MDB_val){ sizeof version, &version };
		if (rc == 0)
			rc = mdb_put(store->txn, store->dbi, &key, &value, 0);
		return lmdb_env_error(rc);
	}
	if (rc == 0 && (value.mv_size != sizeof version ||
			memcmp(value.mv_data, &version, sizeof version) != 0))
		return ERR_FORMAT;
	return lmdb_env_error(rc);
}

/* Open the environment, and begin to write; undone on failure. */
static int
open_store(struct resolved_store *store)
{
	int dead,
		rc = lmdb_env_open(LMDB_ENV_RESOLVED_WRITER, store->path, 0, &store->env);

	if (rc != ERR_OK)
		return rc;
	(void)mdb_reader_check(store->env, &dead);
	rc = lmdb_env_error(mdb_txn_begin(store->env, NULL, 0, &store->txn));
	if (rc == ERR_OK)
		rc = lmdb_env_error(mdb_dbi_open(store->txn, NULL, 0, &store->dbi));
	if (rc == ERR_OK)
		rc = check_version(store);
	if (rc != ERR_OK) {
		abandon(store);
		close_env(store);
	}
	return rc;
}

static int
open_at_first(struct resolved_store *store)
{
	int rc = open_store(store);

	if (rc == ERR_OK)
		rc = resolved_store_commit(store);
	if (rc != ERR_OK)
		close_env(store);
	return rc;
}

static void
remove_files(const char *path)
{
	static const char *const names[] = { "data.mdb", "lock.mdb" };
	char file[PATH_MAX];

	for (unsigned i = 0; i < 2; i++)
		if (snprintf(file, sizeof file, "%s/%s", path, names[i]) <
		    (int)sizeof file)
			(void)unlink(file);
}

int
resolved_store_open(const char *state_dir, struct resolved_store **out, bool *was_lost)
{
	struct resolved_store *store = calloc(1, sizeof *store);
	int rc;

	*was_lost = false;
	if (!store)
		return ERR_NOMEM;
	if (snprintf(store->path, sizeof store->path, "%s/" RESOLVED_DIR, state_dir) >=
	    (int)sizeof store->path)
		rc = ERR_RANGE;
	else if (mkdir(store->path, DIR_MODE) != 0 && errno != EEXIST)
		rc = errcode_from_errno(errno);
	else
		rc = open_at_first(store);
	if (rc == ERR_DAMAGED || rc == ERR_FORMAT || rc == ERR_NEWER) {
		*was_lost = true;
		remove_files(store->path);
		rc = open_at_first(store);
	}
	if (rc == ERR_OK)
		*out = store;
	else
		free(store);
	return rc;
}

int
resolved_store_open_snapshot(const char *state_dir, struct resolved_store **out)
{
	struct resolved_store *store = calloc(1, sizeof *store);
	int rc = ERR_RANGE;

	if (!store)
		return ERR_NOMEM;
	store->is_snapshot = true;
	if (snprintf(store->path, sizeof store->path, "%s/" RESOLVED_DIR, state_dir) <
	    (int)sizeof store->path)
		rc = lmdb_env_open(LMDB_ENV_RESOLVED_READER, store->path, 0, &store->env);
	if (rc == ERR_OK)
		rc = begin(store);
	if (rc == ERR_OK)
		rc = lmdb_env_error(mdb_dbi_open(store->txn, NULL, 0, &store->dbi));
	if (rc == ERR_OK) {
		*out = store;
		return ERR_OK;
	}
	abandon(store);
	close_env(store);
	free(store);
	return rc;
}

void
resolved_store_close(struct resolved_store *store)
{
	if (!store)
		return;
	abandon(store);
	close_env(store);
	free(store);
}

/* ---- entries ---- */

int
resolved_store_find(struct resolved_store *store, uint16_t type, const uint8_t *name,
		    size_t name_len, struct resolved *out)
{
	uint8_t octets[RESOLVED_KEY_MAX];
	MDB_val key = { resolved_key(type, name, name_len, octets), octets }, value;
	int rc = begin(store);

	if (rc == ERR_OK)
		rc = lmdb_env_error(mdb_get(store->txn, store->dbi, &key, &value));
	if (rc != ERR_OK)
		return rc;
	if (value.mv_size > sizeof store->value)
		return ERR_DAMAGED;
	memcpy(store->value, value.mv_data, value.mv_size);
	return resolved_open(store->value, value.mv_size, type, out) ? ERR_OK
								     : ERR_DAMAGED;
}

int
resolved_store_put(struct resolved_store *store, uint16_t type, const uint8_t *name,
		   size_t name_len, const struct resolved *entry)
{
	uint8_t octets[RESOLVED_KEY_MAX], bytes[RESOLVED_VALUE_MAX];
	MDB_val key = { resolved_key(type, name, name_len, octets), octets };
	MDB_val value = { resolved_write(entry, bytes), bytes };
	int rc = begin(store);

	if (rc == ERR_OK)
		rc = lmdb_env_error(mdb_put(store->txn, store->dbi, &key, &value, 0));
	if (rc != ERR_OK)
		abandon(store);
	return rc;
}

int
resolved_store_drop(struct resolved_store *store, uint16_t type, const uint8_t *name,
		    size_t name_len)
{
	uint8_t octets[RESOLVED_KEY_MAX];
	MDB_val key = { resolved_key(type, name, name_len, octets), octets };
	int rc = begin(store);

	if (rc == ERR_OK)
		rc = lmdb_env_error(mdb_del(store->txn, store->dbi, &key, NULL));
	if (rc != ERR_OK && rc != ERR_NOTFOUND)
		abandon(store);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

bool
resolved_store_is_changed(const struct resolved_store *store)
{
	return store->txn != NULL;
}

int
resolved_store_commit(struct resolved_store *store)
{
	MDB_txn *txn = store->txn;

	if (!txn)
		return ERR_OK;
	store->txn = NULL;
	return lmdb_env_commit_error(store->env, mdb_txn_commit(txn));
}

int
resolved_store_walk(struct resolved_store *store,
		    void (*visit)(void *context, uint16_t type, const uint8_t *name,
				  size_t name_len, const struct resolved *entry),
		    void *context)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	int rc = begin(store), step;

	if (rc == ERR_OK)
		rc = lmdb_env_error(mdb_cursor_open(store->txn, store->dbi, &cursor));
	if (rc != ERR_OK)
		return rc;
	while ((step = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		const uint8_t *name;
		struct resolved entry;
		size_t name_len;
		uint16_t type;

		if (resolved_key_open(key.mv_data, key.mv_size, &type, &name,
				      &name_len) &&
		    resolved_open(value.mv_data, value.mv_size, type, &entry))
			visit(context, type, name, name_len, &entry);
	}
	mdb_cursor_close(cursor);
	return step == MDB_NOTFOUND ? ERR_OK : lmdb_env_error(step);
}

void
resolved_store_sweep(struct resolved_store *store)
{
	int dead;

	if (store->env)
		(void)mdb_reader_check(store->env, &dead);
}
