/* What the page asks for each second, straight from the shared region: sums since the
 * start, of which it shows the differences.  One JSON object:
 *
 *	now_ms       of a clock that never goes back
 *	version ready generation uptime_s
 *	workers      [{id state cpu restarts queries}]
 *	counters     {every counter of shm/stats_table.h}
 *	latency queue   [[below_ns, queries]..]: from received to sent, and estimated before
 *	             that; buckets that are not empty
 *	stages       {nanoseconds that workers spent in each stage}
 *	lag          {stream event}, each [[below_us, changes]..]: buckets that are not empty
 *	health       {up down unknown held} */
#ifndef LOADER_REPORT_LIVE_H
#define LOADER_REPORT_LIVE_H

#include <stddef.h>

#include "shm/region.h"

/* returns the length, or 0 when it does not fit. */
__attribute__((nonnull, warn_unused_result)) size_t live_write(const struct region *region,
							       char *buffer, size_t room);

#endif
