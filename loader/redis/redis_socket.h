/* Connecting to a Redis server without waiting: the host is looked up, then all its
 * addresses are tried in turn. */
#ifndef LOADER_REDIS_REDIS_SOCKET_H
#define LOADER_REDIS_REDIS_SOCKET_H

#include "loader/redis/redis_lookup.h"

enum { REDIS_SOCKET_WHY_MAX = 200 };

struct redis_socket {
	int fd;				/* -1: none */
	struct redis_lookup lookup;	/* while it is under way */
	struct redis_addresses found;	/* of the host; none of a socket's path */
	unsigned next;			/* of them, to be tried when this one fails */
};

/* Begin to connect to "host:port", "[IPv6]:port" or a socket path.  `self` is closed.
 * returns 0 when connected; ERR_BUSY when it is under way; else an error code and `why`. */
__attribute__((nonnull, warn_unused_result))
int redis_socket_dial(struct redis_socket *self, const char *address,
		      char why[REDIS_SOCKET_WHY_MAX]);

/* For poll, while it is under way: the descriptor, and what it waits for. */
__attribute__((nonnull, pure))
int redis_socket_poll_fd(const struct redis_socket *self);
__attribute__((nonnull, pure))
short redis_socket_events(const struct redis_socket *self);

/* It was polled: what has come of it?  As above. */
__attribute__((nonnull, warn_unused_result))
int redis_socket_step(struct redis_socket *self, char why[REDIS_SOCKET_WHY_MAX]);

__attribute__((nonnull))
void redis_socket_close(struct redis_socket *self);

#endif
