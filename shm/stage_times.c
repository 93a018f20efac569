/* Names of the stages; their times added up. */
#include "shm/stage_times.h"

static const struct {
	const char *name, *help;
} table[STAGE_COUNT] = {
#define X(id, name, help) [STAGE_##id] = { name, help },
	STAGES_TABLE(X)
#undef X
};

const char *
answer_stage_name(enum answer_stage stage)
{
	return table[stage].name;
}

const char *
answer_stage_help(enum answer_stage stage)
{
	return table[stage].help;
}

void
stage_times_sum(struct stage_times *sum, const struct stage_times *times)
{
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		histogram_grow(
			&sum->spent_ns[i],
			atomic_load_explicit(&times->spent_ns[i], memory_order_relaxed));
		histogram_sum(&sum->took[i], &times->took[i]);
	}
}

void
stage_times_retire(struct stage_times *retired, struct stage_times *times)
{
	stage_times_sum(retired, times);
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		atomic_store_explicit(&times->spent_ns[i], 0, memory_order_relaxed);
		histogram_clear(&times->took[i]);
	}
}
