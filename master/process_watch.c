/* Finds workers that hang.
 *
 * A worker's loop turns at least twice a second and leaves the time in its slot.  One
 * whose heartbeat is the same for WATCH_STILL_MS, while something waits in its sockets
 * each time that we look, hangs.  So does a service that has not turned for SERVICE_STILL_MS.
 * Who gets no CPU does not hang, and would get none after a new start either. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "master/process.h"
#include "master/runnable.h"
#include "shm/clock.h"
#include "shm/log.h"

enum { WATCH_STILL_MS = 2000, SERVICE_STILL_MS = 10000 };

/* One line of /proc/PID/NAME, "?" when we may not read it. */
static void
read_proc(pid_t pid, const char *name, char *out, size_t room)
{
	char path[64];
	ssize_t len = -1;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		len = read(fd, out, room - 1);
		close(fd);
	}
	if (len <= 0) {
		snprintf(out, room, "?");
		return;
	}
	out[len] = '\0';
	/* a stack has many lines */
	for (char *at = out; *at; at++)
		if (*at == '\n')
			*at = at[1] ? ' ' : '\0';
}

static void
kill_hung(struct process_table *table, struct child *worker, uint64_t still_ms)
{
	char wchan[64], syscall[160], stack[512];

	read_proc(worker->pid, "wchan", wchan, sizeof wchan);
	read_proc(worker->pid, "syscall", syscall, sizeof syscall);
	read_proc(worker->pid, "stack", stack, sizeof stack);
	log_errorx(
		"%s (pid %d) has stood still for %.1f s while queries wait: killed; it "
		"was in %s, syscall %s, kernel stack %s",
		worker->name, (int)worker->pid, (double)still_ms / 1000, wchan, syscall,
		stack);
	stats_add(&table->heritage->region->retired, STAT_hung_workers, 1);
	kill(worker->pid, SIGKILL);
	worker->still_since_ms = 0;
}

/* It stands still for want of CPU time: told once.  */
static bool
is_starved(struct process_table *table, struct child *child, uint64_t still_ms)
{
	if (!runnable_is_starved(child->pid, child->still_cpu_ns))
		return false;
	if (child->is_starved)
		return true;
	child->is_starved = true;
	stats_add(&table->heritage->region->retired, STAT_starved_processes, 1);
	log_warnx("%s (pid %d) has had no CPU time for %.1f s: other processes, or the "
		  "limit of its control group, leave it none",
		  child->name, (int)child->pid, (double)still_ms / 1000);
	return true;
}

/* It has turned, or has nothing to do. */
static void
note_turn(struct child *child, uint64_t heartbeat_ns)
{
	child->still_heartbeat_ns = heartbeat_ns;
	child->still_since_ms = 0;
	child->is_starved = false;
}

static void
watch_worker(struct process_table *table, unsigned id)
{
	const struct worker_slot *slot = &table->heritage->region->slots[id];
	struct child *worker = &table->workers[id];
	uint64_t heartbeat_ns = atomic_load(&slot->heartbeat_ns);
	uint64_t now_ms = clock_now_ms();

	if (worker->state != CHILD_RUNNING || atomic_load(&slot->state) != WORKER_SERVING)
		return;
	if (heartbeat_ns != worker->still_heartbeat_ns ||
	    !listen_has_waiting(table->listen, id)) {
		note_turn(worker, heartbeat_ns);
	} else if (worker->still_since_ms == 0) {
		worker->still_since_ms = now_ms;
		worker->still_cpu_ns = runnable_cpu_ns(worker->pid);
	} else if (now_ms - worker->still_since_ms >= WATCH_STILL_MS &&
		   !is_starved(table, worker, now_ms - worker->still_since_ms)) {
		kill_hung(table, worker, now_ms - worker->still_since_ms);
	}
}

/* The loop of a service turns once a second, whatever others do. */
static void
watch_service(struct process_table *table, enum service service)
{
	struct child *child = &table->services[service];
	_Atomic uint64_t *heartbeat = service_heartbeat(table, service);
	/* read before the clock is: it may be set meanwhile */
	uint64_t heartbeat_ns = atomic_load(heartbeat), now_ns = clock_now_ns();

	if (child->state != CHILD_RUNNING)
		return;
	if (heartbeat_ns != child->still_heartbeat_ns) {
		note_turn(child, heartbeat_ns);
		child->still_cpu_ns = runnable_cpu_ns(child->pid);
	}
	if (now_ns < heartbeat_ns ||
	    now_ns - heartbeat_ns < SERVICE_STILL_MS * UINT64_C(1000000) ||
	    is_starved(table, child, (now_ns - heartbeat_ns) / 1000000))
		return;
	log_errorx("%s (pid %d) has stood still for %.1f s: killed", child->name,
		   (int)child->pid, (double)(now_ns - heartbeat_ns) / 1e9);
	kill(child->pid, SIGKILL);
	/* not again before it is gone */
	atomic_store(heartbeat, now_ns);
}

void
process_watch(struct process_table *table)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		watch_service(table, (enum service)i);
	for (unsigned i = 0; i < table->worker_count; i++)
		watch_worker(table, i);
}
