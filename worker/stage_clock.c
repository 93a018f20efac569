/* Ending stages. */
#include "worker/stage_clock.h"

#include "shm/clock.h"

void
stage_clock_init(struct stage_clock *clock, struct stage_times *times)
{
	*clock = (struct stage_clock){ .times = times, .entered_ns = clock_now_ns() };
	atomic_store_explicit(&times->present, STAGE_UPKEEP, memory_order_relaxed);
}

uint64_t
stage_clock_move(struct stage_clock *clock, enum answer_stage stage, unsigned count)
{
	struct stage_times *times = clock->times;
	uint32_t ended = atomic_load_explicit(&times->present, memory_order_relaxed);
	uint64_t now_ns = clock_now_ns(), took_ns = now_ns - clock->entered_ns;

	atomic_store_explicit(&times->present, stage, memory_order_relaxed);
	histogram_grow(&times->spent_ns[ended], took_ns);
	if (clock->count > 0)
		histogram_add(&times->took[ended], took_ns, clock->count);
	if (__builtin_expect(clock->trace != NULL, 0))
		clock->trace(clock->trace_arg, (enum answer_stage)ended,
			     clock->entered_ns, now_ns, clock->count);
	clock->entered_ns = now_ns;
	clock->count = count;
	return now_ns;
}
