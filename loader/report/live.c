/* The region as one JSON object. */
#include "loader/report/live.h"

#include <string.h>

#include "shm/clock.h"
#include "shm/json_out.h"

enum { NS_PER_S = 1000000000 };

static uint64_t
load(const struct stats_block *block, enum stat_id which)
{
	return atomic_load_explicit(&block->value[which], memory_order_relaxed);
}

static void
put_worker(struct json_out *json, const struct region *region, unsigned id)
{
	const struct worker_slot *slot = &region->slots[id];
	int32_t cpu = atomic_load(&slot->cpu);

	json_out_begin_object(json, NULL);
	json_out_uint(json, "id", id);
	json_out_text(json, "state",
		      worker_state_name((enum worker_state)atomic_load(&slot->state)));
	if (cpu >= 0)
		json_out_int(json, "cpu", cpu);
	else
		json_out_null(json, "cpu");
	json_out_uint(json, "restarts", atomic_load(&slot->restarts));
	json_out_uint(json, "queries",
		      load(&slot->stats, STAT_udp_queries) +
			      load(&slot->stats, STAT_tcp_queries));
	json_out_end_object(json);
}

static void
put_counters(struct json_out *json, const struct region *region)
{
	static struct stats_block sum; /* large */

	region_sum_stats(region, &sum);
	json_out_begin_object(json, "counters");
	for (unsigned i = 0; i < STAT_COUNT; i++)
		json_out_uint(json, stats_name((enum stat_id)i),
			      load(&sum, (enum stat_id)i));
	json_out_end_object(json);
}

/* Buckets that hold something. */
static void
put_histogram(struct json_out *json, const struct histogram *histogram, const char *name)
{
	json_out_begin_array(json, name);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t count = atomic_load(&histogram->count[i]);

		if (count == 0)
			continue;
		json_out_begin_array(json, NULL);
		json_out_uint(json, NULL, histogram_limit_ns(i));
		json_out_uint(json, NULL, count);
		json_out_end_array(json);
	}
	json_out_end_array(json);
}

static void
put_times(struct json_out *json, const struct region *region)
{
	static struct stage_times times; /* large */

	region_sum_times(region, &times);
	put_histogram(json, &times.took[STAGE_SERVED], "latency");
	put_histogram(json, &times.took[STAGE_QUEUE], "queue");
	json_out_begin_object(json, "stages");
	for (unsigned i = 0; i < STAGE_QUEUE; i++)
		json_out_uint(json, answer_stage_name((enum answer_stage)i),
			      atomic_load(&times.spent_ns[i]));
	json_out_end_object(json);
}

/* Buckets that hold something; the last one, which has no end, as an octave longer. */
static void
put_lag(struct json_out *json, const struct region_source *source,
	enum change_cause cause, const char *name)
{
	struct source_times_sum sum;

	region_source_get_times(source, cause, &sum);
	json_out_begin_array(json, name);
	for (unsigned i = 0; i < SOURCE_TIME_BUCKETS; i++) {
		uint64_t limit_us = source_times_limit_us(i);

		if (sum.buckets[i] == 0)
			continue;
		json_out_begin_array(json, NULL);
		json_out_uint(json, NULL,
			      limit_us == UINT64_MAX ? 2 * source_times_limit_us(i - 1)
						     : limit_us);
		json_out_uint(json, NULL, sum.buckets[i]);
		json_out_end_array(json);
	}
	json_out_end_array(json);
}

static void
put_health(struct json_out *json, const struct region_health *health)
{
	json_out_begin_object(json, "health");
	json_out_uint(json, "up", region_health_get(health, HEALTH_up));
	json_out_uint(json, "down", region_health_get(health, HEALTH_down));
	json_out_uint(json, "unknown", region_health_get(health, HEALTH_unknown));
	json_out_uint(json, "held", region_health_get(health, HEALTH_held));
	json_out_end_object(json);
}

static void
put_server(struct json_out *json, const struct region *region)
{
	json_out_uint(json, "now_ms", clock_now_ms());
	json_out_text(json, "version", MARTLET_VERSION);
	json_out_bool(json, "ready", region_is_ready(region));
	json_out_uint(json, "generation", atomic_load(&region->swap.published_id));
	json_out_uint(json, "uptime_s", (clock_now_ns() - region->started_ns) / NS_PER_S);
}

size_t
live_write(const struct region *region, char *buffer, size_t room)
{
	struct json_out json;

	json_out_init(&json, buffer, room, NULL, NULL);
	json_out_begin_object(&json, NULL);
	put_server(&json, region);
	json_out_begin_array(&json, "workers");
	for (unsigned i = 0; i < region->worker_count; i++)
		put_worker(&json, region, i);
	json_out_end_array(&json);
	put_counters(&json, region);
	put_times(&json, region);
	json_out_begin_object(&json, "lag");
	put_lag(&json, &region->source, CHANGE_STREAM, "stream");
	put_lag(&json, &region->source, CHANGE_EVENT, "event");
	json_out_end_object(&json);
	put_health(&json, &region->health);
	json_out_end_object(&json);
	return json_out_finish(&json) == 0 ? json.len : 0;
}
