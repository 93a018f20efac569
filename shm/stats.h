/* Counter blocks in shared memory: one writer each, no locks.
 *
 * Worker i writes block i with plain relaxed stores; the master reads all.  When a
 * worker dies the master folds its block into the retired one before the slot is
 * used again, so that totals never step back.  Readers see single values whole, not
 * a snapshot of all. */
#ifndef SHM_STATS_H
#define SHM_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "shm/stats_table.h"

enum stat_id {
#define X(name, kind, help) STAT_##name,
	STATS_TABLE(X)
#undef X
	STAT_COUNT,
};

enum stat_kind { STAT_KIND_COUNTER, STAT_KIND_GAUGE };

enum {
	LATENCY_BUCKETS = 32,		/* bucket n: less than 2^n times 256 ns */
};

struct stats_block {
	_Alignas(128) _Atomic uint64_t value[STAT_COUNT];
	_Atomic uint64_t latency[LATENCY_BUCKETS]; /* queries by time from receive to sent */
};

static inline void
stats_add(struct stats_block *block, enum stat_id which, uint64_t n)
{
	_Atomic uint64_t *value = &block->value[which];

	atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline void
stats_set(struct stats_block *block, enum stat_id which, uint64_t n)
{
	atomic_store_explicit(&block->value[which], n, memory_order_relaxed);
}

/* Count `queries` that took `ns` each. */
void stats_add_latency(struct stats_block *block, uint64_t ns, uint64_t queries);

/* sum += block, gauges too. */
void stats_sum(struct stats_block *sum, const struct stats_block *block);

/* Counters of `block` are added to `retired`, then all of `block` is set to 0.
 * Only when nobody writes `block` any more. */
void stats_retire(struct stats_block *retired, struct stats_block *block);

/* The latency below which `share` (0..1) of the queries stayed, in ns; 0 without any. */
uint64_t stats_percentile_ns(const struct stats_block *block, double share);

const char *stats_name(enum stat_id which);
const char *stats_help(enum stat_id which);
enum stat_kind stats_kind(enum stat_id which);

#endif
