/* From the choice to the wire. */
#include "worker/answer_steered.h"

#include <string.h>

#include "worker/client_place.h"
#include "worker/steer.h"

/* An RRset of the chosen records alone; they are copied to `wire`. */
static struct rrset
gather(const struct steered *steered, const struct steer_choice *choice, uint8_t *wire)
{
	struct rrset chosen = steered->rrset;
	unsigned len = steered->rr_len;

	for (unsigned i = 0; i < choice->count; i++)
		memcpy(wire + (size_t)i * len,
		       steered->rrset.wire + (size_t)choice->records[i] * len, len);
	chosen.wire = wire;
	chosen.head.wire_len = (uint16_t)(choice->count * len);
	chosen.head.rr_count = (uint16_t)choice->count;
	/* signatures over all records say nothing about some */
	chosen.head.sig_count = chosen.head.sig_len = 0;
	chosen.head.patch_count = chosen.head.target_count = 0;
	return chosen;
}

enum step
answer_steered(struct answering *a, const struct block *block, enum section section,
	       const struct rrset_place *place)
{
	uint8_t wire[STEERED_MAX * STEERED_RR_LEN_AAAA];
	struct client_place client;
	struct steer_choice choice;
	struct steered steered;
	struct rrset chosen;
	unsigned scope_len;
	uint32_t wire_at;

	/* where a referral leads, the sender goes itself (RFC 7871, section 7.4) */
	bool is_for_sender = section == SECTION_ADDITIONAL && a->additional.cut_labels;

	client_place_find(a->q, a->options->ecs && !is_for_sender, &client);
	trace_block(a->options->trace, TRACE_STEERED, section, block);
	trace_client(a->options->trace, &client);
	if (!steered_open(block, &steered) ||
	    !steer_choose(a->options->steerer, &steered, &client, &choice))
		return STEP_DAMAGED;
	trace_chosen(a->options->trace, choice.records, choice.count);
	stats_add(a->stats, STAT_steered, 1);
	if (choice.by_place && !is_for_sender) {
		scope_len = client_place_scope(a->q, &client, choice.place_len);
		trace_scope(a->options->trace, scope_len, choice.place_len);
		if (scope_len > a->scope_len)
			a->scope_len = (uint8_t)scope_len;
	}
	if (choice.count == 0)
		return STEP_DONE;
	chosen = gather(&steered, &choice, wire);
	return step_from(response_add(&a->response, section, &chosen, place, &wire_at));
}
