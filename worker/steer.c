/* The chain of choices. */
#include "worker/steer.h"

#include <string.h>
#include <sys/random.h>

#include "shm/errcode.h"

enum { WORDS = STEERED_MAX / 64 };

int
steerer_init(struct steerer *steerer)
{
	if (getrandom(&steerer->random, sizeof steerer->random, 0) !=
	    (ssize_t)sizeof steerer->random)
		return ERR_IO;
	return ERR_OK;
}

/* ---- sets ---- */

static void
set_fill(struct steer_set *set, unsigned count)
{
	memset(set, 0, sizeof *set);
	for (unsigned word = 0; word < count / 64; word++)
		set->bits[word] = ~UINT64_C(0);
	if (count % 64)
		set->bits[count / 64] = (UINT64_C(1) << count % 64) - 1;
}

static unsigned
set_count(const struct steer_set *set)
{
	unsigned count = 0;

	for (unsigned word = 0; word < WORDS; word++)
		count += (unsigned)__builtin_popcountll(set->bits[word]);
	return count;
}

/* The member of this rank, which it has: 0 is the first. */
static unsigned
set_member(const struct steer_set *set, unsigned rank)
{
	unsigned word = 0, count;
	uint64_t bits;

	while ((count = (unsigned)__builtin_popcountll(set->bits[word])) <= rank) {
		rank -= count;
		word++;
	}
	for (bits = set->bits[word]; rank > 0; rank--)
		bits &= bits - 1;
	return 64 * word + (unsigned)__builtin_ctzll(bits);
}

/* ---- which one is first ---- */

static uint64_t
draw(struct steerer *steerer, uint64_t bound)
{
	return steerer ? random_below(&steerer->random, bound) : 0;
}

static unsigned
draw_evenly(struct steerer *steerer, const struct steer_set *left)
{
	return set_member(left, (unsigned)draw(steerer, set_count(left)));
}

/* The sum of the weights of those that are left; less than 2^40. */
static uint64_t
sum_weights(const struct steered *steered, const struct steer_set *left)
{
	uint64_t sum = 0;

	for (unsigned word = 0; word < WORDS; word++)
		for (uint64_t bits = left->bits[word]; bits; bits &= bits - 1)
			sum += steered_weight(
				steered, 64 * word + (unsigned)__builtin_ctzll(bits));
	return sum;
}

static unsigned
draw_by_weight(struct steerer *steerer, const struct steered *steered,
	       const struct steer_set *left)
{
	uint64_t sum = sum_weights(steered, left), point;

	if (sum == 0)
		return draw_evenly(steerer, left);
	point = draw(steerer, sum);
	for (unsigned word = 0; word < WORDS; word++)
		for (uint64_t bits = left->bits[word]; bits; bits &= bits - 1) {
			unsigned at = 64 * word + (unsigned)__builtin_ctzll(bits);
			uint32_t weight = steered_weight(steered, at);

			if (point < weight)
				return at;
			point -= weight;
		}
	return set_member(left, 0);
}

static unsigned
draw_first(struct steerer *steerer, const struct steered *steered,
	   const struct steer_set *left)
{
	switch (steered->head.order) {
	case STEERED_RR:
		return draw_evenly(steerer, left);
	case STEERED_WEIGHTED:
		return draw_by_weight(steerer, steered, left);
	}
	return set_member(left, 0);
}

/* ---- the answer ---- */

/* Take the members of `left` in [from, to), up to `most` records in all.
 * returns false on damage. */
static bool
take_members(const struct steered *steered, const struct steer_set *left, unsigned from,
	     unsigned to, struct steer_set *taken, unsigned most,
	     struct steer_choice *out)
{
	for (unsigned at = from; at < to && out->count < most; at++) {
		unsigned record;

		if (!(left->bits[at / 64] >> at % 64 & 1))
			continue;
		record = steered_record(steered, at);
		if (record >= steered->rrset.head.rr_count)
			return false;
		if (taken->bits[record / 64] >> record % 64 & 1)
			continue;
		taken->bits[record / 64] |= UINT64_C(1) << record % 64;
		out->records[out->count++] = (uint8_t)record;
	}
	return true;
}

bool
steer_choose(struct steerer *steerer, const struct steered *steered,
	     struct steer_choice *out)
{
	unsigned first, most = STEERED_MAX;
	struct steer_set left, taken = { { 0 } };

	set_fill(&left, steered->candidate_count);
	first = draw_first(steerer, steered, &left);
	if (steered->head.count == STEERED_SINGLE)
		most = 1;
	out->count = 0;
	return take_members(steered, &left, first, steered->candidate_count, &taken, most,
			    out) &&
	       take_members(steered, &left, 0, first, &taken, most, out);
}
