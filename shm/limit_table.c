/* Buckets that are times of full credit. */
#include "shm/limit_table.h"

#include <stddef.h>

#define TIME_BITS 40
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define DEBT_MAX limit_ticks((uint64_t)LIMIT_DEBT_MAX_S * 1000000000)
#define STOCK_TICKS limit_ticks(100000000) /* how long what was taken may be used */

struct limit_rate
limit_rate_of(unsigned count, unsigned seconds, unsigned at_once)
{
	struct limit_rate rate = { 0, 0 };

	if (count == 0)
		return rate;
	rate.step = (limit_ticks(UINT64_C(1000000000) * seconds) + count / 2) / count;
	if (rate.step == 0)
		rate.step = 1;
	rate.tolerance = rate.step * (at_once - 1);
	if (rate.tolerance > DEBT_MAX - rate.step)
		rate.tolerance = DEBT_MAX - rate.step;
	return rate;
}

/* The tag of a hash; never that of a free word. */
static inline uint64_t
tag_of(uint64_t hash)
{
	return hash >> TIME_BITS ? hash >> TIME_BITS : 1;
}

/* Ticks until full credit; 0 when that time is over, or is no time of ours. */
static inline uint64_t
debt_of(uint64_t word, uint64_t now_ticks)
{
	uint64_t ahead = (word - now_ticks) & TIME_MASK;

	return ahead > DEBT_MAX ? 0 : ahead;
}

/* The word nearest to full credit.  *old receives what it was. */
static _Atomic uint64_t *
find_victim(struct limit_set *set, uint64_t now_ticks, uint64_t *old)
{
	_Atomic uint64_t *victim = &set->word[0];
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < LIMIT_SET_WORDS; i++) {
		uint64_t word = atomic_load_explicit(&set->word[i], memory_order_relaxed);
		uint64_t debt = word == 0 ? 0 : debt_of(word, now_ticks);

		if (debt < least) {
			least = debt;
			victim = &set->word[i];
			*old = word;
		}
	}
	return victim;
}

/* The word of a tag, or NULL. */
static inline _Atomic uint64_t *
find_word(struct limit_set *set, uint64_t tag, uint64_t *old)
{
	for (unsigned i = 0; i < LIMIT_SET_WORDS; i++) {
		*old = atomic_load_explicit(&set->word[i], memory_order_relaxed);
		if (*old >> TIME_BITS == tag)
			return &set->word[i];
	}
	return NULL;
}

unsigned
limit_take(struct limit_table *table, uint64_t hash, const struct limit_rate *rate,
	   uint64_t now_ticks, unsigned want)
{
	struct limit_set *set = limit_set_of(table, hash);
	uint64_t tag = tag_of(hash), old, debt = 0, fresh;
	_Atomic uint64_t *word = find_word(set, tag, &old);
	unsigned count = 1;

	if (rate->step == 0)
		return want;
	if (word)
		debt = debt_of(old, now_ticks);
	if (debt > rate->tolerance)
		return 0;
	if (want > 1) {
		uint64_t more = (rate->tolerance - debt) / rate->step;

		count += more < want - 1 ? (unsigned)more : want - 1;
	}
	debt += count * rate->step;
	if (!word) {
		word = find_victim(set, now_ticks, &old);
		if (old != 0 && debt_of(old, now_ticks) > debt)
			return count; /* none is nearer to full credit than this one */
	}
	fresh = tag << TIME_BITS | ((now_ticks + debt) & TIME_MASK);
	if (!atomic_compare_exchange_strong_explicit(
		    word, &old, fresh, memory_order_relaxed, memory_order_relaxed) &&
	    old >> TIME_BITS == tag && debt_of(old, now_ticks) > rate->tolerance)
		return 0; /* another worker took the last of it */
	return count;
}

void
limit_sweep(struct limit_table *table, uint32_t *at, uint64_t now_ticks)
{
	for (unsigned n = 0; n < LIMIT_SWEEP_SETS; n++) {
		struct limit_set *set = &table->sets[(*at)++ & (LIMIT_SETS - 1)];

		for (unsigned i = 0; i < LIMIT_SET_WORDS; i++) {
			uint64_t word =
				atomic_load_explicit(&set->word[i], memory_order_relaxed);

			if (word != 0 && debt_of(word, now_ticks) == 0)
				atomic_compare_exchange_strong_explicit(
					&set->word[i], &word, 0, memory_order_relaxed,
					memory_order_relaxed);
		}
	}
}

bool
limit_take_one(struct limit_table *table, struct limit_stock *stock, uint64_t hash,
	       const struct limit_rate *rate, uint64_t now_ticks, unsigned block)
{
	struct limit_held *held;
	unsigned count;
	bool is_recent;

	if (block <= 1)
		return limit_take(table, hash, rate, now_ticks, 1) > 0;
	held = &stock->held[(hash >> 16) & (LIMIT_STOCK - 1)];
	is_recent = now_ticks - held->taken_ticks < STOCK_TICKS;
	if (held->hash == hash) {
		if (is_recent && held->left > 0) {
			held->left--;
			return true;
		}
	} else if (is_recent && held->left > 0) {
		return limit_take(table, hash, rate, now_ticks, 1) > 0;
	}
	count = limit_take(table, hash, rate, now_ticks,
			   held->hash == hash && is_recent ? block : 1);
	held->hash = hash;
	held->taken_ticks = now_ticks;
	held->left = count > 0 ? count - 1 : 0;
	return count > 0;
}
