/* Points in time as reports have them. */
#ifndef MASTER_STATS_STATS_TIME_H
#define MASTER_STATS_STATS_TIME_H

#include <stdint.h>

#include "shm/json_out.h"

/* A text, "2026-11-21T04:20:00Z": `ago_ns` before now by the wall clock. */
__attribute__((nonnull)) void stats_time_put_ago(struct json_out *json, const char *name,
						 uint64_t ago_ns);

#endif
