/* LMDB environments, opened in the one way that all of their processes must agree on,
 * and LMDB's error codes as ours.
 *
 * An environment is opened after fork, in the process that uses it, and an overlay's
 * never twice in one process: the first close would drop the lock of the other. */
#ifndef SHM_LMDB_ENV_H
#define SHM_LMDB_ENV_H

#include <stdint.h>

struct MDB_env;

enum lmdb_env_kind {
	LMDB_ENV_SEALED_NEW,		/* a file that is written once, by nobody else */
	LMDB_ENV_SEALED,		/* that file, read-only; no lock file is made */
	LMDB_ENV_OVERLAY_WRITER,	/* a directory; there is one writer */
	LMDB_ENV_WATCH_WRITER,		/* a directory; one writer, several tables, never synced */
	LMDB_ENV_WATCH_READER,		/* as that of an overlay */
	LMDB_ENV_OVERLAY_READER,	/* that directory; needs the right to write lock.mdb */
	LMDB_ENV_RESOLVED_WRITER,	/* of shm/resolved.h: as those of an overlay */
	LMDB_ENV_RESOLVED_READER,
};

/* Open `path`.
 *
 * map_len  of sealed files: octets to map; the file's own length when it is read.
 *          Overlays have one of their own, the same in every process.
 * returns  0, or an error code with *out == NULL. */
__attribute__((nonnull, warn_unused_result))
int lmdb_env_open(enum lmdb_env_kind kind, const char *path, uint64_t map_len,
		  struct MDB_env **out);

/* What an LMDB function returned, as a code of shm/errcode.h.  What LMDB says of a tree
 * that is broken is ERR_DAMAGED; of a full map, or reader table, ERR_FULL. */
__attribute__((const))
int lmdb_env_error(int rc);

/* The same of a commit.  LMDB says EIO also when the device took only a part of a write:
 * whether it is full is found out by one write more, behind all that LMDB uses. */
__attribute__((nonnull))
int lmdb_env_commit_error(struct MDB_env *env, int rc);

#endif
