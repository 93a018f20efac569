/* A counter of this process's user instructions, off at first: PERF_EVENT_IOC_ENABLE. */
#ifndef T_BENCH_USER_INSTRUCTIONS_H
#define T_BENCH_USER_INSTRUCTIONS_H

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

/* returns a descriptor to read a uint64_t from; -1 where they cannot be counted. */
static inline int
user_instructions_open(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof attr,
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.disabled = 1,
		.exclude_kernel = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

#endif
