/* From master files to records. */
#include "loader/zone/zone_text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/zone_check.h"
#include "loader/zone/zone_entry.h"
#include "loader/zone/zone_file.h"
#include "loader/zone/zone_generate.h"
#include "loader/zone/zone_mend.h"
#include "loader/zone/zone_origin.h"
#include "loader/zone/zone_scanner.h"
#include "loader/zone/zone_stamp.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum {
	COUNT_EVERY = 1 << 16, /* records between updates of the byte count */
	BUFFER_KEPT = 4 << 20, /* a larger buffer is not kept for the next zone */
	ENTRY_MAX = 1 << 20, /* octets behind an error that may belong to its entry */
	GENERATED_CHUNK = 64 << 10, /* octets that are made of a $GENERATE at once */
};

/* Where the text of a frame comes from. */
enum frame_kind {
	FRAME_FILE, /* the zone file or an included one */
	FRAME_GENERATED, /* made from a $GENERATE in it */
	FRAME_MENDED, /* made from an entry that the scanner does not take */
};

/* One text that is being read. */
struct frame {
	const struct frame *includer; /* NULL: this is the zone file */
	const char *path; /* for messages */
	const char *dir; /* where an included file's relative names start */
	const struct stat *status;
	uint16_t file; /* index into the zone's paths */
	enum frame_kind kind;
	uint32_t line; /* of the entry that it was made from; 0 for files */
	uint16_t stands_for; /* type of the records, instead of the one read; 0: none */
	const char *seen; /* all entries before this place were taken */
	const char *end;
	struct zone_origin origin;
};

struct zone_text {
	struct zone_scanner *scanner;
	struct zone_file file; /* buffer for zone files; includes have their own */
	_Atomic uint64_t *bytes; /* NULL: nobody counts */

	/* of the zone at hand */
	struct zone_records *zone;
	struct zone_messages *messages;
	struct zone_stamp stamp;
	bool may_include;
	char *top; /* real directory of the zone file, once it is needed */
	unsigned depth, include_count;
	uint64_t included_bytes;
	uint32_t generated_count;
	struct made_text made[2]; /* buffers: of what is generated, of what is mended */
};

struct zone_text *
zone_text_new(void)
{
	struct zone_text *text = calloc(1, sizeof *text);

	if (!text)
		return NULL;
	text->scanner = zone_scanner_new();
	if (!text->scanner) {
		free(text);
		return NULL;
	}
	return text;
}

void
zone_text_free(struct zone_text *text)
{
	if (!text)
		return;
	zone_scanner_free(text->scanner);
	zone_file_fini(&text->file);
	made_text_fini(&text->made[0]);
	made_text_fini(&text->made[1]);
	free(text);
}

void
zone_text_count_into(struct zone_text *text, _Atomic uint64_t *bytes)
{
	text->bytes = bytes;
}

static uint32_t
present_line(const struct zone_text *text, const struct frame *frame)
{
	return frame->line ? frame->line : (uint32_t)zone_scanner_line(text->scanner);
}

static void
report(struct zone_text *text, const struct frame *frame, const char *reason)
{
	zone_messages_add(text->messages, ZONE_ERROR, frame->path,
			  present_line(text, frame), "%s", reason);
}

/* A directive was bad, and may have left half a name where the origin was: put the
 * origin there that our own reading of the text gives.
 * returns true when the line was a good $ORIGIN after all, with a relative name. */
static bool
mend_origin(struct zone_text *text, struct frame *frame)
{
	bool found = zone_origin_follow(&frame->origin, zone_scanner_at(text->scanner));

	zone_scanner_set_origin(text->scanner, frame->origin.name, frame->origin.len);
	return found;
}

