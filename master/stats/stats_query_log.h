/* The query log in `status`. */
#ifndef MASTER_STATS_STATS_QUERY_LOG_H
#define MASTER_STATS_STATS_QUERY_LOG_H

#include "master/server_state.h"
#include "shm/json_out.h"

/* The member "query_log" of `status`. */
__attribute__((nonnull)) void stats_query_log_put(const struct server *server,
						  struct json_out *json);

/* What is wrong, as texts of an array.  returns how many. */
__attribute__((nonnull)) unsigned
stats_query_log_put_problems(const struct server *server, struct json_out *json);

/* What is to be known, as texts of an array. */
__attribute__((nonnull)) void stats_query_log_put_notices(const struct server *server,
							  struct json_out *json);

#endif
