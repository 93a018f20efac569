/* Time that only goes forward, and wall-clock seconds. */
#ifndef SHM_CLOCK_H
#define SHM_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t
clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static inline uint64_t
clock_now_ms(void)
{
	return clock_now_ns() / 1000000u;
}

static inline int64_t
clock_wall_s(void)
{
	return (int64_t)time(NULL);
}

#endif
