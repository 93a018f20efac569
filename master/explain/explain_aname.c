/* Telling what resolvers say of a name elsewhere. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "master/explain/explain_steps.h"
#include "shm/rrtype.h"

static const char *
state_word(const struct resolved *found)
{
	switch ((enum resolved_state)found->head.state) {
	case RESOLVED_ADDRESSES:
		return "addresses";
	case RESOLVED_NODATA:
		return "nodata";
	case RESOLVED_NEVER:
		break;
	}
	return "never";
}

static void
print_addresses(struct json_out *json, const struct resolved *found)
{
	char address[INET6_ADDRSTRLEN];

	json_out_begin_array(json, "addresses");
	for (unsigned i = 0; i < found->head.address_count; i++) {
		inet_ntop(found->address_len == 4 ? AF_INET : AF_INET6,
			  found->addresses + (size_t)i * found->address_len, address,
			  sizeof address);
		json_out_text(json, NULL, address);
	}
	json_out_end_array(json);
}

void
explain_aname_event(struct explain_steps *steps, const struct trace_event *event)
{
	struct resolved found = { .head = { .state = RESOLVED_NEVER } };
	struct json_out *json = steps->json;
	char name[DNAME_TEXT_MAX];
	const struct resolved_head *head = &found.head;

	if (!resolved_view_find(&steps->explainer->resolved, steps->question->type,
				event->name, event->name_len, &found))
		memset(&found, 0, sizeof found);
	dname_to_text(event->name, name);
	explain_steps_begin(steps, "resolved", "%s is outside of the zones here: %s%s",
			    name,
			    head->state == RESOLVED_ADDRESSES ? "its addresses are known"
			    : head->state == RESOLVED_NODATA  ? "it has no such addresses"
							      : "it was never resolved",
			    head->failures > 0 ? "; the last look-up failed" : "");
	json_out_text(json, "name", name);
	json_out_text(json, "state", state_word(&found));
	print_addresses(json, &found);
	if (head->state == RESOLVED_NEVER)
		json_out_null(json, "ttl");
	else
		json_out_uint(json, "ttl", head->ttl);
	explain_steps_time(json, "good_at", head->good_at_s);
	explain_steps_text(json, "reason", found.reason, head->reason_len);
	json_out_end_object(json);
}
