/* A directory of the test's own, removed at the end. */
#ifndef T_SCRATCH_DIR_H
#define T_SCRATCH_DIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "t/tap.h"

static inline int
scratch_remove(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
	(void)stat;
	(void)kind;
	(void)ftw;
	return remove(path);
}

/* "TMPDIR/martlet-XXXXXX"; owned by the caller. */
static inline char *
scratch_dir_make(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir;

	if (asprintf(&dir, "%s/martlet-XXXXXX", tmp ? tmp : "/tmp") < 0 || !mkdtemp(dir))
		bail_out("no scratch directory");
	return dir;
}

static inline void
scratch_dir_free(char *dir)
{
	(void)nftw(dir, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
	free(dir);
}

/* "DIR/NAME" in one of a few static buffers. */
static inline const char *
scratch_path(const char *dir, const char *name)
{
	static char paths[4][4096];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", dir, name);
	return path;
}

#endif
