/* One connection to the control socket: its request as it arrives, the reply of the
 * master as it leaves.  Never waits for the peer. */
#ifndef MASTER_CTL_PEER_H
#define MASTER_CTL_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "master/ctl_request.h"
#include "shm/json_out.h"

enum ctl_peer_state {
	CTL_PEER_NONE, /* a free place */
	CTL_PEER_READING, /* its request, until deadline_ms */
	CTL_PEER_QUEUED, /* its request waits for sync */
	CTL_PEER_AT_SYNC, /* sync has the connection too, and replies */
	CTL_PEER_AT_CLERK, /* the clerk `clerk` has it too, and replies */
	CTL_PEER_STOPPING, /* is told when the server has stopped */
	CTL_PEER_WRITING, /* reads our reply, until deadline_ms */
	CTL_PEER_LEAVING, /* has its reply; until it hangs up, or deadline_ms */
};

struct ctl_server;

struct ctl_peer {
	struct ctl_server *server;
	enum ctl_peer_state state;
	int fd;
	uid_t uid;
	bool may_change, may_read; /* which commands */
	bool is_gone; /* has hung up, and its clerk was told to end */
	bool is_repeated; /* sync died over it once */
	pid_t clerk;
	uint64_t arrival; /* order among those that wait for sync */
	uint64_t deadline_ms;
	size_t in_len, in_room; /* the head, then what it announces */
	uint8_t *in; /* owned */
	size_t out_len, out_sent;
	uint8_t *out; /* owned */
	struct ctl_request request; /* in `in` */
};

enum {
	CTL_PEER_REPLY_MS = 10000, /* to read a reply of the master */
	CTL_PEER_LEAVE_MS = 1000, /* to hang up after it */
};

/* Start with a connection that was just accepted; `fd` is moved. */
__attribute__((nonnull)) void ctl_peer_open(struct ctl_peer *peer, int fd);

/* Hang up, free all; the place is free again. */
__attribute__((nonnull)) void ctl_peer_close(struct ctl_peer *peer);

/* Read what has come.  returns 1 when peer->request is complete, 0 when more must come;
 * ERR_CLOSED when the peer has gone; ERR_SYNTAX with a *reason for it. */
__attribute__((nonnull, warn_unused_result)) int ctl_peer_read(struct ctl_peer *peer,
							       const char **reason);

/* Append a frame to the reply.  `kind` CTL_END carries the exit status in `status`. */
__attribute__((nonnull(1))) void ctl_peer_put(struct ctl_peer *peer, uint8_t kind,
					      const void *data, size_t len,
					      unsigned status);

/* The reply of a failed request: {"error": reason}, exit status 1. */
__attribute__((nonnull)) void ctl_peer_put_error(struct ctl_peer *peer,
						 const char *reason);

/* The `flush` of a struct json_out whose `arg` is the peer. */
int ctl_peer_put_json(void *arg, const void *data, size_t len);

/* Send what the peer takes now; the state becomes WRITING, or LEAVING when all is sent.
 * returns 0, or ERR_CLOSED when the peer has gone. */
__attribute__((nonnull, warn_unused_result)) int ctl_peer_write(struct ctl_peer *peer);

#endif
