/* Sums and retiring of counter blocks; the names from the table. */
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
stats_sum(struct stats_block *sum, const struct stats_block *block)
{
	for (unsigned i = 0; i < STAT_COUNT; i++)
		add(&sum->value[i], load(&block->value[i]));
}

void
stats_retire(struct stats_block *retired, struct stats_block *block)
{
	for (unsigned i = 0; i < STAT_COUNT; i++) {
		if (table[i].kind == STAT_KIND_COUNTER)
			add(&retired->value[i], load(&block->value[i]));
		stats_set(block, (enum stat_id)i, 0);
	}
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
