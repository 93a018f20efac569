/* What `status` and `limits` tell of floods. */
#ifndef MASTER_STATS_STATS_FLOODS_H
#define MASTER_STATS_STATS_FLOODS_H

#include "master/server_state.h"
#include "shm/json_out.h"

/* The member "floods": zones of which queries are shed, or were in the last seconds. */
__attribute__((nonnull)) void stats_floods_put(const struct server *server,
					       struct json_out *json);

/* Texts into the array that was begun.  returns their number. */
__attribute__((nonnull)) unsigned stats_floods_put_problems(const struct server *server,
							    struct json_out *json);
__attribute__((nonnull)) void stats_floods_put_notices(const struct server *server,
						       struct json_out *json);

/* The same zones as items of the list "limits". */
__attribute__((nonnull)) void stats_floods_put_limits(const struct server *server,
						      struct json_out *json);

#endif
