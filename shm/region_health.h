/* What the prober tells operators: a part of struct region.  All zero is the state without
 * one. */
#ifndef SHM_REGION_HEALTH_H
#define SHM_REGION_HEALTH_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

enum { HEALTH_ERROR_MAX = 256 };

/* Every figure: name, kind, help; as in shm/stats_table.h, and among the counters of
 * `stats` under "health_" and the name. */
/* clang-format off */
#define HEALTH_FIGURES(X) \
	X(targets,       GAUGE,   "addresses that are probed, each way of probing counted") \
	X(up,            GAUGE,   "targets whose last probes succeeded") \
	X(down,          GAUGE,   "targets whose last probes failed") \
	X(unknown,       GAUGE,   "targets of which nothing is known") \
	X(denied,        GAUGE,   "targets that health.deny forbids: unknown") \
	X(held,          GAUGE,   "targets whose last state stands by health.mass_guard") \
	X(probes,        COUNTER, "probes that have ended") \
	X(failures,      COUNTER, "of these, those that failed") \
	X(unsent,        COUNTER, "probes that could not be made") \
	X(transitions,   COUNTER, "times that a target went down, or came up again") \
	X(mass_guards,   COUNTER, "times that health.mass_guard began to hold") \
	X(status_keys,   COUNTER, "status keys written to Redis, or read from it")
/* clang-format on */

enum health_figure {
#define X(name, kind, help) HEALTH_##name,
	HEALTH_FIGURES(X)
#undef X
	HEALTH_FIGURE_COUNT,
};

struct region_health {
	_Alignas(128) _Atomic uint64_t figures[HEALTH_FIGURE_COUNT];
	_Atomic uint64_t heartbeat_ns;		/* last turn, CLOCK_MONOTONIC */
	_Atomic uint32_t is_guarding;		/* health.mass_guard holds */
	_Atomic int64_t guard_since_s;		/* Unix time */
	_Atomic int32_t pid;			/* master: 0: no process */
	_Atomic uint32_t restarts;		/* master: of those that had ended unasked */
	_Atomic uint32_t error_seq;		/* odd while one is written */
	char last_error[HEALTH_ERROR_MAX];	/* "": none */
	char link_error[HEALTH_ERROR_MAX];	/* of the Redis with status keys; "": none */
};

static inline uint64_t
region_health_get(const struct region_health *health, enum health_figure which)
{
	return atomic_load_explicit(&health->figures[which], memory_order_relaxed);
}

static inline void
region_health_set(struct region_health *health, enum health_figure which, uint64_t value)
{
	atomic_store_explicit(&health->figures[which], value, memory_order_relaxed);
}

static inline void
region_health_add(struct region_health *health, enum health_figure which, uint64_t n)
{
	region_health_set(health, which, region_health_get(health, which) + n);
}

/* Prober: state what failed last, "" for nothing.  Readers get a whole text. */
enum health_error { HEALTH_ERROR_PROBE, HEALTH_ERROR_LINK };
__attribute__((nonnull))
void region_health_set_error(struct region_health *health, enum health_error which,
			     const char *text);
__attribute__((nonnull))
void region_health_get_error(const struct region_health *health, enum health_error which,
			     char out[HEALTH_ERROR_MAX]);

#endif
