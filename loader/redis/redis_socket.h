/* Connecting to a Redis server without waiting: all addresses of a host in turn. */
#ifndef LOADER_REDIS_REDIS_SOCKET_H
#define LOADER_REDIS_REDIS_SOCKET_H

struct addrinfo;

enum { REDIS_SOCKET_WHY_MAX = 200 };

struct redis_socket {
	int fd;				/* -1: none */
	struct addrinfo *found;		/* of the host; owned; NULL: none, or a socket's path */
	struct addrinfo *next;		/* to be tried when this one fails */
};

/* Begin to connect to "host:port", "[IPv6]:port" or a socket path.  `self` is closed.
 * returns 0 when connected; ERR_BUSY when it is under way; else an error code and `why`. */
__attribute__((nonnull, warn_unused_result))
int redis_socket_dial(struct redis_socket *self, const char *address,
		      char why[REDIS_SOCKET_WHY_MAX]);

/* The descriptor was polled for writing: what has come of it?  As above. */
__attribute__((nonnull, warn_unused_result))
int redis_socket_step(struct redis_socket *self, char why[REDIS_SOCKET_WHY_MAX]);

__attribute__((nonnull))
void redis_socket_close(struct redis_socket *self);

#endif
