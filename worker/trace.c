/* Recording events. */
#include "worker/trace.h"

#include <string.h>

/* Room for one more.  What does not fit goes to a place that nobody reads. */
static struct trace_event *
next_event(struct trace *trace, enum trace_kind kind, uint64_t value)
{
	static struct trace_event nowhere;
	struct trace_event *event = &nowhere;

	if (trace->count < TRACE_MAX)
		event = &trace->events[trace->count++];
	else
		trace->is_full = true;
	memset(event, 0, sizeof *event);
	event->kind = (uint8_t)kind;
	event->value = value;
	return event;
}

void
trace_add(struct trace *trace, enum trace_kind kind, uint64_t value)
{
	(void)next_event(trace, kind, value);
}

void
trace_add_name(struct trace *trace, enum trace_kind kind, uint64_t value,
	       const uint8_t *name, unsigned name_len)
{
	struct trace_event *event = next_event(trace, kind, value);

	memcpy(event->name, name, name_len);
	event->name_len = (uint8_t)name_len;
}

void
trace_add_node(struct trace *trace, enum trace_kind kind, uint64_t value,
	       const struct node *node)
{
	struct trace_event *event = next_event(trace, kind, value);

	memcpy(event->name, node_owner(node), node->head.owner_len);
	event->name_len = node->head.owner_len;
	event->has_node = true;
	event->node = *node;
}

void
trace_add_block(struct trace *trace, enum trace_kind kind, uint64_t value,
		const struct block *block)
{
	next_event(trace, kind, value)->block = *block;
}

void
trace_add_client(struct trace *trace, const struct client_place *client)
{
	next_event(trace, TRACE_CLIENT, 0)->client = *client;
}

void
trace_add_facts(struct trace *trace, const struct geo_facts *facts)
{
	next_event(trace, TRACE_GEO, 0)->facts = *facts;
}

void
trace_add_step(struct trace *trace, enum trace_step_name step, enum trace_how how,
	       const uint64_t *left, unsigned words)
{
	struct trace_event *event = next_event(trace, TRACE_STEP, step);

	event->how = (uint8_t)how;
	memcpy(event->left, left, words * sizeof *left);
}

void
trace_add_draw(struct trace *trace, unsigned first, uint64_t drawn, uint64_t bound)
{
	struct trace_event *event = next_event(trace, TRACE_DRAW, first);

	event->drawn = drawn;
	event->bound = bound;
}

void
trace_add_chosen(struct trace *trace, const uint8_t *records, unsigned count)
{
	struct trace_event *event = next_event(trace, TRACE_CHOSEN, count);

	for (unsigned i = 0; i < count; i++)
		event->left[records[i] / 64] |= UINT64_C(1) << records[i] % 64;
}

void
trace_add_scope(struct trace *trace, unsigned scope_len, unsigned place_len)
{
	next_event(trace, TRACE_SCOPE, scope_len)->place_len = (uint8_t)place_len;
}
