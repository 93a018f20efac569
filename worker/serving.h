/* What every batch is answered with, whichever way it came. */
#ifndef WORKER_SERVING_H
#define WORKER_SERVING_H

#include "worker/answer.h"
#include "worker/limit.h"
#include "worker/resolved_view.h"
#include "worker/store_keeper.h"
#include "worker/zone_store.h"

/* All borrowed from the worker; the same for its whole life.  `options` changes only
 * between batches. */
struct serving {
	struct store_keeper *keeper;
	const struct answer_options *options;
	struct stats_block *stats;
};

/* Answer one batch, received at `now_ns`, from the state that is published now.  There must
 * be one. */
static inline void
serving_answer(const struct serving *serving, struct query *queries, unsigned count,
	       uint64_t now_ns)
{
	struct zone_store *store = store_keeper_get(serving->keeper);

	zone_store_renew(store);
	resolved_view_rest(serving->options->resolved);
	if (serving->options->limiter)
		limiter_set_time(serving->options->limiter, now_ns);
	answer_batch(queries, count, store, serving->options, serving->stats);
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
