/* What the master answers by itself, as JSON; members as in shm/ctl_proto.h.
 * Each function writes one object and returns the exit status of the command. */
#ifndef MASTER_STATS_STATS_REPORT_H
#define MASTER_STATS_STATS_REPORT_H

#include <stdbool.h>

#include "master/server_state.h"
#include "shm/json_out.h"

__attribute__((nonnull)) unsigned stats_report_status(struct server *server,
						      struct json_out *json);

__attribute__((nonnull)) unsigned stats_report_ready(struct server *server,
						     struct json_out *json);

__attribute__((nonnull)) unsigned stats_report_workers(struct server *server,
						       struct json_out *json);

#endif
