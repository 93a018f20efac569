/* The resolver process in `status`. */
#ifndef MASTER_STATS_STATS_RESOLVER_H
#define MASTER_STATS_STATS_RESOLVER_H

#include "master/server_state.h"
#include "shm/json_out.h"

/* Write the member "resolver". */
__attribute__((nonnull)) void stats_resolver_put(const struct server *server,
						 struct json_out *json);

/* Write what an operator must see to, a text each.  returns their number. */
__attribute__((nonnull)) unsigned
stats_resolver_put_problems(const struct server *server, struct json_out *json);

/* The same of what goes on without being a problem. */
__attribute__((nonnull)) void stats_resolver_put_notices(const struct server *server,
							 struct json_out *json);

#endif
