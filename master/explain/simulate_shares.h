/* How the answers to one client share out among records, exactly: not by drawing, but from
 * what is left for it and the weights. */
#ifndef EXPLAIN_SIMULATE_SHARES_H
#define EXPLAIN_SIMULATE_SHARES_H

#include "master/explain/explainer.h"

/* By record, each 0..1. */
struct simulate_shares {
	bool is_answered;		/* else no record is */
	double first[STEERED_MAX];	/* is the first of the answer: they add up to 1 */
	double answered[STEERED_MAX];	/* is in the answer */
};

/* returns false on damage. */
__attribute__((nonnull, warn_unused_result))
bool simulate_shares_find(struct steerer *steerer, const struct steered *steered,
			  const struct explain_client *client, bool ecs,
			  struct trace *trace, struct simulate_shares *out);

#endif
