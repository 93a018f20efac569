/* Time that only goes forward, and the wall clock: seconds, ms, us of Unix time. */
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

static inline int64_t
clock_wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline int64_t
clock_wall_ms(void)
{
	return clock_wall_us() / 1000;
}

#endif
