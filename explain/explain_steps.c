/* Telling how the name was found, and what of it is answered. */
#include "explain/explain_steps.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "explain/explain_line.h"
#include "loader/redis/redis_where.h"
#include "loader/store/zone_state.h"
#include "shm/aname.h"
#include "shm/rrtype.h"
#include "worker/answering.h"
#include "worker/descend.h"

void
explain_steps_begin(struct explain_steps *steps, const char *name, const char *format,
		    ...)
{
	char text[EXPLAIN_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json_out_begin_object(steps->json, NULL);
	json_out_text(steps->json, "step", name);
	json_out_text(steps->json, "text", text);
}

void
explain_steps_text(struct json_out *json, const char *member, const char *text,
		   size_t len)
{
	if (len > 0)
		json_out_text_len(json, member, text, len);
	else
		json_out_null(json, member);
}

void
explain_steps_time(struct json_out *json, const char *member, int64_t unix_s)
{
	time_t at = (time_t)unix_s;
	char text[32] = "";
	struct tm parts;

	if (unix_s > 0 && gmtime_r(&at, &parts))
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
	json_out_text(json, member, text[0] ? text : NULL);
}

static void
end(struct explain_steps *steps)
{
	json_out_end_object(steps->json);
}

/* What stands in a damaged store may be no name. */
static void
print_name(const struct trace_event *event, char out[DNAME_TEXT_MAX])
{
	if (dname_len(event->name, event->name_len) == event->name_len)
		dname_to_text(event->name, out);
	else
		snprintf(out, DNAME_TEXT_MAX, "(damage)");
}

/* An ANAME has no number of its own. */
static void
type_word(uint16_t type, char out[RRTYPE_TEXT_MAX])
{
	if (type == ANAME_TYPE)
		memcpy(out, "ANAME", sizeof "ANAME");
	else
		rrtype_to_text(type, out);
}

/* ---- where a node comes from ---- */

static bool
is_sealed(const struct explain_steps *steps, const struct node *node)
{
	const struct generation *gen = &steps->explainer->store->gen;

	return node->bytes >= gen->data && node->bytes < gen->data + gen->data_len;
}

static void
print_change(struct json_out *json, uint64_t ms, uint64_t seq)
{
	char text[48];

	snprintf(text, sizeof text, "%" PRIu64 "-%" PRIu64, ms, seq);
	json_out_text(json, "change", ms ? text : NULL);
}

/* The zone's file and the line in it, as far as it can be told. */
static void
print_file(struct explain_steps *steps, const struct zone_state *zone,
	   const struct node *node)
{
	const char *path = zone_state_path(zone);
	uint32_t line = 0;
	bool has_line =
		explain_line_find(zone, node, steps->question->type, &path, &line);

	json_out_text(steps->json, "source", *path ? path : NULL);
	if (has_line)
		json_out_uint(steps->json, "line", line);
	else
		json_out_null(steps->json, "line");
	json_out_null(steps->json, "change");
}

/* Members "stored", "source", "line" and "change" of a node in the present zone. */
static void
print_origin(struct explain_steps *steps, const struct node *node)
{
	struct json_out *json = steps->json;
	char where[REDIS_WHERE_MAX], type[RRTYPE_TEXT_MAX];
	struct provenance provenance;
	struct zone_state zone;

	json_out_text(json, "stored", is_sealed(steps, node) ? "generation" : "live");
	if (!steps->has_zone || !zone_state_read(&steps->apex, &zone)) {
		json_out_null(json, "source");
		json_out_null(json, "line");
		json_out_null(json, "change");
		return;
	}
	if (!zone.is_redis) {
		print_file(steps, &zone, node);
		return;
	}
	rrtype_to_text(steps->question->type, type);
	redis_where_print(&steps->keys, node_owner(&steps->apex), node_owner(node), type,
			  where);
	json_out_text(json, "source", where);
	json_out_null(json, "line");
	if (node_copy_block(node, BLOCK_PROVENANCE, &provenance, sizeof provenance))
		print_change(json, provenance.change_ms, provenance.change_seq);
	else if (node->head.flags & NODE_APEX)
		print_change(json, zone.redis.change_ms, zone.redis.change_seq);
	else
		json_out_null(json, "change");
}

static const char *
stored_words(const struct explain_steps *steps, const struct node *node)
{
	return is_sealed(steps, node) ? "in the generation" : "changed live";
}

/* ---- finding ---- */

static void
tell_zone(struct explain_steps *steps, const struct trace_event *event)
{
	char name[DNAME_TEXT_MAX];
	struct zone_facts facts;
	struct zone_state zone;
	bool is_known;

	steps->has_zone = true;
	steps->apex = event->node;
	is_known = zone_state_read(&event->node, &zone);
	if (!node_zone_facts(&event->node, &facts))
		memset(&facts, 0, sizeof facts);
	print_name(event, name);
	explain_steps_begin(
		steps, "zone", "zone %s, id %" PRIu32 ", serial %" PRIu32 ", apex %s%s%s",
		name, facts.zone_id, facts.serial, stored_words(steps, &event->node),
		is_known ? ", state " : "", is_known ? zone_state_name(&zone) : "");
	json_out_text(steps->json, "name", name);
	json_out_uint(steps->json, "zone_id", facts.zone_id);
	json_out_uint(steps->json, "serial", facts.serial);
	json_out_text(steps->json, "state", is_known ? zone_state_name(&zone) : NULL);
	explain_steps_text(steps->json, "error", is_known ? zone.error : NULL,
			   is_known ? zone.error_len : 0);
	print_origin(steps, &event->node);
	end(steps);
}

/* Does what resolvers say of the name follow? */
static bool
is_resolved_next(const struct explain_steps *steps, const struct trace_event *event)
{
	const struct trace *trace = &steps->explainer->trace;

	return event + 1 < trace->events + trace->count && event[1].kind == TRACE_ANAME;
}

static void
tell_no_zone(struct explain_steps *steps, const struct trace_event *event)
{
	bool ends_chain = steps->has_zone && !is_resolved_next(steps, event);
	char name[DNAME_TEXT_MAX];

	print_name(event, name);
	explain_steps_begin(steps, "no zone", "%s is in no zone that is served here%s",
			    name,
			    ends_chain ? ": the chain ends, the client asks on" : "");
	json_out_text(steps->json, "name", name);
	end(steps);
}

static const char *
found_word(const struct trace_event *event)
{
	switch ((enum meeting)event->value) {
	case MET_OWNER:
		return event->node.head.flags & NODE_EMPTY ? "empty non-terminal"
							   : "exact";
	case MET_NOTHING:
		return "closest encloser";
	case MET_CUT:
		return "zone cut";
	case MET_DNAME:
		return "DNAME";
	case MET_DAMAGE:
		break;
	}
	return "damage";
}

static const char *
found_meaning(const struct trace_event *event)
{
	switch ((enum meeting)event->value) {
	case MET_OWNER:
		return event->node.head.flags & NODE_EMPTY
			       ? "exists only because names below it do"
			       : "is the name itself";
	case MET_NOTHING:
		return "is the closest encloser: the name does not exist";
	case MET_CUT:
		return "is a zone cut: what is below is delegated";
	case MET_DNAME:
		return "has a DNAME: names below it are renamed";
	case MET_DAMAGE:
		break;
	}
	return "is damaged";
}

static void
tell_met(struct explain_steps *steps, const struct trace_event *event)
{
	char name[DNAME_TEXT_MAX];

	steps->has_node = true;
	steps->node = event->node;
	print_name(event, name);
	explain_steps_begin(steps, "node", "%s %s (%s)", name, found_meaning(event),
			    stored_words(steps, &event->node));
	json_out_text(steps->json, "name", name);
	json_out_text(steps->json, "found", found_word(event));
	print_origin(steps, &event->node);
	end(steps);
}

static void
tell_wildcard(struct explain_steps *steps, const struct trace_event *event)
{
	char name[DNAME_TEXT_MAX];

	print_name(event, name);
	if (event->has_node) {
		steps->node = event->node;
		steps->has_node = true;
		explain_steps_begin(steps, "wildcard", "%s is expanded (%s)", name,
				    stored_words(steps, &event->node));
	} else {
		explain_steps_begin(steps, "wildcard", "%s does not exist any more",
				    name);
	}
	json_out_text(steps->json, "name", name);
	json_out_bool(steps->json, "found", event->has_node);
	if (event->has_node)
		print_origin(steps, &event->node);
	end(steps);
}

static void
tell_target(struct explain_steps *steps, const struct trace_event *event)
{
	char name[DNAME_TEXT_MAX];

	print_name(event, name);
	explain_steps_begin(steps, "additional", "addresses of %s: %s", name,
			    event->has_node ? stored_words(steps, &event->node)
					    : "there is no such name");
	json_out_text(steps->json, "name", name);
	json_out_bool(steps->json, "found", event->has_node);
	if (event->has_node)
		print_origin(steps, &event->node);
	end(steps);
}

static void
tell_proof(struct explain_steps *steps, const struct trace_event *event)
{
	char name[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];

	print_name(event, name);
	rrtype_to_text((uint16_t)event->value, type);
	explain_steps_begin(steps, "proof", "the %s of %s proves what does not exist",
			    type, name);
	json_out_text(steps->json, "name", name);
	json_out_text(steps->json, "type", type);
	end(steps);
}

static void
tell_follow(struct explain_steps *steps, const struct trace_event *event)
{
	char name[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];

	print_name(event, name);
	type_word((uint16_t)event->value, type);
	explain_steps_begin(steps, "alias", "%s: %s is next", type, name);
	json_out_text(steps->json, "type", type);
	json_out_text(steps->json, "target", name);
	end(steps);
}

/* ---- what is answered ---- */

/* Why older data are served in the place of what the source has; NULL: they are not. */
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

	type_word(bad_rrset_is_of_all(block) && is_bad ? (uint16_t)event->value
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
	end(steps);
}

static void
tell_plainly(struct explain_steps *steps, const char *name, const char *text)
{
	explain_steps_begin(steps, name, "%s", text);
	end(steps);
}

static void
tell_end(struct explain_steps *steps, const struct trace_event *event)
{
	switch ((enum step)event->value) {
	case STEP_DONE:
	case STEP_FOLLOW:
		return;
	case STEP_FULL:
		tell_plainly(steps, "truncated",
			     "what must be there does not fit: TC, ask again over TCP");
		return;
	case STEP_FAILED:
		tell_plainly(steps, "failed",
			     "nothing good is known: SERVFAIL with extended error 24");
		return;
	case STEP_UNRESOLVED:
		tell_plainly(steps, "unresolved",
			     "the name elsewhere was never resolved: SERVFAIL with "
			     "extended error 22");
		return;
	case STEP_DAMAGED:
		tell_plainly(steps, "damaged", "the store contradicts itself: SERVFAIL");
		return;
	}
}

static void
tell(struct explain_steps *steps, const struct trace_event *event)
{
	switch ((enum trace_kind)event->kind) {
	case TRACE_ZONE:
		tell_zone(steps, event);
		return;
	case TRACE_NO_ZONE:
		tell_no_zone(steps, event);
		return;
	case TRACE_MET:
		tell_met(steps, event);
		return;
	case TRACE_WILDCARD:
		tell_wildcard(steps, event);
		return;
	case TRACE_TARGET:
		tell_target(steps, event);
		return;
	case TRACE_FOLLOW:
		tell_follow(steps, event);
		return;
	case TRACE_PROOF:
		tell_proof(steps, event);
		return;
	case TRACE_ANY:
		tell_plainly(steps, "any",
			     event->value ? "ANY: every RRset of the name"
					  : "ANY: the first RRset of the name alone, as "
					    "dns.any has it");
		return;
	case TRACE_SIGNATURES:
		tell_plainly(steps, "signatures", "RRSIG: every signature of the name");
		return;
	case TRACE_BLOCK:
		tell_block(steps, event);
		return;
	case TRACE_LOOP:
		tell_plainly(steps, "loop", "this alias was followed before: enough");
		return;
	case TRACE_TOO_LONG:
		tell_plainly(steps, "chain", "the chain is too long: the client asks on");
		return;
	case TRACE_NODATA:
		tell_plainly(steps, "nodata",
			     "the name has no such type: NODATA, with the SOA");
		return;
	case TRACE_NXDOMAIN:
		tell_plainly(steps, "nxdomain",
			     "no such name, and no wildcard: NXDOMAIN, with the SOA");
		return;
	case TRACE_REFERRAL:
		tell_plainly(steps, "referral", "the servers of the child zone follow");
		return;
	case TRACE_END:
		tell_end(steps, event);
		return;
	case TRACE_ANAME:
		explain_aname_event(steps, event);
		return;
	case TRACE_STEERED:
	case TRACE_CLIENT:
	case TRACE_GEO:
	case TRACE_STEP:
	case TRACE_DRAW:
	case TRACE_CHOSEN:
	case TRACE_SCOPE:
		explain_steer_event(steps, event);
		return;
	}
}

void
explain_steps_print(struct explainer *explainer, const struct explain_question *question,
		    struct json_out *json)
{
	struct explain_steps steps = {
		.explainer = explainer,
		.question = question,
		.json = json,
	};
	const struct trace *trace = &explainer->trace;

	redis_keys_init(&steps.keys, explainer->heritage->settings);
	json_out_begin_array(json, "steps");
	for (unsigned i = 0; i < trace->count; i++)
		tell(&steps, &trace->events[i]);
	if (trace->count == 0)
		tell_plainly(&steps, "refused",
			     "such a query is not looked up: zones are not transferred");
	if (trace->is_full)
		tell_plainly(&steps, "more", "further steps are not shown");
	json_out_end_array(json);
}
