/* A swap, seen from sync. */
#include "loader/serve.h"

#include "loader/attend.h"

enum { PAUSE_MS = 1 };

struct serving {
	struct sync *sync;
	int (*complete)(void *context, char reason[PUBLISH_REASON_MAX]);
	void *context;
};

static void
pause_attending(void *context)
{
	const struct serving *serving = context;

	attend_wait(serving->sync, -1, PAUSE_MS);
}

static int
complete_serving(void *context, char reason[PUBLISH_REASON_MAX])
{
	const struct serving *serving = context;

	return serving->complete(serving->context, reason);
}

int
serve_generation(struct sync *sync, const struct generation_manifest *manifest,
		 int (*complete)(void *context, char reason[PUBLISH_REASON_MAX]),
		 void *context, char reason[SYNC_REASON_MAX])
{
	struct serving serving = { sync, complete, context };
	const struct publish_steps steps = {
		.pause = pause_attending,
		.complete = complete ? complete_serving : NULL,
		.context = &serving,
	};

	return publish_generation(sync->region, sync->state_dir, manifest, &steps,
				  reason);
}
