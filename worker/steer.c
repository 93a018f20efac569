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

/* Take the members of what is left in [from, to), up to `most` records in all.
 * returns false on damage. */
static bool
take_members(const struct steer_run *run, unsigned from, unsigned to,
	     struct steer_set *taken, unsigned most)
{
	struct steer_choice *out = run->out;

	for (unsigned at = from; at < to && out->count < most; at++) {
		unsigned record;

		if (!steer_set_has(&run->left, at))
			continue;
		record = steered_record(run->steered, at);
		if (record >= run->steered->rrset.head.rr_count)
			return false;
		if (steer_set_has(taken, record))
			continue;
		steer_set_add(taken, record);
		out->records[out->count++] = (uint8_t)record;
	}
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
	unsigned most = most_records(run->steered);
	struct steer_set taken = { { 0 } };

	return take_members(run, first, run->steered->candidate_count, &taken, most) &&
	       take_members(run, 0, first, &taken, most);
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
	struct steer_run run = {
		.steerer = steerer,
		.steered = steered,
		.words = steer_set_words(steered->candidate_count),
		.out = out,
	};

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
