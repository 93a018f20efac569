/* The master's loop, and what a reload and a stop change. */
#include "master/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"
#include "master/ctl_commands.h"
#include "master/daemon.h"
#include "master/log_pipe.h"
#include "master/log_sinks.h"
#include "master/notify.h"
#include "master/poll_set.h"
#include "master/settings_fields.h"
#include "master/settings_load.h"
#include "master/settings_redis.h"
#include "master/signals.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	TICK_MS = 250,
	TICK_STARTING_MS = 5,
	TICK_PUSHING_MS = 10, /* while somebody waits for sync */
	STOP_MS = 8000, /* workers drain for 5 s */
	FINISH_MS = 1000,
	FLUSH_MS = 1000,
	EXTEND_EVERY_MS = 5000,
	EXTEND_MS = 30000, /* more for the start, each time */
	DROPS_EVERY_MS = 10000,
};

bool
server_is_ready(const struct server *server)
{
	if (atomic_load(&server->region->swap.published_id) == 0)
		return false;
	for (unsigned i = 0; i < server->region->worker_count; i++)
		if (atomic_load(&server->region->slots[i].state) == WORKER_SERVING)
			return true;
	return false;
}

struct reload_findings {
	char *first; /* SERVER_REASON_MAX */
	unsigned error_count;
};

static void
on_finding(void *arg, bool is_error, const char *text)
{
	struct reload_findings *findings = arg;

	if (!is_error) {
		log_warnx("%s", text);
		return;
	}
	log_errorx("%s", text);
	if (findings->error_count++ == 0)
		snprintf(findings->first, SERVER_REASON_MAX, "%s", text);
}

/* "listen, workers.count" */
static void
name_restart_options(struct server *server, const struct settings *fresh)
{
	const char *names[SETTINGS_ROWS_MAX];
	unsigned count =
		settings_fields_diff(server->settings, fresh, SETTING_RESTART, names);
	char text[REGION_NOTICE_MAX] = "";
	size_t len = 0;

	for (unsigned i = 0; i < count && len < sizeof text; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s",
					i ? ", " : "", names[i]);
	if (count > 0)
		log_warnx("changed, but only effective after a restart: %s", text);
	region_set_restart_options(server->region, text);
}

/* What the running server does with the options that differ. */
static void
take_settings(struct server *server, struct settings *fresh)
{
	const char *names[SETTINGS_ROWS_MAX];
	struct settings *old = server->settings;

	if (settings_fields_diff(old, fresh, SETTING_SYNC, names) > 0)
		server->is_sync_stale = true;
	if (strcmp(old->log.target, fresh->log.target) != 0 &&
	    log_sinks_open(fresh->log.target, server->is_daemon) != 0)
		log_warnx("log lines go on to the earlier target");
	if (old->dns.rcvbuf_kb != fresh->dns.rcvbuf_kb)
		listen_set_rcvbuf(&server->listen, fresh->dns.rcvbuf_kb);
	log_set_level(fresh->log.level);
	server->settings = fresh;
	server->heritage.settings = fresh;
	region_set_live(server->region, fresh);
	settings_free(old);
}

int
server_reload_settings(struct server *server, char reason[SERVER_REASON_MAX])
{
	struct reload_findings findings = { .first = reason };
	const struct settings_sink sink = { on_finding, &findings };
	struct settings *fresh = NULL;
	size_t len;

	if (settings_load(server->settings->config_path, &fresh, &sink) != 0 ||
	    settings_redis_read_password(fresh, &sink) != 0) {
		settings_free(fresh);
		len = strlen(reason);
		if (findings.error_count > 1)
			snprintf(reason + len, SERVER_REASON_MAX - len, " (and %u more)",
				 findings.error_count - 1);
		return ERR_SYNTAX;
	}
	name_restart_options(server, fresh);
	settings_fields_keep_restart(server->settings, fresh);
	take_settings(server, fresh);
	log_info("configuration read again");
	return 0;
}

void
server_stop(struct server *server)
{
	bool again = server->state == SERVER_STOPPING;

	if (!again) {
		notify_send("STOPPING=1\nSTATUS=stopping");
		log_info("stopping");
		server->stop_deadline_ms = clock_now_ms() + STOP_MS;
	}
	server->state = SERVER_STOPPING;
	process_stop_all(&server->processes, again ? SIGKILL : SIGTERM);
}

