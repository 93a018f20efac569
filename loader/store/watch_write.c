/* The watch list, written: its file, and transactions. */
#include <errno.h>
#include <limits.h>
#include <lmdb.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/store/state_paths.h"
#include "loader/store/watch_private.h"
#include "shm/errcode.h"
#include "shm/lmdb_env.h"
#include "shm/log.h"

enum {
	DIR_MODE = 0750,
	SWEEP_EVERY = 64, /* transactions between two looks for readers that died */
};

/* ---- opening ---- */

static int
make_dir(const char *state_dir, char dir[PATH_MAX])
{
	static const char *const names[] = { "data.mdb", "lock.mdb" };
	char path[PATH_MAX];

	if (!state_path_print(dir, "%s/" WATCH_DIR, state_dir))
		return ERR_RANGE;
	if (mkdir(dir, DIR_MODE) != 0 && errno != EEXIST)
		return errcode_from_errno(errno);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!state_path_print(path, "%s/%s", dir, names[i]))
			return ERR_RANGE;
		if (unlink(path) != 0 && errno != ENOENT)
			return errcode_from_errno(errno);
	}
	return ERR_OK;
}

static int
open_tables(struct watch *watch)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(watch->env, NULL, 0, &txn);

	if (rc != 0)
		return lmdb_env_error(rc);
	for (unsigned i = 0; i < WATCH_TABLES && rc == 0; i++)
		rc = mdb_dbi_open(txn, watch_table_names[i], MDB_CREATE,
				  &watch->tables[i]);
	if (rc == 0)
		return lmdb_env_error(mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	return lmdb_env_error(rc);
}

int
watch_open(const char *state_dir, struct region_watch *region, struct watch **out)
{
	struct watch *watch = calloc(1, sizeof *watch);
	char dir[PATH_MAX];
	int rc = watch ? make_dir(state_dir, dir) : ERR_NOMEM;

	if (rc == ERR_OK)
		rc = lmdb_env_open(LMDB_ENV_WATCH_WRITER, dir, 0, &watch->env);
	if (rc == ERR_OK)
		rc = open_tables(watch);
	if (rc != ERR_OK) {
		watch_close(watch);
		return rc;
	}
	watch->region = region;
	watch->is_stale = true;
	*out = watch;
	/* readers leave what was there before */
	atomic_fetch_add(&region->epoch, 1);
	return ERR_OK;
}

void
watch_close(struct watch *watch)
{
	if (!watch)
		return;
	if (watch->txn)
		mdb_txn_abort(watch->txn);
	if (watch->env)
		mdb_env_close(watch->env);
	free(watch->value);
	free(watch);
}

/* ---- transactions ---- */

bool
watch_is_stale(const struct watch *watch)
{
	return watch->is_stale;
}

uint64_t
watch_work(const struct watch *watch)
{
	return watch->work;
}

static void
drop_txn(struct watch *watch)
{
	if (watch->txn)
		mdb_txn_abort(watch->txn);
	watch->txn = NULL;
	watch->is_changed = false;
}

static void
set_stale(struct watch *watch)
{
	watch->is_stale = true;
	drop_txn(watch);
}

bool
watch_begin(struct watch *watch)
{
	int rc, dead;

	if (watch->is_stale)
		return false;
	if (watch->txn)
		return true;
	/* one that was killed while it read keeps all pages from being used again */
	if (watch->txn_count++ % SWEEP_EVERY == 0)
		(void)mdb_reader_check(watch->env, &dead);
	rc = mdb_txn_begin(watch->env, NULL, 0, &watch->txn);
	if (rc == 0)
		return true;
	watch->txn = NULL;
	set_stale(watch);
	return false;
}

void
watch_check(struct watch *watch, int rc)
{
	if (rc == 0 || watch->is_stale)
		return;
	log_errorx("the list of what is probed %s; it is made anew",
		   errcode_text(lmdb_env_error(rc)));
	set_stale(watch);
}

static void
tell_readers(struct watch *watch)
{
	watch->is_untold = false;
	atomic_fetch_add(&watch->region->seq, 1);
	atomic_store(&watch->region->filled_epoch, atomic_load(&watch->region->epoch));
}

void
watch_end(struct watch *watch, bool is_kept)
{
	bool is_changed = watch->is_changed;
	MDB_txn *txn = watch->txn;

	if (!txn)
		return;
	if (!is_kept) {
		drop_txn(watch);
		return;
	}
	watch->txn = NULL;
	watch->is_changed = false;
	watch_check(watch, mdb_txn_commit(txn));
	watch->is_untold |= is_changed;
	if (watch->is_untold && !watch->is_making && !watch->is_stale)
		tell_readers(watch);
}

/* ---- making it anew ---- */

static void
clear(struct watch *watch)
{
	drop_txn(watch);
	watch->is_stale = false;
	if (!watch_begin(watch))
		return;
	for (unsigned i = 0; i < WATCH_TABLES; i++)
		watch_check(watch, mdb_drop(watch->txn, watch->tables[i], 0));
	watch->node_count = 0;
	watch->is_changed = true;
	watch_end(watch, true);
}

bool
watch_begin_making(struct watch *watch)
{
	watch->is_making = true;
	if (watch->is_stale)
		clear(watch);
	return watch->node_count > 0;
}

void
watch_end_making(struct watch *watch)
{
	watch_end(watch, true);
	watch->is_making = false;
	if (watch->is_untold && !watch->is_stale)
		tell_readers(watch);
}
