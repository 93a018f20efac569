/* Windows of the board, and their sums. */
#include "shm/top_board.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the worker ---- */

struct top_window *
top_board_begin(struct top_board *board, uint64_t period)
{
	struct top_window *window = &board->windows[period % TOP_WINDOWS];

	atomic_store_explicit(&window->period, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (unsigned i = 0; i < TOP_LISTS; i++)
		sketch_clear(&window->lists[i]);
	for (unsigned i = 0; i < TOP_RCODES; i++)
		atomic_store_explicit(&window->rcodes[i], 0, memory_order_relaxed);
	atomic_store_explicit(&window->queries, 0, memory_order_relaxed);
	atomic_store_explicit(&window->thinned, 0, memory_order_relaxed);
	atomic_store_explicit(&window->period, period, memory_order_release);
	return window;
}

/* ---- readers ---- */

unsigned
top_board_windows(const struct top_board *board, uint64_t now_ns,
		  const struct top_window *out[TOP_WINDOWS])
{
	uint64_t now = top_board_period(now_ns);
	unsigned count = 0;

	for (unsigned i = 0; i < TOP_WINDOWS; i++) {
		uint64_t period = atomic_load_explicit(&board->windows[i].period,
						       memory_order_acquire);

		if (period != 0 && period <= now && now - period < TOP_WINDOWS)
			out[count++] = &board->windows[i];
	}
	return count;
}

/* Sampled with probability 1/S, what was counted n times in truth is estimated with a standard
 * deviation of sqrt((S - 1) n).  Solved for n at 3.3 of these, which is exceeded once in 1,000
 * times. */
uint64_t
top_board_error(uint64_t queries, uint64_t thinned)
{
	const double z = 3.3, variance = TOP_SAMPLING - 1;
	double n = (double)queries, half = z * z * variance / 2, error;

	if (thinned == 0)
		return 0;
	error = ceil(half + z * sqrt(variance * (n + half / 2)));
	return error < (double)thinned ? (uint64_t)error : thinned;
}

/* Copy what entry `i` stands for.  returns false when that has just become another. */
static bool
take_label(const struct top_window *window, enum top_list list,
	   const struct sketch_sum *sum, struct top_entry *out)
{
	unsigned i = sum->entry;

	switch (list) {
	case TOP_ZONES:
		memcpy(&out->name, &window->zones[i], sizeof out->name);
		break;
	case TOP_NAMES:
		memcpy(&out->name, &window->names[i], sizeof out->name);
		break;
	case TOP_SOURCES:
		memcpy(&out->source, &window->sources[i], sizeof out->source);
		break;
	case TOP_LISTS:
		return false;
	}
	return sketch_has_key(&window->lists[list], i, sum->key) &&
	       (list == TOP_SOURCES || (out->name.apex_len <= out->name.len &&
					dname_is_whole(out->name.name, out->name.len)));
}

/* What the sum says, between its bounds. */
static void
estimate(const struct sketch_sum *sum, uint64_t thinned, struct top_entry *out)
{
	uint64_t high = sum->high > sum->low ? sum->high : sum->low;

	out->queries = sum->low + (high - sum->low) / 2;
	out->error = high - out->queries + top_board_error(high, thinned);
	out->nxdomain = sum->marked < out->queries ? sum->marked : out->queries;
}

int
top_board_list(const struct top_window *const *windows, size_t count, enum top_list list,
	       struct top_entry *out, size_t most)
{
	const struct sketch **sketches = calloc(count + 1, sizeof *sketches);
	struct sketch_sum *sums = calloc(most + 1, sizeof *sums);
	uint64_t thinned = 0;
	int found = -1, told = 0;

	if (sketches && sums) {
		for (size_t i = 0; i < count; i++) {
			sketches[i] = &windows[i]->lists[list];
			thinned += atomic_load_explicit(&windows[i]->thinned,
							memory_order_relaxed);
		}
		found = sketch_sum(sketches, count, sums, most);
	}
	for (int i = 0; i < found; i++) {
		memset(&out[told], 0, sizeof out[told]);
		if (sums[i].low == 0 ||
		    !take_label(windows[sums[i].sketch], list, &sums[i], &out[told]))
			continue;
		estimate(&sums[i], thinned, &out[told++]);
	}
	free(sketches);
	free(sums);
	return found < 0 ? -1 : told;
}
