/* The swap protocol, with forked processes that play the workers. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/publish.h"
#include "loader/store/state_files.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

enum { WORKERS = 2 };

enum manner { OBEYS, FAILS, HANGS, IS_STARTING };

static char *state_dir;
static struct region *region;

/* Get ready for whatever is announced, 20 ms after it is. */
static _Noreturn void
play_worker(struct worker_slot *slot, enum manner manner, uint64_t seen)
{
	alarm(60);
	for (;;) {
		uint64_t id = atomic_load(&region->swap.announced_id);

		usleep(1000);
		if (id == seen || manner == HANGS || manner == IS_STARTING)
			continue;
		usleep(20000);
		seen = id;
		if (manner == FAILS && id != atomic_load(&region->swap.published_id)) {
			atomic_store(&slot->open_error, ERR_DAMAGED);
			atomic_store(&slot->failed_id, id);
		} else {
			atomic_store(&slot->ready_id, id);
		}
	}
}

static pid_t
start_worker(unsigned at, enum manner manner)
{
	struct worker_slot *slot = &region->slots[at];
	uint64_t seen = atomic_load(&region->swap.announced_id);
	pid_t pid = fork();

	if (pid < 0)
		bail_out("cannot fork");
	if (pid == 0)
		play_worker(slot, manner, seen);
	atomic_store(&slot->state,
		     manner == IS_STARTING ? WORKER_STARTING : WORKER_SERVING);
	atomic_store(&slot->pid, pid);
	return pid;
}

