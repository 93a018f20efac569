/* All figures, times and what is served. */
#include "loader/report/metrics.h"

#include <math.h>
#include <stdio.h>

#include "shm/clock.h"
#include "shm/figures.h"

enum { NAME_MAX_LEN = 96, US_PER_S = 1000000, NS_PER_S = 1000000000 };

/* ---- a figure by its kind ---- */

static void
put_figure(struct metric_text *out, const char *name, bool is_counter, const char *help,
	   uint64_t value)
{
	char full[NAME_MAX_LEN];

	snprintf(full, sizeof full, "%s%s", name, is_counter ? "_total" : "");
	metric_text_begin(out, full, is_counter ? METRIC_COUNTER : METRIC_GAUGE, help);
	metric_text_uint(out, full, NULL, NULL, value);
}

static void
put_gauge(struct metric_text *out, const char *name, const char *help, uint64_t value)
{
	put_figure(out, name, false, help, value);
}

static void
put_figures(const struct region *region, struct metric_text *out)
{
	static struct figure figures[FIGURES_COUNT];

	figures_take(region, figures);
	for (unsigned i = 0; i < FIGURES_COUNT; i++)
		put_figure(out, figures[i].name, figures[i].kind == STAT_KIND_COUNTER,
			   figures[i].help, figures[i].value);
}

/* ---- propagation ---- */

/* Every eighth bucket is a doubling: enough, and few. */
enum { TIMES_PER_DOUBLING = 8 };

static void
put_times(struct metric_text *out, enum change_cause cause,
	  const struct region_source *source)
{
	static const char name[] = "propagation_seconds";
	const char *text = cause == CHANGE_STREAM ? "stream" : "event";
	struct source_times_sum sum;
	uint64_t below = 0, sum_us = 0, from_us = 0;

	region_source_get_times(source, cause, &sum);
	for (unsigned i = 0; i < SOURCE_TIME_BUCKETS - 1; i++) {
		uint64_t limit_us = source_times_limit_us(i);

		below += sum.buckets[i];
		sum_us += sum.buckets[i] * (from_us + (limit_us - from_us) / 2);
		from_us = limit_us;
		if (i % TIMES_PER_DOUBLING == 0)
			metric_text_bucket(out, name, "cause", text,
					   (double)limit_us / US_PER_S, below);
	}
	below += sum.buckets[SOURCE_TIME_BUCKETS - 1];
	sum_us += sum.buckets[SOURCE_TIME_BUCKETS - 1] * from_us;
	metric_text_bucket(out, name, "cause", text, INFINITY, below);
	metric_text_double(out, "propagation_seconds_sum", "cause", text,
			   (double)sum_us / US_PER_S);
	metric_text_uint(out, "propagation_seconds_count", "cause", text, below);
}

static void
put_propagation(const struct region_source *source, struct metric_text *out)
{
	metric_text_begin(out, "propagation_seconds", METRIC_HISTOGRAM,
			  "from a write to Redis, or its event, to served; the sum is "
			  "made from the buckets");
	put_times(out, CHANGE_STREAM, source);
	put_times(out, CHANGE_EVENT, source);
}

/* ---- time ---- */

/* Buckets end at powers of two, where what they count is exact. */
enum { FIRST_LIMIT_BIT = 10, LAST_LIMIT_BIT = 30 };

static void
put_served(const struct histogram *served, struct metric_text *out)
{
	uint64_t count = histogram_count(served);

	metric_text_begin(out, "latency_seconds", METRIC_HISTOGRAM,
			  "queries by the time from received to sent");
	for (unsigned bit = FIRST_LIMIT_BIT; bit <= LAST_LIMIT_BIT; bit++) {
		uint64_t limit_ns = UINT64_C(1) << bit;

		metric_text_bucket(out, "latency_seconds", NULL, NULL,
				   (double)limit_ns / NS_PER_S,
				   histogram_count_below(served, limit_ns));
	}
	metric_text_bucket(out, "latency_seconds", NULL, NULL, INFINITY, count);
	metric_text_double(out, "latency_seconds_sum", NULL, NULL,
			   (double)atomic_load(&served->sum_ns) / NS_PER_S);
	metric_text_uint(out, "latency_seconds_count", NULL, NULL, count);
}

