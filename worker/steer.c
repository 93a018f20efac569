/* The chain of choices: its steps in their order, and what is answered of their result. */
#include "worker/steer.h"

#include <string.h>
#include <sys/random.h>

#include "shm/errcode.h"
#include "worker/steer_run.h"

int
steerer_init(struct steerer *steerer, struct geo *geo)
{
	steerer->geo = geo;
	steerer->board = NULL;
	steerer->interval_s = 0;
	steerer->no_match = NO_MATCH_ALL;
	steerer->trace = NULL;
	if (getrandom(&steerer->random, sizeof steerer->random, 0) !=
	    (ssize_t)sizeof steerer->random)
		return ERR_IO;
	return ERR_OK;
}

/* Take the record of a candidate, unless it was taken.  returns false on damage. */
static inline bool
take_record(const struct steer_run *run, unsigned candidate, struct steer_set *taken)
{
	struct steer_choice *out = run->out;
	unsigned record = steered_record(run->steered, candidate);

	if (record >= run->steered->rrset.head.rr_count)
		return false;
	if (run->steered->candidates) {
		if (steer_set_has(taken, record))
			return true;
		steer_set_add(taken, record);
	}
	out->records[out->count++] = (uint8_t)record;
	return true;
}

/* Take those of the bits of a word, up to `most` records in all.  returns false on damage. */
static inline bool
take_word(const struct steer_run *run, unsigned word, uint64_t bits,
	  struct steer_set *taken, unsigned most)
{
	for (; bits && run->out->count < most; bits &= bits - 1)
		if (!take_record(run, steer_set_at(word, bits), taken))
			return false;
	return true;
}

static unsigned
most_records(const struct steered *steered)
{
	if (steered->head.count == STEERED_SINGLE)
		return 1;
	return steered->head.first > 0 ? steered->head.first : STEERED_MAX;
}

/* Take records from what is left, beginning with `first`.  returns false on damage. */
static bool
take_records(const struct steer_run *run, unsigned first)
{
	const uint64_t *left = run->left.bits, late = ~UINT64_C(0) << first % 64;
	unsigned most = most_records(run->steered), split = first / 64;
	struct steer_set taken = { { 0 } };
	bool good = take_word(run, split, left[split] & late, &taken, most);

	for (unsigned word = split + 1; word < run->words; word++)
		good = good && take_word(run, word, left[word], &taken, most);
	for (unsigned word = 0; word < split; word++)
		good = good && take_word(run, word, left[word], &taken, most);
	return good && take_word(run, split, left[split] & ~late, &taken, most);
}

static bool
asks_for_place(const struct steered *steered)
{
	return (steered->head.geo | steered->region_count | steered->continent_count) !=
	       0;
}

/* The steps that leave candidates. */
static void
leave(struct steer_run *run, const struct client_place *client)
{
	const struct steered *steered = run->steered;
	struct steerer *steerer = run->steerer;

	if (steered->targets && steerer->board)
		steer_by_health(run);
	if (steered->fallback)
		steer_by_fallback(run);
	if (steered->subnet_count > 0)
		steer_by_subnet(run, client->has_address ? &client->address : NULL);
	if (asks_for_place(steered) && steerer->geo)
		steer_by_place(run, client->is_known ? &client->address : NULL);
}

static unsigned
choose_first(struct steer_run *run, const struct client_place *client)
{
	if ((run->steered->head.flags & STEERED_STICKY) && run->steerer &&
	    client->has_address)
		return steer_stick(run, &client->address);
	return steer_draw_first(run);
}

bool
steer_choose(struct steerer *steerer, const struct steered *steered,
	     const struct client_place *client, struct steer_choice *out)
{
	struct steer_run run;

	run.steerer = steerer;
	run.steered = steered;
	run.words = steer_set_words(steered->candidate_count);
	run.out = out;
	out->count = 0;
	out->by_place = false;
	out->place_len = 0;
	steer_set_fill(&run.left, steered->candidate_count);
	if (steerer)
		leave(&run, client);
	if (steer_set_is_empty(&run.left, run.words))
		return true;
	return take_records(&run, choose_first(&run, client));
}

void
steer_group(const struct steerer *steerer, const struct steered *steered,
	    const struct client_place *client, struct steered_records *out)
{
	struct steer_choice unused = { .count = 0 };
	struct steer_run run = {
		.steered = steered,
		.words = steer_set_words(steered->candidate_count),
		.out = &unused,
	};
	struct steerer blind;

	memset(out, 0, sizeof *out);
	steer_set_fill(&run.left, steered->candidate_count);
	if (steerer) {
		blind = *steerer;
		blind.board = NULL;
		blind.trace = NULL;
		run.steerer = &blind;
		leave(&run, client);
	}
	for (unsigned i = 0; i < steered->candidate_count; i++)
		if (steer_set_has(&run.left, i))
			out->bits[steered_record(steered, i) / 64] |=
				UINT64_C(1) << steered_record(steered, i) % 64;
}
