/* From what is served to who must be looked after. */
#include "loader/watching.h"

#include <inttypes.h>
#include <limits.h>

#include "loader/store/live.h"
#include "loader/store/state_paths.h"
#include "loader/store/watch.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum { RETRY_MS = 10000, SLOW_MS = 500 };

void
watching_start(struct sync *sync)
{
	int rc = watch_open(sync->state_dir, &sync->region->watch, &sync->watch);

	if (rc == ERR_OK)
		return;
	sync->watch_retry_ms = clock_now_ms() + RETRY_MS;
	log_errorx("%s/" WATCH_DIR " cannot be made: %s%s; nothing is probed meanwhile",
		   sync->state_dir, errcode_text(rc), sync_remedy(rc));
}

/* What was written cannot be relied on, be it the file itself: begin with another one. */
static void
give_up(struct sync *sync)
{
	if (sync->live)
		live_set_watch(sync->live, NULL);
	watch_close(sync->watch);
	sync->watch = NULL;
	sync->watch_retry_ms = clock_now_ms() + RETRY_MS;
}

/* Is the newest state, that changes go to, the one that is served? */
static bool
serves_live(const struct sync *sync, uint64_t id)
{
	return sync->live && sync->live_id == id;
}

static bool
is_kept(const struct sync *sync, uint64_t id)
{
	return sync->watched_id == id && !watch_is_stale(sync->watch) &&
	       (!serves_live(sync, id) || live_watch(sync->live) == sync->watch);
}

/* One that changes do not go to: chosen by hand, or all is in files. */
static int
fill_from_other(struct sync *sync, uint64_t id)
{
	char dir[PATH_MAX];
	struct live *live;
	int rc = state_path_generation(sync->state_dir, id, dir)
			 ? live_open_snapshot(dir, &live)
			 : ERR_RANGE;

	if (rc != ERR_OK)
		return rc;
	rc = live_fill_watch(live, sync->watch);
	live_close(live);
	return rc;
}

static int
fill(struct sync *sync, uint64_t id)
{
	int rc;

	if (sync->live)
		live_set_watch(sync->live, NULL);
	watch_clear(sync->watch);
	if (!serves_live(sync, id))
		return fill_from_other(sync, id);
	rc = live_fill_watch(sync->live, sync->watch);
	if (rc == ERR_OK)
		live_set_watch(sync->live, sync->watch);
	return rc;
}

void
watching_keep(struct sync *sync)
{
	uint64_t id = atomic_load(&sync->region->swap.published_id);
	uint64_t begun_ms = clock_now_ms();
	int rc;

	if (id == 0 || begun_ms < sync->watch_retry_ms ||
	    (sync->watch && is_kept(sync, id)))
		return;
	if (!sync->watch)
		watching_start(sync);
	if (!sync->watch)
		return;
	rc = fill(sync, id);
	watch_end(sync->watch, rc == ERR_OK);
	if (rc == ERR_OK && !watch_is_stale(sync->watch)) {
		sync->watched_id = id;
		if (clock_now_ms() - begun_ms > SLOW_MS)
			log_info("the list of what is probed was made in %" PRIu64 " ms",
				 clock_now_ms() - begun_ms);
		return;
	}
	give_up(sync);
	if (rc != ERR_OK)
		log_errorx("the list of what is probed cannot be made: %s",
			   errcode_text(rc));
}
