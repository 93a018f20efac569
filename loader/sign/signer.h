/* The process that holds the keys: it signs what others make ready, and never hands a
 * private key out. */
#ifndef LOADER_SIGN_SIGNER_H
#define LOADER_SIGN_SIGNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/region.h"
#include "shm/settings.h"

struct signer_options {
	const struct settings *settings;
	int fd;				/* where connections come from; -1 ends it */
	bool may_write;			/* keys are copied into state_dir/keys, and made */
	struct region *region;		/* NULL: nobody looks */
};

/* Serve until the last other end of `fd` is closed.  returns 0, or an error code when it
 * cannot begin, which is logged. */
__attribute__((nonnull, warn_unused_result))
int signer_serve(const struct signer_options *options);

/* Fork a signer for a program that has none: it reads keys, writes nothing, and ends with
 * the descriptor.
 * pid      receives whom to wait for behind that; 0 on failure
 * returns  what signer_link.h needs, owned by the caller; or an error code. */
__attribute__((nonnull, warn_unused_result))
int signer_fork(const struct settings *settings, pid_t *pid);

#endif
