/* Where this worker spends its CPU time, and when it is in which stage: for profiles and
 * traces (shm/profile_area.h), while one is wanted.
 *
 * For a profile a timer of the thread's own CPU time sends SIGPROF.  The handler writes a
 * sample wherever it interrupts: where that was, the chain of frame pointers from there,
 * as far as it leads up the stack of this thread, and the present stage.  Where the kernel
 * allows it, its own clock of that time takes the timer's place, and a sample that was taken
 * in the kernel has its stack there. */
#ifndef WORKER_SAMPLER_H
#define WORKER_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "shm/profile_area.h"

struct stage_clock;

struct sampler {
	struct profile_area *area;
	unsigned worker;
	uint32_t seq;			/* of the work that it follows */
	bool has_timer;
	timer_t timer;
	struct stage_clock *clock;
};

/* For the calling thread of this worker, whose frames below `top` are looked at. */
__attribute__((nonnull)) void sampler_init(struct sampler *sampler,
					   struct profile_area *area, unsigned worker,
					   struct stage_clock *clock, const void *top);

/* For sampler_follow: begin and end. */
__attribute__((nonnull)) void sampler_change(struct sampler *sampler);

/* Do what is wanted now; cheap when that is nothing.  To be called once per turn. */
__attribute__((nonnull)) static inline void
sampler_follow(struct sampler *sampler)
{
	if (__builtin_expect(
		    atomic_load_explicit(&sampler->area->seq, memory_order_acquire) !=
			    sampler->seq,
		    0))
		sampler_change(sampler);
}

#endif
