/* From the choice to the wire. */
#include "worker/answer_steered.h"

#include <string.h>

#include "worker/client_place.h"
#include "worker/signed_sets.h"
#include "worker/steer.h"

enum { SIGNATURES_MAX = 4096 }; /* octets; an RRset with more is answered whole */

/* What goes into the message: records, then signatures. */
struct chosen {
	uint8_t wire[STEERED_MAX * STEERED_RR_LEN_AAAA + SIGNATURES_MAX];
	struct rrset rrset;
};

/* An RRset of the chosen records alone; they are copied. */
static void
gather(const struct steered *steered, const struct steer_choice *choice,
       struct chosen *out)
{
	unsigned len = steered->rr_len;

	out->rrset = steered->rrset;
	for (unsigned i = 0; i < choice->count; i++)
		memcpy(out->wire + (size_t)i * len,
		       steered->rrset.wire + (size_t)choice->records[i] * len, len);
	out->rrset.wire = out->wire;
	out->rrset.head.wire_len = (uint16_t)(choice->count * len);
	out->rrset.head.rr_count = (uint16_t)choice->count;
	out->rrset.head.sig_count = out->rrset.head.sig_len = 0;
	out->rrset.head.patch_count = out->rrset.head.target_count = 0;
}

static struct steered_records
records_of(const struct steer_choice *choice)
{
	struct steered_records set = { { 0 } };

	for (unsigned i = 0; i < choice->count; i++)
		set.bits[choice->records[i] / 64] |= UINT64_C(1)
						     << choice->records[i] % 64;
	return set;
}

/* Other records than were chosen, in stored order from the first of those on. */
static void
choose_instead(const struct steered *steered, const struct steered_records *set,
	       struct steer_choice *choice)
{
	unsigned records = steered->rrset.head.rr_count, first = choice->records[0];

	choice->count = 0;
	for (unsigned i = 0; i < records; i++) {
		unsigned at = (first + i) % records;

		if (set->bits[at / 64] >> at % 64 & 1)
			choice->records[choice->count++] = (uint8_t)at;
	}
}

/* Sign what was chosen.  Without a signature as yet the signer is asked for one, and what is
 * signed stands in. */
static void
sign(struct answering *a, const struct node *node, const struct steered *steered,
     const struct client_place *client, struct steer_choice *choice, struct chosen *out)
{
	struct signed_sets *sets = a->options->signed_sets;
	struct steered_records set = records_of(choice), group;
	uint8_t signatures[SIGNATURES_MAX];
	unsigned len = steered->rrset.head.sig_len;

	if (!signed_sets_find(sets, steered, node, &set, signatures)) {
		steer_group(a->options->steerer, steered, client, &group);
		if (sets && steered->sets &&
		    steered_cache_holds(sets->cache, node->head.owner_len, len))
			signed_sets_ask(sets, steered, node, &set, &group, a->stats);
		signed_sets_stand_in(sets, steered, node, &group, signatures, &set);
		stats_add(a->stats, STAT_steered_stand_ins, 1);
		choose_instead(steered, &set, choice);
		trace_chosen(a->options->trace, choice->records, choice->count);
	}
	gather(steered, choice, out);
	memcpy(out->wire + out->rrset.head.wire_len, signatures, len);
	out->rrset.head.sig_len = (uint16_t)len;
	out->rrset.head.sig_count = steered->rrset.head.sig_count;
}

enum step
answer_steered(struct answering *a, const struct node *node, const struct block *block,
	       enum section section, const struct rrset_place *place)
{
	struct client_place client;
	struct steer_choice choice;
	struct steered steered;
	struct chosen chosen;
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
	if (!node || !a->response.dnssec || steered.rrset.head.sig_len == 0)
		gather(&steered, &choice, &chosen);
	else if (steered.rrset.head.sig_len <= SIGNATURES_MAX)
		sign(a, node, &steered, &client, &choice, &chosen);
	else
		chosen.rrset = steered.rrset;
	return step_from(
		response_add(&a->response, section, &chosen.rrset, place, &wire_at));
}
