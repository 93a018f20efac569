/* The command `top`: what is asked for most now, by whom, and how it is answered. */
#ifndef MASTER_STATS_STATS_TOP_H
#define MASTER_STATS_STATS_TOP_H

#include "master/server_state.h"
#include "shm/json_out.h"

/* A whole object; without `has_clients` the list of sources is left out.
 * returns its exit status. */
__attribute__((nonnull)) unsigned stats_top_report(struct server *server,
						   struct json_out *json,
						   bool has_clients);

#endif
