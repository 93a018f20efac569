/* The process that probes, or follows who does. */
#include "loader/health/prober.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loader/health/status_link.h"
#include "loader/loader.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/fence.h"
#include "shm/log.h"

enum {
	TICK_MS = 1000,
	LOOK_MS = 50,
	PROBER_NICE = 10, /* as sync: queries come first */
};

static void
on_tick(void *context)
{
	struct prober *prober = context;

	event_timer_set(prober->tick, TICK_MS);
	atomic_store(&prober->health->heartbeat_ns, clock_now_ns());
	prober_outcome_tick(prober);
	if (prober->link)
		status_link_tick(prober->link);
}

static void
on_look(void *context)
{
	struct prober *prober = context;
	uint64_t begun_ms = clock_now_ms(), took_ms;

	prober_list_look(prober);
	took_ms = clock_now_ms() - begun_ms;
	/* a list that is long and changes all the time costs a share of our time at most */
	event_timer_set(prober->look, LOOK_MS + 10 * took_ms);
}

static _Noreturn void
fail(const char *what, int error)
{
	log_errorx("%s: %s", what, errcode_text(error));
	_exit(1);
}

static void
open_all(struct prober *prober)
{
	int rc = target_table_init(&prober->table);

	if (rc == ERR_OK)
		rc = deny_list_init(&prober->deny, &prober->settings->health.deny);
	prober->loop = event_loop_new();
	if (rc != ERR_OK || !prober->loop)
		fail("the prober cannot start", rc ? rc : ERR_NOMEM);
	prober->tick = event_timer_new(prober->loop, on_tick, prober);
	prober->look = event_timer_new(prober->loop, on_look, prober);
	if (!prober->tick || !prober->look)
		fail("the prober cannot start", ERR_NOMEM);
	if (prober->settings->health.role == HEALTH_ROLE_PROBE) {
		rc = prober_run_init(prober);
		if (rc != ERR_OK)
			fail("nothing can be probed", rc);
	}
	if (prober->settings->health.redis.address[0]) {
		prober->link = status_link_new(prober);
		if (!prober->link)
			fail("no status keys", ERR_NOMEM);
	}
}

_Noreturn void
prober_run(const struct heritage *heritage)
{
	static struct prober prober;

	heritage_enter(heritage, "prober");
	fence_enter(heritage, FENCE_PROBER,
		    &(const struct fence_gate){ true, heritage->settings->health.ca_file,
						NULL });
	/* no variable says where requests go */
	clearenv();
	sched_setscheduler(0, SCHED_BATCH, &(const struct sched_param){ 0 });
	setpriority(PRIO_PROCESS, 0, PROBER_NICE);
	prober.heritage = heritage;
	prober.settings = heritage->settings;
	prober.health = &heritage->region->health;
	prober.board = heritage->board;
	atomic_store(&prober.health->is_guarding, 0);
	region_health_set_error(prober.health, HEALTH_ERROR_LINK, "");
	open_all(&prober);
	on_tick(&prober);
	on_look(&prober);
	event_loop_run(prober.loop);
}
