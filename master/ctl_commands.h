/* What a control request does: who may ask it, who answers it. */
#ifndef MASTER_CTL_COMMANDS_H
#define MASTER_CTL_COMMANDS_H

#include <stdbool.h>
#include <sys/types.h>

#include "master/server_state.h"

/* A request is complete; the `request` of struct ctl_server with a struct server. */
void ctl_commands_request(void *server, struct ctl_peer *peer);

/* Likewise the `end_clerk`. */
void ctl_commands_end_clerk(void *server, pid_t pid);

/* Hand to sync what waits for it, in the order of arrival, and let peers go whose
 * requests sync has answered.  returns whether to look again soon. */
__attribute__((nonnull)) bool ctl_commands_push(struct server *server);

/* Sync has ended: whoever it worked for is told so. */
__attribute__((nonnull)) void ctl_commands_sync_ended(struct server *server);

/* A clerk has ended; after a crash its peer is told so. */
__attribute__((nonnull)) void ctl_commands_clerk_ended(struct server *server, pid_t pid,
						       bool is_crash);

/* The server has stopped: answer those who asked for it. */
__attribute__((nonnull)) void ctl_commands_stopped(struct server *server);

#endif
