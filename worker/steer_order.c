/* The step that draws which record is first. */
#include "worker/steer_run.h"

static uint64_t
draw(struct steer_run *run, uint64_t bound)
{
	return run->steerer ? random_below(&run->steerer->random, bound) : 0;
}

/* Tell which candidate is first: by `drawn`, a number below `bound`. */
static unsigned
take_first(const struct steer_run *run, unsigned first, uint64_t drawn, uint64_t bound)
{
	if (run->steerer)
		trace_draw(run->steerer->trace, first, drawn, bound);
	return first;
}

static unsigned
draw_evenly(struct steer_run *run)
{
	unsigned count = steer_set_count(&run->left, run->words);
	unsigned rank = (unsigned)draw(run, count);

	return take_first(run, steer_set_member(&run->left, rank), rank, count);
}

/* The sum of the weights of those that are left; less than 2^40. */
static uint64_t
sum_weights(const struct steer_run *run)
{
	uint64_t sum = 0;

	for (unsigned word = 0; word < run->words; word++)
		for (uint64_t bits = run->left.bits[word]; bits; bits &= bits - 1)
			sum += steered_weight(run->steered, steer_set_at(word, bits));
	return sum;
}

static unsigned
draw_by_weight(struct steer_run *run)
{
	uint64_t sum = sum_weights(run), drawn, point;

	if (sum == 0)
		return draw_evenly(run);
	point = drawn = draw(run, sum);
	for (unsigned word = 0; word < run->words; word++)
		for (uint64_t bits = run->left.bits[word]; bits; bits &= bits - 1) {
			unsigned at = steer_set_at(word, bits);
			uint32_t weight = steered_weight(run->steered, at);

			if (point < weight)
				return take_first(run, at, drawn, sum);
			point -= weight;
		}
	return take_first(run, steer_set_first(&run->left), 0, 0);
}

unsigned
steer_draw_first(struct steer_run *run)
{
	if (steer_set_is_single(&run->left, run->words))
		return take_first(run, steer_set_first(&run->left), 0, 0);
	switch (run->steered->head.order) {
	case STEERED_RR:
		return draw_evenly(run);
	case STEERED_WEIGHTED:
		return draw_by_weight(run);
	}
	return take_first(run, steer_set_first(&run->left), 0, 0);
}
