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

struct stats_block {
	_Alignas(128) _Atomic uint64_t value[STAT_COUNT];
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

/* sum += block, gauges too. */
void stats_sum(struct stats_block *sum, const struct stats_block *block);

/* Counters of `block` are added to `retired`, then all of `block` is set to 0.
 * Only when nobody writes `block` any more. */
void stats_retire(struct stats_block *retired, struct stats_block *block);

const char *stats_name(enum stat_id which);
const char *stats_help(enum stat_id which);
enum stat_kind stats_kind(enum stat_id which);

#endif
