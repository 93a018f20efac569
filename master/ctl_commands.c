/* Dispatches control requests to master, sync and clerks. */
#include "master/ctl_commands.h"

#include <stdio.h>
#include <string.h>

#include "loader/loader.h"
#include "master/explain/explain.h"
#include "master/profile/profile.h"
#include "master/stats/stats_counters.h"
#include "master/stats/stats_limits.h"
#include "master/stats/stats_report.h"
#include "master/stats/stats_source.h"
#include "master/stats/stats_top.h"
#include "shm/log.h"

enum { SYNC_QUEUE_MAX = 8 }; /* so that `status` always finds a place */

struct command {
	const char *name, *usage;
	int args_max; /* the command itself counted */
	bool is_reading;
	void (*run)(struct server *server, struct ctl_peer *peer);
};

static bool
has_option(const struct ctl_peer *peer, const char *option)
{
	return peer->request.arg_count > 1 && strcmp(peer->request.args[1], option) == 0;
}

typedef unsigned report_fn(struct server *server, struct json_out *json);

static void
reply_report(struct server *server, struct ctl_peer *peer, report_fn *report)
{
	static char buffer[16384];
	struct json_out json;
	unsigned status;

	json_out_init(&json, buffer, sizeof buffer, ctl_peer_put_json, peer);
	status = report(server, &json);
	if (json_out_finish(&json) != 0)
		status = 1;
	ctl_peer_put(peer, CTL_END, NULL, 0, status);
	ctl_server_reply(peer);
}

static void
run_status(struct server *server, struct ctl_peer *peer)
{
	reply_report(server, peer, stats_report_status);
}

static void
run_ready(struct server *server, struct ctl_peer *peer)
{
	reply_report(server, peer, stats_report_ready);
}

static void
run_workers(struct server *server, struct ctl_peer *peer)
{
	reply_report(server, peer, stats_report_workers);
}

static unsigned
report_all_counters(struct server *server, struct json_out *json)
{
	return stats_counters_report(server, json, true);
}

static unsigned
report_counters(struct server *server, struct json_out *json)
{
	return stats_counters_report(server, json, false);
}

static void
run_stats(struct server *server, struct ctl_peer *peer)
{
	bool is_per_worker = has_option(peer, "--per-worker");

	if (peer->request.arg_count > 1 && !is_per_worker)
		ctl_server_refuse(peer, "usage: stats [--per-worker]");
	else
		reply_report(server, peer,
			     is_per_worker ? report_all_counters : report_counters);
}

static unsigned
report_top(struct server *server, struct json_out *json)
{
	return stats_top_report(server, json, true);
}

static unsigned
report_top_without_clients(struct server *server, struct json_out *json)
{
	return stats_top_report(server, json, false);
}

static void
run_top(struct server *server, struct ctl_peer *peer)
{
	bool has_clients = !has_option(peer, "--no-clients");

	if (peer->request.arg_count > 1 && has_clients)
		ctl_server_refuse(peer, "usage: top [--no-clients]");
	else
		reply_report(server, peer,
			     has_clients ? report_top : report_top_without_clients);
}

static void
run_changes(struct server *server, struct ctl_peer *peer)
{
	reply_report(server, peer, stats_source_changes);
}

static void
run_limits(struct server *server, struct ctl_peer *peer)
{
	reply_report(server, peer, stats_limits_report);
}

static void
run_stop(struct server *server, struct ctl_peer *peer)
{
	ctl_server_park(peer, CTL_PEER_STOPPING);
	if (server->state != SERVER_STOPPING)
		server_stop(server);
}

static void
start_clerk(struct server *server, struct ctl_peer *peer, process_clerk_fn *run)
{
	pid_t pid = process_start_clerk(&server->processes, run, peer->fd,
					peer->request.arg_count, peer->request.args);

	if (pid < 0) {
		ctl_server_refuse(peer, "no process can be started for this: try again");
		return;
	}
	peer->clerk = pid;
	ctl_server_park(peer, CTL_PEER_AT_CLERK);
}

static void
run_clerk(struct server *server, struct ctl_peer *peer)
{
	start_clerk(server, peer, clerk_run);
}

static void
run_explain(struct server *server, struct ctl_peer *peer)
{
	start_clerk(server, peer, explain_run);
}

static void
run_profile(struct server *server, struct ctl_peer *peer)
{
	start_clerk(server, peer, profile_run);
}

void
ctl_commands_end_clerk(void *arg, pid_t pid)
{
	struct server *server = arg;

	process_end_clerk(&server->processes, pid);
}

static void
run_sync(struct server *server, struct ctl_peer *peer)
{
	unsigned waiting = 0;

	for (unsigned i = 0; i < CTL_PEERS_MAX; i++)
		waiting += server->ctl.peers[i].state == CTL_PEER_QUEUED ||
			   server->ctl.peers[i].state == CTL_PEER_AT_SYNC;
	if (waiting >= SYNC_QUEUE_MAX) {
		ctl_server_refuse(peer,
				  "busy: other changes are waiting already, try again");
		return;
	}
	ctl_server_park(peer, CTL_PEER_QUEUED);
	ctl_commands_push(server);
}

