/* Environments as their processes agree on them, and LMDB's codes as ours. */
#include "shm/lmdb_env.h"

#include <errno.h>
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/errcode.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

static char path[1200];

static const char *
named(char *scratch, const char *name)
{
	snprintf(path, sizeof path, "%s", scratch_path(scratch, name));
	return path;
}

static void
test_errors(void)
{
	static const struct {
		int lmdb, ours;
	} codes[] = {
		{ 0, ERR_OK },
		{ MDB_NOTFOUND, ERR_NOTFOUND },
		{ MDB_KEYEXIST, ERR_EXISTS },
		{ MDB_MAP_FULL, ERR_FULL },
		{ MDB_READERS_FULL, ERR_FULL },
		{ MDB_CORRUPTED, ERR_DAMAGED },
		{ MDB_PAGE_NOTFOUND, ERR_DAMAGED },
		{ MDB_CURSOR_FULL, ERR_DAMAGED },
		{ MDB_VERSION_MISMATCH, ERR_NEWER },
		{ MDB_BAD_TXN, ERR_IO },
		{ ENOSPC, ERR_NOSPACE },
		{ EACCES, ERR_RIGHTS },
		{ ENOENT, ERR_NOTFOUND },
	};

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		is_int(lmdb_env_error(codes[i].lmdb), codes[i].ours, "%s",
		       mdb_strerror(codes[i].lmdb));
}

static void
look_at_overlay(enum lmdb_env_kind kind, const char *dir, const char *who)
{
	MDB_envinfo info;
	MDB_env *env;

	if (!is_int(lmdb_env_open(kind, dir, 0, &env), 0, "%s opens it", who))
		return;
	mdb_env_info(env, &info);
	ok(info.me_mapsize == (size_t)32 << 30, "%s maps 32 GiB", who);
	is_int(info.me_maxreaders, 1024, "%s knows as many readers", who);
	mdb_env_close(env);
}

static void
test_overlay(char *scratch)
{
	const char *dir = named(scratch, "overlay");
	MDB_env *env = (MDB_env *)path;

	is_int(lmdb_env_open(LMDB_ENV_OVERLAY_READER, dir, 0, &env), ERR_NOTFOUND,
	       "no directory");
	ok(env == NULL, "and nothing is open");
	if (mkdir(dir, 0700) != 0)
		bail_out("no directory");
	look_at_overlay(LMDB_ENV_OVERLAY_WRITER, dir, "the writer");
	look_at_overlay(LMDB_ENV_OVERLAY_READER, dir, "a reader");
}

/* One value in a file; returns octets of it. */
static uint64_t
write_sealed(const char *file)
{
	MDB_val key = { 1, (void *)(uintptr_t) "k" },
		value = { 1, (void *)(uintptr_t) "v" };
	struct stat info;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	if (lmdb_env_open(LMDB_ENV_SEALED_NEW, file, 1 << 20, &env) != 0 ||
	    mdb_txn_begin(env, NULL, 0, &txn) != 0 ||
	    mdb_dbi_open(txn, NULL, 0, &dbi) != 0 ||
	    mdb_put(txn, dbi, &key, &value, 0) != 0 || mdb_txn_commit(txn) != 0)
		bail_out("%s: cannot be written", file);
	mdb_env_close(env);
	if (stat(file, &info) != 0)
		bail_out("%s: is not there", file);
	return (uint64_t)info.st_size;
}

static void
test_sealed(char *scratch)
{
	const char *file = named(scratch, "data.mdb");
	uint64_t len = write_sealed(file);
	char lock[sizeof path + 8];
	MDB_env *env;
	FILE *out;

	if (is_int(lmdb_env_open(LMDB_ENV_SEALED, file, len, &env), 0,
		   "a sealed file opens"))
		mdb_env_close(env);
	snprintf(lock, sizeof lock, "%s-lock", file);
	ok(access(lock, F_OK) != 0, "without a file for locks");
	out = fopen(file, "r+");
	if (!out || fseek(out, 16, SEEK_SET) != 0 || fputs("no magic", out) < 0 ||
	    fseek(out, 4096 + 16, SEEK_SET) != 0 || fputs("no magic", out) < 0 ||
	    fclose(out) != 0)
		bail_out("no damage");
	is_int(lmdb_env_open(LMDB_ENV_SEALED, file, len, &env), ERR_DAMAGED,
	       "what is no LMDB file is damage");
	ok(env == NULL, "and is not open");
}

static void
test_commit_error(char *scratch)
{
	const char *file = named(scratch, "new.mdb");
	MDB_env *env;

	if (lmdb_env_open(LMDB_ENV_SEALED_NEW, file, 1 << 20, &env) != 0)
		bail_out("no file");
	is_int(lmdb_env_commit_error(env, 0), 0, "a commit that was good");
	is_int(lmdb_env_commit_error(env, MDB_MAP_FULL), ERR_FULL, "a full map");
	is_int(lmdb_env_commit_error(env, EIO), ERR_IO,
	       "a short write, and there is room");
	mdb_env_close(env);
}

static void
make_holes(const char *file)
{
	FILE *out = fopen(file, "w");

	if (!out || fclose(out) != 0 || truncate(file, 1 << 17) != 0)
		bail_out("no holes");
}

/* Who fills a hole of a map on a full disk is killed. */
static void
test_locks_have_no_holes(char *scratch)
{
	static const struct {
		enum lmdb_env_kind kind;
		const char *dir;
	} cases[] = {
		{ LMDB_ENV_WATCH_WRITER, "watch" },
		{ LMDB_ENV_RESOLVED_WRITER, "resolved" },
		{ LMDB_ENV_OVERLAY_WRITER, "live" },
		{ LMDB_ENV_OVERLAY_WRITER, "holes" }, /* of an older version */
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char dir[sizeof path], lock[sizeof path + 16];
		struct stat stat_of;
		MDB_env *env;

		snprintf(dir, sizeof dir, "%s", named(scratch, cases[i].dir));
		snprintf(lock, sizeof lock, "%s/lock.mdb", dir);
		if (mkdir(dir, 0700) != 0)
			bail_out("no directory");
		if (strcmp(cases[i].dir, "holes") == 0)
			make_holes(lock);
		if (!is_int(lmdb_env_open(cases[i].kind, dir, 0, &env), 0, "%s opens",
			    cases[i].dir))
			continue;
		is_int(stat(lock, &stat_of), 0, "it has locks");
		ok(stat_of.st_blocks * 512 >= 65536, "with room on the disk for all");
		mdb_env_close(env);
	}
}

int
main(void)
{
	char *scratch = scratch_dir_make();

	test_errors();
	test_overlay(scratch);
	test_sealed(scratch);
	test_commit_error(scratch);
	test_locks_have_no_holes(scratch);
	scratch_dir_free(scratch);
	return done_testing();
}
