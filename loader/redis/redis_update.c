/* Files and Redis in one builder. */
#include "loader/redis/redis_update.h"

#include "loader/zone/zone_list.h"
#include "shm/clock.h"
#include "shm/errcode.h"

_Static_assert((int)ZONE_UPDATE_REASON_MAX >= (int)REDIS_REASON_MAX, "a reason fits");

static bool
has_file(void *context, const uint8_t *origin, size_t origin_len)
{
	const struct zone_update *update = context;

	(void)origin_len;
	return zone_list_find(&update->list, origin) != NULL;
}

static struct redis_load_job
job_of(struct zone_update *update, const struct settings *settings)
{
	return (struct redis_load_job){
		.settings = settings,
		.builder = update->builder,
		.now_ms = (uint64_t)clock_wall_ms(),
		.signer = update->signer,
		.signer_fd = update->signer_fd,
		.is_taken = has_file,
		.context = update,
		.result = &update->result,
	};
}

static int
finish(struct zone_update *update, int code)
{
	update->sign_due_s = zone_signer_due(update->signer);
	if (code == ERR_OK)
		reload_result_sort(&update->result);
	return code;
}

int
redis_update_read_some(struct zone_update *update, const struct settings *settings,
		       char *const *names, size_t count,
		       char reason[ZONE_UPDATE_REASON_MAX])
{
	struct redis_load_job job = job_of(update, settings);

	return finish(update, redis_load_some(&job, names, count, reason));
}

int
redis_update_read(struct zone_update *update, const struct settings *settings,
		  void (*progress)(void *update, const struct redis_load_progress *),
		  char reason[ZONE_UPDATE_REASON_MAX])
{
	struct redis_load_job job = job_of(update, settings);

	job.progress = progress;
	return finish(update, redis_load_all(&job, reason));
}
