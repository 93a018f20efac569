/* The first generation is served in haste: what was put off for it. */
#include "loader/settle.h"

#include <sched.h>
#include <sys/resource.h>

#include "loader/fallback.h"

enum { SETTLED_NICE = 10 };

/* Where it is not granted, we go on as we are. */
static void
step_back(void)
{
	struct sched_param param = { 0 };

	sched_setscheduler(0, SCHED_BATCH, &param);
	setpriority(PRIO_PROCESS, 0, SETTLED_NICE);
}

bool
settle_served(struct sync *sync)
{
	if (sync->is_settled || !sync_is_serving(sync))
		return true;
	sync->is_settled = true;
	step_back();
	return fallback_verify_served(sync);
}
