/* Telling the steps of a trace, one after the other. */
#include "master/explain/explain_steps.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "master/explain/explain_limits.h"
#include "master/explain/explain_signatures.h"
#include "shm/aname.h"

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

void
explain_steps_type(uint16_t type, char out[RRTYPE_TEXT_MAX])
{
	if (type == ANAME_TYPE)
		memcpy(out, "ANAME", sizeof "ANAME");
	else
		rrtype_to_text(type, out);
}

void
explain_steps_plain(struct explain_steps *steps, const char *name, const char *text)
{
	explain_steps_begin(steps, name, "%s", text);
	json_out_end_object(steps->json);
}

static void
tell(struct explain_steps *steps, const struct trace_event *event)
{
	switch ((enum trace_kind)event->kind) {
	case TRACE_ZONE:
	case TRACE_NO_ZONE:
	case TRACE_MET:
	case TRACE_WILDCARD:
	case TRACE_TARGET:
	case TRACE_FOLLOW:
	case TRACE_PROOF:
		explain_found_event(steps, event);
		return;
	case TRACE_BLOCK:
	case TRACE_LOOP:
	case TRACE_TOO_LONG:
	case TRACE_NODATA:
	case TRACE_NXDOMAIN:
	case TRACE_REFERRAL:
	case TRACE_ANY:
	case TRACE_SIGNATURES:
	case TRACE_END:
		explain_answered_event(steps, event);
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
		    const struct explain_answer *answer, struct json_out *json)
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
		explain_steps_plain(
			&steps, "refused",
			"such a query is not looked up: zones are not transferred");
	if (trace->is_full)
		explain_steps_plain(&steps, "more", "further steps are not shown");
	if (answer) {
		explain_signatures(&steps, answer);
		explain_limits_tell(&steps, answer);
	}
	json_out_end_array(json);
}
