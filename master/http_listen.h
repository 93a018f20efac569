/* The socket of http.address: opened before the rights are dropped, held by the master, so
 * that who connects while the reporter is started anew waits in its queue. */
#ifndef MASTER_HTTP_LISTEN_H
#define MASTER_HTTP_LISTEN_H

#include <stddef.h>

#include "shm/settings.h"

/* *fd listens as `settings` want, -1 when they want nothing.
 * fd       what listened as `before` wanted, which is NULL at the start; closed when it is
 *          replaced; on failure it stays, and listens on
 * why      one line that names address and cure, on failure
 * returns 0 or an error code. */
__attribute__((nonnull(2, 3, 4), warn_unused_result)) int
http_listen_open(const struct settings *before, const struct settings *settings, int *fd,
		 char *why, size_t room);

#endif
