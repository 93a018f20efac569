/* The logger process: takes what workers leave in their rings, and writes it to the target
 * of the query log. */
#ifndef LOADER_QUERY_LOG_LOGGER_H
#define LOADER_QUERY_LOG_LOGGER_H

#include "loader/query_log/log_target.h"
#include "loader/query_log/query_places.h"
#include "loader/query_log/zone_ids.h"
#include "shm/heritage.h"
#include "shm/ring.h"

struct logger {
	const struct heritage *heritage;
	const struct settings *settings;
	struct region_query_log *log;
	struct log_target *target;
	struct ring *rings;		/* one of each worker */
	unsigned ring_count;
	unsigned next_ring;		/* that is looked at first */
	struct query_places places;
	struct zone_ids *ids;		/* NULL: no zone has one */
	uint64_t added, lost;		/* records since the last flush that was done */
	uint64_t waiting_since_ms;	/* for the target, 0: it is not */
	bool has_told;			/* that it does not take what comes */
	bool has_moved, is_behind;	/* in the last turn something was taken, not all */
	unsigned opened_count;		/* times that it was opened, as counted */
	uint32_t reopen_seq;
};

/* returns an error code when it cannot start. */
__attribute__((nonnull, warn_unused_result)) int
logger_open(struct logger *logger, const struct heritage *heritage);

/* Take what is there, at most what the target has room for, and write it as far as it is
 * taken without waiting. */
__attribute__((nonnull)) enum log_flush logger_turn(struct logger *logger);

/* Octets in the rings. */
__attribute__((nonnull)) uint64_t logger_waiting(const struct logger *logger);

#endif
