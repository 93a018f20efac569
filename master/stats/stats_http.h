/* The reporter in `status`. */
#ifndef MASTER_STATS_STATS_HTTP_H
#define MASTER_STATS_STATS_HTTP_H

#include "master/server_state.h"
#include "shm/json_out.h"

/* The member "http" of `status`. */
__attribute__((nonnull)) void stats_http_put(const struct server *server,
					     struct json_out *json);

/* What is worth to know, as texts of an array.  Nobody who asks for names misses it, hence
 * no problems. */
__attribute__((nonnull)) void stats_http_put_notices(const struct server *server,
						     struct json_out *json);

#endif