static int
take_record(struct zone_text *text, const struct frame *frame)
{
	struct zone_record record = {
		.file = frame->file,
		.line = present_line(text, frame),
	};

	if (!zone_scanner_record(text->scanner, &record)) {
		report(text, frame, "the owner is no domain name");
		return ERR_OK;
	}
	if (record.ttl == ZONE_SCANNER_NO_TTL) {
		report(text, frame,
		       "no TTL: state one, or put $TTL before the first record");
		return ERR_OK;
	}
	if (frame->stands_for)
		record.type = frame->stands_for;
	if (!zone_check_record(text->zone, &record, text->messages))
		return ERR_OK;
	return zone_records_add(text->zone, &record);
}

/* ---- $INCLUDE ---- */

static bool
is_being_read(const struct frame *frame, const struct stat *status)
{
	for (; frame; frame = frame->includer)
		if (frame->status->st_dev == status->st_dev &&
		    frame->status->st_ino == status->st_ino)
			return true;
	return false;
}

static int scan(struct zone_text *text, struct frame *frame, const char *bytes,
		size_t len);

/* Scan an included file that was read; the scanner is set up for it. */
static int
scan_included(struct zone_text *text, const struct frame *includer,
	      const struct zone_file *file, char *path)
{
	struct frame frame = { .includer = includer,
			       .path = path,
			       .status = &file->status };
	int index = zone_records_add_path(text->zone, path), code;
	char *dir = strdup(path);

	if (index < 0 || !dir) {
		free(dir);
		return index < 0 ? index : ERR_NOMEM;
	}
	*strrchr(dir, '/') = '\0';
	frame.dir = dir;
	frame.file = (uint16_t)index;
	zone_stamp_add(&text->stamp, path, &file->status);
	text->depth++;
	code = scan(text, &frame, file->bytes, file->len);
	text->depth--;
	free(dir);
	return code;
}

/* Find and read what a $INCLUDE names.
 * returns NULL, or what is wrong. */
static const char *
open_included(struct zone_text *text, const struct frame *frame, const char *name,
	      struct zone_file *file, char found[PATH_MAX])
{
	const char *reason;
	char real[PATH_MAX];
	int code;

	if (!text->may_include)
		return "$INCLUDE needs a file to start from";
	if (text->depth == ZONE_TEXT_DEPTH_MAX)
		return "files include files more than 8 deep";
	if (++text->include_count > ZONE_TEXT_INCLUDES_MAX)
		return "more than 4096 files are included";
	if (strncmp(name, "./", 2) == 0) /* put there by the scanner */
		name += 2;
	if (!text->top)
		text->top = zone_file_directory(frame->path);
	if (!text->top)
		return "the directory of the zone file cannot be found";
	code = zone_file_find_include(text->top, frame->includer ? frame->dir : text->top,
				      name, found, real);
	if (code != ERR_OK || zone_file_read(file, real, &reason) != ERR_OK)
		return "the included file is not a readable file below the zone file's "
		       "directory";
	if (is_being_read(frame, &file->status))
		return "the file is included from within itself";
	text->included_bytes += file->len;
	if (text->included_bytes > ZONE_TEXT_INCLUDED_MAX)
		return "the included files are larger than 4 GiB";
	return NULL;
}

static int
take_include(struct zone_text *text, const struct frame *frame)
{
	struct zone_scanner *scanner = text->scanner;
	struct zone_file file = { 0 };
	struct zone_scanner_state saved, inside;
	char found[PATH_MAX];
	const char *name, *reason = "invalid origin in $INCLUDE";
	int code = ERR_OK;

	zone_scanner_save(scanner, &saved);
	inside = saved;
	name = zone_scanner_include(scanner, inside.origin, &inside.origin_len);
	if (inside.origin_len)
		reason = open_included(text, frame, name, &file, found);
	if (reason) {
		report(text, frame, reason);
	} else {
		zone_scanner_restore(scanner, &inside);
		code = scan_included(text, frame, &file, found);
	}
	zone_scanner_restore(scanner, &saved);
	zone_scanner_resume(scanner, saved.at, saved.end, saved.line);
	zone_file_fini(&file);
	return code;
}

