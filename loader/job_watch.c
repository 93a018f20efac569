/* Looking after a job's child. */
#include "loader/job_watch.h"

#include "shm/clock.h"

enum { LOOK_MS_MAX = 2000, MS_PER_S = 1000 };

static uint64_t
spent(const struct job_watch *watch)
{
	struct timespec time = { 0 };

	if (!watch->has_clock || clock_gettime(watch->clock, &time) != 0)
		return 0;
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void
job_watch_begin(struct job_watch *watch, struct region_swap *swap, pid_t child)
{
	*watch = (struct job_watch){ .looked_ms = clock_now_ms() };
	watch->has_clock = clock_getcpuclockid(child, &watch->clock) == 0;
	atomic_store(&swap->job_still_s, 0);
	atomic_store(&swap->job_pid, child);
}

bool
job_watch_look(struct job_watch *watch, struct region_swap *swap, unsigned stall_s)
{
	uint64_t now_ms = clock_now_ms(), spent_ns = spent(watch);
	uint64_t since_ms = now_ms - watch->looked_ms;

	watch->looked_ms = now_ms;
	if (spent_ns != watch->spent_ns || !watch->has_clock)
		watch->still_ms = 0;
	else
		watch->still_ms += since_ms < LOOK_MS_MAX ? since_ms : LOOK_MS_MAX;
	watch->spent_ns = spent_ns;
	atomic_store(&swap->job_still_s, (uint32_t)(watch->still_ms / MS_PER_S));
	return watch->still_ms < (uint64_t)stall_s * MS_PER_S;
}

void
job_watch_end(struct region_swap *swap)
{
	atomic_store(&swap->job_pid, 0);
}
