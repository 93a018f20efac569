/* What the logger tells operators: a part of struct region.  All zero is the state without
 * one. */
#ifndef SHM_REGION_QUERY_LOG_H
#define SHM_REGION_QUERY_LOG_H

#include <stdatomic.h>
#include <stdint.h>

enum { QUERY_LOG_ERROR_MAX = 320 };

/* Every figure: name, kind, help; as in shm/stats_table.h, and among the counters of
 * `stats` under "query_log_" and the name. */
/* clang-format off */
#define QUERY_LOG_FIGURES(X) \
	X(written,       COUNTER, "queries that the target of the query log has taken") \
	X(lost,          COUNTER, "queries lost in the logger: the target does not take one so long, a record was damaged, or the log was turned off before they were written") \
	X(failures,      COUNTER, "times that the target failed, or took nothing for a second") \
	X(opened,        COUNTER, "times that the target of the query log was opened") \
	X(waiting_bytes, GAUGE,   "octets in the rings that the logger has not written out")
/* clang-format on */

enum query_log_figure {
#define X(name, kind, help) QUERY_LOG_##name,
	QUERY_LOG_FIGURES(X)
#undef X
	QUERY_LOG_FIGURE_COUNT,
};

struct region_query_log {
	_Alignas(128) _Atomic uint64_t figures[QUERY_LOG_FIGURE_COUNT]; /* logger; master
								    * without one */
	_Atomic uint64_t heartbeat_ns;		/* logger: last turn, CLOCK_MONOTONIC */
	_Atomic int32_t pid;			/* master: 0: no process */
	_Atomic uint32_t restarts;		/* master: of those that had ended unasked */
	_Atomic uint32_t reopen_seq;		/* master: grows with each SIGUSR1 */
	_Atomic uint32_t error_seq;		/* odd while one is written */
	char last_error[QUERY_LOG_ERROR_MAX];	/* of the target; "": it takes what comes */
};

static inline uint64_t
region_query_log_get(const struct region_query_log *log, enum query_log_figure which)
{
	return atomic_load_explicit(&log->figures[which], memory_order_relaxed);
}

static inline void
region_query_log_set(struct region_query_log *log, enum query_log_figure which, uint64_t value)
{
	atomic_store_explicit(&log->figures[which], value, memory_order_relaxed);
}

static inline void
region_query_log_add(struct region_query_log *log, enum query_log_figure which, uint64_t n)
{
	region_query_log_set(log, which, region_query_log_get(log, which) + n);
}

/* Logger: state why the target does not take what is written, "" when it does. */
__attribute__((nonnull))
void region_query_log_set_error(struct region_query_log *log, const char *text);
__attribute__((nonnull))
void region_query_log_get_error(const struct region_query_log *log,
				char out[QUERY_LOG_ERROR_MAX]);

#endif
