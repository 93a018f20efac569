/* Has workers write down their stages, and sends what they wrote. */
#include <stdio.h>

#include "master/profile/conductor.h"
#include "shm/clock.h"
#include "shm/stages.h"

enum {
	LOOK_MS = 50,
	PIECE_EVENTS = 768, /* 16 KiB as text */
	PIECE_TEXT = PIECE_EVENTS * sizeof(struct stage_event) * 4 / 3,
};

static bool
any_is_full(const struct conductor *c)
{
	for (unsigned i = 0; i < c->area->worker_count; i++)
		if (atomic_load(&profile_events(c->area, i)->is_full))
			return true;
	return false;
}

static void
print_stages(struct json_out *json)
{
	json_out_begin_array(json, "stages");
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		json_out_text(json, NULL, answer_stage_name((enum answer_stage)i));
	json_out_end_array(json);
}

/* RFC 4648, section 4; whole groups of three octets, of which an event has no whole number:
 * three events have. */
static size_t
print_base64(const uint8_t *octets, size_t len, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789+/";
	size_t at = 0;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t group = (uint32_t)octets[i] << 16;

		if (i + 1 < len)
			group |= (uint32_t)octets[i + 1] << 8;
		if (i + 2 < len)
			group |= octets[i + 2];
		out[at++] = digits[group >> 18];
		out[at++] = digits[group >> 12 & 63];
		out[at++] = i + 1 < len ? digits[group >> 6 & 63] : '=';
		out[at++] = i + 2 < len ? digits[group & 63] : '=';
	}
	return at;
}

static void
print_events(struct conductor *c, unsigned worker)
{
	const struct stage_events *events = profile_events(c->area, worker);
	uint32_t count = atomic_load_explicit(&events->count, memory_order_acquire);
	struct json_out *json = &c->reply.json;
	static char text[PIECE_TEXT + 4];

	if (count > events->capacity)
		count = events->capacity;
	for (uint32_t at = 0; at < count; at += PIECE_EVENTS) {
		uint32_t some = count - at < PIECE_EVENTS ? count - at : PIECE_EVENTS;
		size_t len = print_base64((const uint8_t *)&events->list[at],
					  some * sizeof *events->list, text);

		json_out_begin_object(json, NULL);
		json_out_uint(json, "worker", worker);
		json_out_text_len(json, "octets", text, len);
		json_out_end_object(json);
	}
}

unsigned
conduct_trace(struct conductor *c)
{
	uint64_t begun_ns = clock_now_ns(), end_ms = clock_now_ms() + c->seconds * 1000;
	struct json_out *json = &c->reply.json;
	uint64_t count = 0;
	bool is_full;

	reply_progress(&c->reply, "%u worker%s traced for %u s", c->area->worker_count,
		       c->area->worker_count == 1 ? " is" : "s are", c->seconds);
	profile_area_begin(c->area, PROFILE_STAGES, c->seconds * 1000);
	while (clock_now_ms() < end_ms && !any_is_full(c))
		conductor_pause(c, LOOK_MS);
	profile_area_end(c->area);
	is_full = any_is_full(c);
	if (is_full)
		reply_progress(&c->reply,
			       "the trace ends early, after %.1f s: its 64 MiB are full",
			       (double)(clock_now_ns() - begun_ns) / 1e9);
	conductor_begin(c, "trace");
	json_out_uint(json, "begun_ns", begun_ns);
	json_out_uint(json, "took_ms", (clock_now_ns() - begun_ns) / 1000000);
	json_out_bool(json, "is_full", is_full);
	print_stages(json);
	json_out_begin_array(json, "events");
	for (unsigned i = 0; i < c->area->worker_count; i++) {
		count += atomic_load(&profile_events(c->area, i)->count);
		print_events(c, i);
	}
	json_out_end_array(json);
	json_out_uint(json, "count", count);
	json_out_end_object(json);
	return 0;
}
