/* Who we are: the user and group that everything but opening sockets runs as. */
#ifndef MASTER_PRIVILEGE_H
#define MASTER_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "shm/settings.h"

struct privilege {
	bool is_change; /* started as root, and a user is configured */
	uid_t uid; /* that we run as in the end */
	gid_t gid;
	char name[64]; /* of that user, or its number; for messages */
	gid_t control_gid; /* of control_group; (gid_t)-1: none */
};

/* Look up user, group and control_group.  On failure one line that names the option and
 * the cure is logged.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result)) int
privilege_find(const struct settings *settings, struct privilege *out);

/* For a check by root, who would start the server: the user or the group that it could not
 * become is a warning, since the files may be meant for another machine. */
__attribute__((nonnull)) void privilege_warn(const struct settings *settings);

/* For a check: a file at `path` that the server's user could not write is a warning that
 * begins with `option`. */
__attribute__((nonnull)) void privilege_warn_file(const struct settings *settings,
						  const char *option, const char *path);

/* Become that user for good, verified, without any capability.  returns 0 or an error code, logged. */
__attribute__((nonnull, warn_unused_result)) int
privilege_drop(const struct privilege *privilege);

/* Make files as that user while still root, and back.  Without a change of user both
 * do nothing. */
__attribute__((nonnull)) void privilege_assume(const struct privilege *privilege);
__attribute__((nonnull)) void privilege_resume(const struct privilege *privilege);

/* Make `path` with exactly `mode` when it is missing (its parent must be there), for
 * that user.
 * Before the rights are dropped.  returns 0 or an error code, logged with `option`. */
__attribute__((nonnull, warn_unused_result)) int
privilege_make_dir(const struct privilege *privilege, const char *option,
		   const char *path, mode_t mode);

/* May we, after the rights are dropped, use the directory `path`: `mode` as in access?
 * returns 0 or an error code, logged with `option` and the cure. */
__attribute__((nonnull, warn_unused_result)) int
privilege_check_dir(const struct privilege *privilege, const char *option,
		    const char *path, int mode);

#endif
