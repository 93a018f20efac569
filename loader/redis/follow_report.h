/* redis.report: what is wrong with values, where their writers can see it. */
#ifndef LOADER_REDIS_FOLLOW_REPORT_H
#define LOADER_REDIS_FOLLOW_REPORT_H

#include "loader/redis/follow_state.h"

/* Once a second, connected or not. */
__attribute__((nonnull))
void follow_report_step(struct follow *f);

#endif
