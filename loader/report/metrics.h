/* What Prometheus reads: every figure of the shared region, by the tables that name them.
 * Labels are numbers of workers and words of ours: no name from a query or a zone, so that
 * there are as many series as workers demand, and never more. */
#ifndef LOADER_REPORT_METRICS_H
#define LOADER_REPORT_METRICS_H

#include "loader/report/metric_text.h"
#include "shm/region.h"

__attribute__((nonnull)) void metrics_write(const struct region *region,
					    struct metric_text *out);

#endif
