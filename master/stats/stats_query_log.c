/* The logger, as it tells of itself in shared memory, and what workers could not hand it. */
#include "master/stats/stats_query_log.h"

#include <inttypes.h>
#include <stdio.h>

/* Answered, and not logged. */
static uint64_t
dropped(const struct server *server)
{
	static struct stats_block sum;

	region_sum_stats(server->region, &sum);
	return atomic_load(&sum.value[STAT_query_log_dropped]) +
	       region_query_log_get(&server->region->query_log, QUERY_LOG_lost);
}

void
stats_query_log_put(const struct server *server, struct json_out *json)
{
	const struct region_query_log *log = &server->region->query_log;
	bool is_on = server->settings->query_log.enable;
	int32_t pid = atomic_load(&log->pid);
	char error[QUERY_LOG_ERROR_MAX];

	region_query_log_get_error(log, error);
	json_out_begin_object(json, "query_log");
	json_out_text(json, "target", is_on ? server->settings->query_log.target : NULL);
	if (pid)
		json_out_int(json, "pid", pid);
	else
		json_out_null(json, "pid");
	json_out_uint(json, "restarts", atomic_load(&log->restarts));
	json_out_uint(json, "written", region_query_log_get(log, QUERY_LOG_written));
	json_out_uint(json, "dropped", dropped(server));
	json_out_text(json, "last_error", error[0] ? error : NULL);
	json_out_end_object(json);
}

unsigned
stats_query_log_put_problems(const struct server *server, struct json_out *json)
{
	char error[QUERY_LOG_ERROR_MAX], text[QUERY_LOG_ERROR_MAX + 128];

	region_query_log_get_error(&server->region->query_log, error);
	if (!error[0])
		return 0;
	snprintf(text, sizeof text, "query log: %s", error);
	json_out_text(json, NULL, text);
	return 1;
}

void
stats_query_log_put_notices(const struct server *server, struct json_out *json)
{
	uint64_t count = dropped(server);
	char text[160];

	if (count == 0)
		return;
	snprintf(text, sizeof text,
		 "%" PRIu64
		 " queries were answered and not logged: the query log's target "
		 "was slower than they came, or the log was turned off before",
		 count);
	json_out_text(json, NULL, text);
}
