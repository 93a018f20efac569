/* A small writer of protocol buffers: fields are numbers or octets with their length. */
#include "master/profile/pprof_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "master/alloc.h"
#include "shm/errcode.h"

enum { WIRE_NUMBER = 0, WIRE_OCTETS = 2, PIECE_LEN = 65536 };

/* Field numbers of profile.proto. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE,
	PROFILE_MAPPING,
	PROFILE_LOCATION,
	PROFILE_FUNCTION,
	PROFILE_STRING,
	PROFILE_TIME = 9,
	PROFILE_DURATION,
	PROFILE_PERIOD_TYPE,
	PROFILE_PERIOD,
	PROFILE_DEFAULT_TYPE = 14,
};
enum { VALUE_TYPE = 1, VALUE_UNIT };
enum { SAMPLE_LOCATION = 1, SAMPLE_VALUE, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_TEXT };
enum {
	MAPPING_ID = 1,
	MAPPING_START,
	MAPPING_LIMIT,
	MAPPING_OFFSET,
	MAPPING_FILE,
	MAPPING_BUILD,
	MAPPING_HAS_FUNCTIONS
};
enum { LOCATION_ID = 1, LOCATION_MAPPING, LOCATION_ADDRESS, LOCATION_LINE };
enum { LINE_FUNCTION = 1 };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME };

struct octets {
	uint8_t *data; /* owned */
	size_t len, capacity;
};

struct writer {
	gzFile file;
	bool is_broken;
	struct octets message, part; /* being made: one of the top, one within it */
	struct octets strings; /* the table, as it will be written */
	int64_t string_count;
};

/* ---- octets ---- */

static void
put_octet(struct octets *to, uint8_t octet)
{
	if (to->len == to->capacity) {
		to->capacity = to->capacity ? 2 * to->capacity : 1024;
		to->data = alloc_again(to->data, to->capacity, 1);
	}
	to->data[to->len++] = octet;
}

static void
put_varint(struct octets *to, uint64_t value)
{
	for (; value > 127; value >>= 7)
		put_octet(to, (uint8_t)(value | 128));
	put_octet(to, (uint8_t)value);
}

static void
put_number(struct octets *to, unsigned field, uint64_t value)
{
	if (value == 0)
		return;
	put_varint(to, (uint64_t)field << 3 | WIRE_NUMBER);
	put_varint(to, value);
}

static void
put_text(struct octets *to, unsigned field, const void *data, size_t len)
{
	const uint8_t *at = data;

	put_varint(to, (uint64_t)field << 3 | WIRE_OCTETS);
	put_varint(to, len);
	for (size_t i = 0; i < len; i++)
		put_octet(to, at[i]);
}

/* What stands in `from` becomes a field, and leaves it empty. */
static void
put_message(struct octets *to, unsigned field, struct octets *from)
{
	put_text(to, field, from->data, from->len);
	from->len = 0;
}

/* ---- the file ---- */

static void
write_out(struct writer *w, struct octets *octets)
{
	for (size_t at = 0; at < octets->len; at += PIECE_LEN) {
		size_t len = octets->len - at < PIECE_LEN ? octets->len - at : PIECE_LEN;

		if (gzwrite(w->file, octets->data + at, (unsigned)len) != (int)len)
			w->is_broken = true;
	}
	octets->len = 0;
}

/* `message` is complete. */
static void
write_message(struct writer *w, unsigned field)
{
	struct octets frame = { 0 };

	put_message(&frame, field, &w->message);
	write_out(w, &frame);
	free(frame.data);
}

static void
write_number(struct writer *w, unsigned field, uint64_t value)
{
	put_number(&w->part, field, value);
	write_out(w, &w->part);
}

/* returns its number in the table; each text is there as often as it is asked for. */
static uint64_t
string_of(struct writer *w, const char *text)
{
	put_text(&w->strings, PROFILE_STRING, text, strlen(text));
	return (uint64_t)w->string_count++;
}

/* ---- the parts of a profile ---- */

static void
write_type(struct writer *w, unsigned field, const struct call_value *value)
{
	put_number(&w->message, VALUE_TYPE, string_of(w, value->type));
	put_number(&w->message, VALUE_UNIT, string_of(w, value->unit));
	write_message(w, field);
}

