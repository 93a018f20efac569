/* The master's loop. */
#ifndef MASTER_SERVER_H
#define MASTER_SERVER_H

#include "master/server_state.h"

/* Run until all is stopped.  returns the exit code. */
__attribute__((nonnull, warn_unused_result)) int server_run(struct server *server);

#endif
