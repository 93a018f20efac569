/* How long a worker's stages take: in its slot of the region, written by it alone. */
#ifndef SHM_STAGE_TIMES_H
#define SHM_STAGE_TIMES_H

#include <stdatomic.h>
#include <stdint.h>

#include "shm/histogram.h"
#include "shm/stages.h"

struct stage_times {
	_Atomic uint32_t present;	/* enum answer_stage: what it does now */
	_Atomic uint64_t spent_ns[STAGE_COUNT];	/* in all, also where nobody waited */
	/* by query: each waits until its batch has passed the stage; for what is between
	 * batches, by turn */
	struct histogram took[STAGE_COUNT];
};

/* sum += times */
void stage_times_sum(struct stage_times *sum, const struct stage_times *times);

/* Add `times` to `retired`, and start again from 0.  Only when nobody writes `times`. */
void stage_times_retire(struct stage_times *retired, struct stage_times *times);

#endif
