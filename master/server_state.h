/* The running server as the master sees it: what main.c sets up, the control commands
 * ask about, and the loop keeps going. */
#ifndef MASTER_SERVER_STATE_H
#define MASTER_SERVER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "master/ctl_server.h"
#include "master/floods.h"
#include "master/listen.h"
#include "master/lock_file.h"
#include "master/privilege.h"
#include "master/process.h"
#include "master/qps.h"
#include "master/recent.h"
#include "master/sync_link.h"
#include "shm/heritage.h"

enum server_state { SERVER_STARTING, SERVER_SERVING, SERVER_STOPPING };

struct server {
	enum server_state state;
	bool is_daemon; /* started without -f */
	int exit_status;
	struct settings *settings; /* owned */
	struct region *region;
	struct board *board;
	struct profile_area *profile;
	struct heritage heritage;
	struct listen_set listen;
	struct privilege privilege;
	struct lock_file state_lock, pid_file;
	struct process_table processes;
	struct sync_link sync_link;
	struct ctl_server ctl;
	struct qps qps;
	struct losses losses;
	struct recent recent;
	bool is_sync_stale; /* it runs with settings of before the last reload */
	bool is_reload_due; /* by SIGHUP, to be handed to sync */
	uint64_t stop_deadline_ms;
	uint64_t notify_due_ms; /* while starting */
	bool has_told_start; /* that it takes long, and why */
	uint64_t drops_due_ms;
	bool has_limits; /* something was limited by rate since the start */
	uint32_t swept_clients, swept_networks; /* see limit_sweep */
};

enum { SERVER_REASON_MAX = 512 };

/* Read the configuration again.  What can change at run time does; what cannot keeps its
 * value and is named in the region as needing a restart.
 * returns 0, or an error code with why in `reason`, and nothing has changed. */
__attribute__((nonnull, warn_unused_result)) int
server_reload_settings(struct server *server, char reason[SERVER_REASON_MAX]);

/* Are queries answered from a generation? */
__attribute__((nonnull, warn_unused_result)) bool
server_is_ready(const struct server *server);

/* Begin to stop: workers drain; a second call ends all at once. */
__attribute__((nonnull)) void server_stop(struct server *server);

#endif
