/* Forks children, and forks them again. */
#include "master/process.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/loader.h"
#include "master/alloc.h"
#include "master/pin.h"
#include "shm/client_count.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"
#include "worker/worker.h"

enum {
	LINK_BUFFER_LEN = 1 << 20, /* requests of 64 KiB on their way to sync */
	LAST_WORKER_WAIT_MS = 100,
	FAULTLESS_MS = 10000, /* so long a life clears what was read */
};

static void
reset_slot(struct worker_slot *slot, int cpu)
{
	atomic_store(&slot->heartbeat_ns, 0);
	atomic_store(&slot->serving_id, 0);
	atomic_store(&slot->ready_id, 0);
	atomic_store(&slot->failed_id, 0);
	atomic_store(&slot->open_error, 0);
	atomic_store(&slot->cpu, cpu);
	atomic_store(&slot->started_ns, clock_now_ns());
	atomic_store(&slot->state, WORKER_STARTING);
}

static void
pin(struct worker_slot *slot, int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		atomic_store(&slot->cpu, -1);
}

static void
start_worker(struct process_table *table, unsigned id)
{
	struct worker_slot *slot = &table->heritage->region->slots[id];
	int cpu = pin_worker_cpu(table->heritage->settings, id);
	pid_t pid;

	reset_slot(slot, cpu);
	pid = fork();
	if (pid == 0) {
		child_enter(-1);
		child_close_icmp(table->heritage);
		child_close_http(table->heritage);
		child_close_signer(table->heritage);
		pin(slot, cpu);
		worker_run(table->heritage, id);
	}
	if (pid < 0) {
		child_note_failure(&table->workers[id]);
		atomic_store(&slot->state, WORKER_BACKOFF);
		return;
	}
	child_note_start(&table->workers[id], pid);
	atomic_store(&slot->pid, (int32_t)pid);
}

static void
start_sync(struct process_table *table)
{
	const int buffer_len = LINK_BUFFER_LEN;
	int ends[2];
	pid_t pid = -1;

	atomic_store(&table->heritage->region->swap.sync_state, SYNC_STARTING);
	atomic_store(&table->heritage->region->swap.sync_beat_ns, clock_now_ns());
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &buffer_len,
			   sizeof buffer_len);
		pid = fork();
		if (pid == 0) {
			close(ends[0]);
			child_enter(-1);
			child_close_icmp(table->heritage);
			child_close_http(table->heritage);
			child_close_signer_end(table->heritage);
			sync_run(table->heritage, ends[1]);
		}
		close(ends[1]);
		if (pid < 0)
			close(ends[0]);
	}
	if (pid < 0) {
		child_note_failure(&table->sync);
		return;
	}
	child_note_start(&table->sync, pid);
	table->events.sync_started(table->events.arg, ends[0]);
}

void
process_start_all(struct process_table *table)
{
	snprintf(table->sync.name, sizeof table->sync.name, "sync");
	table->workers = alloc_zero(table->worker_count, sizeof *table->workers);
	start_sync(table);
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		service_start(table, (enum service)i);
	for (unsigned i = 0; i < table->worker_count; i++) {
		snprintf(table->workers[i].name, sizeof table->workers[i].name,
			 "worker %u", i);
		start_worker(table, i);
	}
}

pid_t
process_start_clerk(struct process_table *table, process_clerk_fn *run, int fd,
		    int arg_count, char **args)
{
	struct child *clerk = NULL;
	pid_t pid;

	for (unsigned i = 0; i < CTL_PEERS_MAX && !clerk; i++)
		if (table->clerks[i].state == CHILD_NONE)
			clerk = &table->clerks[i];
	if (!clerk)
		return ERR_BUSY;
	pid = fork();
	if (pid == 0) {
		child_enter(fd);
		child_close_icmp(table->heritage);
		child_close_http(table->heritage);
		child_close_signer_end(table->heritage);
		run(table->heritage, fd, arg_count, args);
		_exit(1);
	}
	if (pid < 0)
		return errcode_from_errno(errno);
	snprintf(clerk->name, sizeof clerk->name, "clerk");
	child_note_start(clerk, pid);
	return pid;
}

void
process_end_clerk(struct process_table *table, pid_t pid)
{
	for (unsigned i = 0; i < CTL_PEERS_MAX; i++)
		if (table->clerks[i].pid == pid) {
			table->clerks[i].state = CHILD_ENDING;
			kill(pid, SIGKILL); /* it may hang, and has nothing to end */
		}
}

/* The slot must not count against anybody while nobody owns it. */
static void
retire_slot(struct process_table *table, unsigned id)
{
	struct region *region = table->heritage->region;
	struct worker_slot *slot = &region->slots[id];

	atomic_store(&slot->pid, 0);
	region_retire(region, id);
	client_count_clear(&slot->clients);
}

static bool
has_other_worker(const struct process_table *table, const struct child *worker)
{
	for (unsigned i = 0; i < table->worker_count; i++)
		if (&table->workers[i] != worker && table->workers[i].pid > 0)
			return true;
	return false;
}

/* The last one that ran must not keep everybody waiting: nobody serves its sockets. */
static void
plan_worker(struct process_table *table, struct child *worker, int status)
{
	if (has_other_worker(table, worker))
		child_note_death(worker, status, CHILD_BACKOFF_MAX_MS,
				 "; a neighbour serves its sockets meanwhile");
	else
		child_note_death(worker, status, LAST_WORKER_WAIT_MS,
				 "; no other worker runs");
}