/* A plain reload begins with the configuration. */
static void
run_reload(struct server *server, struct ctl_peer *peer)
{
	char reason[SERVER_REASON_MAX];

	if (peer->request.arg_count == 1 && server_reload_settings(server, reason) != 0)
		ctl_server_refuse(peer, reason);
	else
		run_sync(server, peer);
}

/* The keys of a zone may be looked at by who may read; new ones are a change. */
static void
run_keys(struct server *server, struct ctl_peer *peer)
{
	static const char *const changes[] = { "generate", "roll", "ds-seen", "unsign" };
	const char *what = "";
	char reason[128];

	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		if (peer->request.arg_count > 2 &&
		    strcmp(peer->request.args[1], changes[i]) == 0)
			what = changes[i];
	snprintf(reason, sizeof reason,
		 "permission denied: keys %s is for root and the server's user", what);
	if (*what && !peer->may_change)
		ctl_server_refuse(peer, reason);
	else if (*what && strcmp(what, "generate") != 0)
		run_sync(server, peer);
	else
		run_clerk(server, peer);
}

/* Only what is really held can be accepted: the id is sync's to judge. */
static void
run_accept(struct server *server, struct ctl_peer *peer)
{
	const char *id = peer->request.arg_count == 2 ? peer->request.args[1] : "";

	if (*id == '\0' || strspn(id, "0123456789") != strlen(id))
		ctl_server_refuse(peer, "usage: accept ID");
	else
		run_sync(server, peer);
}

static const struct command commands[] = {
	{ "status", "status", 1, true, run_status },
	{ "ready", "ready", 1, true, run_ready },
	{ "workers", "workers", 1, true, run_workers },
	{ "stats", "stats [--per-worker]", 2, true, run_stats },
	{ "zones", "zones [--digest] [NAME]", 3, true, run_clerk },
	{ "errors", "errors", 1, true, run_clerk },
	{ "changes", "changes", 1, true, run_changes },
	{ "limits", "limits", 1, true, run_limits },
	{ "top", "top [--no-clients]", 2, true, run_top },
	{ "generations", "generations", 1, true, run_clerk },
	{ "diff", "diff A B [--rrsig]", 4, true, run_clerk },
	{ "held", "held", 1, true, run_clerk },
	{ "accept", "accept ID", 2, false, run_accept },
	{ "export", "export [ZONE]", 2, true, run_clerk },
	{ "explain", "explain NAME TYPE [--client IP] [--ecs PREFIX] [--tcp] [--do]", 9,
	  true, run_explain },
	{ "simulate", "simulate NAME TYPE FILE [OPTION...]", CTL_ARGS_MAX, true,
	  run_explain },
	{ "profile", "profile cpu [SECONDS] | heap | memory | wait [SECONDS]", 4, false,
	  run_profile },
	{ "trace", "trace SECONDS", 2, false, run_profile },
	{ "schedtrace", "schedtrace [INTERVAL [COUNT]]", 3, true, run_profile },
	{ "keys",
	  "keys [ZONE], keys generate ZONE [--split], keys roll ZONE [ksk | zsk | "
	  "algorithm N], keys ds-seen ZONE TAG [TTL], keys unsign ZONE",
	  5, true, run_keys },
	{ "reload", "reload [ZONE]", 2, false, run_reload },
	{ "swap", "swap DIR", 2, false, run_sync },
	{ "rollback", "rollback [ID]", 2, false, run_sync },
	{ "resume", "resume", 1, false, run_sync },
	{ "stop", "stop", 1, false, run_stop },
};

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void
refuse_rights(struct server *server, struct ctl_peer *peer, const struct command *command)
{
	char reason[256];

	bool is_root = strcmp(server->privilege.name, "root") == 0;

	snprintf(reason, sizeof reason,
		 "permission denied: %s is for root%s%s%s, this is uid %u", command->name,
		 is_root ? "" : " and user ", is_root ? "" : server->privilege.name,
		 command->is_reading ? " and members of control_group" : "",
		 (unsigned)peer->uid);
	ctl_server_refuse(peer, reason);
}

void
ctl_commands_request(void *arg, struct ctl_peer *peer)
{
	struct server *server = arg;
	const struct command *command = find_command(peer->request.args[0]);
	char reason[256];

	if (!command) {
		snprintf(reason, sizeof reason, "unknown command '%.60s'",
			 peer->request.args[0]);
		ctl_server_refuse(peer, peer->may_read ? reason : "permission denied");
	} else if (!(command->is_reading ? peer->may_read : peer->may_change)) {
		refuse_rights(server, peer, command);
	} else if (peer->request.arg_count > command->args_max) {
		snprintf(reason, sizeof reason, "usage: %s", command->usage);
		ctl_server_refuse(peer, reason);
	} else if (server->state == SERVER_STOPPING && command->run != run_status &&
		   command->run != run_ready && command->run != run_stop) {
		ctl_server_refuse(peer, "the server is stopping");
	} else {
		if (!command->is_reading)
			log_info("control: %s by uid %u", command->name,
				 (unsigned)peer->uid);
		command->run(server, peer);
	}
}

