/* Looks for what is wrong. */
#include "master/stats/stats_problems.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "master/log_sinks.h"
#include "master/stats/stats_floods.h"
#include "master/stats/stats_health.h"
#include "master/stats/stats_http.h"
#include "master/stats/stats_query_log.h"
#include "master/stats/stats_resolver.h"
#include "master/stats/stats_signing.h"
#include "master/stats/stats_source.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum { NS_PER_S = 1000000000, START_SLOW_S = 10, SYNC_STILL_S = 5 };

/* Of the time after which it is killed: then it is told of. */
enum { JOB_STILL_SHARE = 6 };

/* Write one text; returns 1, for counting. */
__attribute__((format(printf, 2, 3))) static unsigned
put(struct json_out *json, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json_out_text(json, NULL, text);
	return 1;
}

static unsigned
put_worker(const struct server *server, struct json_out *json, unsigned id)
{
	const struct worker_slot *slot = &server->region->slots[id];
	uint64_t age_ns = clock_now_ns() - atomic_load(&slot->started_ns);
	uint64_t failed_id = atomic_load(&slot->failed_id);
	uint32_t state = atomic_load(&slot->state);
	bool is_published = atomic_load(&server->region->swap.published_id) != 0;

	if (state == WORKER_BACKOFF)
		return put(
			json,
			"worker %u died %u times in a row and waits before it is started "
			"again; a neighbour serves its sockets: see the log",
			id, server->processes.workers[id].quick_deaths);
	if (failed_id > atomic_load(&slot->serving_id))
		return put(json, "worker %u cannot open generation %" PRIu64 ": it %s",
			   id, failed_id, errcode_text(atomic_load(&slot->open_error)));
	if (state == WORKER_STARTING && is_published && age_ns / NS_PER_S >= START_SLOW_S)
		return put(json, "worker %u does not serve %" PRIu64 " s after its start",
			   id, age_ns / NS_PER_S);
	return 0;
}

static unsigned
put_sync(const struct server *server, struct json_out *json)
{
	const struct child *sync = &server->processes.sync;
	uint64_t beat_ns = atomic_load(&server->region->swap.sync_beat_ns);
	uint64_t still_s = (clock_now_ns() - beat_ns) / NS_PER_S;

	if (sync->state == CHILD_WAITING)
		return put(json,
			   "sync does not run: what is served stays as it is until it "
			   "is started again; see the log");
	if (sync->state == CHILD_RUNNING && still_s >= SYNC_STILL_S)
		return put(
			json,
			"sync (pid %d) has stood still for %" PRIu64
			" s, for a slow disk or because it hangs: what is served stays "
			"as it is; `kill -KILL %d` has it started anew",
			(int)sync->pid, still_s, (int)sync->pid);
	return 0;
}

/* What makes or checks a generation for sync. */
static unsigned
put_job(const struct server *server, struct json_out *json)
{
	const struct region_swap *swap = &server->region->swap;
	unsigned limit_s = server->settings->generations.stall_s;
	int pid = atomic_load(&swap->job_pid);
	unsigned still_s = atomic_load(&swap->job_still_s);

	if (pid == 0 || still_s == 0 || still_s < limit_s / JOB_STILL_SHARE)
		return 0;
	return put(json,
		   "the process that makes a new generation or checks one (pid %d) has "
		   "done nothing for %u s: if it was stopped, `kill -CONT %d`, else look "
		   "at the disk of state_dir; after %u s (generations.stall_s) it is "
		   "killed, and tried again later",
		   pid, still_s, pid, limit_s);
}

