/* The sockets that the server answers on: one for UDP and one for TCP per address and
 * worker, in one SO_REUSEPORT group per address and protocol, in worker order.
 *
 * The master opens them before it drops its rights and never closes them: a killed
 * worker's queued packets wait in its socket for the next worker. */
#ifndef MASTER_LISTEN_H
#define MASTER_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/heritage.h"
#include "shm/settings.h"

struct listen_set {
	size_t address_count, worker_count;
	struct listen_pair *pairs; /* as heritage.sockets */
	uint32_t *drops; /* of each UDP socket, as last read; they wrap */
	unsigned rcvbuf_kb; /* least that the kernel granted */
};

/* Open all sockets, when no other server has one of the ports.  On failure one line
 * that names address and cure is logged, and the process has to end: what was opened up
 * to then stays open.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result)) int
listen_open(const struct settings *settings, struct listen_set *out);

/* Ask for another receive buffer on all UDP sockets; `rcvbuf_kb` of the set tells what
 * was granted. */
__attribute__((nonnull)) void listen_set_rcvbuf(struct listen_set *set,
						unsigned rcvbuf_kb);

/* Datagrams that the kernel has dropped since the last call, over all sockets. */
__attribute__((nonnull)) uint64_t listen_take_drops(struct listen_set *set);

/* Does anything wait in a socket of `worker`? */
__attribute__((nonnull)) bool listen_has_waiting(const struct listen_set *set,
						 unsigned worker);

#endif
