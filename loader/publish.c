/* The swap protocol, sync's side. */
#include "loader/publish.h"

#include <inttypes.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "loader/store/state_files.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

void
publish_wake(struct region *region)
{
	atomic_fetch_add(&region->swap.announce_seq, 1);
	syscall(SYS_futex, &region->swap.announce_seq, FUTEX_WAKE, INT32_MAX, NULL, NULL,
		0);
}

static void
announce(struct region *region, uint64_t id)
{
	atomic_store(&region->swap.announced_id, id);
	publish_wake(region);
}

/* Take back the announcement of what could not be published. */
static void
withdraw(struct region *region)
{
	announce(region, atomic_load(&region->swap.published_id));
}

static uint64_t
larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t
publish_next_id(const struct region *region, uint64_t newest)
{
	newest = larger(newest, atomic_load(&region->swap.announced_id));
	newest = larger(newest, atomic_load(&region->swap.published_id));
	for (uint32_t i = 0; i < region->worker_count; i++) {
		newest = larger(newest, atomic_load(&region->slots[i].serving_id));
		newest = larger(newest, atomic_load(&region->slots[i].ready_id));
		newest = larger(newest, atomic_load(&region->slots[i].failed_id));
	}
	return newest + 1;
}

/* What waits for the workers to get ready for `id`. */
struct waiting {
	const struct region *region;
	const struct publish_steps *steps;
	uint64_t id;
	uint64_t until_ms;
	/* had failed with this id before it was announced: not news until it is late */
	bool failed_before[SETTINGS_WORKERS_MAX];
};

enum readiness { NOT_NEEDED, READY, NOT_YET, FAILED };

static enum readiness
look_at(const struct worker_slot *slot, uint64_t id)
{
	if (atomic_load(&slot->pid) == 0 || atomic_load(&slot->state) != WORKER_SERVING)
		return NOT_NEEDED;
	if (atomic_load(&slot->ready_id) == id || atomic_load(&slot->serving_id) == id)
		return READY;
	return atomic_load(&slot->failed_id) == id ? FAILED : NOT_YET;
}

static void
kill_late(const struct waiting *waiting)
{
	for (uint32_t i = 0; i < waiting->region->worker_count; i++) {
		const struct worker_slot *slot = &waiting->region->slots[i];
		pid_t pid = atomic_load(&slot->pid);

		if (look_at(slot, waiting->id) != NOT_YET || pid <= 0)
			continue;
		log_warnx("worker %" PRIu32 ", pid %d, did not open generation %" PRIu64
			  " within %d ms: killed",
			  i, (int)pid, waiting->id, PUBLISH_READY_MS);
		kill(pid, SIGKILL);
	}
}

static int
explain_failure(const struct waiting *waiting, uint32_t worker,
		char reason[PUBLISH_REASON_MAX])
{
	int error = atomic_load(&waiting->region->slots[worker].open_error);

	snprintf(reason, PUBLISH_REASON_MAX,
		 "worker %" PRIu32 " cannot open generation %" PRIu64 ": %s", worker,
		 waiting->id, errcode_text(error));
	return error ? error : ERR_IO;
}

/* Look at all once.  returns an error when one of them failed; sets *all_ready. */
static int
look_at_all(const struct waiting *waiting, bool late, bool *all_ready,
	    char reason[PUBLISH_REASON_MAX])
{
	*all_ready = true;
	for (uint32_t i = 0; i < waiting->region->worker_count; i++) {
		enum readiness now = look_at(&waiting->region->slots[i], waiting->id);

		if (now == FAILED && (late || !waiting->failed_before[i]))
			return explain_failure(waiting, i, reason);
		if (now == FAILED || now == NOT_YET)
			*all_ready = false;
	}
	return 0;
}

static void
pause_briefly(const struct publish_steps *steps)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	if (steps->pause)
		steps->pause(steps->context);
	else
		nanosleep(&pause, NULL);
}

/* returns 0 once all are ready or killed; the error of a worker that cannot open it. */
static int
wait_ready(const struct waiting *waiting, char reason[PUBLISH_REASON_MAX])
{
	for (;;) {
		bool late = clock_now_ms() >= waiting->until_ms, all_ready;
		int result = look_at_all(waiting, late, &all_ready, reason);

		if (result || all_ready)
			return result;
		if (late) {
			kill_late(waiting);
			return 0;
		}
		pause_briefly(waiting->steps);
	}
}

static int
announce_and_wait(struct region *region, uint64_t id, const struct publish_steps *steps,
		  char reason[PUBLISH_REASON_MAX])
{
	struct waiting waiting = {
		.region = region,
		.steps = steps,
		.id = id,
		.until_ms = clock_now_ms() + PUBLISH_READY_MS,
	};

	for (uint32_t i = 0; i < region->worker_count && i < SETTINGS_WORKERS_MAX; i++)
		waiting.failed_before[i] = atomic_load(&region->slots[i].failed_id) == id;
	announce(region, id);
	return wait_ready(&waiting, reason);
}

static void
store_facts(struct region_swap *swap, const struct generation_manifest *manifest)
{
	atomic_store(&swap->zone_count, manifest->zone_count);
	atomic_store(&swap->record_count, manifest->record_count);
	atomic_store(&swap->broken_count, manifest->broken_count);
	atomic_store(&swap->fault_count, manifest->fault_count);
	atomic_store(&swap->published_at_s, clock_wall_s());
}

int
publish_generation(struct region *region, const char *state_dir,
		   const struct generation_manifest *manifest,
		   const struct publish_steps *steps, char reason[PUBLISH_REASON_MAX])
{
	uint64_t id = manifest->id;
	int result;

	result = announce_and_wait(region, id, steps, reason);
	if (result == 0 && steps->complete)
		result = steps->complete(steps->context, reason);
	if (result)
		goto withdraw;
	result = state_set_current(state_dir, id);
	if (result) {
		snprintf(reason, PUBLISH_REASON_MAX, "%s/current cannot be changed: %s",
			 state_dir, errcode_text(result));
		goto withdraw;
	}
	store_facts(&region->swap, manifest);
	atomic_store(&region->swap.published_id, id);
	/* workers that have nothing yet wait here for a first generation */
	announce(region, id);
	return 0;
withdraw:
	withdraw(region);
	return result;
}
