/* `martletctl limits`: who is limited. */
#ifndef MASTER_STATS_STATS_LIMITS_H
#define MASTER_STATS_STATS_LIMITS_H

#include "master/server_state.h"
#include "shm/json_out.h"

/* returns the exit status. */
unsigned stats_limits_report(struct server *server, struct json_out *json);

#endif
