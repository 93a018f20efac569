/* From what is served to who must be looked after. */
#include "loader/watching.h"

#include <inttypes.h>
#include <limits.h>

#include "loader/attend.h"
#include "loader/store/live.h"
#include "loader/store/state_paths.h"
#include "loader/store/watch.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	RETRY_MS = 10000,
	SLOW_MS = 500,
	STEP = 1000, /* see live_fill_step: a few ms */
};

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

/* Changes from Redis, and whoever waits for them, come between the steps. */
static int
fill(struct sync *sync, struct live *live)
{
	struct live_fill *fill;
	int rc = live_fill_open(live, sync->watch, &fill);

	if (rc != ERR_OK)
		return rc;
	while ((rc = live_fill_step(fill, STEP)) == ERR_OK)
		attend_wait(sync, -1, 0);
	live_fill_close(fill);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* From a state that changes do not go to: chosen by hand, or all is in files. */
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
	rc = fill(sync, live);
	live_close(live);
	return rc;
}

static int
make(struct sync *sync, uint64_t id)
{
	bool is_live = serves_live(sync, id);

	sync->watched_id = 0;
	if (sync->live)
		live_set_watch(sync->live, is_live ? sync->watch : NULL);
	return is_live ? fill(sync, sync->live) : fill_from_other(sync, id);
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
	rc = make(sync, id);
	if (rc == ERR_OK && !watch_is_stale(sync->watch)) {
		sync->watched_id = id;
		if (clock_now_ms() - begun_ms > SLOW_MS)
			log_info("the list of what is probed was made in %" PRIu64 " ms",
				 clock_now_ms() - begun_ms);
		return;
	}
	if (!watch_is_stale(sync->watch))
		log_errorx("the list of what is probed cannot be made: %s",
			   errcode_text(rc));
	give_up(sync);
}
