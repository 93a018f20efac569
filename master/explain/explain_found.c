/* Telling how the name was found: zone, node, wildcard, alias. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "loader/store/zone_state.h"
#include "master/explain/explain_origin.h"
#include "master/explain/explain_steps.h"
#include "shm/rrtype.h"
#include "worker/descend.h"

/* What stands in a damaged store may be no name. */
static void
print_name(const struct trace_event *event, char out[DNAME_TEXT_MAX])
{
	if (dname_len(event->name, event->name_len) == event->name_len)
		dname_to_text(event->name, out);
	else
		snprintf(out, DNAME_TEXT_MAX, "(damage)");
}

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
		name, facts.zone_id, facts.serial,
		explain_origin_words(steps, &event->node), is_known ? ", state " : "",
		is_known ? zone_state_name(&zone) : "");
	json_out_text(steps->json, "name", name);
	json_out_uint(steps->json, "zone_id", facts.zone_id);
	json_out_uint(steps->json, "serial", facts.serial);
	json_out_text(steps->json, "state", is_known ? zone_state_name(&zone) : NULL);
	explain_steps_text(steps->json, "error", is_known ? zone.error : NULL,
			   is_known ? zone.error_len : 0);
	explain_origin_print(steps, &event->node);
	json_out_end_object(steps->json);
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
	json_out_end_object(steps->json);
}

/* How the way to a name ended: a word for programs, and one for the sentence. */
struct way_end {
	const char *word, *meaning;
};

static const struct way_end *
way_end_of(const struct trace_event *event)
{
	static const struct way_end ends[] = {
		[MET_OWNER] = { "exact", "is the name itself" },
		[MET_NOTHING] = { "closest encloser",
				  "is the closest encloser: the name does not exist" },
		[MET_CUT] = { "zone cut", "is a zone cut: what is below is delegated" },
		[MET_DNAME] = { "DNAME", "has a DNAME: names below it are renamed" },
		[MET_DAMAGE] = { "damage", "is damaged" },
	};
	static const struct way_end empty = { "empty non-terminal",
					      "exists only because names below it do" };

	if (event->value == MET_OWNER && event->node.head.flags & NODE_EMPTY)
		return &empty;
	return &ends[event->value < sizeof ends / sizeof *ends ? event->value
							       : MET_DAMAGE];
}

static void
tell_met(struct explain_steps *steps, const struct trace_event *event)
{
	const struct way_end *end = way_end_of(event);
	char name[DNAME_TEXT_MAX];

	steps->has_node = true;
	steps->node = event->node;
	print_name(event, name);
	explain_steps_begin(steps, "node", "%s %s (%s)", name, end->meaning,
			    explain_origin_words(steps, &event->node));
	json_out_text(steps->json, "name", name);
	json_out_text(steps->json, "found", end->word);
	explain_origin_print(steps, &event->node);
	json_out_end_object(steps->json);
}

/* The members of a step that looked for a name which may not be there. */
static void
end_search(struct explain_steps *steps, const struct trace_event *event, const char *name)
{
	json_out_text(steps->json, "name", name);
	json_out_bool(steps->json, "found", event->has_node);
	if (event->has_node)
		explain_origin_print(steps, &event->node);
	json_out_end_object(steps->json);
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
				    explain_origin_words(steps, &event->node));
	} else {
		explain_steps_begin(steps, "wildcard", "%s does not exist any more",
				    name);
	}
	end_search(steps, event, name);
}

static void
tell_target(struct explain_steps *steps, const struct trace_event *event)
{
	char name[DNAME_TEXT_MAX];

	print_name(event, name);
	explain_steps_begin(steps, "additional", "addresses of %s: %s", name,
			    event->has_node ? explain_origin_words(steps, &event->node)
					    : "there is no such name");
	end_search(steps, event, name);
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
	json_out_end_object(steps->json);
}

static void
tell_follow(struct explain_steps *steps, const struct trace_event *event)
{
	char name[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];

	print_name(event, name);
	explain_steps_type((uint16_t)event->value, type);
	explain_steps_begin(steps, "alias", "%s: %s is next", type, name);
	json_out_text(steps->json, "type", type);
	json_out_text(steps->json, "target", name);
	json_out_end_object(steps->json);
}

void
explain_found_event(struct explain_steps *steps, const struct trace_event *event)
{
	static void (*const tell[])(struct explain_steps *,
				    const struct trace_event *) = {
		[TRACE_ZONE] = tell_zone,     [TRACE_NO_ZONE] = tell_no_zone,
		[TRACE_MET] = tell_met,       [TRACE_WILDCARD] = tell_wildcard,
		[TRACE_TARGET] = tell_target, [TRACE_FOLLOW] = tell_follow,
		[TRACE_PROOF] = tell_proof,
	};

	tell[event->kind](steps, event);
}
