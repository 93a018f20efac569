/* All that a child inherits from the master across fork, in one place. */
#ifndef SHM_HERITAGE_H
#define SHM_HERITAGE_H

#include <stddef.h>
#include <sys/types.h>

#include "shm/board.h"
#include "shm/profile_area.h"
#include "shm/region.h"
#include "shm/settings.h"
#include "shm/steered_cache.h"

struct listen_pair {
	int udp_fd, tcp_fd;		/* non-blocking, bound; TCP listening */
};

struct heritage {
	const struct settings *settings;
	struct region *region;
	struct board *board;		/* written by the prober alone */
	struct profile_area *profile;
	/* a ring (shm/ring.h) of QUERY_RING_LEN octets for each worker, in shared memory */
	uint8_t *query_rings;
	uint8_t *steered_rings;		/* the same of STEERED_RING_LEN octets */
	struct steered_cache *steered_cache; /* written by the signer alone */
	pid_t master_pid;		/* a child whose parent is another one ends */
	int icmp_fds[2];		/* for echoes over IPv4 and IPv6, -1: none; the prober's */
	int http_fd;			/* listening, non-blocking, -1: none; the reporter's */
	int log_fd;			/* write end of the log pipe */
	int signer_fds[2];		/* loader/sign/signer_proto.h: who has things signed, and
					 * the signer's; of others -1 */
	int wish_fd;			/* shm/wake.h: sync calls the resolver, for a wish */
	int news_fd;			/* the same: the resolver calls sync, when it was told of
					 * a name for the first time */
	/* sockets[worker * settings->listen_count + address] */
	const struct listen_pair *sockets;
};

/* Called first in every child: name, parent-death signal (then checks that the
 * parent still lives), default signal handlers, log to the pipe.
 * `name` as in log lines, e.g. "worker 3", "sync". */
void heritage_enter(const struct heritage *heritage, const char *name);

#endif
