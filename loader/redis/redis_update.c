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

int
redis_update_read(struct zone_update *update, const struct settings *settings,
		  void (*progress)(void *update, const struct redis_load_progress *),
		  char reason[ZONE_UPDATE_REASON_MAX])
{
	struct redis_load_job job = {
		.settings = settings,
		.builder = update->builder,
		.now_ms = (uint64_t)clock_wall_ms(),
		.is_taken = has_file,
		.progress = progress,
		.context = update,
		.result = &update->result,
	};
	int code = redis_load_all(&job, reason);

	if (code == ERR_OK)
		reload_result_sort(&update->result);
	return code;
}