/* The one that has waited longest, or NULL. */
static struct ctl_peer *
first_queued(struct server *server)
{
	struct ctl_peer *first = NULL;

	for (unsigned i = 0; i < CTL_PEERS_MAX; i++) {
		struct ctl_peer *peer = &server->ctl.peers[i];

		if (peer->state == CTL_PEER_QUEUED &&
		    (!first || peer->arrival < first->arrival))
			first = peer;
	}
	return first;
}

/* Sync takes a request only after it has said that it is busy: when nothing is left to
 * be read and it is idle, all is answered. */
static bool
sync_is_idle(const struct server *server)
{
	uint32_t state = atomic_load(&server->region->swap.sync_state);

	return sync_link_is_empty(&server->sync_link) &&
	       (state == SYNC_IDLE || state == SYNC_WAITING);
}

static void
release_answered(struct server *server)
{
	for (unsigned i = 0; i < CTL_PEERS_MAX; i++)
		if (server->ctl.peers[i].state == CTL_PEER_AT_SYNC)
			ctl_server_drop(&server->ctl.peers[i]);
}

/* A reload by SIGHUP has nobody to answer to. */
static bool
push_reload(struct server *server)
{
	static const char request[] = "reload";

	if (server->is_reload_due &&
	    sync_link_send(&server->sync_link, request, sizeof request, -1) == 0)
		server->is_reload_due = false;
	return !server->is_reload_due;
}

static void
push_queued(struct server *server)
{
	struct ctl_peer *peer;

	while ((peer = first_queued(server))) {
		const size_t head_len = sizeof(struct ctl_head);

		if (sync_link_send(&server->sync_link, peer->in + head_len,
				   peer->in_len - head_len, peer->fd) != 0)
			return;
		ctl_server_park(peer, CTL_PEER_AT_SYNC);
	}
}

static bool
has_state(const struct server *server, enum ctl_peer_state state)
{
	for (unsigned i = 0; i < CTL_PEERS_MAX; i++)
		if (server->ctl.peers[i].state == state)
			return true;
	return false;
}

bool
ctl_commands_push(struct server *server)
{
	if (sync_is_idle(server)) {
		release_answered(server);
		if (server->is_sync_stale)
			process_renew_sync(&server->processes);
	}
	if (!server->is_sync_stale && push_reload(server))
		push_queued(server);
	return server->is_sync_stale || server->is_reload_due ||
	       has_state(server, CTL_PEER_QUEUED) || has_state(server, CTL_PEER_AT_SYNC);
}

/* A reload may be done twice; `rollback` or `swap` must not. */
static bool
may_repeat(const struct ctl_peer *peer)
{
	return !peer->is_repeated && strcmp(peer->request.args[0], "reload") == 0;
}

void
ctl_commands_sync_ended(struct server *server)
{
	for (unsigned i = 0; i < CTL_PEERS_MAX; i++) {
		struct ctl_peer *peer = &server->ctl.peers[i];

		if (peer->state != CTL_PEER_AT_SYNC)
			continue;
		if (may_repeat(peer) && server->state != SERVER_STOPPING) {
			peer->is_repeated = true;
			ctl_server_park(peer, CTL_PEER_QUEUED);
		} else {
			ctl_server_refuse(peer, "sync ended while it worked on this: see "
						"the log, and try again");
		}
	}
}

void
ctl_commands_clerk_ended(struct server *server, pid_t pid, bool is_crash)
{
	profile_area_release(server->profile, pid);
	for (unsigned i = 0; i < CTL_PEERS_MAX; i++) {
		struct ctl_peer *peer = &server->ctl.peers[i];

		if (peer->state != CTL_PEER_AT_CLERK || peer->clerk != pid)
			continue;
		if (is_crash && !peer->is_gone)
			ctl_server_refuse(peer, "the process that answers this died: see "
						"the log");
		else
			ctl_server_drop(peer);
	}
}

void
ctl_commands_stopped(struct server *server)
{
	for (unsigned i = 0; i < CTL_PEERS_MAX; i++) {
		struct ctl_peer *peer = &server->ctl.peers[i];

		if (peer->state == CTL_PEER_STOPPING) {
			ctl_peer_put(peer, CTL_DATA, "{}", 2, 0);
			ctl_peer_put(peer, CTL_END, NULL, 0, 0);
			ctl_server_reply(peer);
		} else if (peer->state == CTL_PEER_QUEUED) {
			ctl_server_refuse(peer, "the server has stopped");
		}
	}
}
