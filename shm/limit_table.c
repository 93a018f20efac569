/* Buckets that are times of full credit. */
#include "shm/limit_table.h"

#include <stddef.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCK_MAX = 32 };

#define TIME_BITS 40
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define DEBT_MAX limit_ticks((uint64_t)LIMIT_DEBT_MAX_S * 1000000000)

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

/* Where the words of a source are looked for first. */
static inline unsigned
home_of(uint64_t hash)
{
	return (unsigned)(hash >> 32);
}

static inline uint64_t
load(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* The word nearest to full credit, the first that has it if any.  *old receives what it
 * was. */
__attribute__((noinline)) static _Atomic uint64_t *
find_victim(struct limit_set *set, unsigned home, uint64_t now_ticks, uint64_t *old)
{
	_Atomic uint64_t *victim = NULL;
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < LIMIT_SET_WORDS && least != 0; i++) {
		_Atomic uint64_t *at = &set->word[(home + i) % LIMIT_SET_WORDS];
		uint64_t word = load(at);
		uint64_t debt = word == 0 ? 0 : debt_of(word, now_ticks);

		if (debt < least) {
			least = debt;
			victim = at;
			*old = word;
		}
	}
	return victim;
}

/* The words of a set that have this tag, as bits. */
static inline unsigned
find_tags(const struct limit_set *set, uint64_t tag)
{
#ifdef __SSE2__
	/* the high halves of four words at a time, as in worker/lookup.h */
	const __m128 *pair = (const __m128 *)(const void *)set;
	__m128i wanted = _mm_set1_epi32((int)tag);
	__m128 low = _mm_shuffle_ps(pair[0], pair[1], _MM_SHUFFLE(3, 1, 3, 1));
	__m128 high = _mm_shuffle_ps(pair[2], pair[3], _MM_SHUFFLE(3, 1, 3, 1));
	__m128i first = _mm_srli_epi32(_mm_castps_si128(low), TIME_BITS - 32);
	__m128i second = _mm_srli_epi32(_mm_castps_si128(high), TIME_BITS - 32);
	__m128i same = _mm_packs_epi32(_mm_cmpeq_epi32(first, wanted),
				       _mm_cmpeq_epi32(second, wanted));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(same, _mm_setzero_si128()));
#else
	unsigned bits = 0;

	for (unsigned i = 0; i < LIMIT_SET_WORDS; i++)
		bits |= (unsigned)(load(&set->word[i]) >> TIME_BITS == tag) << i;
	return bits;
#endif
}

/* The word of a tag, or NULL; *old receives what it is, or else what is at home. */
static inline _Atomic uint64_t *
find_word(struct limit_set *set, unsigned home, uint64_t tag, uint64_t *old)
{
	_Atomic uint64_t *at = &set->word[home % LIMIT_SET_WORDS];
	unsigned bits;
	uint64_t word;

	*old = load(at);
	if (*old >> TIME_BITS == tag)
		return at;
	bits = find_tags(set, tag);
	if (__builtin_expect(bits == 0, 1))
		return NULL;
	at = &set->word[__builtin_ctz(bits)];
	word = load(at);
	if (word >> TIME_BITS != tag)
		return NULL; /* just replaced */
	*old = word;
	return at;
}

static inline uint64_t
word_of(uint64_t tag, uint64_t full_at_ticks)
{
	return tag << TIME_BITS | (full_at_ticks & TIME_MASK);
}

/* Replace a word that is still *old; false: it is not, and *old receives what it is. */
static inline bool
swap(_Atomic uint64_t *word, uint64_t *old, uint64_t fresh)
{
	return atomic_compare_exchange_strong_explicit(
		word, old, fresh, memory_order_relaxed, memory_order_relaxed);
}

/* Another worker was faster, and left `old`: add `count` to that.  Lost once more, it is
 * dropped: nobody waits for anybody here. */
__attribute__((noinline)) static unsigned
charge(_Atomic uint64_t *word, uint64_t old, const struct limit_rate *rate,
       uint64_t now_ticks, unsigned count)
{
	uint64_t debt = debt_of(old, now_ticks);

	if (debt > rate->tolerance)
		return 0; /* it took the last of it */
	swap(word, &old,
	     word_of(old >> TIME_BITS, now_ticks + debt + count * rate->step));
	return count;
}

