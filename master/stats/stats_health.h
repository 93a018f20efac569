/* Health checks in `status`. */
#ifndef MASTER_STATS_STATS_HEALTH_H
#define MASTER_STATS_STATS_HEALTH_H

#include "master/server_state.h"
#include "shm/json_out.h"

/* The member "health" of `status`. */
__attribute__((nonnull)) void stats_health_put(const struct server *server,
					       struct json_out *json);

/* What is wrong, as texts of an array.  returns how many. */
__attribute__((nonnull)) unsigned stats_health_put_problems(const struct server *server,
							    struct json_out *json);

#endif