static void
worker_ended(struct process_table *table, unsigned id, int status)
{
	struct worker_slot *slot = &table->heritage->region->slots[id];
	struct child *worker = &table->workers[id];
	pid_t pid = worker->pid;

	retire_slot(table, id);
	if (table->is_stopping) {
		worker->state = CHILD_NONE;
	} else {
		plan_worker(table, worker, status);
		if (worker->restart_ms > clock_now_ms())
			atomic_store(&slot->state, WORKER_BACKOFF);
	}
	worker->pid = 0;
	table->events.reader_ended(table->events.arg, pid);
}

static bool
is_fault(int status)
{
	return WIFSIGNALED(status) &&
	       (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS ||
		WTERMSIG(status) == SIGABRT);
}

/* For the next one: what this one died of may be what both read. */
static void
note_sync_fault(struct process_table *table, int status)
{
	_Atomic uint32_t *faults = &table->heritage->region->swap.sync_faults;
	bool has_lived = clock_now_ms() - table->sync.started_ms > FAULTLESS_MS;

	if (!is_fault(status))
		atomic_store(faults, 0);
	else
		atomic_store(faults, has_lived ? 1 : atomic_load(faults) + 1);
}

static void
sync_ended(struct process_table *table, int status)
{
	struct child *sync = &table->sync;

	if (table->is_stopping) {
		sync->state = CHILD_NONE;
	} else if (sync->state == CHILD_ENDING) {
		sync->state = CHILD_WAITING;
		sync->restart_ms = 0;
	} else {
		note_sync_fault(table, status);
		child_note_death(sync, status, CHILD_BACKOFF_MAX_MS,
				 "; what is served stays as it is meanwhile");
	}
	sync->pid = 0;
	table->events.sync_ended(table->events.arg);
}

static void
clerk_ended(struct process_table *table, struct child *clerk, int status)
{
	bool is_crash = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	pid_t pid = clerk->pid;
	char how[128];

	if (is_crash && clerk->state == CHILD_RUNNING && !table->is_stopping) {
		child_describe_end(status, how, sizeof how);
		log_warnx("clerk (pid %d) died: %s", (int)pid, how);
	}
	clerk->state = CHILD_NONE;
	clerk->pid = 0;
	table->events.clerk_ended(table->events.arg, pid, is_crash);
}

static void
child_ended(struct process_table *table, pid_t pid, int status)
{
	if (pid == table->sync.pid) {
		sync_ended(table, status);
		return;
	}
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (pid == table->services[i].pid) {
			service_note_end(table, (enum service)i, status);
			return;
		}
	for (unsigned i = 0; i < table->worker_count; i++)
		if (pid == table->workers[i].pid) {
			worker_ended(table, i, status);
			return;
		}
	for (unsigned i = 0; i < CTL_PEERS_MAX; i++)
		if (pid == table->clerks[i].pid) {
			clerk_ended(table, &table->clerks[i], status);
			return;
		}
}

void
process_reap(struct process_table *table)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		child_ended(table, pid, status);
}

static void
restart_worker(struct process_table *table, unsigned id)
{
	struct region *region = table->heritage->region;

	atomic_fetch_add(&region->slots[id].restarts, 1);
	stats_add(&region->retired, STAT_restarts, 1);
	start_worker(table, id);
}

int
process_restart_due(struct process_table *table, int limit_ms)
{
	uint64_t now_ms = clock_now_ms();

	if (table->is_stopping)
		return limit_ms;
	if (child_is_due(&table->sync, now_ms, &limit_ms))
		start_sync(table);
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (child_is_due(&table->services[i], now_ms, &limit_ms))
			service_start(table, (enum service)i);
	for (unsigned i = 0; i < table->worker_count; i++)
		if (child_is_due(&table->workers[i], now_ms, &limit_ms))
			restart_worker(table, i);
	return limit_ms;
}

void
process_renew_sync(struct process_table *table)
{
	if (table->sync.state != CHILD_RUNNING)
		return;
	table->sync.state = CHILD_ENDING;
	kill(table->sync.pid, SIGTERM);
}

static void
stop_child(struct child *child, int signal)
{
	if (child->pid > 0) {
		child->state = CHILD_ENDING;
		kill(child->pid, signal);
	} else {
		child->state = CHILD_NONE;
	}
}

void
process_stop_all(struct process_table *table, int signal)
{
	table->is_stopping = true;
	for (unsigned i = 0; i < table->worker_count; i++)
		stop_child(&table->workers[i], signal);
	stop_child(&table->sync, signal);
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		stop_child(&table->services[i], signal);
	for (unsigned i = 0; i < CTL_PEERS_MAX; i++)
		stop_child(&table->clerks[i], signal);
}

bool
process_all_ended(const struct process_table *table)
{
	bool any = table->sync.pid > 0;

	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		any |= table->services[i].pid > 0;
	for (unsigned i = 0; i < table->worker_count; i++)
		any |= table->workers[i].pid > 0;
	for (unsigned i = 0; i < CTL_PEERS_MAX; i++)
		any |= table->clerks[i].pid > 0;
	return !any;
}

bool
process_start_failed(const struct process_table *table)
{
	bool failed = table->sync.deaths >= CHILD_QUICK_DEATHS_MAX;

	for (unsigned i = 0; i < table->worker_count; i++)
		failed |= table->workers[i].quick_deaths >= CHILD_QUICK_DEATHS_MAX;
	return failed;
}
