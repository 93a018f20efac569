/* The list of all figures: names, kinds, and what dead workers leave behind. */
#include "shm/figures.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/tap.h"

static struct figure figures[FIGURES_COUNT];

static const struct figure *
find(const char *name)
{
	for (unsigned i = 0; i < FIGURES_COUNT; i++)
		if (strcmp(figures[i].name, name) == 0)
			return &figures[i];
	bail_out("no figure %s", name);
	return NULL;
}

static void
test_table(const struct region *region)
{
	unsigned twice = 0, bad = 0;

	figures_take(region, figures);
	for (unsigned i = 0; i < FIGURES_COUNT; i++) {
		bad += strlen(figures[i].help) == 0 ||
		       strspn(figures[i].name, "abcdefghijklmnopqrstuvwxyz0123456789_") !=
			       strlen(figures[i].name);
		for (unsigned k = 0; k < i; k++)
			twice += strcmp(figures[i].name, figures[k].name) == 0;
	}
	is_int(twice, 0, "each name is there once");
	is_int(bad, 0, "each has a plain name, and a help");
	is_int(find("tcp_open")->kind, STAT_KIND_GAUGE, "a gauge");
	is_int(find("health_probes")->kind, STAT_KIND_COUNTER, "a counter");
}

static void
test_values(struct region *region)
{
	stats_add(&region->slots[1].stats, STAT_nxdomain, 3);
	region_source_add(&region->source, SOURCE_redis_gaps, 4);
	region_health_add(&region->health, HEALTH_probes, 5);
	atomic_store(&region->resolver.lookups, 6);
	atomic_store(&region->resolver.servers_down, 7);
	figures_take(region, figures);
	is_int(find("nxdomain")->value, 3, "of a worker");
	is_int(find("redis_gaps")->value, 4, "of sync");
	is_int(find("health_probes")->value, 5, "of the prober");
	is_int(find("resolver_lookups")->value, 6, "of the resolver");
	is_int(find("resolver_servers_down")->value, 7, "another one");
}

/* A worker counts and dies, counts and dies: whoever reads meanwhile sees counters grow. */
static void
test_restarts(struct region *region)
{
	enum { RESTARTS = 20000 };
	uint64_t before = 0, times_before = 0;
	unsigned reads = 0, back = 0;
	static struct stage_times times;
	pid_t pid = fork();

	if (pid == 0) {
		for (unsigned i = 0; i < RESTARTS; i++) {
			stats_add(&region->slots[0].stats, STAT_udp_queries, 1000);
			histogram_add(&region->slots[0].times.took[STAGE_SEND], 500,
				      1000);
			region_retire(region, 0);
		}
		_exit(0);
	}
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		uint64_t now, times_now;

		figures_take(region, figures);
		region_sum_times(region, &times);
		now = find("udp_queries")->value;
		times_now = histogram_count(&times.took[STAGE_SEND]);
		back += now < before || times_now < times_before;
		before = now;
		times_before = times_now;
		reads++;
	}
	ok(reads > 0, "%u reads meanwhile", reads);
	is_int(back, 0, "no counter steps back");
	figures_take(region, figures);
	is_int(find("udp_queries")->value, RESTARTS * 1000, "and all is counted");
}

int
main(void)
{
	struct region *region = region_create(2);

	if (!region)
		bail_out("no memory for a region");
	test_table(region);
	test_values(region);
	test_restarts(region);
	return done_testing();
}
