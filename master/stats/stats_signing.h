/* Signatures and the clock that they hang on, as the master sees them. */
#ifndef MASTER_STATS_STATS_SIGNING_H
#define MASTER_STATS_STATS_SIGNING_H

#include "master/server_state.h"
#include "shm/json_out.h"

/* Texts into the array that was begun.  returns their number. */
__attribute__((nonnull)) unsigned stats_signing_put_problems(const struct server *server,
							     struct json_out *json);

__attribute__((nonnull)) void stats_signing_put_notices(const struct server *server,
							struct json_out *json);

#endif
