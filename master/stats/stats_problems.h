/* What needs a person (problems) and what one should know (notices), for `status`. */
#ifndef MASTER_STATS_STATS_PROBLEMS_H
#define MASTER_STATS_STATS_PROBLEMS_H

#include "master/server_state.h"
#include "shm/json_out.h"

/* Texts into the array that was begun.  returns their number. */
__attribute__((nonnull)) unsigned stats_problems_put(const struct server *server,
						     struct json_out *json);

__attribute__((nonnull)) void stats_problems_put_notices(const struct server *server,
							 struct json_out *json);

#endif
