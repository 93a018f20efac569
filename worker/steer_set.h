/* Sets of candidates.  A set is of so many words as all candidates of an RRset need, most
 * often one: further ones are not looked at.  To walk the members of one, in ascending
 * order:
 *
 *	for (unsigned word = 0; word < words; word++)
 *		for (uint64_t bits = set->bits[word]; bits; bits &= bits - 1)
 *			... steer_set_at(word, bits) ... */
#ifndef WORKER_STEER_SET_H
#define WORKER_STEER_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/steered.h"

enum { STEER_WORDS = STEERED_MAX / 64 };

struct steer_set {
	uint64_t bits[STEER_WORDS];
};

/* Words for so many candidates. */
static inline unsigned
steer_set_words(unsigned count)
{
	return (count + 63) / 64;
}

/* The candidate of the lowest bit of a word. */
static inline unsigned
steer_set_at(unsigned word, uint64_t bits)
{
	return 64 * word + (unsigned)__builtin_ctzll(bits);
}

static inline void
steer_set_clear(struct steer_set *set, unsigned words)
{
	for (unsigned word = 0; word < words; word++)
		set->bits[word] = 0;
}

/* The candidates from 0 to `count` - 1, 1 or more. */
static inline void
steer_set_fill(struct steer_set *set, unsigned count)
{
	unsigned last = steer_set_words(count) - 1;

	for (unsigned word = 0; word < last; word++)
		set->bits[word] = ~UINT64_C(0);
	set->bits[last] = ~UINT64_C(0) >> (64 - (count - 64 * last));
}

static inline void
steer_set_add(struct steer_set *set, unsigned member)
{
	set->bits[member / 64] |= UINT64_C(1) << member % 64;
}

static inline bool
steer_set_has(const struct steer_set *set, unsigned member)
{
	return set->bits[member / 64] >> member % 64 & 1;
}

static inline unsigned
steer_set_count(const struct steer_set *set, unsigned words)
{
	unsigned count = 0;

	for (unsigned word = 0; word < words; word++)
		count += (unsigned)__builtin_popcountll(set->bits[word]);
	return count;
}

static inline bool
steer_set_is_empty(const struct steer_set *set, unsigned words)
{
	uint64_t any = 0;

	for (unsigned word = 0; word < words; word++)
		any |= set->bits[word];
	return any == 0;
}

/* Has it one member? */
static inline bool
steer_set_is_single(const struct steer_set *set, unsigned words)
{
	uint64_t any = 0, more = 0;

	for (unsigned word = 0; word < words; word++) {
		uint64_t bits = set->bits[word];

		more |= (bits & (bits - 1)) | (any && bits);
		any |= bits;
	}
	return any && !more;
}

/* The first member, of one that has any. */
static inline unsigned
steer_set_first(const struct steer_set *set)
{
	unsigned word = 0;

	while (set->bits[word] == 0)
		word++;
	return steer_set_at(word, set->bits[word]);
}

/* The member of this rank, which it has: 0 is the first. */
static inline unsigned
steer_set_member(const struct steer_set *set, unsigned rank)
{
	unsigned word = 0, count;
	uint64_t bits;

	while ((count = (unsigned)__builtin_popcountll(set->bits[word])) <= rank) {
		rank -= count;
		word++;
	}
	for (bits = set->bits[word]; rank > 0; rank--)
		bits &= bits - 1;
	return steer_set_at(word, bits);
}

/* Leave those of `left` that are in `other`.  returns whether there are any; else all stay. */
static inline bool
steer_set_keep(struct steer_set *left, const struct steer_set *other, unsigned words)
{
	uint64_t any = 0;

	for (unsigned word = 0; word < words; word++)
		any |= left->bits[word] & other->bits[word];
	if (any == 0)
		return false;
	for (unsigned word = 0; word < words; word++)
		left->bits[word] &= other->bits[word];
	return true;
}

#endif
