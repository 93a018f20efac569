/* The tables of the parts, one behind the other. */
#include "shm/figures.h"

/* clang-format off */
#define STAT_ROW(id, kind, help) { #id, help, STAT_KIND_##kind, 0 },
#define HEALTH_ROW(id, kind, help) { "health_" #id, help, STAT_KIND_##kind, 0 },
#define RESOLVER_ROW(id, kind, help) { "resolver_" #id, help, STAT_KIND_##kind, 0 },
#define QUERY_LOG_ROW(id, kind, help) { "query_log_" #id, help, STAT_KIND_##kind, 0 },
#define SIGNER_ROW(id, kind, help) { "signer_" #id, help, STAT_KIND_##kind, 0 },
#define REPORT_ROW(id, kind, help) { "http_" #id, help, STAT_KIND_##kind, 0 },
/* clang-format on */

static const struct figure table[FIGURES_COUNT] = {
	/* clang-format off */
	STATS_TABLE(STAT_ROW)
	SOURCE_FIGURE_TABLE(STAT_ROW)
	HEALTH_FIGURES(HEALTH_ROW)
	RESOLVER_FIGURE_TABLE(RESOLVER_ROW)
	REPORT_FIGURES(REPORT_ROW)
	QUERY_LOG_FIGURES(QUERY_LOG_ROW)
	SIGNER_FIGURES(SIGNER_ROW)
	/* clang-format on */
};

void
figures_take(const struct region *region, struct figure out[FIGURES_COUNT])
{
	struct stats_block sum;
	unsigned at = 0;

	memcpy(out, table, sizeof table);
	region_sum_stats(region, &sum);
	for (unsigned i = 0; i < STAT_COUNT; i++)
		out[at++].value =
			atomic_load_explicit(&sum.value[i], memory_order_relaxed);
	for (unsigned i = 0; i < SOURCE_FIGURE_COUNT; i++)
		out[at++].value =
			region_source_get(&region->source, (enum source_figure)i);
	for (unsigned i = 0; i < HEALTH_FIGURE_COUNT; i++)
		out[at++].value =
			region_health_get(&region->health, (enum health_figure)i);
#define X(name, kind, help) \
	out[at++].value =   \
		atomic_load_explicit(&region->resolver.name, memory_order_relaxed);
	RESOLVER_FIGURE_TABLE(X)
#undef X
	for (unsigned i = 0; i < REPORT_FIGURE_COUNT; i++)
		out[at++].value =
			region_report_get(&region->report, (enum report_figure)i);
	for (unsigned i = 0; i < QUERY_LOG_FIGURE_COUNT; i++)
		out[at++].value = region_query_log_get(&region->query_log,
						       (enum query_log_figure)i);
	for (unsigned i = 0; i < SIGNER_FIGURE_COUNT; i++)
		out[at++].value =
			region_signer_get(&region->signer, (enum signer_figure)i);
}