/* A debt, less `count` that were taken and not used. */
static inline uint64_t
less(uint64_t debt, const struct limit_rate *rate, unsigned count)
{
	uint64_t unused = count * rate->step;

	return debt > unused ? debt - unused : 0;
}

/* Take up to `want`, and give back `unused` from earlier. */
__attribute__((always_inline)) static inline unsigned
take(struct limit_table *table, uint64_t hash, const struct limit_rate *rate,
     uint64_t now_ticks, unsigned want, unsigned unused)
{
	struct limit_set *set = limit_set_of(table, hash);
	uint64_t tag = tag_of(hash), old, debt = 0;
	_Atomic uint64_t *word = find_word(set, home_of(hash), tag, &old);
	unsigned count = 1;

	if (word)
		debt = less(debt_of(old, now_ticks), rate, unused);
	if (debt > rate->tolerance)
		return 0;
	if (want > 1) {
		uint64_t more = (rate->tolerance - debt) / rate->step;

		count += more < want - 1 ? (unsigned)more : want - 1;
	}
	debt += count * rate->step;
	if (!word) {
		word = &set->word[home_of(hash) % LIMIT_SET_WORDS];
		if (old != 0 && debt_of(old, now_ticks) != 0)
			word = find_victim(set, home_of(hash), now_ticks, &old);
		if (old != 0 && debt_of(old, now_ticks) > debt)
			return count; /* none is nearer to full credit than this one */
	}
	if (!swap(word, &old, word_of(tag, now_ticks + debt)) && old >> TIME_BITS == tag)
		return charge(word, old, rate, now_ticks, count);
	return count;
}

unsigned
limit_take(struct limit_table *table, uint64_t hash, const struct limit_rate *rate,
	   uint64_t now_ticks, unsigned want)
{
	return rate->step == 0 ? want : take(table, hash, rate, now_ticks, want, 0);
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
				swap(&set->word[i], &word, 0);
		}
	}
}

void
limit_pool_set(struct limit_pool *pool, struct limit_rate rate, unsigned at_once,
	       unsigned workers)
{
	unsigned block = at_once / (8 * workers);

	pool->rate = rate;
	pool->block = block < 1 ? 1 : block > BLOCK_MAX ? BLOCK_MAX : block;
	memset(pool->held, 0, sizeof pool->held);
}

/* Give back what another one has in stock, of long ago. */
__attribute__((noinline)) static void
give_back(struct limit_pool *pool, const struct limit_held *held, uint64_t now_ticks)
{
	struct limit_set *set = limit_set_of(pool->table, held->hash);
	uint64_t tag = tag_of(held->hash), old, debt;
	_Atomic uint64_t *word = find_word(set, home_of(held->hash), tag, &old);

	if (!word)
		return;
	debt = less(debt_of(old, now_ticks), &pool->rate, held->left);
	swap(word, &old, word_of(tag, now_ticks + debt));
}

/* Take for one who comes again: what is left over is its stock. */
__attribute__((noinline)) static bool
fill_up(struct limit_pool *pool, struct limit_held *held, uint64_t hash,
	uint64_t now_ticks, unsigned want)
{
	unsigned count =
		take(pool->table, hash, &pool->rate, now_ticks, want, held->left);

	held->hash = hash;
	held->taken = (uint32_t)(now_ticks >> LIMIT_STOCK_SHIFT);
	held->left = count > 0 ? count - 1 : 0;
	return count > 0;
}

bool
limit_take_more(struct limit_pool *pool, uint64_t hash, uint64_t now_ticks)
{
	struct limit_held *held = &pool->held[(hash >> 16) % LIMIT_STOCK];

	if (pool->block > 1) {
		bool is_recent = limit_is_recent(held->taken, now_ticks);

		if (held->hash == hash)
			return fill_up(pool, held, hash, now_ticks,
				       is_recent ? pool->block : 1);
		/* another one's stock stays */
		if (held->left == 0 || !is_recent) {
			if (held->left > 0)
				give_back(pool, held, now_ticks);
			held->hash = hash;
			held->taken = (uint32_t)(now_ticks >> LIMIT_STOCK_SHIFT);
			held->left = 0;
		}
	}
	return take(pool->table, hash, &pool->rate, now_ticks, 1, 0) > 0;
}
