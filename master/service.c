/* The table of services, and what stands about each in the region. */
#include "master/service.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loader/loader.h"
#include "master/process.h"
#include "shm/clock.h"
#include "shm/query_record.h"
#include "shm/ring.h"

static bool
wants_resolver(const struct settings *settings)
{
	return settings->resolver.server_count > 0;
}

static bool
wants_prober(const struct settings *settings)
{
	return settings->health.enable && settings->health.role != HEALTH_ROLE_OFF;
}

static bool
wants_reporter(const struct settings *settings)
{
	return settings->http.address[0] != '\0';
}

/* Nobody looks after targets: all are unknown. */
static void
forget_health(struct process_table *table)
{
	struct region_health *health = &table->heritage->region->health;

	board_clear(table->heritage->board);
	for (unsigned i = HEALTH_targets; i <= HEALTH_held; i++)
		region_health_set(health, (enum health_figure)i, 0);
	atomic_store(&health->is_guarding, 0);
	region_health_set_error(health, HEALTH_ERROR_PROBE, "");
	region_health_set_error(health, HEALTH_ERROR_LINK, "");
}

static void
note_prober(struct process_table *table, pid_t pid)
{
	struct region_health *health = &table->heritage->region->health;

	if (pid > 0)
		atomic_store(&health->restarts, table->services[SERVICE_PROBER].deaths);
	atomic_store(&health->pid, (int32_t)pid);
}

static _Atomic uint64_t *
prober_heartbeat(struct region *region)
{
	return &region->health.heartbeat_ns;
}

/* Nobody looks after names: what is known of them stands. */
static void
forget_names(struct process_table *table)
{
	struct region_resolver *resolver = &table->heritage->region->resolver;

	atomic_store(&resolver->names, 0);
	atomic_store(&resolver->resolved, 0);
	atomic_store(&resolver->failing, 0);
	atomic_store(&resolver->servers_down, 0);
	region_resolver_set_error(resolver, "");
}

static _Atomic uint64_t *
resolver_heartbeat(struct region *region)
{
	return &region->resolver.heartbeat_ns;
}

/* Nobody can ask. */
static void
forget_report(struct process_table *table)
{
	region_report_set(&table->heritage->region->report, REPORT_open, 0);
}

static void
note_reporter(struct process_table *table, pid_t pid)
{
	struct region_report *report = &table->heritage->region->report;

	if (pid > 0)
		atomic_store(&report->restarts, table->services[SERVICE_REPORTER].deaths);
	atomic_store(&report->pid, (int32_t)pid);
}

static _Atomic uint64_t *
reporter_heartbeat(struct region *region)
{
	return &region->report.heartbeat_ns;
}

static bool
wants_logger(const struct settings *settings)
{
	return settings->query_log.enable;
}

/* Records that nobody will read; some of them may have been written, and not been given
 * back. */
static uint64_t
count_records(struct process_table *table, unsigned worker)
{
	struct ring ring;
	uint64_t count = 0;
	bool is_damaged = false;

	ring_open_reader(&ring, &table->heritage->region->slots[worker].query_ring,
			 table->heritage->query_rings + (size_t)worker * QUERY_RING_LEN,
			 QUERY_RING_LEN);
	while (ring_next(&ring, sizeof(struct query_record), &is_damaged))
		count++;
	return count;
}

/* Nothing is logged: what the rings hold is nobody's, and needs no memory. */
static void
forget_queries(struct process_table *table)
{
	struct region *region = table->heritage->region;
	struct region_query_log *log = &region->query_log;

	for (unsigned i = 0; i < table->worker_count; i++) {
		struct ring_ends *ends = &region->slots[i].query_ring;

		if (atomic_load(&ends->head) == 0)
			continue;
		region_query_log_add(log, QUERY_LOG_lost, count_records(table, i));
		atomic_store(&ends->tail, atomic_load(&ends->head));
		madvise(table->heritage->query_rings + (size_t)i * QUERY_RING_LEN,
			QUERY_RING_LEN, MADV_REMOVE);
	}
	region_query_log_set(log, QUERY_LOG_waiting_bytes, 0);
	region_query_log_set_error(log, "");
}

static void
note_logger(struct process_table *table, pid_t pid)
{
	struct region_query_log *log = &table->heritage->region->query_log;

	if (pid > 0)
		atomic_store(&log->restarts, table->services[SERVICE_LOGGER].deaths);
	atomic_store(&log->pid, (int32_t)pid);
}