/* ---- text that is made here ---- */

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
	code = scan(text, &inner, bytes->bytes, bytes->len);
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
	made.line = present_line(text, frame);
	while (code == ERR_OK && !reason && !zone_generate_is_done(&generate) &&
	       text->messages->counts[ZONE_ERROR] == errors) {
		reason = generate_chunk(text, &generate, out);
		if (!reason)
			code = scan_made(text, frame, &made, out, behind);
	}
	if (reason)
		report(text, frame, reason);
	return code;
}

/* Take the entry at which the scanner has given up in another way: a $GENERATE, or written
 * as the scanner takes it.
 * taken    whether that was tried; then what is still wrong with it was reported, and the
 *          scanner stands behind it.
 * returns  0 or an error code of the machine. */
static int
take_otherwise(struct zone_text *text, struct frame *frame, enum zone_scan_fault fault,
	       bool *taken)
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
	made.line = present_line(text, frame);
	if (fault == ZONE_SCAN_BAD_INCLUDE_ORIGIN
		    ? !zone_mend_include(entry, behind, &frame->origin, out)
		    : !zone_mend(entry, behind, out, &made.stands_for))
		return ERR_OK;
	*taken = true;
	return scan_made(text, frame, &made, out, behind);
}

/* more     whether the scanner can go on.
 * returns  0 or an error code of the machine. */
static int
take_error(struct zone_text *text, struct frame *frame, bool *more)
{
	/* at the very end the input is a line end of the scanner's own */
	bool is_in_text = !zone_scanner_is_through(text->scanner), taken = false;
	struct zone_scan_error error;
	int code = ERR_OK;

	*more = true;
	zone_scanner_error(text->scanner, &error);
	if (error.is_directive && is_in_text && mend_origin(text, frame) &&
	    error.fault == ZONE_SCAN_BAD_ORIGIN)
		return ERR_OK;
	if (is_in_text)
		code = take_otherwise(text, frame, error.fault, &taken);
	if (code != ERR_OK || taken)
		return code;
	report(text, frame, error.text);
	*more = error.fault != ZONE_SCAN_LOST && is_in_text;
	return ERR_OK;
}

/* Tell the world how far we are: `*told` is the place up to which it knows. */
static void
count_bytes(struct zone_text *text, const struct frame *frame, const char **told,
	    const char *at)
{
	if (text->bytes && frame->kind == FRAME_FILE)
		atomic_fetch_add_explicit(text->bytes, (uint64_t)(at - *told),
					  memory_order_relaxed);
	*told = at;
}

/* One step.
 * more     false: this text is at its end
 * returns  0 or an error code of the machine. */
static int
scan_next(struct zone_text *text, struct frame *frame, bool *more)
{
	switch (zone_scanner_next(text->scanner)) {
	case ZONE_SCAN_RECORD:
		return take_record(text, frame);
	case ZONE_SCAN_INCLUDE:
		return take_include(text, frame);
	case ZONE_SCAN_ERROR:
		return take_error(text, frame, more);
	case ZONE_SCAN_END:
		*more = false;
	}
	return ERR_OK;
}

/* Scan one input to its end; the scanner is set up but for the input.
 * returns 0 or an error code of the machine; errors in the text are only reported. */
static int
scan(struct zone_text *text, struct frame *frame, const char *bytes, size_t len)
{
	size_t errors = text->messages->counts[ZONE_ERROR], origin_len;
	const uint8_t *origin = zone_scanner_origin(text->scanner, &origin_len);
	const char *told = bytes;
	bool more = true;
	int code = ERR_OK;

	zone_origin_start(&frame->origin, bytes, origin, origin_len);
	frame->seen = bytes;
	frame->end = bytes + len;
	zone_scanner_read(text->scanner, bytes, len);
	for (unsigned long step = 1; code == ERR_OK && more; step++) {
		code = scan_next(text, frame, &more);
		if (!zone_scanner_is_through(text->scanner))
			frame->seen = zone_scanner_at(text->scanner);
		if (step % COUNT_EVERY == 0)
			count_bytes(text, frame, &told, frame->seen);
		if (frame->kind == FRAME_GENERATED &&
		    text->messages->counts[ZONE_ERROR] > errors)
			break; /* its other records are like this one */
	}
	if (code == ERR_OK)
		count_bytes(text, frame, &told, bytes + len);
	return code;
}

