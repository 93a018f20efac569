/* Counting the draws that may come. */
#include "master/explain/simulate_shares.h"

#include <string.h>

#include "worker/client_place.h"
#include "worker/steer_set.h"

/* What a choice has left, and its draw, out of the trace. */
struct outcome {
	struct steer_set left;
	uint64_t weights; /* their sum; 0 where weights do not count */
	const struct trace_event *draw; /* NULL: nothing was left */
};

static uint64_t
sum_weights(const struct steered *steered, const struct steer_set *left)
{
	uint64_t sum = 0;

	if (steered->head.order != STEERED_WEIGHTED)
		return 0;
	for (unsigned i = 0; i < steered->candidate_count; i++)
		if (steer_set_has(left, i))
			sum += steered_weight(steered, i);
	return sum;
}

static bool
run_chain(struct steerer *steerer, const struct steered *steered,
	  const struct explain_client *client, bool ecs, struct trace *trace,
	  struct outcome *out)
{
	const struct query q = {
		.flags = client->has_subnet ? QUERY_ECS : 0,
		.client = client->has_address ? &client->address : NULL,
		.subnet = client->subnet,
	};
	struct client_place place;
	struct steer_choice choice;

	trace->count = 0;
	trace->is_full = false;
	steerer->trace = trace;
	client_place_find(&q, ecs, &place);
	memset(&out->left, 0, sizeof out->left);
	steer_set_fill(&out->left, steered->candidate_count);
	out->draw = NULL;
	if (!steer_choose(steerer, steered, &place, &choice))
		return false;
	for (unsigned i = 0; i < trace->count; i++) {
		const struct trace_event *event = &trace->events[i];

		if (event->kind == TRACE_STEP)
			memcpy(&out->left, event->left, sizeof out->left);
		else if (event->kind == TRACE_DRAW)
			out->draw = event;
	}
	out->weights = sum_weights(steered, &out->left);
	return true;
}

/* The share of draws by which a candidate that is left is first. */
static double
first_share(const struct steered *steered, const struct outcome *outcome,
	    unsigned candidate)
{
	if (outcome->draw->bound == 0)
		return candidate == outcome->draw->value ? 1 : 0;
	if (outcome->weights > 0)
		return steered_weight(steered, candidate) / (double)outcome->weights;
	return 1 / (double)outcome->draw->bound;
}

/* At most so many records are answered. */
static unsigned
most_records(const struct steered *steered)
{
	if (steered->head.count == STEERED_SINGLE)
		return 1;
	return steered->head.first ? steered->head.first : STEERED_MAX;
}

/* The records of an answer that begins with a candidate: as take_records of worker/steer.c. */
static void
add_answer(const struct steered *steered, const struct steer_set *left, unsigned first,
	   double share, struct simulate_shares *out)
{
	unsigned most = most_records(steered);
	bool taken[STEERED_MAX] = { false };

	for (unsigned i = 0; i < steered->candidate_count && most > 0; i++) {
		unsigned at = (first + i) % steered->candidate_count;
		unsigned record = steered_record(steered, at);

		if (!steer_set_has(left, at) || record >= STEERED_MAX || taken[record])
			continue;
		taken[record] = true;
		out->answered[record] += share;
		most--;
	}
}

/* Who is in all answers needs no counting. */
static bool
are_all_answered(const struct steered *steered, const struct outcome *outcome,
		 struct simulate_shares *out)
{
	unsigned words = steer_set_words(steered->candidate_count);

	if (most_records(steered) < steer_set_count(&outcome->left, words))
		return false;
	for (unsigned i = 0; i < steered->candidate_count; i++)
		if (steer_set_has(&outcome->left, i))
			out->answered[steered_record(steered, i) % STEERED_MAX] = 1;
	return true;
}

bool
simulate_shares_find(struct steerer *steerer, const struct steered *steered,
		     const struct explain_client *client, bool ecs, struct trace *trace,
		     struct simulate_shares *out)
{
	struct outcome outcome;
	bool is_counted;

	memset(out, 0, sizeof *out);
	if (!run_chain(steerer, steered, client, ecs, trace, &outcome))
		return false;
	out->is_answered = outcome.draw != NULL;
	if (!outcome.draw)
		return true;
	is_counted = are_all_answered(steered, &outcome, out);
	for (unsigned at = 0; at < steered->candidate_count; at++) {
		double share;

		if (!steer_set_has(&outcome.left, at))
			continue;
		share = first_share(steered, &outcome, at);
		if (share <= 0)
			continue;
		out->first[steered_record(steered, at) % STEERED_MAX] += share;
		if (!is_counted)
			add_answer(steered, &outcome.left, at, share, out);
	}
	return true;
}
