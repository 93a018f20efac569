/* The command `stats`: every counter, and how long the stages of answering take. */
#ifndef MASTER_STATS_STATS_COUNTERS_H
#define MASTER_STATS_STATS_COUNTERS_H

#include "master/server_state.h"
#include "shm/json_out.h"

/* A whole object; `is_per_worker`: with the list `stats` of the workers that run.
 * returns its exit status. */
__attribute__((nonnull)) unsigned stats_counters_report(struct server *server,
							struct json_out *json,
							bool is_per_worker);

/* Percentiles of `h` as members: count, mean_ns, p50_ns, ..., max_ns; null without any. */
__attribute__((nonnull)) void stats_counters_put_times(struct json_out *json,
						       const struct histogram *h);

#endif
