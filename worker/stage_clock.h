/* What the worker is doing now, and how long each of its stages took.  The clock is read
 * when a stage ends, never for a query. */
#ifndef WORKER_STAGE_CLOCK_H
#define WORKER_STAGE_CLOCK_H

#include <stdint.h>

#include "shm/stage_times.h"

/* Takes note of a stage that has ended, through which `count` queries went. */
typedef void stage_trace_fn(void *arg, enum answer_stage stage, uint64_t start_ns,
			    uint64_t end_ns, unsigned count);

struct stage_clock {
	struct stage_times *times; /* in shared memory; `present` is the stage now */
	uint64_t entered_ns; /* when it began: the last reading of CLOCK_MONOTONIC */
	unsigned
		count; /* queries that go through it; 0: for nobody, not in a histogram */
	unsigned batches; /* for who looks at some of them only */
	stage_trace_fn *trace; /* NULL: off */
	void *trace_arg;
};

/* Nothing is done as yet: STAGE_UPKEEP.  `times` is borrowed for the clock's life. */
void stage_clock_init(struct stage_clock *clock, struct stage_times *times);

/* End the present stage, begin another one.  returns the time of that. */
uint64_t stage_clock_move(struct stage_clock *clock, enum answer_stage stage,
			  unsigned count);

/* The same where nobody may look: then nothing happens. */
static inline void
stage_clock_enter(struct stage_clock *clock, enum answer_stage stage, unsigned count)
{
	if (clock)
		stage_clock_move(clock, stage, count);
}

#endif
