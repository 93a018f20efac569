/* Counters and times from the shared region. */
#include "master/stats/stats_counters.h"

#include "master/stats/stats_source.h"
#include "shm/figures.h"

/* Members are named by prefix, share and unit. */
static const struct {
	const char *name, *latency_name;
	double share;
} percentiles[] = {
	{ "p50_ns", "latency_p50_ns", 0.5 },  { "p90_ns", "latency_p90_ns", 0.9 },
	{ "p99_ns", "latency_p99_ns", 0.99 }, { "p999_ns", "latency_p999_ns", 0.999 },
	{ "max_ns", "latency_max_ns", 1 },
};

enum { PERCENTILES = sizeof percentiles / sizeof *percentiles };

static void
put_percentile(struct json_out *json, const char *name, const struct histogram *h,
	       uint64_t count, double share)
{
	if (count)
		json_out_uint(json, name, histogram_percentile_ns(h, share));
	else
		json_out_null(json, name);
}

void
stats_counters_put_times(struct json_out *json, const struct histogram *h)
{
	uint64_t count = histogram_count(h);

	json_out_uint(json, "count", count);
	if (count)
		json_out_uint(json, "mean_ns", atomic_load(&h->sum_ns) / count);
	else
		json_out_null(json, "mean_ns");
	for (unsigned i = 0; i < PERCENTILES; i++)
		put_percentile(json, percentiles[i].name, h, count, percentiles[i].share);
}

/* Where time goes: a member for each stage. */
static void
put_stages(struct json_out *json, const struct stage_times *times)
{
	const struct histogram *served = &times->took[STAGE_SERVED];
	uint64_t count = histogram_count(served);

	for (unsigned i = 0; i < PERCENTILES; i++)
		put_percentile(json, percentiles[i].latency_name, served, count,
			       percentiles[i].share);
	json_out_begin_object(json, "stages");
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		json_out_begin_object(json, answer_stage_name((enum answer_stage)i));
		stats_counters_put_times(json, &times->took[i]);
		json_out_uint(json, "spent_ns", atomic_load(&times->spent_ns[i]));
		json_out_end_object(json);
	}
	json_out_end_object(json);
}

static void
put_worker(struct json_out *json, const struct worker_slot *slot, unsigned id)
{
	json_out_begin_object(json, NULL);
	json_out_uint(json, "id", id);
	for (unsigned i = 0; i < STAT_COUNT; i++)
		json_out_uint(json, stats_name((enum stat_id)i),
			      atomic_load(&slot->stats.value[i]));
	put_stages(json, &slot->times);
	json_out_end_object(json);
}

unsigned
stats_counters_report(struct server *server, struct json_out *json, bool is_per_worker)
{
	static struct figure figures[FIGURES_COUNT];
	static struct stage_times times;
	struct region *region = server->region;

	stats_add(&region->retired, STAT_udp_socket_drops,
		  listen_take_drops(&server->listen));
	figures_take(region, figures);
	region_sum_times(region, &times);
	json_out_begin_object(json, NULL);
	for (unsigned i = 0; i < FIGURES_COUNT; i++)
		json_out_uint(json, figures[i].name, figures[i].value);
	put_stages(json, &times);
	stats_source_put_times(server, json);
	if (is_per_worker) {
		json_out_begin_array(json, "stats");
		for (unsigned i = 0; i < region->worker_count; i++)
			put_worker(json, &region->slots[i], i);
		json_out_end_array(json);
	}
	json_out_end_object(json);
	return 0;
}
