/* The master's end of the socket to sync: see loader/loader.h for what goes through. */
#ifndef MASTER_SYNC_LINK_H
#define MASTER_SYNC_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct sync_link {
	int fd; /* -1: sync does not run */
};

/* Take over `fd`, the end that belongs to a sync that was just forked. */
__attribute__((nonnull)) void sync_link_open(struct sync_link *link, int fd);

/* Sync has ended; what it did not read is lost. */
__attribute__((nonnull)) void sync_link_close(struct sync_link *link);

/* Send a request, `len` octets of NUL-terminated arguments, with the peer's connection
 * `peer_fd` (borrowed; -1: none).  Never waits.
 * returns 0; ERR_BUSY: later; ERR_CLOSED: no sync. */
__attribute__((nonnull, warn_unused_result)) int
sync_link_send(struct sync_link *link, const void *args, size_t len, int peer_fd);

/* Tell sync that worker `pid` has died; dropped when sync has no time to read. */
__attribute__((nonnull)) void sync_link_sweep(struct sync_link *link, pid_t pid);

/* Has sync, which must be alive for it, read all that was sent? */
__attribute__((nonnull, warn_unused_result)) bool
sync_link_is_empty(const struct sync_link *link);

#endif
