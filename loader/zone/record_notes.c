/* Lists of notes. */
#include "loader/zone/record_notes.h"

#include <stdarg.h>
#include <stdio.h>

void
record_notes_add(struct record_notes *notes, enum fault_kind kind,
		 const struct json_fault *fault)
{
	if (notes->count == RECORD_NOTES_MAX) {
		notes->unlisted++;
		notes->unlisted_partial += kind == FAULT_PARTIAL;
		return;
	}
	notes->list[notes->count++] =
		(struct record_note){ .kind = kind, .fault = *fault };
}

void
record_notes_warn(struct record_notes *notes, const struct json_node *node,
		  const char *format, ...)
{
	struct json_fault fault = { 0 };
	char text[JSON_REASON_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json_reader_fail(&fault, node, "%s", text);
	record_notes_add(notes, FAULT_WARNING, &fault);
}

void
record_notes_end(struct record_notes *notes)
{
	struct record_note *note = &notes->list[notes->count];

	if (notes->unlisted == 0)
		return;
	*note = (struct record_note){
		.kind = notes->unlisted_partial > 0 ? FAULT_PARTIAL : FAULT_WARNING,
		.fault = { .found = true },
	};
	snprintf(note->fault.reason, sizeof note->fault.reason,
		 "%u more things are wrong, %u records left out for them",
		 notes->unlisted, notes->unlisted_partial);
	notes->count++;
	notes->unlisted = 0;
}
