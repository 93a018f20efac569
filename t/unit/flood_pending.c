/* Queries on their way, against a plain list: each is answered or lost, once. */
#include <string.h>

#include "t/bench/load/flood_pending.h"
#include "t/bench/load/flood_random.h"
#include "t/tap.h"

enum { SLOTS = 64, STEPS = 200000, PATIENCE = 50 };

enum state { FREE, WAITING, LOST, ANSWERED };

/* What became of the last query with each id. */
static enum state model[65536];
static uint64_t due[65536];

struct counts {
	uint64_t added, answered, lost, late, stray, wrong;
};

static void
answer(struct flood_pending *pending, uint16_t id, struct counts *counts)
{
	struct flood_slot query;
	enum flood_taken taken = flood_pending_take(pending, id, &query);

	counts->answered += taken == TAKEN_ANSWER;
	counts->late += taken == TAKEN_LATE;
	counts->stray += taken == TAKEN_STRAY;
	if (taken == TAKEN_ANSWER) {
		counts->wrong += model[id] != WAITING || query.due_ns != due[id];
		model[id] = ANSWERED;
	} else if (taken == TAKEN_LATE) {
		counts->wrong += model[id] == FREE || model[id] == ANSWERED;
		model[id] = ANSWERED;
	}
}

static void
step(struct flood_pending *pending, uint64_t now, uint64_t random, struct counts *counts)
{
	struct flood_slot query = { .due_ns = now, .given_up_ns = now + PATIENCE };
	unsigned lost = 0;

	if (random % 3 == 0) {
		answer(pending,
		       (uint16_t)(pending->next - 1 - (random >> 8) % (2 * SLOTS)),
		       counts);
		return;
	}
	if (random % 7 == 0)
		lost = flood_pending_expire(pending, now);
	else {
		uint16_t id = flood_pending_add(pending, query, &lost);

		model[id] = WAITING;
		due[id] = now;
		counts->added++;
	}
	counts->lost += lost;
}

int
main(void)
{
	struct flood_pending pending;
	struct flood_slot query = { .given_up_ns = 1 };
	struct counts counts = { 0 };
	uint64_t random = flood_random_mix(3);
	unsigned lost = 0;

	ok(flood_pending_init(&pending, SLOTS, 65500), "slots are there");
	for (uint64_t now = 1; now < STEPS; now++)
		step(&pending, now, flood_random_next(&random) >> 3, &counts);
	ok(counts.answered > 1000 && counts.lost > 1000 && counts.late > 100 &&
		   counts.stray > 1000,
	   "all that can happen has happened");
	is_int(counts.wrong, 0, "answers find their own queries");
	is_int(counts.answered + counts.lost + pending.waiting, counts.added,
	       "each is answered, lost or waited for");
	counts.lost += flood_pending_expire(&pending, UINT64_MAX);
	is_int(pending.waiting, 0, "at the end none is waited for");
	is_int(counts.answered + counts.lost, counts.added,
	       "and each is answered or lost");

	flood_pending_cancel(&pending, flood_pending_add(&pending, query, &lost));
	is_int(pending.waiting, 0, "what was not sent is not waited for");
	is_int(flood_pending_expire(&pending, UINT64_MAX), 0, "nor lost");
	free(pending.slots);
	return done_testing();
}
