/* What the reporter tells operators about itself: a part of struct region.  All zero is the
 * state without one. */
#ifndef SHM_REGION_REPORT_H
#define SHM_REGION_REPORT_H

#include <stdatomic.h>
#include <stdint.h>

/* Every figure: name, kind, help; as in shm/stats_table.h, and among the counters of
 * `stats` under "http_" and the name. */
/* clang-format off */
#define REPORT_FIGURES(X) \
	X(connections,    COUNTER, "connections to the HTTP port") \
	X(open,           GAUGE,   "of these, open now") \
	X(requests,       COUNTER, "requests answered, refusals among them") \
	X(refused_full,   COUNTER, "connections closed at once, because 32 were open") \
	X(refused_host,   COUNTER, "requests refused for their Host: it is not in http.hosts") \
	X(refused_method, COUNTER, "requests refused: other than GET and HEAD, or with a body") \
	X(refused_path,   COUNTER, "requests for what is not there, or not on this address") \
	X(malformed,      COUNTER, "connections whose first request was not understood, or with headers over 16 KiB") \
	X(timeouts,       COUNTER, "connections closed because a request, or taking the response, took too long") \
	X(unanswered,     COUNTER, "requests for which the master, or a process of it, had no answer in time")
/* clang-format on */

enum report_figure {
#define X(name, kind, help) REPORT_##name,
	REPORT_FIGURES(X)
#undef X
	REPORT_FIGURE_COUNT,
};

struct region_report {
	_Alignas(128) _Atomic uint64_t figures[REPORT_FIGURE_COUNT];
	_Atomic uint64_t heartbeat_ns;		/* last turn, CLOCK_MONOTONIC */
	_Atomic int32_t pid;			/* master: 0: no process */
	_Atomic uint32_t restarts;		/* master: of those that had ended unasked */
};

static inline uint64_t
region_report_get(const struct region_report *report, enum report_figure which)
{
	return atomic_load_explicit(&report->figures[which], memory_order_relaxed);
}

static inline void
region_report_set(struct region_report *report, enum report_figure which, uint64_t value)
{
	atomic_store_explicit(&report->figures[which], value, memory_order_relaxed);
}

/* Reporter: once more. */
static inline void
region_report_count(struct region_report *report, enum report_figure which)
{
	region_report_set(report, which, region_report_get(report, which) + 1);
}

#endif