static void
write_mappings(struct writer *w, const struct modules *modules)
{
	for (unsigned i = 0; i < modules->count; i++) {
		const struct module *module = &modules->list[i];

		put_number(&w->message, MAPPING_ID, i + 1);
		put_number(&w->message, MAPPING_START, module->start);
		put_number(&w->message, MAPPING_LIMIT, module->end);
		put_number(&w->message, MAPPING_OFFSET, module->offset);
		put_number(&w->message, MAPPING_FILE, string_of(w, module->path));
		put_number(&w->message, MAPPING_BUILD, string_of(w, module->build_id));
		put_number(&w->message, MAPPING_HAS_FUNCTIONS, 1);
		write_message(w, PROFILE_MAPPING);
	}
}

/* Each frame is a location with a function of its own. */
static void
write_frames(struct writer *w, const struct call_tree *tree)
{
	for (uint32_t i = 0; i < tree->frame_count; i++) {
		const struct call_frame *frame = &tree->frames[i];

		put_number(&w->message, LOCATION_ID, i + 1);
		if (frame->address && frame->module < tree->modules.count)
			put_number(&w->message, LOCATION_MAPPING, frame->module + 1);
		put_number(&w->message, LOCATION_ADDRESS, frame->address);
		put_number(&w->part, LINE_FUNCTION, i + 1);
		put_message(&w->message, LOCATION_LINE, &w->part);
		write_message(w, PROFILE_LOCATION);
		put_number(&w->message, FUNCTION_ID, i + 1);
		put_number(&w->message, FUNCTION_NAME, string_of(w, frame->name));
		put_number(&w->message, FUNCTION_SYSTEM_NAME,
			   (uint64_t)w->string_count - 1);
		write_message(w, PROFILE_FUNCTION);
	}
}

static void
write_stack(struct writer *w, const struct call_tree *tree,
	    const struct call_stack *stack, uint64_t label_key)
{
	for (unsigned i = stack->depth; i-- > 0;)
		put_varint(&w->part, stack->frames[i] + 1);
	put_message(&w->message, SAMPLE_LOCATION, &w->part);
	for (unsigned i = 0; i < tree->value_count; i++)
		put_varint(&w->part, (uint64_t)stack->values[i]);
	put_message(&w->message, SAMPLE_VALUE, &w->part);
	if (stack->label) {
		put_number(&w->part, LABEL_KEY, label_key);
		put_number(&w->part, LABEL_TEXT, string_of(w, stack->label));
		put_message(&w->message, SAMPLE_LABEL, &w->part);
	}
	write_message(w, PROFILE_SAMPLE);
}

static void
write_profile(struct writer *w, const struct call_tree *tree)
{
	uint64_t label_key;

	string_of(w, ""); /* the first one has to be */
	label_key = string_of(w, tree->label_key);
	for (unsigned i = 0; i < tree->value_count; i++)
		write_type(w, PROFILE_SAMPLE_TYPE, &tree->values[i]);
	write_number(w, PROFILE_DEFAULT_TYPE,
		     string_of(w, tree->values[tree->shown].type));
	write_type(w, PROFILE_PERIOD_TYPE, &tree->period_type);
	write_number(w, PROFILE_PERIOD, (uint64_t)tree->period);
	write_number(w, PROFILE_TIME, (uint64_t)tree->begun_ns);
	write_number(w, PROFILE_DURATION, (uint64_t)tree->duration_ns);
	write_mappings(w, &tree->modules);
	write_frames(w, tree);
	for (uint32_t i = 0; i < tree->stack_count; i++)
		write_stack(w, tree, &tree->stacks[i], label_key);
	write_out(w, &w->strings);
}

int
pprof_file_write(const struct call_tree *tree, int fd)
{
	struct writer w = { .file = gzdopen(fd, "wb") };

	if (!w.file) {
		close(fd);
		return ERR_NOMEM;
	}
	write_profile(&w, tree);
	if (gzclose(w.file) != Z_OK)
		w.is_broken = true;
	free(w.message.data);
	free(w.part.data);
	free(w.strings.data);
	return w.is_broken ? ERR_IO : 0;
}
