/* Telling what of a name is answered. */
#include "master/explain/explain_steps.h"
#include "worker/answering.h"

/* Are older data served in the place of what the source has?  `out` says why. */
static bool
find_older(const struct explain_steps *steps, uint16_t type, struct block *out)
{
	return steps->has_node &&
	       (node_find_block(&steps->node, BLOCK_BAD_RRSET, type, out) ||
		node_find_block(&steps->node, BLOCK_BAD_RRSET, BAD_RRSET_OLD, out));
}

/* What else its source says of it: records that were left out, warnings. */
static void
print_notes(struct explain_steps *steps, uint16_t type)
{
	struct block block;
	uint32_t at = 0;

	json_out_begin_array(steps->json, "notes");
	while (steps->has_node && node_next_block(&steps->node, &at, &block))
		if (block.head.kind == BLOCK_NOTE && block.head.type == type &&
		    block.head.len > 1)
			json_out_text_len(steps->json, NULL,
					  (const char *)block.payload + 1,
					  block.head.len - 1);
	json_out_end_array(steps->json);
}

static void
tell_block(struct explain_steps *steps, const struct trace_event *event)
{
	const struct block *block = &event->block;
	bool is_bad = block->head.kind == BLOCK_BAD_RRSET, is_older = false;
	char type[RRTYPE_TEXT_MAX];
	struct block bad = *block;

	explain_steps_type(bad_rrset_is_of_all(block) && is_bad ? (uint16_t)event->value
								: block->head.type,
			   type);
	if (!is_bad)
		is_older = find_older(steps, block->head.type, &bad);
	if (is_bad)
		explain_steps_begin(steps, "rrset", "%s is unusable: %.*s", type,
				    (int)bad.head.len, (const char *)bad.payload);
	else if (is_older)
		explain_steps_begin(
			steps, "rrset",
			"%s as it was last good; its source is unusable: %.*s", type,
			(int)bad.head.len, (const char *)bad.payload);
	else
		explain_steps_begin(steps, "rrset", "%s%s%s", type,
				    block->head.kind == BLOCK_STEERED ? ", steered" : "",
				    block->head.type != event->value &&
						    event->value != RRTYPE_ANY
					    ? ", in the place of what was asked for"
					    : "");
	json_out_text(steps->json, "type", type);
	json_out_text(steps->json, "state", is_bad ? "error" : is_older ? "stale" : "ok");
	print_notes(steps, block->head.type);
	if (is_bad || is_older)
		json_out_text_len(steps->json, "reason", (const char *)bad.payload,
				  bad.head.len);
	else
		json_out_null(steps->json, "reason");
	json_out_end_object(steps->json);
}

/* Steps whose sentence is always the same. */
struct plain_step {
	const char *name, *text;
};

static const struct plain_step plain_steps[] = {
	[TRACE_SIGNATURES] = { "signatures", "RRSIG: every signature of the name" },
	[TRACE_LOOP] = { "loop", "this alias was followed before: enough" },
	[TRACE_TOO_LONG] = { "chain", "the chain is too long: the client asks on" },
	[TRACE_NODATA] = { "nodata", "the name has no such type: NODATA, with the SOA" },
	[TRACE_NXDOMAIN] = { "nxdomain",
			     "no such name, and no wildcard: NXDOMAIN, with the SOA" },
	[TRACE_REFERRAL] = { "referral", "the servers of the child zone follow" },
};

/* By enum step; of the others nothing is told. */
static const struct plain_step end_steps[] = {
	[STEP_FULL] = { "truncated",
			"what must be there does not fit: TC, ask again over TCP" },
	[STEP_FAILED] = { "failed",
			  "nothing good is known: SERVFAIL with extended error 24" },
	[STEP_UNRESOLVED] = { "unresolved",
			      "the name elsewhere was never resolved: SERVFAIL with "
			      "extended error 22" },
	[STEP_DAMAGED] = { "damaged", "the store contradicts itself: SERVFAIL" },
};

static void
tell_plain_step(struct explain_steps *steps, const struct plain_step *list, size_t count,
		uint64_t index)
{
	if (index < count && list[index].name)
		explain_steps_plain(steps, list[index].name, list[index].text);
}

void
explain_answered_event(struct explain_steps *steps, const struct trace_event *event)
{
	if (event->kind == TRACE_BLOCK)
		tell_block(steps, event);
	else if (event->kind == TRACE_ANY)
		explain_steps_plain(
			steps, "any",
			event->value ? "ANY: every RRset of the name"
				     : "ANY: the first RRset of the name alone, as "
				       "dns.any has it");
	else if (event->kind == TRACE_END)
		tell_plain_step(steps, end_steps, sizeof end_steps / sizeof *end_steps,
				event->value);
	else
		tell_plain_step(steps, plain_steps,
				sizeof plain_steps / sizeof *plain_steps, event->kind);
}
