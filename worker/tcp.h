/* All TCP connections of a worker: accepting, limits, idle ones, draining.
 *
 * The connections and the listening sockets stand in an epoll set of their own, which
 * the worker watches as one more descriptor: so UDP gets its turn however many
 * connections are ready.
 *
 * tcp.clients holds for all workers together.  A worker may always have its share of
 * it, rounded up; when all together have tcp.clients and it has its share or more, it
 * closes the connection that is the longest without progress for each new one.
 * tcp.per_client holds for all workers together too, by IPv4 address or IPv6 /64; a
 * connection above it is closed at once. */
#ifndef WORKER_TCP_H
#define WORKER_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/region.h"
#include "worker/serving.h"
#include "worker/tcp_pool.h"
#include "worker/tcp_stream.h"

enum {
	TCP_DRAIN_MS = 5000,		/* for what is under way, when the worker stops */
	TCP_DRAIN_QUIET_MS = 500,	/* for queries that are on their way by then */
};

struct tcp_limits {
	uint32_t clients, per_client, idle_ms, queries;
};

/* Large, see struct tcp_workspace: static, or mapped once. */
struct tcp_server {
	const struct region *region;
	struct worker_slot *slot;
	struct stats_block *stats;
	int epoll_fd;			/* readable when tcp_serve has something to do */
	struct tcp_limits limits;
	struct tcp_stream *oldest, *newest;
	uint32_t open_count;
	struct tcp_pool pool;
	int listeners[2 * SETTINGS_LISTEN_MAX];
	unsigned listener_count;
	bool is_draining;
	uint64_t drain_end_ms;
	uint64_t resume_ms;		/* out of descriptors: accept again then; 0: accepting */
	uint64_t warned_ms;
	struct tcp_workspace workspace;
};

/* Open for worker `id` of `region`, without listening sockets yet.  All borrowed.
 * returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int tcp_init(struct tcp_server *server, const struct serving *serving, struct region *region,
	     unsigned id);

/* Close all connections and the epoll set. */
__attribute__((nonnull))
void tcp_fini(struct tcp_server *server);

/* Take over new limits; connections above them go as if newer ones needed the room. */
__attribute__((nonnull))
void tcp_set_limits(struct tcp_server *server, const struct tcp_limits *limits);

/* Accept from `fd`, a listening non-blocking socket (borrowed), or no longer do so.
 * returns 0 or an error code; ERR_FULL for too many. */
__attribute__((nonnull, warn_unused_result))
int tcp_add_listener(struct tcp_server *server, int fd);
__attribute__((nonnull))
void tcp_remove_listener(struct tcp_server *server, int fd);

/* Do what is ready, a bounded amount of it; never blocks. */
__attribute__((nonnull))
void tcp_serve(struct tcp_server *server, uint64_t now_ms);

/* Close what is idle.  Cheap when nothing is; to be called once per turn. */
__attribute__((nonnull))
void tcp_sweep(struct tcp_server *server, uint64_t now_ms);

/* How long until tcp_sweep has something to do, `most` at most. */
__attribute__((nonnull))
int tcp_timeout_ms(const struct tcp_server *server, uint64_t now_ms, int most);

/* Accept no more; finish what is under way within TCP_DRAIN_MS, by tcp_serve and
 * tcp_sweep as before, until tcp_is_drained. */
__attribute__((nonnull))
void tcp_drain(struct tcp_server *server, uint64_t now_ms);

static inline bool
tcp_is_drained(const struct tcp_server *server)
{
	return server->is_draining && server->open_count == 0;
}

#endif
