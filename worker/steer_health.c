/* The steps that leave records by the state of what they point at: those that are up, and
 * those that are no fallback. */
#include <string.h>

#include "shm/steered_health.h"
#include "worker/steer_run.h"

_Static_assert(sizeof(struct steer_set) == sizeof(struct steered_records),
	       "candidates and records are as many");

void
steer_by_health(struct steer_run *run)
{
	static const enum trace_how hows[] = {
		[STEERED_LEFT_GOOD] = TRACE_MATCHED,
		[STEERED_LEFT_LAST] = TRACE_DEFAULT,
		[STEERED_LEFT_ALL] = TRACE_KEPT_ALL,
		[STEERED_LEFT_NONE] = TRACE_KEPT_NONE,
	};
	struct steered_records left;
	enum steered_left how = steered_leave_healthy(run->steered, run->steerer->board,
						      run->steerer->interval_s, &left);

	memcpy(&run->left, &left, sizeof run->left);
	steer_run_trace(run, TRACE_HEALTH, hows[how]);
}

void
steer_by_fallback(struct steer_run *run)
{
	struct steer_set first_choice = { { 0 } };
	bool any;

	for (unsigned at = 0; at < run->steered->candidate_count; at++)
		if (!steered_is_fallback(run->steered, at))
			steer_set_add(&first_choice, at);
	any = steer_set_keep(&run->left, &first_choice, run->words);
	steer_run_trace(run, TRACE_FALLBACK, any ? TRACE_MATCHED : TRACE_DEFAULT);
}
