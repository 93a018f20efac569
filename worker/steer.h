/* Choosing among the records of a steered RRset (shm/steered.h), for one query.
 *
 * The steps, in this order: which candidates are left, which of them is first, how many are
 * answered.  All work is bounded by STEERED_MAX, in memory of the caller. */
#ifndef WORKER_STEER_H
#define WORKER_STEER_H

#include <stdint.h>

#include "shm/steered.h"
#include "worker/random.h"

/* What choices are made with: one a worker, its own. */
struct steerer {
	struct random_source random;
};

/* Candidates as a set of bits. */
struct steer_set {
	uint64_t bits[STEERED_MAX / 64];
};

/* Records in the order in which they are answered, each once. */
struct steer_choice {
	unsigned count;
	uint8_t records[STEERED_MAX];
};

/* Seed it; in the process that uses it, after it was forked.
 * returns 0 or ERR_IO. */
__attribute__((nonnull, warn_unused_result))
int steerer_init(struct steerer *steerer);

/* Choose.  `steerer` may be NULL, in tools that ask what there is: then every draw is 0.
 * returns false when a candidate is no record: damage. */
__attribute__((nonnull(2, 3), warn_unused_result))
bool steer_choose(struct steerer *steerer, const struct steered *steered,
		  struct steer_choice *out);

#endif