static _Atomic uint64_t *
logger_heartbeat(struct region *region)
{
	return &region->query_log.heartbeat_ns;
}

/* `martletctl keys` asks it, too. */
static bool
wants_signer(const struct settings *settings)
{
	(void)settings;
	return true;
}

static _Atomic uint64_t *
signer_heartbeat(struct region *region)
{
	return &region->signer.heartbeat_ns;
}

static const struct {
	const char *name;
	void (*run)(const struct heritage *heritage); /* does not return */
	bool (*is_wanted)(const struct settings *settings);
	_Atomic uint64_t *(*heartbeat)(struct region *region);
	/* it is not wanted: clear what the region has of its work */
	void (*forget)(struct process_table *table);
	/* it has been forked, or, with 0, it has ended; NULL: nobody wants to know */
	void (*note)(struct process_table *table, pid_t pid);
	const char *meanwhile; /* ends the log line when it has to wait */
} services[SERVICE_COUNT] = {
	[SERVICE_RESOLVER] = { "resolver", resolver_run, wants_resolver,
			       resolver_heartbeat, forget_names, NULL,
			       "; what is known of names elsewhere is served on" },
	[SERVICE_PROBER] = { "prober", prober_run, wants_prober, prober_heartbeat,
			     forget_health, note_prober,
			     "; what is known of targets stands until then" },
	[SERVICE_REPORTER] = { "reporter", reporter_run, wants_reporter,
			       reporter_heartbeat, forget_report, note_reporter,
			       "; nothing is told over HTTP until then" },
	[SERVICE_LOGGER] = { "logger", logger_run, wants_logger, logger_heartbeat,
			     forget_queries, note_logger,
			     "; queries wait in the rings of the query log, and are "
			     "dropped "
			     "when these are full" },
	[SERVICE_SIGNER] = { "signer", signer_run, wants_signer, signer_heartbeat, NULL,
			     NULL, "; what is signed stands until then" },
};

_Atomic uint64_t *
service_heartbeat(struct process_table *table, enum service service)
{
	return services[service].heartbeat(table->heritage->region);
}

/* Who talks to strangers has no socket that queries come to. */
static void
close_sockets(const struct process_table *table)
{
	const struct heritage *heritage = table->heritage;
	size_t count = table->worker_count * heritage->settings->listen_count;

	for (size_t i = 0; i < count; i++) {
		close(heritage->sockets[i].udp_fd);
		close(heritage->sockets[i].tcp_fd);
	}
}

void
service_start(struct process_table *table, enum service service)
{
	struct child *child = &table->services[service];
	pid_t pid;

	if (!services[service].is_wanted(table->heritage->settings)) {
		child->state = CHILD_NONE;
		services[service].forget(table);
		return;
	}
	snprintf(child->name, sizeof child->name, "%s", services[service].name);
	atomic_store(service_heartbeat(table, service), clock_now_ns());
	pid = fork();
	if (pid == 0) {
		child_enter(-1);
		close_sockets(table);
		if (service != SERVICE_PROBER)
			child_close_icmp(table->heritage);
		if (service != SERVICE_REPORTER)
			child_close_http(table->heritage);
		if (service != SERVICE_SIGNER)
			child_close_signer(table->heritage);
		services[service].run(table->heritage);
	}
	if (pid < 0) {
		child_note_failure(child);
		return;
	}
	child_note_start(child, pid);
	if (services[service].note)
		services[service].note(table, pid);
}

void
service_note_end(struct process_table *table, enum service service, int status)
{
	struct child *child = &table->services[service];
	bool is_ending = child->state == CHILD_ENDING;

	if (!table->is_stopping && !is_ending)
		child_note_death(child, status, CHILD_BACKOFF_MAX_MS,
				 services[service].meanwhile);
	/* before the next one reads the store: this one may have left its place there */
	table->events.reader_ended(table->events.arg, child->pid);
	child->pid = 0;
	if (services[service].note)
		services[service].note(table, 0);
	if (table->is_stopping)
		child->state = CHILD_NONE;
	else if (is_ending)
		service_start(table, service);
}

void
service_renew(struct process_table *table, enum service service)
{
	struct child *child = &table->services[service];

	if (child->state == CHILD_RUNNING) {
		child->state = CHILD_ENDING;
		kill(child->pid, SIGKILL); /* it may hang, and has nothing to end */
	} else if (child->state != CHILD_ENDING && !table->is_stopping) {
		service_start(table, service);
	}
}