/* returns the signal that ended it, after ending it when it still ran. */
static int
stop_worker(unsigned at)
{
	struct worker_slot *slot = &region->slots[at];
	pid_t pid = atomic_load(&slot->pid);
	int status = 0;

	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	memset(slot, 0, sizeof *slot);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int
publish(uint64_t id, char reason[PUBLISH_REASON_MAX])
{
	struct generation_manifest manifest = { .id = id,
						.zone_count = id + 100,
						.record_count = id + 200,
						.broken_count = 3 };
	const struct publish_steps steps = { 0 };

	reason[0] = '\0';
	return publish_generation(region, state_dir, &manifest, &steps, reason);
}

static void
is_state(uint64_t published, uint64_t announced, uint64_t current, const char *what)
{
	uint64_t id = 0;

	is_int(atomic_load(&region->swap.published_id), published, "%s: published", what);
	is_int(atomic_load(&region->swap.announced_id), announced, "%s: announced", what);
	ok(state_read_current(state_dir, &id) == 0 && id == current, "%s: current", what);
}

static void
test_no_workers(void)
{
	char reason[PUBLISH_REASON_MAX];

	is_int(publish(1, reason), 0, "published without any worker");
	is_state(1, 1, 1, "first");
	is_int(atomic_load(&region->swap.zone_count), 101, "zones");
	is_int(atomic_load(&region->swap.record_count), 201, "records");
	is_int(atomic_load(&region->swap.broken_count), 3, "zones in error");
	ok(atomic_load(&region->swap.published_at_s) > 0, "time");
}

static void
test_all_ready(void)
{
	char reason[PUBLISH_REASON_MAX];
	uint64_t begun_ms = clock_now_ms();

	start_worker(0, OBEYS);
	start_worker(1, OBEYS);
	is_int(publish(2, reason), 0, "published with two workers");
	ok(clock_now_ms() - begun_ms >= 20, "not before they were ready");
	ok(clock_now_ms() - begun_ms < PUBLISH_READY_MS, "and soon");
	is_state(2, 2, 2, "two workers");
	is_int(atomic_load(&region->slots[0].ready_id), 2, "worker 0 was ready");
	is_int(atomic_load(&region->slots[1].ready_id), 2, "worker 1 was ready");
	is_int(stop_worker(0), SIGTERM, "worker 0 was left alone");
	is_int(stop_worker(1), SIGTERM, "worker 1 was left alone");
}

static void
test_failure(void)
{
	char reason[PUBLISH_REASON_MAX];

	start_worker(0, OBEYS);
	start_worker(1, FAILS);
	is_int(publish(3, reason), ERR_DAMAGED, "a worker's failure is the result");
	is(reason, "worker 1 cannot open generation 3: is damaged", "with the reason");
	is_state(2, 2, 2, "withdrawn");
	is_int(atomic_load(&region->swap.zone_count), 102, "the facts are the old ones");
	is_int(stop_worker(0), SIGTERM, "worker 0 was left alone");
	is_int(stop_worker(1), SIGTERM, "so was the one that failed");
}

/* What a worker once failed to open may be good the next time. */
static void
test_second_attempt(void)
{
	char reason[PUBLISH_REASON_MAX];

	start_worker(0, OBEYS);
	atomic_store(&region->slots[0].open_error, ERR_NOMEM);
	atomic_store(&region->slots[0].failed_id, 3);
	is_int(publish(3, reason), 0, "an old failure does not stop a second attempt");
	is_state(3, 3, 3, "second attempt");
	is_int(stop_worker(0), SIGTERM, "the worker was left alone");
}

static void
test_late(void)
{
	char reason[PUBLISH_REASON_MAX];
	uint64_t begun_ms = clock_now_ms(), took_ms;

	start_worker(0, OBEYS);
	start_worker(1, HANGS);
	is_int(publish(4, reason), 0, "published although a worker hangs");
	took_ms = clock_now_ms() - begun_ms;
	ok(took_ms >= PUBLISH_READY_MS && took_ms < PUBLISH_READY_MS + 3000,
	   "after the time that it has (%llu ms)", (unsigned long long)took_ms);
	is_state(4, 4, 4, "late");
	is_int(stop_worker(0), SIGTERM, "the one that was ready was left alone");
	is_int(stop_worker(1), SIGKILL, "the other one was killed");
}

static void
test_not_needed(void)
{
	char reason[PUBLISH_REASON_MAX];
	uint64_t begun_ms = clock_now_ms();

	start_worker(0, IS_STARTING);
	is_int(publish(5, reason), 0, "a worker that is starting is not waited for");
	ok(clock_now_ms() - begun_ms < 1000, "at once");
	is_int(stop_worker(0), SIGTERM, "nor killed");
}

/* The master clears the slot of a worker that died while it was waited for. */
static void
test_death(void)
{
	char reason[PUBLISH_REASON_MAX];
	uint64_t begun_ms = clock_now_ms();
	pid_t master, worker = start_worker(0, HANGS);

	master = fork();
	if (master == 0) {
		usleep(50000);
		kill(worker, SIGKILL);
		atomic_store(&region->slots[0].state, WORKER_BACKOFF);
		_exit(0);
	}
	is_int(publish(6, reason), 0, "a worker that dies meanwhile holds nothing up");
	ok(clock_now_ms() - begun_ms < 1000, "at once");
	waitpid(master, NULL, 0);
	stop_worker(0);
}

static void
test_current_fails(void)
{
	char path[PATH_MAX], reason[PUBLISH_REASON_MAX];

	/* a directory with something in it cannot be replaced by rename */
	snprintf(path, sizeof path, "%s/current", state_dir);
	unlink(path);
	mkdir(path, 0700);
	start_worker(0, OBEYS);
	ok(publish(7, reason) < 0, "`current` cannot be changed");
	ok(strstr(reason, "/current cannot be changed: ") != NULL, "and says so: %s",
	   reason);
	is_int(atomic_load(&region->swap.published_id), 6, "the old one goes on");
	is_int(atomic_load(&region->swap.announced_id), 6, "the new one is withdrawn");
	stop_worker(0);
	rmdir(path);
}

int
main(void)
{
	size_t size = sizeof *region + WORKERS * sizeof(struct worker_slot);

	region = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (region == MAP_FAILED)
		bail_out("no memory");
	state_dir = scratch_dir_make();
	region->worker_count = WORKERS;
	test_no_workers();
	test_all_ready();
	test_failure();
	test_second_attempt();
	test_late();
	test_not_needed();
	test_death();
	test_current_fails();
	scratch_dir_free(state_dir);
	return done_testing();
}
