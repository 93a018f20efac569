/* Changing copies of steered RRsets. */
#include "master/explain/simulate_change.h"

#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"

int
simulate_rrset_copy(const struct block *block, struct simulate_rrset *out)
{
	struct block copy = *block;

	memset(out, 0, sizeof *out);
	out->payload = malloc(block->head.len + 1u);
	if (!out->payload)
		return ERR_NOMEM;
	memcpy(out->payload, block->payload, block->head.len);
	copy.payload = out->payload;
	if (steered_open(&copy, &out->steered))
		return ERR_OK;
	simulate_rrset_free(out);
	return ERR_DAMAGED;
}

void
simulate_rrset_free(struct simulate_rrset *rrset)
{
	free(rrset->payload);
	rrset->payload = NULL;
}

/* The address of a record as struct geo_address has it. */
static void
get_address(const struct steered *steered, unsigned record, struct geo_address *out)
{
	unsigned len = steered->rr_len - STEERED_RR_HEAD_LEN;

	memset(out, 0, sizeof *out);
	out->octets[10] = out->octets[11] = 0xff;
	memcpy(out->octets + sizeof out->octets - len, steered_address(steered, record),
	       len);
}

static bool
is_record_of(const struct steered *steered, unsigned candidate,
	     const struct geo_address *address)
{
	unsigned record = steered_record(steered, candidate);
	struct geo_address own;

	if (record >= steered->rrset.head.rr_count)
		return false;
	get_address(steered, record, &own);
	return memcmp(&own, address, sizeof own) == 0;
}

/* A state that is its own for each candidate, so that one can be down and another with the
 * same target not. */
static int
put_statuses(struct simulate_rrset *rrset, const struct board *board, struct board *own)
{
	struct steered *steered = &rrset->steered;
	bool is_probed = steered->targets != NULL;

	if (!is_probed) {
		steered->health = (struct steered_health){ .up_count = 1,
							   .down_count = -1,
							   .policy = STEERED_OPEN };
	}
	for (unsigned i = 0; i < steered->candidate_count; i++) {
		uint64_t target = steered_target(steered, i);
		struct board_status status = { .status = steered->health.up_count };

		rrset->targets[i] = ((uint64_t)i + 1) * BOARD_LINE_SLOTS;
		if (is_probed)
			status = board_get(board, target);
		if (!board_put(own, rrset->targets[i], status))
			return ERR_NOMEM;
	}
	steered->targets = (const uint8_t *)rrset->targets;
	return ERR_OK;
}

static bool
take_down(struct simulate_rrset *rrset, const struct geo_address *address,
	  struct board *own)
{
	const struct steered *steered = &rrset->steered;
	bool found = false;

	for (unsigned i = 0; i < steered->candidate_count; i++) {
		struct board_status status = board_get(own, rrset->targets[i]);
		struct board_slot *slot = board_find(own, rrset->targets[i]);

		if (!slot || !is_record_of(steered, i, address))
			continue;
		status.status = steered->health.down_count;
		board_set(own, slot, status);
		found = true;
	}
	return found;
}

static bool
set_weight(struct simulate_rrset *rrset, const struct simulate_change *change)
{
	bool found = false;

	for (unsigned i = 0; i < rrset->steered.candidate_count; i++)
		if (is_record_of(&rrset->steered, i, &change->address)) {
			rrset->weights[i] = change->weight;
			found = true;
		}
	return found;
}

static bool
has_down(const struct simulate_question *question)
{
	for (unsigned i = 0; i < question->change_count; i++)
		if (question->changes[i].is_down)
			return true;
	return false;
}

int
simulate_rrset_change(struct simulate_rrset *rrset,
		      const struct simulate_question *question, const struct board *board,
		      const struct board **out, const struct geo_address **missing)
{
	struct board *own = has_down(question) ? board_create() : NULL;

	*out = own ? own : board;
	if (has_down(question) && (!own || put_statuses(rrset, board, own) != ERR_OK))
		return ERR_NOMEM;
	for (unsigned i = 0; i < rrset->steered.candidate_count; i++)
		rrset->weights[i] = steered_weight(&rrset->steered, i);
	rrset->steered.weights = (const uint8_t *)rrset->weights;
	for (unsigned i = 0; i < question->change_count; i++) {
		const struct simulate_change *change = &question->changes[i];
		bool found = change->is_down ? take_down(rrset, &change->address, own)
					     : set_weight(rrset, change);

		*missing = &change->address;
		if (!found)
			return ERR_NOTFOUND;
	}
	return ERR_OK;
}
