/* Sums, retiring and percentiles of counter blocks; the names from the table. */
#include "shm/stats.h"

static const struct {
	const char *name;
	enum stat_kind kind;
	const char *help;
} table[STAT_COUNT] = {
#define X(name, kind, help) [STAT_##name] = { #name, STAT_KIND_##kind, help },
	STATS_TABLE(X)
#undef X
};

enum { LATENCY_UNIT_BITS = 8 }; /* bucket 0 ends at 256 ns */

static uint64_t
load(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void
add(_Atomic uint64_t *value, uint64_t n)
{
	atomic_store_explicit(value, load(value) + n, memory_order_relaxed);
}

void
stats_add_latency(struct stats_block *block, uint64_t ns, uint64_t queries)
{
	uint64_t units = ns >> LATENCY_UNIT_BITS;
	unsigned bucket = units ? 64u - (unsigned)__builtin_clzll(units) : 0;

	if (bucket >= LATENCY_BUCKETS)
		bucket = LATENCY_BUCKETS - 1;
	add(&block->latency[bucket], queries);
}

void
stats_sum(struct stats_block *sum, const struct stats_block *block)
{
	for (unsigned i = 0; i < STAT_COUNT; i++)
		add(&sum->value[i], load(&block->value[i]));
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		add(&sum->latency[i], load(&block->latency[i]));
}

void
stats_retire(struct stats_block *retired, struct stats_block *block)
{
	for (unsigned i = 0; i < STAT_COUNT; i++) {
		if (table[i].kind == STAT_KIND_COUNTER)
			add(&retired->value[i], load(&block->value[i]));
		stats_set(block, (enum stat_id)i, 0);
	}
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		add(&retired->latency[i], load(&block->latency[i]));
		atomic_store_explicit(&block->latency[i], 0, memory_order_relaxed);
	}
}

uint64_t
stats_percentile_ns(const struct stats_block *block, double share)
{
	uint64_t total = 0, seen = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		total += load(&block->latency[i]);
	if (total == 0)
		return 0;
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		seen += load(&block->latency[i]);
		if (seen > 0 && (double)seen >= share * (double)total)
			return UINT64_C(1) << (LATENCY_UNIT_BITS + i);
	}
	return UINT64_C(1) << (LATENCY_UNIT_BITS + LATENCY_BUCKETS - 1);
}

const char *
stats_name(enum stat_id which)
{
	return table[which].name;
}

const char *
stats_help(enum stat_id which)
{
	return table[which].help;
}

enum stat_kind
stats_kind(enum stat_id which)
{
	return table[which].kind;
}
