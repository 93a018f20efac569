/* What the loop and the control commands do to the running server. */
#include "master/server_state.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "master/http_listen.h"
#include "master/log_sinks.h"
#include "master/notify.h"
#include "master/settings/settings_diff.h"
#include "master/settings/settings_fields.h"
#include "master/settings/settings_limit.h"
#include "master/settings/settings_load.h"
#include "master/settings/settings_redis.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum { STOP_MS = 8000 }; /* workers drain for 5 s */

bool
server_is_ready(const struct server *server)
{
	return region_is_ready(server->region);
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
		settings_diff_names(server->settings, fresh, SETTING_RESTART, names);
	char text[REGION_NOTICE_MAX] = "";
	size_t len = 0;

	for (unsigned i = 0; i < count && len < sizeof text; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s",
					i ? ", " : "", names[i]);
	if (count > 0)
		log_warnx("changed, but only effective after a restart: %s", text);
	region_set_restart_options(server->region, text);
}

/* It also tells what it logs of zones and places, and who we are. */
static bool
logger_differs(const struct settings *old, const struct settings *fresh)
{
	const char *names[SETTINGS_ROWS_MAX];

	return settings_diff_names(old, fresh, SETTING_LOGGER, names) > 0 ||
	       strcmp(old->dns.identity, fresh->dns.identity) != 0;
}

/* What the running server does with the options that differ. */
static void
take_settings(struct server *server, struct settings *fresh)
{
	const char *names[SETTINGS_ROWS_MAX];
	struct settings *old = server->settings;
	bool is_resolver_stale =
		settings_diff_names(old, fresh, SETTING_RESOLVER, names) > 0;
	bool is_signer_stale = settings_diff_names(old, fresh, SETTING_SIGNER, names) > 0;
	bool is_prober_stale = settings_diff_names(old, fresh, SETTING_PROBER, names) > 0;
	bool is_reporter_stale =
		settings_diff_names(old, fresh, SETTING_REPORTER, names) > 0;
	bool is_logger_stale = logger_differs(old, fresh);

	/* sync finds the parents of zones through the resolver, and writes lists of keys */
	if (settings_diff_names(old, fresh, SETTING_SYNC, names) > 0 ||
	    is_resolver_stale || old->dnssec.role != fresh->dnssec.role)
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
	settings_limit_publish(fresh, &server->region->limits);
	if (is_resolver_stale)
		service_renew(&server->processes, SERVICE_RESOLVER);
	if (is_signer_stale)
		service_renew(&server->processes, SERVICE_SIGNER);
	if (is_prober_stale)
		service_renew(&server->processes, SERVICE_PROBER);
	if (is_reporter_stale)
		service_renew(&server->processes, SERVICE_REPORTER);
	if (is_logger_stale)
		service_renew(&server->processes, SERVICE_LOGGER);
	settings_free(old);
}

int
server_reload_settings(struct server *server, char reason[SERVER_REASON_MAX])
{
	struct reload_findings findings = { .first = reason };
	const struct settings_sink sink = { on_finding, &findings };
	struct settings *fresh = NULL;
	size_t len;
	int result;

	if (settings_load(server->settings->config_path, &fresh, &sink) != 0 ||
	    settings_redis_read_password(fresh, &sink) != 0 ||
	    settings_limit_read_secrets(fresh, &sink) != 0) {
		settings_free(fresh);
		len = strlen(reason);
		if (findings.error_count > 1)
			snprintf(reason + len, SERVER_REASON_MAX - len, " (and %u more)",
				 findings.error_count - 1);
		return ERR_SYNTAX;
	}
	result = http_listen_open(server->settings, fresh, &server->heritage.http_fd,
				  reason, SERVER_REASON_MAX);
	if (result) {
		log_errorx("%s", reason);
		settings_free(fresh);
		return result;
	}
	name_restart_options(server, fresh);
	settings_diff_keep_restart(server->settings, fresh);
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
