/* Every counter and level that the server shows, in one list: those of the workers
 * (shm/stats_table.h), of sync (region_source.h), of the prober (region_health.h), of the
 * resolver (region_resolver.h), of the reporter (region_report.h), of the logger
 * (region_query_log.h) and of the signer (region_signer.h).  `martletctl stats` and metrics are made from it. */
#ifndef SHM_FIGURES_H
#define SHM_FIGURES_H

#include "shm/region.h"

enum {
	FIGURES_COUNT = STAT_COUNT + SOURCE_FIGURE_COUNT + HEALTH_FIGURE_COUNT +
			RESOLVER_FIGURE_COUNT + REPORT_FIGURE_COUNT + QUERY_LOG_FIGURE_COUNT +
			SIGNER_FIGURE_COUNT,
};

struct figure {
	const char *name, *help;	/* borrowed for ever */
	enum stat_kind kind;
	uint64_t value;			/* over all workers, ended ones included */
};

/* Fill the list as it is now.  A COUNTER is never less than it was before, whichever process
 * is started again; names and their order are always the same. */
__attribute__((nonnull))
void figures_take(const struct region *region, struct figure out[FIGURES_COUNT]);

#endif
