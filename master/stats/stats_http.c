/* The reporter, as the master sees it. */
#include "master/stats/stats_http.h"

void
stats_http_put(const struct server *server, struct json_out *json)
{
	const struct region_report *report = &server->region->report;
	const struct settings *settings = server->settings;
	int32_t pid = atomic_load(&report->pid);

	json_out_begin_object(json, "http");
	json_out_text(json, "listens",
		      settings->http.address[0] ? settings->http.listen.text : NULL);
	if (pid)
		json_out_int(json, "pid", pid);
	else
		json_out_null(json, "pid");
	json_out_uint(json, "restarts", atomic_load(&report->restarts));
	json_out_bool(json, "debug", settings->http.debug && settings->http.is_loopback);
	json_out_end_object(json);
}

void
stats_http_put_notices(const struct server *server, struct json_out *json)
{
	if (server->processes.services[SERVICE_REPORTER].state == CHILD_WAITING)
		json_out_text(
			json, NULL,
			"the reporter does not run: nothing is told over HTTP until "
			"it is started again; see the log");
}
