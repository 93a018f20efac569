/* What every batch is answered with, whichever way it came. */
#ifndef WORKER_SERVING_H
#define WORKER_SERVING_H

#include "worker/answer.h"
#include "worker/isolation.h"
#include "worker/limit.h"
#include "worker/noter.h"
#include "worker/query_log.h"
#include "worker/resolved_view.h"
#include "worker/stage_clock.h"
#include "worker/store_keeper.h"
#include "worker/zone_store.h"

/* All borrowed from the worker; the same for its whole life.  `options` changes only
 * between batches. */
struct serving {
	struct store_keeper *keeper;
	const struct answer_options *options;
	struct stats_block *stats;
	struct stage_clock *clock;
	struct query_log *log;		/* NULL: there is none */
	struct noter *noter;		/* NULL: nobody takes note */
};

/* Tell of a batch, or of what is sent of it: the query log, then the noter.  Who has nothing
 * to do costs nothing; who has, enters a stage of its own. */
static inline void
serving_tell(const struct serving *serving, const struct query *queries, unsigned count,
	     uint64_t start_ns)
{
	uint64_t now_ns;

	if (serving->log && query_log_wants(serving->log, count)) {
		now_ns = stage_clock_move(serving->clock, STAGE_LOG, count);
		query_log_write(serving->log, queries, count, start_ns, now_ns,
				serving->stats);
	}
	if (serving->noter) {
		stage_clock_move(serving->clock, STAGE_NOTE, count);
		noter_take(serving->noter, queries, count, start_ns);
	}
}

/* Answer one batch, received at `now_ns`, from the state that is published now.  There must
 * be one.  Begins in STAGE_LOOKUP, ends in any. */
static inline void
serving_answer(const struct serving *serving, struct query *queries, unsigned count,
	       uint64_t now_ns)
{
	struct zone_store *store = store_keeper_get(serving->keeper);

	zone_store_renew(store);
	resolved_view_rest(serving->options->resolved);
	if (serving->options->limiter)
		limiter_set_time(serving->options->limiter, now_ns);
	if (serving->options->isolation)
		isolation_set_time(serving->options->isolation, now_ns);
	answer_batch(queries, count, store, serving->options, serving->stats);
	/* over TCP what does not fit the connection is answered again: told when it does */
	if (!(queries->flags & QUERY_TCP))
		serving_tell(serving, queries, count, now_ns);
}

/* The responses to the batch that was received at `start_ns` are sent, `count` of them;
 * another stage begins. */
static inline void
serving_sent(const struct serving *serving, uint64_t start_ns, unsigned count,
	     enum answer_stage next)
{
	uint64_t now_ns = stage_clock_move(serving->clock, next, 0);

	histogram_add(&serving->clock->times->took[STAGE_SERVED], now_ns - start_ns,
		      count);
}

/* To be called before waiting for anything. */
static inline void
serving_rest(const struct serving *serving)
{
	if (serving->keeper->store)
		zone_store_rest(serving->keeper->store);
	resolved_view_rest(serving->options->resolved);
}

#endif
