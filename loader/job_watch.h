/* Does a job's child do anything?  What is stopped, or waits for a disk that does not
 * answer, spends no time on a CPU; what works does, however slow it is.  How long it has
 * stood still is told in the region, for `status`. */
#ifndef LOADER_JOB_WATCH_H
#define LOADER_JOB_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "shm/region.h"

struct job_watch {
	clockid_t clock;		/* of the child, all its threads */
	bool has_clock;
	uint64_t spent_ns;		/* by that, at the last look */
	uint64_t looked_ms;
	uint64_t still_ms;		/* without any spent since */
};

__attribute__((nonnull))
void job_watch_begin(struct job_watch *watch, struct region_swap *swap, pid_t child);

/* Look again; a second or so after the last time.  Time in which nobody looked does not
 * count: all processes may have been stopped together, and go on now.
 * returns false when it has stood still for `stall_s`. */
__attribute__((nonnull, warn_unused_result))
bool job_watch_look(struct job_watch *watch, struct region_swap *swap, unsigned stall_s);

__attribute__((nonnull))
void job_watch_end(struct region_swap *swap);

#endif