/* Why, has been logged. */
static void
fail_start(struct server *server)
{
	server->exit_status = 1;
	server_stop(server);
}

/* Has sync tried, and found nothing that could be served?  It has said why. */
static bool
sync_gave_up(const struct server *server)
{
	const struct region_swap *swap = &server->region->swap;

	return atomic_load(&swap->sync_state) == SYNC_IDLE &&
	       atomic_load(&swap->published_id) == 0;
}

/* The first query can be answered. */
static void
begin_serving(struct server *server)
{
	const struct region_swap *swap = &server->region->swap;
	unsigned long long zones = atomic_load(&swap->zone_count);
	unsigned long long records = atomic_load(&swap->record_count);

	server->state = SERVER_SERVING;
	log_info("serving %llu zones, %llu records, %u workers, %llu ms after the start",
		 zones, records, server->region->worker_count,
		 (unsigned long long)((clock_now_ns() - server->region->started_ns) /
				      1000000));
	log_sinks_started();
	notify_send("READY=1\nSTATUS=serving %llu zones", zones);
	daemon_ready(strcmp(server->settings->log.target, "stderr") == 0);
}

/* The service manager's patience is for 90 s; a first build may take longer. */
static void
extend_start(struct server *server)
{
	uint64_t now_ms = clock_now_ms();

	if (now_ms < server->notify_due_ms)
		return;
	server->notify_due_ms = now_ms + EXTEND_EVERY_MS;
	notify_send("EXTEND_TIMEOUT_USEC=%d000\nSTATUS=making the first generation",
		    EXTEND_MS);
}

static void
watch_start(struct server *server)
{
	extend_start(server);
	if (server_is_ready(server)) {
		begin_serving(server);
	} else if (process_start_failed(&server->processes)) {
		log_errorx("the server cannot start: its processes die, see above");
		fail_start(server);
	} else if (sync_gave_up(server)) {
		fail_start(server);
	}
}

static void
take_reload_signal(struct server *server)
{
	char reason[SERVER_REASON_MAX];

	notify_send_reloading();
	if (server_reload_settings(server, reason) == 0)
		server->is_reload_due = true;
	else
		log_errorx("reload refused, the earlier settings stay");
	notify_send("READY=1");
}

static void
take_signals(struct server *server)
{
	struct signals taken = signals_take();

	while (taken.terms-- > 0)
		server_stop(server);
	if (taken.is_reload && server->state != SERVER_STOPPING)
		take_reload_signal(server);
	if (taken.is_reopen)
		log_sinks_reopen();
	if (taken.is_child)
		process_reap(&server->processes);
}

/* The kernel's counters have 32 bits. */
static void
count_drops(struct server *server)
{
	uint64_t now_ms = clock_now_ms();

	if (now_ms < server->drops_due_ms)
		return;
	server->drops_due_ms = now_ms + DROPS_EVERY_MS;
	stats_add(&server->region->retired, STAT_udp_socket_drops,
		  listen_take_drops(&server->listen));
}

static void
tick(struct server *server)
{
	ctl_server_expire(&server->ctl);
	qps_sample(&server->qps, server->region);
	count_drops(server);
	if (server->state == SERVER_STARTING)
		watch_start(server);
	if (server->state == SERVER_SERVING)
		process_watch(&server->processes);
	if (server->state == SERVER_STOPPING && clock_now_ms() > server->stop_deadline_ms)
		process_stop_all(&server->processes, SIGKILL);
}

/* Everything is ended: take away what shows that we were here, then say so. */
static void
finish(struct server *server)
{
	log_pipe_drain();
	ctl_server_close(&server->ctl);
	lock_file_remove(&server->pid_file);
	log_info("stopped");
	ctl_commands_stopped(server);
	ctl_server_finish(&server->ctl, FINISH_MS);
	log_sinks_flush(FLUSH_MS);
}

int
server_run(struct server *server)
{
	while (server->state != SERVER_STOPPING ||
	       !process_all_ended(&server->processes)) {
		int wait_ms = process_restart_due(
			&server->processes,
			server->state == SERVER_STARTING ? TICK_STARTING_MS : TICK_MS);

		if (ctl_commands_push(server) && wait_ms > TICK_PUSHING_MS)
			wait_ms = TICK_PUSHING_MS;
		poll_set_run(wait_ms);
		take_signals(server);
		tick(server);
	}
	finish(server);
	return server->exit_status;
}
