/* Where the kernel is when this thread is sampled, by perf_event: a record after each
 * 1/PROFILE_HZ s of its CPU time, and a signal for it.  Only where the kernel lets this
 * process see into it: sysctl kernel.perf_event_paranoid at most 1, or CAP_PERFMON. */
#ifndef WORKER_KERNEL_STACKS_H
#define WORKER_KERNEL_STACKS_H

#include <stdint.h>

#include "shm/profile_area.h"

struct kernel_stacks {
	int fd;
	void *records; /* a ring that the kernel writes; NULL: not open */
};

/* Of the calling thread, to which `signal_number` is sent.
 * returns 0 or -errno, then it is not open. */
__attribute__((nonnull, warn_unused_result)) int
kernel_stacks_open(struct kernel_stacks *stacks, int signal_number);

/* Take the oldest record; may be called by a signal's handler.
 * out      return addresses in the kernel, innermost first
 * returns  how many, 0 when it was not there; -1: there is no record */
__attribute__((nonnull)) int kernel_stacks_take(struct kernel_stacks *stacks,
						uint64_t out[PROFILE_KERNEL_DEPTH]);

__attribute__((nonnull)) void kernel_stacks_close(struct kernel_stacks *stacks);

#endif