unsigned
stats_problems_put(const struct server *server, struct json_out *json)
{
	const struct region_swap *swap = &server->region->swap;
	uint64_t broken_count = atomic_load(&swap->broken_count);
	uint64_t fault_count = atomic_load(&swap->fault_count);
	char error[256];
	unsigned count = 0;

	region_get_error(server->region, error);
	if (!server_is_ready(server))
		count += put(json, "no queries are answered yet");
	if (error[0])
		count += put(json, "%s", error);
	if (broken_count)
		count += put(json,
			     "%" PRIu64
			     " zone%s served from older data or not at all: see "
			     "`martletctl errors`",
			     broken_count, broken_count == 1 ? " is" : "s are");
	if (fault_count)
		count += put(json,
			     "%" PRIu64 " RRset%s not served as the source has %s: see "
			     "`martletctl errors`",
			     fault_count, fault_count == 1 ? " is" : "s are",
			     fault_count == 1 ? "it" : "them");
	for (unsigned kind = 0; kind < GEO_KINDS; kind++) {
		struct region_geo_fault fault;

		if (region_get_geo_fault(server->region, (enum geo_db_kind)kind, &fault))
			count += put(json, "%s: %s %s", geo_db_kind_name(kind),
				     fault.path, fault.reason);
	}
	count += stats_source_put_texts(server, json, SOURCE_TEXT_PROBLEM);
	count += stats_resolver_put_problems(server, json);
	count += put_sync(server, json);
	count += put_job(server, json);
	count += stats_health_put_problems(server, json);
	count += stats_query_log_put_problems(server, json);
	count += stats_floods_put_problems(server, json);
	count += stats_signing_put_problems(server, json);
	for (unsigned i = 0; i < server->region->worker_count; i++)
		count += put_worker(server, json, i);
	return count;
}

/* It may be meant, at the first start; mostly it is a name that was mistyped. */
static void
put_emptiness(const struct server *server, struct json_out *json)
{
	const struct settings *settings = server->settings;
	bool is_z42 = settings->redis.schema == REDIS_SCHEMA_Z42;

	if (!server_is_ready(server) || atomic_load(&server->region->swap.zone_count) > 0)
		return;
	if (atomic_load(&server->region->swap.chosen) != 0)
		put(json, "no zones are served: the chosen generation has none");
	else if (settings->redis.enable)
		put(json,
		    "no zones are served: there are none in files, and none in Redis "
		    "under the key \"%s%s:zones%s\": see redis.prefix, redis.suffix, "
		    "redis.schema and redis.db",
		    settings->redis.prefix, is_z42 ? "z42" : "redins",
		    settings->redis.suffix);
	else
		put(json, "no zones are served: zones.dir and zones.files have none");
}

void
stats_problems_put_notices(const struct server *server, struct json_out *json)
{
	unsigned wanted_kb = server->settings->dns.rcvbuf_kb;
	char names[REGION_NOTICE_MAX];

	put_emptiness(server, json);
	stats_signing_put_notices(server, json);
	stats_source_put_texts(server, json, SOURCE_TEXT_NOTICE);
	stats_resolver_put_notices(server, json);
	stats_floods_put_notices(server, json);
	stats_http_put_notices(server, json);
	stats_query_log_put_notices(server, json);
	region_get_restart_options(server->region, names);
	if (names[0])
		put(json, "changed, but only effective after a restart: %s", names);
	if (atomic_load(&server->region->swap.chosen))
		put(json,
		    "a generation was chosen by `rollback` or `swap`: the configured "
		    "sources wait for `martletctl resume`");
	if (server->settings->limit.cookies.enable &&
	    server->settings->limit.cookies.secret_count == 0)
		put(json,
		    "DNS cookies are made with a secret of this start: "
		    "limit.cookies.secret_file is for one that lasts and that other "
		    "servers of these zones share");
	if (server->listen.rcvbuf_kb < wanted_kb)
		put(json,
		    "UDP receive buffers hold %u KiB instead of dns.rcvbuf_kb = %u: set "
		    "`sysctl -w net.core.rmem_max=%u`",
		    server->listen.rcvbuf_kb, wanted_kb, wanted_kb * 1024);
	if (log_sinks_dropped() > 0)
		put(json, "%" PRIu64 " log lines were lost: %s", log_sinks_dropped(),
		    log_sinks_trouble());
}
