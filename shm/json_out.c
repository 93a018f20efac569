/* Writes JSON piece by piece: replies of the control socket, as long as they may be. */
#include "shm/json_out.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "shm/errcode.h"
#include "shm/utf8.h"

void
json_out_init(struct json_out *out, char *buffer, size_t capacity,
	      int (*flush)(void *arg, const void *data, size_t len), void *arg)
{
	assert(capacity > 0);
	memset(out, 0, sizeof *out);
	out->buffer = buffer;
	out->capacity = capacity;
	out->flush = flush;
	out->arg = arg;
}

static void
drain(struct json_out *out)
{
	if (!out->flush)
		out->error = ERR_FULL;
	else
		out->error = out->flush(out->arg, out->buffer, out->len);
	out->len = 0;
}

static void
put(struct json_out *out, const char *text, size_t len)
{
	while (len > 0 && !out->error) {
		size_t room = out->capacity - out->len;
		size_t step = len < room ? len : room;

		memcpy(out->buffer + out->len, text, step);
		out->len += step;
		text += step;
		len -= step;
		if (out->len == out->capacity && (len > 0 || out->flush))
			drain(out);
	}
}

static void
put_control(struct json_out *out, unsigned code)
{
	static const char letters[] = "\bb\tt\nn\ff\rr";
	char escape[8] = { '\\' };
	const char *letter = code ? strchr(letters, (int)code) : NULL;

	if (letter && code < ' ')
		escape[1] = letter[1];
	else
		snprintf(escape + 1, sizeof escape - 1, "u%04x", code & 0xffffu);
	put(out, escape, strlen(escape));
}

/* One character; returns the octets used. */
static size_t
put_char(struct json_out *out, const unsigned char *text, size_t len)
{
	size_t used = utf8_len(text, len);

	if (used == 0) {
		put(out, "\xef\xbf\xbd", 3);
		return 1;
	}
	if (text[0] < ' ' || text[0] == 0x7f)
		put_control(out, text[0]);
	else if (text[0] == 0xc2 && text[1] < 0xa0)
		put_control(out, text[1]);
	else {
		if (text[0] == '"' || text[0] == '\\')
			put(out, "\\", 1);
		put(out, (const char *)text, used);
	}
	return used;
}

static bool
is_plain(unsigned char octet)
{
	return octet >= ' ' && octet < 0x7f && octet != '"' && octet != '\\';
}

static void
put_string(struct json_out *out, const char *text, size_t len)
{
	const unsigned char *octets = (const unsigned char *)text;
	size_t at = 0;

	put(out, "\"", 1);
	while (at < len && !out->error) {
		size_t run = at;

		while (run < len && is_plain(octets[run]))
			run++;
		put(out, text + at, run - at);
		at = run;
		if (at < len)
			at += put_char(out, octets + at, len - at);
	}
	put(out, "\"", 1);
}

/* What stands before a value: comma, name, colon. */
static void
put_place(struct json_out *out, const char *name)
{
	if (out->depth == 0) {
		assert(!name && !out->is_done);
		out->is_done = true;
		return;
	}
	assert(!name == out->is_array[out->depth - 1]);
	if (!out->is_empty[out->depth - 1])
		put(out, ",", 1);
	out->is_empty[out->depth - 1] = false;
	if (name) {
		put_string(out, name, strlen(name));
		put(out, ":", 1);
	}
}

static void
put_begin(struct json_out *out, const char *name, bool is_array)
{
	put_place(out, name);
	assert(out->depth < JSON_OUT_DEPTH_MAX);
	out->is_array[out->depth] = is_array;
	out->is_empty[out->depth] = true;
	out->depth++;
	put(out, is_array ? "[" : "{", 1);
}

static void
put_end(struct json_out *out, bool is_array)
{
	assert(out->depth > 0 && out->is_array[out->depth - 1] == is_array);
	out->depth--;
	put(out, is_array ? "]" : "}", 1);
}

static void
put_word(struct json_out *out, const char *name, const char *word)
{
	put_place(out, name);
	put(out, word, strlen(word));
}

int
json_out_finish(struct json_out *out)
{
	assert(out->depth == 0 && out->is_done);
	if (!out->error && out->flush && out->len > 0)
		drain(out);
	return out->error;
}

void
json_out_begin_object(struct json_out *out, const char *name)
{
	put_begin(out, name, false);
}

void
json_out_end_object(struct json_out *out)
{
	put_end(out, false);
}

void
json_out_begin_array(struct json_out *out, const char *name)
{
	put_begin(out, name, true);
}

void
json_out_end_array(struct json_out *out)
{
	put_end(out, true);
}

void
json_out_text(struct json_out *out, const char *name, const char *text)
{
	if (text)
		json_out_text_len(out, name, text, strlen(text));
	else
		json_out_null(out, name);
}

void
json_out_text_len(struct json_out *out, const char *name, const char *text, size_t len)
{
	put_place(out, name);
	put_string(out, text, len);
}

void
json_out_int(struct json_out *out, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, value);
	put_word(out, name, text);
}

void
json_out_uint(struct json_out *out, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, value);
	put_word(out, name, text);
}

void
json_out_double(struct json_out *out, const char *name, double value, unsigned digits)
{
	char text[336]; /* DBL_MAX has 309 digits before the point */

	assert(digits <= 9);
	if (!isfinite(value)) {
		json_out_null(out, name);
		return;
	}
	snprintf(text, sizeof text, "%.*f", (int)digits, value);
	put_word(out, name, text);
}

void
json_out_bool(struct json_out *out, const char *name, bool value)
{
	put_word(out, name, value ? "true" : "false");
}

void
json_out_null(struct json_out *out, const char *name)
{
	put_word(out, name, "null");
}
