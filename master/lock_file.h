/* A file that one process holds: state_dir/lock and the pid file.  The kernel drops the
 * lock when its holder and all children that inherited it have ended, however. */
#ifndef MASTER_LOCK_FILE_H
#define MASTER_LOCK_FILE_H

#include <sys/types.h>

struct lock_file {
	char *path; /* owned; NULL: not held */
	int fd;
};

enum { LOCK_FILE_WAIT_MS = 5000 };

/* Take the lock on `path`, created with mode 0644, and write our pid into it.  Children
 * of a holder that has died are waited for, LOCK_FILE_WAIT_MS at most.
 * returns 0; ERR_BUSY with the holder's pid in *holder (0: not known); other error codes
 * with errno. */
__attribute__((nonnull, warn_unused_result)) int
lock_file_take(const char *path, struct lock_file *out, pid_t *holder);

/* Remove the file and give up the lock; not held is allowed. */
__attribute__((nonnull)) void lock_file_remove(struct lock_file *lock);

#endif