/* Scan the zone file's text into `zone`. */
static int
scan_zone(struct zone_text *text, struct zone_records *zone, struct frame *frame,
	  const struct zone_file *file, struct zone_messages *messages)
{
	size_t errors = messages->counts[ZONE_ERROR];
	int code;

	text->zone = zone;
	text->messages = messages;
	text->may_include = frame->status != NULL;
	text->depth = 0;
	text->include_count = 0;
	text->included_bytes = 0;
	text->generated_count = 0;
	zone_scanner_reset(text->scanner, zone->origin, zone->origin_len);
	code = scan(text, frame, file->bytes, file->len);
	free(text->top);
	text->top = NULL;
	if (code != ERR_OK)
		zone_messages_add(messages, ZONE_ERROR, frame->path, 0, "%s",
				  errcode_text(code));
	return messages->counts[ZONE_ERROR] > errors && code == ERR_OK ? ERR_SYNTAX
								       : code;
}

/* An empty zone that knows its file; NULL when there is no memory, which is said. */
static struct zone_records *
new_zone(const char *path, const uint8_t *origin, size_t origin_len,
	 struct zone_messages *messages)
{
	struct zone_records *zone = zone_records_new(origin, origin_len);

	if (!zone || zone_records_add_path(zone, path) < 0) {
		zone_messages_add(messages, ZONE_ERROR, path, 0, "%s",
				  errcode_text(ERR_NOMEM));
		zone_records_free(zone);
		return NULL;
	}
	zone->loaded_at_s = clock_wall_s();
	return zone;
}

int
zone_text_parse(struct zone_text *text, const char *path, const char *bytes, size_t len,
		const uint8_t *origin, size_t origin_len, struct zone_records **out,
		struct zone_messages *messages)
{
	struct zone_records *zone = new_zone(path, origin, origin_len, messages);
	struct frame frame = { .path = path };
	int code;

	if (!zone)
		return ERR_NOMEM;
	code = zone_file_copy(&text->file, bytes, len);
	if (code == ERR_OK)
		code = scan_zone(text, zone, &frame, &text->file, messages);
	else
		zone_messages_add(messages, ZONE_ERROR, path, 0, "%s",
				  errcode_text(code));
	if (code == ERR_OK)
		*out = zone;
	else
		zone_records_free(zone);
	return code;
}

int
zone_text_load(struct zone_text *text, const char *path, const uint8_t *origin,
	       size_t origin_len, struct zone_records **out,
	       struct zone_messages *messages)
{
	struct frame frame = { .path = path, .status = &text->file.status };
	struct zone_records *zone;
	const char *reason;
	int code = zone_file_read(&text->file, path, &reason);

	if (code != ERR_OK) {
		zone_messages_add(messages, ZONE_ERROR, path, 0, "%s", reason);
		return code;
	}
	zone = new_zone(path, origin, origin_len, messages);
	if (!zone)
		return ERR_NOMEM;
	text->stamp = (struct zone_stamp){ 0 };
	zone_stamp_add(&text->stamp, path, &text->file.status);
	code = scan_zone(text, zone, &frame, &text->file, messages);
	zone->stamp = zone_stamp_value(&text->stamp);
	if (text->file.room > BUFFER_KEPT)
		zone_file_fini(&text->file);
	if (code == ERR_OK)
		*out = zone;
	else
		zone_records_free(zone);
	return code;
}
