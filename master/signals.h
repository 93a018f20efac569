/* Signals as events: blocked, and read from a descriptor in the poll set. */
#ifndef MASTER_SIGNALS_H
#define MASTER_SIGNALS_H

#include <stdbool.h>

/* What has come since signals_take; set by the loop, never by a handler. */
struct signals {
	unsigned terms; /* SIGTERM and SIGINT */
	bool is_reload; /* SIGHUP */
	bool is_reopen; /* SIGUSR1 */
	bool is_child; /* SIGCHLD */
};

/* Block these signals and watch for them.  SIGPIPE is ignored.
 * returns 0 or an error code, logged. */
__attribute__((warn_unused_result)) int signals_open(void);

/* What has come since the last call. */
struct signals signals_take(void);

#endif
