/* Text that is made here: of a $GENERATE, and of entries that the scanner does not take. */
#include "loader/zone/zone_entry.h"
#include "loader/zone/zone_generate.h"
#include "loader/zone/zone_mend.h"
#include "loader/zone/zone_text_private.h"
#include "shm/errcode.h"

enum {
	ENTRY_MAX = 1 << 20, /* octets behind an error that may belong to its entry */
	GENERATED_CHUNK = 64 << 10, /* octets that are made of a $GENERATE at once */
};

/* Scan text that was made from the entry that ends at `behind`, which was found bad at the
 * scanner's place, and go on behind it. */
static int
scan_made(struct zone_text *text, const struct frame *frame, const struct frame *made,
	  const struct made_text *bytes, const char *behind)
{
	struct zone_scanner *scanner = text->scanner;
	struct zone_scanner_state state;
	struct frame inner = *made;
	uint64_t line;
	int code;

	zone_scanner_save(scanner, &state);
	line = state.line;
	for (const char *at = state.at; at < behind; at++)
		line += *at == '\n';
	zone_scanner_restore(scanner, &state);
	code = zone_text_scan(text, &inner, bytes->bytes, bytes->len);
	zone_scanner_save(scanner, &state); /* the owner and TTLs that came to be */
	zone_scanner_restore(scanner, &state);
	zone_scanner_resume(scanner, behind, frame->end, line);
	return code;
}

/* Make the records of a $GENERATE into `out`, as many as a chunk holds.
 * returns NULL, or what is wrong. */
static const char *
generate_chunk(struct zone_text *text, struct zone_generate *generate,
	       struct made_text *out)
{
	const char *reason = NULL;

	out->len = 0;
	while (!reason && !zone_generate_is_done(generate) &&
	       out->len < GENERATED_CHUNK) {
		if (text->generated_count++ == ZONE_TEXT_GENERATED_MAX)
			return "more than 1048576 records are generated";
		reason = zone_generate_next(generate, out);
	}
	return out->failed ? errcode_text(ERR_NOMEM) : reason;
}

static int
take_generate(struct zone_text *text, const struct frame *frame, const char *entry,
	      const char *behind)
{
	size_t errors = text->messages->counts[ZONE_ERROR];
	struct made_text *out = &text->made[0];
	struct frame made = *frame;
	struct zone_generate generate;
	const char *reason = zone_generate_start(&generate, entry, behind);
	int code = ERR_OK;

	made.kind = FRAME_GENERATED;
	made.line = zone_text_line(text, frame);
	while (code == ERR_OK && !reason && !zone_generate_is_done(&generate) &&
	       text->messages->counts[ZONE_ERROR] == errors) {
		reason = generate_chunk(text, &generate, out);
		if (!reason)
			code = scan_made(text, frame, &made, out, behind);
	}
	if (reason)
		zone_text_report(text, frame, reason);
	return code;
}

int
zone_text_take_otherwise(struct zone_text *text, struct frame *frame,
			 enum zone_scan_fault fault, bool *taken)
{
	const char *at = zone_scanner_at(text->scanner), *behind, *entry;
	bool is_near = frame->end - at < ENTRY_MAX;
	struct made_text *out = &text->made[1];
	struct frame made = *frame;

	*taken = false;
	if (frame->kind == FRAME_MENDED ||
	    text->messages->counts[ZONE_ERROR] >= ZONE_MESSAGES_KEPT)
		return ERR_OK;
	entry = zone_entry_find(frame->seen, is_near ? frame->end : at + ENTRY_MAX, at,
				&behind);
	if (frame->kind == FRAME_FILE && zone_generate_is(entry, behind)) {
		*taken = true;
		return take_generate(text, frame, entry, behind);
	}
	out->len = 0;
	made.kind = FRAME_MENDED;
	made.line = zone_text_line(text, frame);
	if (fault == ZONE_SCAN_BAD_INCLUDE_ORIGIN
		    ? !zone_mend_include(entry, behind, &frame->origin, out)
		    : !zone_mend(entry, behind, out, &made.stands_for))
		return ERR_OK;
	*taken = true;
	return scan_made(text, frame, &made, out, behind);
}
