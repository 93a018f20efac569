/* status, ready and workers from the shared region. */
#include "master/stats/stats_report.h"

#include <stdio.h>
#include <unistd.h>

#include "master/stats/stats_floods.h"
#include "master/stats/stats_health.h"
#include "master/stats/stats_http.h"
#include "master/stats/stats_problems.h"
#include "master/stats/stats_query_log.h"
#include "master/stats/stats_resolver.h"
#include "master/stats/stats_source.h"
#include "shm/clock.h"

static const char *
state_name(const struct server *server)
{
	switch (server->state) {
	case SERVER_STARTING:
		return "starting";
	case SERVER_SERVING:
		return server_is_ready(server) ? "serving" : "waiting";
	case SERVER_STOPPING:
		return "stopping";
	}
	return "unknown";
}

/* 0 is "not known". */
static void
put_known(struct json_out *json, const char *name, uint64_t value)
{
	if (value)
		json_out_uint(json, name, value);
	else
		json_out_null(json, name);
}

unsigned
stats_report_status(struct server *server, struct json_out *json)
{
	const struct region *region = server->region;
	const struct region_swap *swap = &region->swap;
	uint64_t generation = atomic_load(&swap->published_id);
	unsigned problem_count;

	stats_add(&server->region->retired, STAT_udp_socket_drops,
		  listen_take_drops(&server->listen));
	json_out_begin_object(json, NULL);
	json_out_text(json, "version", MARTLET_VERSION);
	json_out_int(json, "pid", getpid());
	json_out_uint(json, "uptime_s",
		      (clock_now_ns() - region->started_ns) / 1000000000);
	json_out_text(json, "state", state_name(server));
	put_known(json, "generation", generation);
	json_out_uint(json, "overlay_records",
		      region_source_get(&region->source, SOURCE_overlay_records));
	if (generation) {
		json_out_uint(json, "zones", atomic_load(&swap->zone_count));
		json_out_uint(json, "records", atomic_load(&swap->record_count));
	} else {
		json_out_null(json, "zones");
		json_out_null(json, "records");
	}
	stats_source_put(server, json);
	stats_resolver_put(server, json);
	json_out_uint(json, "workers", region->worker_count);
	stats_health_put(server, json);
	stats_http_put(server, json);
	stats_query_log_put(server, json);
	stats_floods_put(server, json);
	json_out_begin_array(json, "problems");
	problem_count = stats_problems_put(server, json);
	json_out_end_array(json);
	json_out_begin_array(json, "notices");
	stats_problems_put_notices(server, json);
	json_out_end_array(json);
	json_out_end_object(json);
	return server_is_ready(server) && problem_count == 0 ? 0 : 1;
}

unsigned
stats_report_ready(struct server *server, struct json_out *json)
{
	bool is_ready = server_is_ready(server);

	json_out_begin_object(json, NULL);
	json_out_bool(json, "ready", is_ready);
	put_known(json, "generation", atomic_load(&server->region->swap.published_id));
	json_out_end_object(json);
	return is_ready ? 0 : 1;
}

/* Resident memory, 0 when it cannot be read.  Shared maps are part of it. */
static uint64_t
read_rss(int32_t pid)
{
	unsigned long long pages = 0;
	char path[32];
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%*u %llu", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
put_process(struct json_out *json, const struct worker_slot *slot, int32_t pid)
{
	uint64_t age_ns = clock_now_ns() - atomic_load(&slot->started_ns);

	if (!pid) {
		json_out_null(json, "uptime_s");
		return;
	}
	json_out_uint(json, "uptime_s", age_ns / 1000000000);
}

static void
put_worker(const struct server *server, struct json_out *json, unsigned id)
{
	const struct worker_slot *slot = &server->region->slots[id];
	int32_t pid = atomic_load(&slot->pid), cpu = atomic_load(&slot->cpu);

	json_out_begin_object(json, NULL);
	json_out_uint(json, "id", id);
	put_known(json, "pid", (uint64_t)pid);
	if (cpu >= 0)
		json_out_int(json, "cpu", cpu);
	else
		json_out_null(json, "cpu");
	json_out_text(json, "state",
		      worker_state_name((enum worker_state)atomic_load(&slot->state)));
	json_out_uint(json, "restarts", atomic_load(&slot->restarts));
	put_process(json, slot, pid);
	json_out_double(json, "qps", qps_mean(&server->qps, server->region, id), 1);
	json_out_uint(json, "queries", qps_queries(server->region, id));
	put_known(json, "generation", atomic_load(&slot->serving_id));
	put_known(json, "rss_bytes", pid ? read_rss(pid) : 0);
	json_out_end_object(json);
}

unsigned
stats_report_workers(struct server *server, struct json_out *json)
{
	json_out_begin_object(json, NULL);
	json_out_begin_array(json, "workers");
	for (unsigned i = 0; i < server->region->worker_count; i++)
		put_worker(server, json, i);
	json_out_end_array(json);
	json_out_end_object(json);
	return 0;
}