static void
put_stages(const struct stage_times *times, struct metric_text *out)
{
	metric_text_begin(out, "stage_seconds_total", METRIC_COUNTER,
			  "time that workers spent in each stage");
	for (unsigned i = 0; i < STAGE_QUEUE; i++)
		metric_text_double(out, "stage_seconds_total", "stage",
				   answer_stage_name((enum answer_stage)i),
				   (double)atomic_load(&times->spent_ns[i]) / NS_PER_S);
}

static void
put_time(const struct region *region, struct metric_text *out)
{
	static struct stage_times times; /* large */

	region_sum_times(region, &times);
	put_served(&times.took[STAGE_SERVED], out);
	put_stages(&times, out);
}

/* ---- workers ---- */

static void
put_worker_states(const struct region *region, struct metric_text *out)
{
	char id[16];

	metric_text_begin(out, "worker_serving", METRIC_GAUGE,
			  "1 for a worker that answers, 0 for one that does not");
	for (unsigned i = 0; i < region->worker_count; i++) {
		snprintf(id, sizeof id, "%u", i);
		metric_text_uint(out, "worker_serving", "worker", id,
				 atomic_load(&region->slots[i].state) == WORKER_SERVING);
	}
}

static void
put_worker_counter(const struct region *region, struct metric_text *out, const char *name,
		   const char *help, enum stat_id which)
{
	char id[16];

	metric_text_begin(out, name, METRIC_COUNTER, help);
	for (unsigned i = 0; i < region->worker_count; i++) {
		snprintf(id, sizeof id, "%u", i);
		metric_text_uint(out, name, "worker", id,
				 atomic_load(&region->slots[i].stats.value[which]));
	}
}

static void
put_workers(const struct region *region, struct metric_text *out)
{
	put_worker_states(region, out);
	put_worker_counter(region, out, "worker_udp_queries_total",
			   "datagrams received, since the worker's own start",
			   STAT_udp_queries);
	put_worker_counter(region, out, "worker_tcp_queries_total",
			   "messages received over TCP, since the worker's own start",
			   STAT_tcp_queries);
}

/* ---- what is served ---- */

static void
put_server(const struct region *region, struct metric_text *out)
{
	const struct region_swap *swap = &region->swap;
	double up_s = (double)(clock_now_ns() - region->started_ns) / NS_PER_S;

	metric_text_begin(out, "build_info", METRIC_GAUGE, "1, with the version");
	metric_text_uint(out, "build_info", "version", MARTLET_VERSION, 1);
	put_gauge(out, "ready", "1 while queries are answered from a generation",
		  region_is_ready(region));
	metric_text_begin(out, "uptime_seconds", METRIC_GAUGE,
			  "since the server's start");
	metric_text_double(out, "uptime_seconds", NULL, NULL, up_s);
	put_gauge(out, "generation",
		  "number of the generation that is served, 0 for none",
		  atomic_load(&swap->published_id));
	put_gauge(out, "zones", "zones that are served", atomic_load(&swap->zone_count));
	put_gauge(out, "records", "records in the generation",
		  atomic_load(&swap->record_count));
	put_gauge(out, "zones_in_error",
		  "zones that are served from older data or not at all",
		  atomic_load(&swap->broken_count));
	put_gauge(out, "rrsets_in_error", "RRsets not served as their source has them",
		  atomic_load(&swap->fault_count));
	put_gauge(out, "held_off",
		  "1 while rollback or swap holds the configured sources off",
		  atomic_load(&swap->chosen));
}

/* Without Redis there is nothing to be behind of. */
static void
put_link(const struct region_source *source, struct metric_text *out)
{
	int64_t current_ms = atomic_load(&source->current_at_ms);
	int64_t age_ms = clock_wall_ms() - current_ms;

	put_gauge(out, "redis_connected", "1 while connected to Redis",
		  atomic_load(&source->connected_since_ms) != 0);
	if (current_ms == 0)
		return;
	metric_text_begin(out, "redis_staleness_seconds", METRIC_GAUGE,
			  "since all of Redis was last known to be served");
	/* the clock may have been stepped back */
	metric_text_double(out, "redis_staleness_seconds", NULL, NULL,
			   age_ms > 0 ? (double)age_ms / 1000 : 0);
}

void
metrics_write(const struct region *region, struct metric_text *out)
{
	metric_text_reset(out);
	put_server(region, out);
	put_workers(region, out);
	put_figures(region, out);
	put_time(region, out);
	put_link(&region->source, out);
	put_propagation(&region->source, out);
}
