/* Looking up the addresses of a host, without waiting.
 *
 * The resolver may keep whoever asks it waiting for as long as it likes, and cannot be
 * told to stop: a child of its own asks it, and is killed when nobody wants to know any
 * more.  (A thread could not be, and sync has none when it forks.)  A host that is
 * written as an address needs no child. */
#ifndef LOADER_REDIS_REDIS_LOOKUP_H
#define LOADER_REDIS_REDIS_LOOKUP_H

#include <sys/socket.h>
#include <sys/types.h>

enum { REDIS_LOOKUP_MAX = 8 };		/* addresses; a host that has more gets by with these */

struct redis_address {
	socklen_t len;
	struct sockaddr_storage at;
};

struct redis_addresses {
	int failure;			/* of getaddrinfo, 0: none */
	unsigned count;
	struct redis_address items[REDIS_LOOKUP_MAX];
};

struct redis_lookup {			/* all zero: nothing is under way */
	pid_t child;			/* 0: none */
	int fd;				/* of its answer; readable when it is there */
};

/* Begin.  `port` is a number.  Give `self` to redis_lookup_end when it is under way.
 * returns 0 with *out, which may be a failure; ERR_BUSY when it is under way; ERR_NOMEM
 *         when no child can be made. */
__attribute__((nonnull, warn_unused_result))
int redis_lookup_begin(struct redis_lookup *self, const char *host, const char *port,
		       struct redis_addresses *out);

/* Has the answer come?  As above; ERR_CLOSED when the child has died without one. */
__attribute__((nonnull, warn_unused_result))
int redis_lookup_step(struct redis_lookup *self, struct redis_addresses *out);

/* Nobody wants to know any more; also when the answer has come, or none was begun. */
__attribute__((nonnull))
void redis_lookup_end(struct redis_lookup *self);

#endif
