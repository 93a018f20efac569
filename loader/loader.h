/* Entry points of the processes that make and read generations off the query path. */
#ifndef LOADER_LOADER_H
#define LOADER_LOADER_H

#include "shm/heritage.h"

/* The sync process: opens or builds the first generation, publishes it, then works
 * off the requests that arrive on `request_fd`, one at a time, until SIGTERM.
 *
 * request_fd   SOCK_SEQPACKET to the master.  Each message is the argument list of a
 *              control request (NUL-terminated strings) and, as SCM_RIGHTS, the peer's
 *              connection; none for a reload by SIGHUP.  Sync writes the reply itself
 *              (loader/reply.h) and closes the connection.
 *              Commands: reload [ZONE], swap DIR, rollback [ID], resume, accept ID; and "sweep PID"
 *              (no connection): a worker died, clear its LMDB reader slots. */
_Noreturn void sync_run(const struct heritage *heritage, int request_fd);

/* The resolver: asks resolver.servers for the addresses of names that ANAMEs and flattened
 * CNAMEs lead to, until SIGTERM. */
_Noreturn void resolver_run(const struct heritage *heritage);

/* A clerk: a short-lived process that answers one reading request from the store.
 * `fd` is the peer's connection, args[0] the command: zones, errors, generations, diff. */
_Noreturn void clerk_run(const struct heritage *heritage, int fd, int arg_count, char **args);

/* The prober: what the watch list names is probed, or followed, and told on the board. */
_Noreturn void prober_run(const struct heritage *heritage);

/* The reporter: figures and the page over HTTP, on heritage->http_fd. */
_Noreturn void reporter_run(const struct heritage *heritage);

/* The logger: writes what workers leave in the rings of the query log to its target. */
_Noreturn void logger_run(const struct heritage *heritage);

/* The signer: holds the keys of zones, signs what sync and its jobs make ready, answers
 * `keys`; until all others are gone. */
_Noreturn void signer_run(const struct heritage *heritage);

/* `martletctl build DIR`: build and seal a generation from the configured zone files
 * into the new directory `dir`.  Progress and errors go to stderr.
 * returns 0, or an error code after having said why. */
int loader_build(const struct settings *settings, const char *dir);

/* What `martletctl import` has done; zero at first. */
struct loader_import {
	size_t zone_count;		/* written */
	size_t failed_count;		/* not written: errors, said on stderr */
	uint64_t record_count;		/* of those written */
	char server[256];		/* the address that was written to */
	char error[512];		/* why none could be written, "" */
};

/* Write zone files into the Redis of `settings`, each zone as a whole: the zones that are
 * there already are replaced.  What would be served otherwise than the file says is not
 * written.  Errors and warnings of zones go to stderr.
 * files   "PATH/<origin>.zone" or "ORIGIN=PATH"
 * returns 0 when all are written, else an error code. */
int loader_import_files(const struct settings *settings, char *const *files, size_t count,
			struct loader_import *out);

/* `martletd -t`: check all zone files; one line each for errors and warnings on stderr,
 * "error: FILE:LINE: reason".  returns the number of errors. */
unsigned loader_check_zones(const struct settings *settings);

#endif
