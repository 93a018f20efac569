/* A swap, seen from sync. */
#include "loader/serve.h"

#include "loader/attend.h"

enum { PAUSE_MS = 1 };

static void
pause_attending(void *context)
{
	attend_wait(context, -1, PAUSE_MS);
}

int
serve_generation(struct sync *sync, const struct generation_manifest *manifest,
		 char reason[SYNC_REASON_MAX])
{
	const struct publish_steps steps = { .pause = pause_attending, .context = sync };

	return publish_generation(sync->region, sync->state_dir, manifest, &steps,
				  reason);
}
