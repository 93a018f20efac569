/* The worker's part of the query log: one pass over a batch that has been answered, a
 * record in the ring for each query that is logged (shm/query_record.h).  Nobody waits: what
 * finds the ring full is counted, and not logged. */
#ifndef WORKER_QUERY_LOG_H
#define WORKER_QUERY_LOG_H

#include "shm/heritage.h"
#include "shm/ring.h"
#include "shm/stats.h"
#include "worker/query.h"
#include "worker/random.h"

struct query_log {
	uint32_t sample;		/* one query of so many; 0: none */
	uint32_t skip;			/* queries until the next one that is logged */
	struct random_source random;
	struct ring ring;
};

/* For worker `id`; nothing is logged as yet. */
__attribute__((nonnull)) void query_log_init(struct query_log *log,
					     const struct heritage *heritage, unsigned id);

/* From now on log one query of `sample`; 0: none. */
__attribute__((nonnull)) void query_log_follow(struct query_log *log, uint32_t sample);

/* Is any of a batch to be logged?  If not, it has been passed over. */
static inline bool
query_log_wants(struct query_log *log, unsigned count)
{
	if (log->sample == 0)
		return false;
	if (log->skip < count)
		return true;
	log->skip -= count;
	return false;
}

/* Log what is to be logged of a batch, received at `start_ns` and answered at `now_ns`,
 * of which `queries` holds the responses.  Queries without a response are not logged. */
__attribute__((nonnull)) void query_log_write(struct query_log *log,
					      const struct query *queries, unsigned count,
					      uint64_t start_ns, uint64_t now_ns,
					      struct stats_block *stats);

#endif
