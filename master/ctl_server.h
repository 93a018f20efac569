/* The control socket: who may connect, who asks what; see shm/ctl_proto.h.
 *
 * Never waits for a peer.  At most CTL_PEERS_MAX at a time; one more is told so and
 * hung up on.  Rights are those of the process that connected (SO_PEERCRED): root and
 * the server's user may do all, members of control_group read, others nothing. */
#ifndef MASTER_CTL_SERVER_H
#define MASTER_CTL_SERVER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "master/ctl_peer.h"
#include "master/privilege.h"

struct ctl_server {
	char *path; /* owned */
	int fd; /* that listens */
	dev_t device;
	ino_t inode; /* of our socket file */
	gid_t control_gid; /* (gid_t)-1: none */
	uint64_t arrivals;
	struct ctl_peer peers[CTL_PEERS_MAX];
	/* a request is complete: reply to it, or change the peer's state */
	void (*request)(void *arg, struct ctl_peer *peer);
	/* nobody waits for this clerk any more */
	void (*end_clerk)(void *arg, pid_t pid);
	void *arg;
};

/* Listen on `path`; a socket file that nobody listens on any more is replaced.  To be
 * called before the rights are dropped.  On failure one line is logged.
 * returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result)) int
ctl_server_open(struct ctl_server *server, const char *path,
		const struct privilege *privilege);

/* Begin to accept peers. */
__attribute__((nonnull)) void ctl_server_start(struct ctl_server *server);

/* The reply is in the peer's buffer: send it.  The peer may be gone afterwards. */
__attribute__((nonnull)) void ctl_server_reply(struct ctl_peer *peer);

/* Reply {"error": reason}. */
__attribute__((nonnull)) void ctl_server_refuse(struct ctl_peer *peer,
						const char *reason);

/* The peer waits for something else than its socket. */
__attribute__((nonnull)) void ctl_server_park(struct ctl_peer *peer,
					      enum ctl_peer_state state);

/* Hang up. */
__attribute__((nonnull)) void ctl_server_drop(struct ctl_peer *peer);

/* Whoever has taken too long has to go. */
__attribute__((nonnull)) void ctl_server_expire(struct ctl_server *server);

/* Remove the socket file, if it is still ours, and accept nobody any more. */
__attribute__((nonnull)) void ctl_server_close(struct ctl_server *server);

/* Send what is still to be sent, at most `timeout_ms`, and hang up on all. */
__attribute__((nonnull)) void ctl_server_finish(struct ctl_server *server,
						int timeout_ms);

#endif
