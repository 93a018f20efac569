/* Opening LMDB. */
#include "shm/lmdb_env.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/errcode.h"

enum {
	FILE_MODE = 0640,
	OVERLAY_READERS_MAX = 1024, /* workers, and clerks for a moment */
	WATCH_TABLES_MAX = 8,
	LOCK_LEN = OVERLAY_READERS_MAX * 64, /* a little less than LMDB makes it */
	BLOCK_LEN = 512, /* of st_blocks */
};
#define OVERLAY_MAP_LEN (UINT64_C(32) << 30) /* address space, not memory */
#define RESOLVED_MAP_LEN (UINT64_C(8) << 30)
#define WATCH_MAP_LEN (UINT64_C(4) << 30)

/* An overlay's data is synced, then seen: a power cut undoes the last commit at most. */
static const unsigned flags_of[] = {
	[LMDB_ENV_SEALED_NEW] = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC | MDB_NOTLS,
	[LMDB_ENV_SEALED] = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS | MDB_RDONLY,
	[LMDB_ENV_OVERLAY_WRITER] = MDB_NOMETASYNC | MDB_NOTLS,
	/* made anew at each start */
	[LMDB_ENV_WATCH_WRITER] = MDB_NOSYNC | MDB_NOTLS,
	[LMDB_ENV_WATCH_READER] = MDB_RDONLY | MDB_NOTLS,
	[LMDB_ENV_OVERLAY_READER] = MDB_RDONLY | MDB_NOTLS,
	[LMDB_ENV_RESOLVED_WRITER] = MDB_NOMETASYNC | MDB_NOTLS,
	[LMDB_ENV_RESOLVED_READER] = MDB_RDONLY | MDB_NOTLS,
};

/* LMDB maps the file of its locks with holes in it: who fills one on a full disk dies of
 * SIGBUS, be it a worker that begins to read. */
static int
fill_locks(const char *dir)
{
	char path[PATH_MAX];
	struct stat stat;
	int fd, rc = 0;

	if (snprintf(path, sizeof path, "%s/lock.mdb", dir) >= (int)sizeof path)
		return ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return errno;
	if (fstat(fd, &stat) != 0)
		rc = errno;
	else if (stat.st_blocks < LOCK_LEN / BLOCK_LEN)
		rc = posix_fallocate(fd, 0, LOCK_LEN);
	/* what is there is less than it says; one that others may have mapped stays */
	if (rc != 0 && stat.st_size >= LOCK_LEN)
		rc = 0;
	else if (rc != 0 && ftruncate(fd, 0) != 0)
		rc = errno;
	close(fd);
	return rc;
}

int
lmdb_env_open(enum lmdb_env_kind kind, const char *path, uint64_t map_len, MDB_env **out)
{
	MDB_env *env;
	int rc = mdb_env_create(&env);

	*out = NULL;
	if (rc != 0)
		return lmdb_env_error(rc);
	if (kind != LMDB_ENV_SEALED_NEW && kind != LMDB_ENV_SEALED) {
		bool is_overlay = kind == LMDB_ENV_OVERLAY_WRITER ||
				  kind == LMDB_ENV_OVERLAY_READER;

		map_len = is_overlay ? OVERLAY_MAP_LEN : RESOLVED_MAP_LEN;
		rc = mdb_env_set_maxreaders(env, OVERLAY_READERS_MAX);
	}
	if (kind == LMDB_ENV_WATCH_WRITER || kind == LMDB_ENV_WATCH_READER) {
		map_len = WATCH_MAP_LEN;
		rc = mdb_env_set_maxdbs(env, WATCH_TABLES_MAX);
	}
	if (rc == 0 &&
	    (kind == LMDB_ENV_OVERLAY_WRITER || kind == LMDB_ENV_WATCH_WRITER ||
	     kind == LMDB_ENV_RESOLVED_WRITER))
		rc = fill_locks(path);
	if (rc == 0)
		rc = mdb_env_set_mapsize(env, map_len);
	if (rc == 0)
		rc = mdb_env_open(env, path, flags_of[kind], FILE_MODE);
	if (rc == 0)
		*out = env;
	else
		mdb_env_close(env);
	return lmdb_env_error(rc);
}

int
lmdb_env_error(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return ERR_OK;
	case MDB_NOTFOUND:
		return ERR_NOTFOUND;
	case MDB_KEYEXIST:
		return ERR_EXISTS;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case MDB_READERS_FULL:
		return ERR_FULL;
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PANIC:
	case MDB_INCOMPATIBLE:
	case MDB_CURSOR_FULL:
	case MDB_MAP_RESIZED:
		return ERR_DAMAGED;
	case MDB_VERSION_MISMATCH:
		return ERR_NEWER;
	}
	return rc > 0 ? errcode_from_errno(rc) : ERR_IO;
}

int
lmdb_env_commit_error(MDB_env *env, int rc)
{
	static const uint8_t zeros[1 << 16];
	struct stat stat;
	ssize_t written;
	int fd;

	if (rc != EIO || mdb_env_get_fd(env, &fd) != 0 || fstat(fd, &stat) != 0)
		return lmdb_env_error(rc);
	written = pwrite(fd, zeros, sizeof zeros, stat.st_size);
	if (written < 0)
		return errcode_from_errno(errno);
	return written < (ssize_t)sizeof zeros ? ERR_NOSPACE : ERR_IO;
}
