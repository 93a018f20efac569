/* What health leaves of a steered RRset: the first step of the choice (worker/steer.h), which
 * the signer takes, too, to know what is about to be chosen. */
#ifndef SHM_STEERED_HEALTH_H
#define SHM_STEERED_HEALTH_H

#include "shm/board.h"
#include "shm/steered.h"

enum steered_left {
	STEERED_LEFT_GOOD,		/* those that are as good as the best */
	STEERED_LEFT_LAST,		/* all are down: those that were up last */
	STEERED_LEFT_ALL,		/* the same: all */
	STEERED_LEFT_NONE,		/* the same: none */
};

/* Of an RRset that is probed.
 * interval_s  of probes, where the RRset has none of its own; 0: not known
 * *left       receives candidates */
__attribute__((nonnull(1, 4)))
enum steered_left steered_leave_healthy(const struct steered *steered,
					const struct board *board, unsigned interval_s,
					struct steered_records *left);

#endif
