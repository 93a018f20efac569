/* The master's loop. */
#include "master/server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "master/ctl_commands.h"
#include "master/daemon.h"
#include "master/log_pipe.h"
#include "master/log_sinks.h"
#include "master/notify.h"
#include "master/poll_set.h"
#include "master/settings/settings_limit.h"
#include "master/signals.h"
#include "shm/clock.h"
#include "shm/log.h"

enum {
	TICK_MS = 250,
	TICK_STARTING_MS = 5,
	START_TELL_MS = 3000,
	TICK_PUSHING_MS = 10, /* while somebody waits for sync */
	FINISH_MS = 1000,
	FLUSH_MS = 1000,
	EXTEND_EVERY_MS = 5000,
	EXTEND_MS = 30000, /* more for the start, each time */
	DROPS_EVERY_MS = 1000,
};

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

/* Who waits in front of a terminal sees no log. */
static void
tell_start(struct server *server)
{
	char why[SOURCE_TEXT_MAX];
	uint64_t age_ms = (clock_now_ns() - server->region->started_ns) / 1000000;

	if (server->has_told_start || age_ms < START_TELL_MS)
		return;
	server->has_told_start = true;
	if (!region_source_get_text(&server->region->source, SOURCE_TEXT_LINK, why) &&
	    !region_source_get_text(&server->region->source, SOURCE_TEXT_LOADING, why))
		snprintf(why, sizeof why, "the zones are being read");
	log_sinks_tell_starter(
		"martletd waits for its first zones: %s; it goes on trying, Ctrl-C gives "
		"up\n",
		why);
}

static void
watch_start(struct server *server)
{
	extend_start(server);
	tell_start(server);
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
	if (taken.is_reopen) {
		log_sinks_reopen();
		atomic_fetch_add(&server->region->query_log.reopen_seq, 1);
	}
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

/* The buckets that are full again, so that none is older than a clock of 40 bits; not
 * before there were any, since looking at them gives them memory. */
static void
sweep_limits(struct server *server)
{
	server->has_limits |= settings_limit_has_rates(server->settings);
	if (!server->has_limits)
		return;
	limit_sweep(&server->region->limited_clients, &server->swept_clients,
		    limit_ticks(clock_now_ns()));
	limit_sweep(&server->region->limited_networks, &server->swept_networks,
		    limit_ticks(clock_now_ns()));
}

static void
tick(struct server *server)
{
	ctl_server_expire(&server->ctl);
	qps_sample(&server->qps, server->region);
	recent_sample(&server->recent, server->region);
	count_drops(server);
	losses_sample(&server->losses, server->region);
	sweep_limits(server);
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
