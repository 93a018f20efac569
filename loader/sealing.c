/* From a builder to a generation under its own name. */
#include "loader/sealing.h"

#include <inttypes.h>
#include <stdio.h>

#include "loader/fallback.h"
#include "loader/newest.h"
#include "loader/store/generations.h"
#include "loader/store/live.h"
#include "loader/store/state_paths.h"
#include "loader/store/store_verify.h"
#include "shm/errcode.h"
#include "shm/log.h"

static int
check(uint64_t id, const char *dir, char reason[JOB_REASON_MAX])
{
	char found[STORE_VERIFY_REASON_MAX];
	int result = store_verify(dir, found);

	if (result)
		snprintf(reason, JOB_REASON_MAX,
			 "generation %" PRIu64 ", just written, %s", id, found);
	return result;
}

/* Live zones get their ids from sync while we work: it gives out ours too. */
static int
take_ids(void *context, uint32_t count, uint32_t *first)
{
	uint64_t answer;

	(void)context;
	if (!job_ask(count, &answer))
		return ERR_CLOSED;
	*first = (uint32_t)answer;
	return answer == 0 ? ERR_FULL : 0;
}

uint64_t
sealing_answer(struct sync *sync, uint64_t question)
{
	uint32_t first;

	if (!sync->live || live_take_ids(sync->live, (uint32_t)question, &first) != 0)
		return 0;
	return first;
}

int
sealing_write(struct sync *sync, struct builder *builder, uint64_t id, bool is_first,
	      uint64_t flags, struct generation_manifest *manifest,
	      char reason[JOB_REASON_MAX])
{
	const struct builder_seal_options options = {
		.id = id,
		.reserve_bytes =
			is_first ? 0
				 : (uint64_t)sync->settings->generations.reserve_mb << 20,
		.durable = !is_first,
		.flags = flags,
		.show_progress = true,
		.take_ids = sync->live ? take_ids : NULL,
	};
	char dir[PATH_MAX];
	int result;

	if (!state_path_build(sync->state_dir, id, dir)) {
		snprintf(reason, JOB_REASON_MAX, "state_dir %s is too long a path",
			 sync->state_dir);
		return ERR_RANGE;
	}
	result = builder_seal(builder, dir, &options, manifest, reason);
	if (result == 0 && !is_first)
		result = check(id, dir, reason);
	if (result)
		generations_remove_build(sync->state_dir, id);
	return result;
}

static int
finish(const struct sync *sync, uint64_t id, char reason[SYNC_REASON_MAX])
{
	int result = generations_finish(sync->state_dir, id);

	if (result) {
		snprintf(reason, SYNC_REASON_MAX,
			 "generation %" PRIu64 " cannot be renamed: %s%s", id,
			 errcode_text(result), sync_remedy(result));
		generations_remove_build(sync->state_dir, id);
	}
	return result;
}

static void
write_through(const struct sync *sync, uint64_t id)
{
	char dir[PATH_MAX];

	if (!state_path_generation(sync->state_dir, id, dir) ||
	    generations_sync_dir(dir) != 0)
		log_warnx("generation %" PRIu64
			  " cannot be written through to the device",
			  id);
}

int
sealing_serve(struct sync *sync, struct generation_manifest *manifest, bool is_first,
	      bool is_load, char reason[SYNC_REASON_MAX])
{
	int result = finish(sync, manifest->id, reason);

	if (result)
		return result;
	result = fallback_check(sync, manifest->id, false, manifest, reason);
	if (result == 0)
		result = newest_serve(sync, manifest, is_load, reason);
	if (result) {
		generations_remove(sync->state_dir, manifest->id);
		return result;
	}
	if (is_first)
		write_through(sync, manifest->id);
	else
		atomic_store(&sync->region->swap.verified_id, manifest->id);
	return 0;
}
