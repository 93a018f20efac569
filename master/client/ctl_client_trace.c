/* Events of a trace, as they come, into the JSON that trace viewers open: Chrome's, "Trace
 * Event Format", complete events ("X") with times in us. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"
#include "master/client/ctl_client_profile.h"
#include "master/client/ctl_client_rows.h"
#include "master/client/ctl_client_value.h"
#include "shm/errcode.h"
#include "shm/stage_events.h"

enum { STAGES_MAX = 256, NAME_LEN = 32, EVENT_LEN = sizeof(struct stage_event) };

struct ctl_trace {
	FILE *file; /* borrowed */
	struct ctl_rows rows;
	char stages[STAGES_MAX][NAME_LEN];
	unsigned stage_count;
	unsigned worker_count; /* whose threads have names in the file */
	uint64_t event_count;
};

/* ---- events ---- */

static void
begin_event(struct ctl_trace *trace)
{
	fputs(trace->event_count++ == 0 ? "\n" : ",\n", trace->file);
}

/* What a thread of the viewer is called. */
static void
name_worker(struct ctl_trace *trace, unsigned worker)
{
	for (; trace->worker_count <= worker; trace->worker_count++) {
		begin_event(trace);
		fprintf(trace->file,
			"{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":%u,"
			"\"args\":{\"name\":\"worker %u\"}}",
			trace->worker_count, trace->worker_count);
	}
}

static void
write_event(struct ctl_trace *trace, unsigned worker, const struct stage_event *event)
{
	unsigned stage = (unsigned)(event->at >> STAGE_EVENT_STAGE_SHIFT);
	uint64_t at_ns = event->at & STAGE_EVENT_AT_MASK;

	begin_event(trace);
	fprintf(trace->file,
		"{\"name\":\"%s\",\"ph\":\"X\",\"pid\":1,\"tid\":%u,\"ts\":%" PRIu64
		".%03u,\"dur\":%u.%03u,\"args\":{\"queries\":%u}}",
		stage < trace->stage_count ? trace->stages[stage] : "unknown", worker,
		at_ns / 1000, (unsigned)(at_ns % 1000), event->took_ns / 1000,
		event->took_ns % 1000, event->count);
}

/* ---- from the reply ---- */

static int
digit_of(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Base64 (RFC 4648, section 4), an event after the other; what is no digit ends it. */
static void
take_octets(struct ctl_trace *trace, unsigned worker, const char *text, size_t len)
{
	uint8_t octets[EVENT_LEN];
	struct stage_event event;
	uint32_t bits = 0;
	unsigned bit_count = 0, have = 0;

	for (size_t i = 0; i < len && digit_of(text[i]) >= 0; i++) {
		bits = bits << 6 | (uint32_t)digit_of(text[i]);
		bit_count += 6;
		if (bit_count < 8)
			continue;
		bit_count -= 8;
		octets[have++] = (uint8_t)(bits >> bit_count);
		if (have < EVENT_LEN)
			continue;
		memcpy(&event, octets, EVENT_LEN);
		write_event(trace, worker, &event);
		have = 0;
	}
}

static bool
is_plain(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789")] == '\0';
}

static void
take_stage(struct ctl_trace *trace, const struct ctl_json *item)
{
	size_t len;
	const char *text = ctl_json_text(item, &len);

	if (trace->stage_count < STAGES_MAX)
		snprintf(trace->stages[trace->stage_count++], NAME_LEN, "%s",
			 text && is_plain(text) ? text : "unknown");
}

static int
take_row(void *arg, const char *list, const char *text, size_t len)
{
	struct ctl_trace *trace = arg;
	struct ctl_json *item = ctl_json_parse(text, len);
	double worker = ctl_json_number(ctl_json_member(item, "worker"));
	const char *octets;
	size_t octets_len;

	if (!item)
		return ERR_SYNTAX;
	if (strcmp(list, "stages") == 0) {
		take_stage(trace, item);
	} else if (strcmp(list, "events") == 0 && worker >= 0 && worker < 256) {
		name_worker(trace, (unsigned)worker);
		octets = ctl_json_text(ctl_json_member(item, "octets"), &octets_len);
		if (octets)
			take_octets(trace, (unsigned)worker, octets, octets_len);
	}
	ctl_json_free(item);
	return ferror(trace->file) ? ERR_IO : 0;
}

struct ctl_trace *
ctl_trace_new(FILE *file)
{
	struct ctl_trace *trace = alloc_zero(1, sizeof *trace);

	trace->file = file;
	ctl_rows_init(&trace->rows, take_row, trace);
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", file);
	begin_event(trace);
	fputs("{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"tid\":0,"
	      "\"args\":{\"name\":\"martletd\"}}",
	      file);
	return trace;
}

int
ctl_trace_feed(struct ctl_trace *trace, const char *data, size_t len)
{
	return ctl_rows_feed(&trace->rows, data, len);
}

static int
tell_error(const struct ctl_json *object)
{
	char *error = ctl_value_member(object, "error");

	fprintf(stderr, "martletctl: %s\n", error);
	free(error);
	return 1;
}

int
ctl_trace_end(struct ctl_trace *trace, const char *path, FILE *summary)
{
	int code = ctl_rows_end(&trace->rows);
	const struct ctl_bytes *rest = &trace->rows.rest;
	struct ctl_json *object = ctl_json_parse(rest->len ? rest->data : "", rest->len);
	bool is_full = ctl_json_is_true(ctl_json_member(object, "is_full"));

	if (code || ctl_json_kind(object) != CTL_JSON_OBJECT ||
	    ctl_value_has_text(object, "error")) {
		code = tell_error(object);
		ctl_json_free(object);
		return code;
	}
	fprintf(trace->file, "\n],\"otherData\":{\"is_full\":%s}}\n",
		is_full ? "true" : "false");
	fprintf(summary, "%.0f events of stages in %.1f s%s\nwritten: %s\n",
		ctl_json_number(ctl_json_member(object, "count")),
		ctl_json_number(ctl_json_member(object, "took_ms")) / 1000,
		is_full ? ", ended early: 64 MiB were full" : "", path);
	ctl_json_free(object);
	return 0;
}

void
ctl_trace_free(struct ctl_trace *trace)
{
	ctl_rows_fini(&trace->rows);
	free(trace);
}
