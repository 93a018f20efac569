/* Who may have how much of something: token buckets of any number of sources in a table
 * of fixed size, shared by all workers, without a lock.
 *
 * A set is a cache line of 8 words, one for a source that is in debt:
 *
 *	+----------------+------------------------------------------------+
 *	| tag, 24 bits   | when its credit is full again, 40 bits of ticks |
 *	+----------------+------------------------------------------------+
 *
 * A source that is not there, or whose time has come, has its full credit: to forget one
 * is to forgive its debt.  What is taken moves that time ahead by one step each; who would
 * be ahead by more than `tolerance` before it, gets nothing, and nothing is written.  When
 * a set is full the word nearest to full credit goes first, be it the newcomer's own: so
 * sources that come once push each other out, and not those in debt.
 *
 * A set follows from a keyed hash of the source: nobody can choose whose words he shares.
 * Two sources of one set have the same tag, and so one bucket, once in 2,000,000 pairs.
 *
 * Words are replaced by one compare-and-swap; a lost race is tried once more and then
 * dropped: of many workers that take for one source within the same nanoseconds one may
 * not be charged, but it gets nothing when that was the last of it.  Apart from that no
 * source ever gets more than its burst and its rate since then; steps are
 * rounded to ticks, less than 1 in 1,000 up to 100,000 a second. */
#ifndef SHM_LIMIT_TABLE_H
#define SHM_LIMIT_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	LIMIT_TICK_SHIFT = 4,		/* a tick is 16 ns of CLOCK_MONOTONIC */
	LIMIT_SET_WORDS = 8,
	LIMIT_SETS = 1 << 15,		/* a power of two; 2 MiB, pages as they are used */
	LIMIT_DEBT_MAX_S = 3600,	/* no credit may need longer to be full again */
	LIMIT_SWEEP_SETS = 128,		/* of one limit_sweep */
};

struct limit_set {
	_Alignas(64) _Atomic uint64_t word[LIMIT_SET_WORDS];	/* 0: free */
};

/* All zero: everybody has full credit. */
struct limit_table {
	struct limit_set sets[LIMIT_SETS];
};

/* What is allowed, in ticks. */
struct limit_rate {
	uint64_t step;			/* between two of a steady flow; 0: nothing is limited */
	uint64_t tolerance;		/* at most LIMIT_DEBT_MAX_S */
};

static inline uint64_t
limit_ticks(uint64_t ns)
{
	return ns >> LIMIT_TICK_SHIFT;
}

/* `count` (0: no limit) in `seconds`, and `at_once` (1 or more) after a rest. */
struct limit_rate limit_rate_of(unsigned count, unsigned seconds, unsigned at_once);

static inline struct limit_set *
limit_set_of(struct limit_table *table, uint64_t hash)
{
	return &table->sets[hash & (LIMIT_SETS - 1)];
}

/* Take up to `want` (1 or more) for the source of this hash.
 * returns how many it gets; 0: it is over its rate. */
__attribute__((nonnull))
unsigned limit_take(struct limit_table *table, uint64_t hash, const struct limit_rate *rate,
		    uint64_t now_ticks, unsigned want);

/* Free the words of LIMIT_SWEEP_SETS sets, from *at on, that have full credit; *at moves
 * on.  The whole table must be gone through within an hour, lest a time of long ago be
 * taken for one to come. */
__attribute__((nonnull))
void limit_sweep(struct limit_table *table, uint32_t *at, uint64_t now_ticks);

/* One worker's view of a table: what is allowed, and its stock.  A source that comes often
 * takes several at a time, so that not every worker writes its line for every query.  What is
 * not used soon is given back when it comes again, and lost to it until then: with blocks of an
 * eighth of what is allowed at once, divided by workers, no more than that eighth. */
enum { LIMIT_STOCK = 4096, LIMIT_STOCK_SHIFT = 16 };

struct limit_held {
	uint64_t hash;
	uint32_t taken;			/* when, in ticks without their last 16 bits: 1 ms */
	uint32_t left;			/* not used yet */
};

struct limit_pool {
	struct limit_table *table;
	struct limit_rate rate;
	unsigned block;			/* so many are taken at a time */
	struct limit_held held[LIMIT_STOCK];
};

/* Allow `rate` from now on, of which `at_once` after a rest, to be shared by `workers`. */
__attribute__((nonnull))
void limit_pool_set(struct limit_pool *pool, struct limit_rate rate, unsigned at_once,
		    unsigned workers);

/* What limit_take_one does without a stock. */
__attribute__((nonnull))
bool limit_take_more(struct limit_pool *pool, uint64_t hash, uint64_t now_ticks);

/* Is what was taken at `taken` still to be used?  For 100 ms. */
static inline bool
limit_is_recent(uint32_t taken, uint64_t now_ticks)
{
	return (uint32_t)(now_ticks >> LIMIT_STOCK_SHIFT) - taken <
	       (100000000 >> LIMIT_TICK_SHIFT) >> LIMIT_STOCK_SHIFT;
}

/* Take one; the pool's rate is one that limits.  returns false over it. */
__attribute__((nonnull))
static inline bool
limit_take_one(struct limit_pool *pool, uint64_t hash, uint64_t now_ticks)
{
	struct limit_held *held = &pool->held[(hash >> 16) % LIMIT_STOCK];

	if (held->hash == hash && held->left > 0 &&
	    limit_is_recent(held->taken, now_ticks)) {
		held->left--;
		return true;
	}
	return limit_take_more(pool, hash, now_ticks);
}

#endif
