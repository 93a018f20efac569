/* From master files to records: the one file that knows libzscanner.
 *
 * The scanner's own file handling is not used: it maps files, opens what it is told
 * to, and follows $INCLUDE without bounds.  It gets text in memory and hands back one
 * record, error or directive at a time. */
#include "loader/zone/zone_text.h"

#include <libzscanner/scanner.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/zone_check.h"
#include "loader/zone/zone_entry.h"
#include "loader/zone/zone_file.h"
#include "loader/zone/zone_generate.h"
#include "loader/zone/zone_mend.h"
#include "loader/zone/zone_origin.h"
#include "loader/zone/zone_stamp.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

/* Stands in the scanner for "no TTL stated".  Not a valid TTL (RFC 2181, section 8);
 * a file that states this very one gets the default instead of an error. */
#define TTL_UNSTATED UINT32_C(0xfeedbeef)

enum {
	CLASS_IN = 1,
	COUNT_EVERY = 1 << 16, /* records between updates of the byte count */
	BUFFER_KEPT = 4 << 20, /* a larger buffer is not kept for the next zone */
	SOA_MINIMUM_LEN = 4, /* the last field of a SOA */
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
	zs_scanner_t *scanner;
	zs_scanner_t *fresh; /* as zs_init leaves it, for the root as origin */
	struct zone_file file; /* buffer for zone files; includes have their own */
	_Atomic uint64_t *bytes; /* NULL: nobody counts */

	/* of the zone at hand */
	struct zone_records *zone;
	struct zone_messages *messages;
	struct zone_stamp stamp;
	bool may_include;
	char *top; /* real directory of the zone file, once it is needed */
	uint32_t last_ttl; /* TTL_UNSTATED: none was stated yet */
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
	text->scanner = calloc(1, sizeof *text->scanner);
	text->fresh = calloc(1, sizeof *text->fresh);
	if (!text->scanner || !text->fresh ||
	    zs_init(text->fresh, ".", CLASS_IN, TTL_UNSTATED) < 0) {
		zone_text_free(text);
		return NULL;
	}
	return text;
}

void
zone_text_free(struct zone_text *text)
{
	if (!text)
		return;
	if (text->fresh)
		zs_deinit(text->fresh);
	free(text->fresh);
	free(text->scanner);
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

#define COPY_MEMBERS(to, from, first, behind)                        \
	memcpy((char *)(to) + offsetof(zs_scanner_t, first),         \
	       (const char *)(from) + offsetof(zs_scanner_t, first), \
	       offsetof(zs_scanner_t, behind) - offsetof(zs_scanner_t, first))

/* Back to the state after zs_init, but without clearing its 200 KB of scratch arrays
 * (buffer, include_filename, windows, r_data), which are written before they are read. */
static void
scanner_reset(struct zone_text *text, const uint8_t *origin, size_t origin_len)
{
	zs_scanner_t *scanner = text->scanner;

	COPY_MEMBERS(scanner, text->fresh, cs, buffer);
	COPY_MEMBERS(scanner, text->fresh, path, windows);
	COPY_MEMBERS(scanner, text->fresh, last_window, r_data);
	memcpy(scanner->zone_origin, origin, origin_len);
	scanner->zone_origin_length = (uint32_t)origin_len;
}

static uint32_t
present_line(const struct zone_text *text, const struct frame *frame)
{
	return frame->line ? frame->line : (uint32_t)text->scanner->line_counter;
}

static void
report(struct zone_text *text, const struct frame *frame, const char *reason)
{
	zone_messages_add(text->messages, ZONE_ERROR, frame->path,
			  present_line(text, frame), "%s", reason);
}

/* The scanner's text for an error, or a better one with its remedy. */
static const char *
scanner_error_text(int code)
{
	switch (code) {
	case ZS_UNSUPPORTED_TYPE:
		return "unknown record type, TTL, or class other than IN; a type that "
		       "has no "
		       "name here is written as TYPEn \\# (RFC 3597)";
	case ZS_BAD_NUMBER:
		return "invalid number, or unknown record type";
	case ZS_BAD_OWNER:
	case ZS_BAD_DNAME_CHAR:
		return "invalid name: labels have 1 to 63 octets, with one dot between "
		       "them";
	case ZS_BAD_TEXT_CHAR:
		return "invalid text: a quote without its end";
	case ZS_BAD_ORIGIN:
		return "invalid name in $ORIGIN";
	case ZS_BAD_INCLUDE_ORIGIN:
		return "invalid origin in $INCLUDE";
	case ZS_BAD_DIRECTIVE:
		return "unknown directive: only $ORIGIN, $TTL, $INCLUDE and $GENERATE "
		       "exist";
	case ZS_UNCOVERED_STATE:
		return "syntax error, the lines below were not read";
	case ZS_UNCLOSED_MULTILINE:
		return "the file ends inside parentheses";
	}
	return zs_strerror(code);
}

/* A directive was bad, and may have left half a name where the origin was: put the
 * origin there that our own reading of the text gives.
 * returns true when the line was a good $ORIGIN after all, with a relative name. */
static bool
mend_origin(struct zone_text *text, struct frame *frame)
{
	zs_scanner_t *scanner = text->scanner;
	bool found = zone_origin_follow(&frame->origin, scanner->input.current);

	memcpy(scanner->zone_origin, frame->origin.name, frame->origin.len);
	scanner->zone_origin_length = (uint32_t)frame->origin.len;
	return found;
}

static uint32_t
soa_minimum(const zs_scanner_t *scanner)
{
	const uint8_t *field = scanner->r_data + scanner->r_data_length - SOA_MINIMUM_LEN;

	if (scanner->r_data_length < SOA_MINIMUM_LEN)
		return 0;
	return (uint32_t)field[0] << 24 | (uint32_t)field[1] << 16 |
	       (uint32_t)field[2] << 8 | field[3];
}

/* The TTL of the record in the scanner; TTL_UNSTATED when nothing gives one. */
static uint32_t
record_ttl(struct zone_text *text)
{
	const zs_scanner_t *scanner = text->scanner;

	if (scanner->default_ttl != TTL_UNSTATED)
		return scanner->r_ttl;
	if (scanner->r_ttl != TTL_UNSTATED)
		text->last_ttl = scanner->r_ttl;
	else if (text->last_ttl == TTL_UNSTATED && scanner->r_type == RRTYPE_SOA)
		text->last_ttl = soa_minimum(scanner);
	return text->last_ttl;
}

static int
take_record(struct zone_text *text, const struct frame *frame)
{
	zs_scanner_t *scanner = text->scanner;
	struct zone_record record = {
		.owner = scanner->r_owner,
		.owner_len = (uint8_t)scanner->r_owner_length,
		.rdata = scanner->r_data,
		.rdata_len = (uint16_t)scanner->r_data_length,
		.type = frame->stands_for ? frame->stands_for : scanner->r_type,
		.ttl = record_ttl(text),
		.file = frame->file,
		.line = present_line(text, frame),
	};

	if (dname_len(record.owner, DNAME_MAX) != scanner->r_owner_length) {
		report(text, frame, "the owner is no domain name");
		return ERR_OK;
	}
	if (record.ttl == TTL_UNSTATED) {
		report(text, frame,
		       "no TTL: state one, or put $TTL before the first record");
		return ERR_OK;
	}
	dname_lower(scanner->r_owner, scanner->r_owner_length);
	if (!zone_check_record(text->zone, &record, text->messages))
		return ERR_OK;
	return zone_records_add(text->zone, &record);
}

/* What must be in force again behind an included file. */
struct saved_scanner {
	const char *current, *end;
	uint64_t line_counter;
	uint32_t default_ttl, last_ttl, origin_len, owner_len;
	uint8_t origin[DNAME_MAX], owner[DNAME_MAX];
};

static void
save_scanner(const struct zone_text *text, struct saved_scanner *saved)
{
	const zs_scanner_t *scanner = text->scanner;

	saved->current = scanner->input.current;
	saved->end = scanner->input.end;
	saved->line_counter = scanner->line_counter;
	saved->default_ttl = scanner->default_ttl;
	saved->last_ttl = text->last_ttl;
	saved->origin_len = scanner->zone_origin_length;
	saved->owner_len = scanner->r_owner_length;
	memcpy(saved->origin, scanner->zone_origin, saved->origin_len);
	memcpy(saved->owner, scanner->r_owner, saved->owner_len);
}

/* A fresh scanner with the settings of `saved`; its input is still to be set.  (The
 * scanner leaves one return address on its stack for each $INCLUDE; this clears it.) */
static void
restore_scanner(struct zone_text *text, const struct saved_scanner *saved)
{
	zs_scanner_t *scanner = text->scanner;

	scanner_reset(text, saved->origin, saved->origin_len);
	scanner->default_ttl = saved->default_ttl;
	text->last_ttl = saved->last_ttl;
	memcpy(scanner->r_owner, saved->owner, saved->owner_len);
	scanner->r_owner_length = saved->owner_len;
}

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

/* Find and read what the $INCLUDE in the scanner names.
 * returns NULL, or what is wrong. */
static const char *
open_included(struct zone_text *text, const struct frame *frame, struct zone_file *file,
	      char found[PATH_MAX])
{
	const char *name = text->scanner->include_filename, *reason;
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
	zs_scanner_t *scanner = text->scanner;
	struct zone_file file = { 0 };
	struct saved_scanner saved, inside;
	char found[PATH_MAX];
	const char *reason;
	int code = ERR_OK;

	save_scanner(text, &saved);
	inside = saved;
	inside.origin_len =
		(uint32_t)dname_from_text((const char *)scanner->buffer, inside.origin);
	reason = inside.origin_len ? open_included(text, frame, &file, found)
				   : zs_strerror(ZS_BAD_INCLUDE_ORIGIN);
	if (reason) {
		report(text, frame, reason);
	} else {
		restore_scanner(text, &inside);
		code = scan_included(text, frame, &file, found);
	}
	restore_scanner(text, &saved);
	scanner->line_counter = saved.line_counter;
	zs_set_input_string(scanner, saved.current, (size_t)(saved.end - saved.current));
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
	zs_scanner_t *scanner = text->scanner;
	struct saved_scanner state;
	struct frame inner = *made;
	uint64_t line = scanner->line_counter;
	int code;

	for (const char *at = scanner->input.current; at < behind; at++)
		line += *at == '\n';
	save_scanner(text, &state);
	restore_scanner(text, &state);
	code = scan(text, &inner, bytes->bytes, bytes->len);
	save_scanner(text, &state); /* the owner and TTLs that came to be */
	restore_scanner(text, &state);
	scanner->line_counter = line;
	zs_set_input_string(scanner, behind, (size_t)(frame->end - behind));
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
take_otherwise(struct zone_text *text, struct frame *frame, int error, bool *taken)
{
	const char *at = text->scanner->input.current, *behind, *entry;
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
	if (error == ZS_BAD_INCLUDE_ORIGIN
		    ? !zone_mend_include(entry, behind, &frame->origin, out)
		    : !zone_mend(entry, behind, out, &made.stands_for))
		return ERR_OK;
	*taken = true;
	return scan_made(text, frame, &made, out, behind);
}

/* Errors in directives would end the scan; the lines behind them are worth reading.
 * more     whether the scanner can go on.
 * returns  0 or an error code of the machine. */
static int
take_error(struct zone_text *text, struct frame *frame, bool *more)
{
	zs_scanner_t *scanner = text->scanner;
	int error = scanner->error.code, code = ERR_OK;
	/* with `eof` set the input is a line end of the scanner's own, our text is used up */
	bool is_in_text = !scanner->input.eof, taken = false;
	bool is_fatal = scanner->error.fatal;

	*more = true;
	scanner->error.fatal = false;
	if (is_fatal && is_in_text && mend_origin(text, frame) && error == ZS_BAD_ORIGIN)
		return ERR_OK;
	if (is_in_text)
		code = take_otherwise(text, frame, error, &taken);
	if (code != ERR_OK || taken)
		return code;
	report(text, frame, scanner_error_text(error));
	*more = error != ZS_UNCOVERED_STATE && is_in_text;
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

/* Scan one input to its end; the scanner is set up but for the input.
 * returns 0 or an error code of the machine; errors in the text are only reported. */
static int
scan(struct zone_text *text, struct frame *frame, const char *bytes, size_t len)
{
	size_t errors = text->messages->counts[ZONE_ERROR];
	zs_scanner_t *scanner = text->scanner;
	const char *told = bytes;
	unsigned long step = 0;
	bool more = true;
	int code = ERR_OK;

	zone_origin_start(&frame->origin, bytes, scanner->zone_origin,
			  scanner->zone_origin_length);
	frame->seen = bytes;
	frame->end = bytes + len;
	zs_set_input_string(scanner, bytes, len);
	while (code == ERR_OK && more && zs_parse_record(scanner) == 0) {
		if (scanner->state == ZS_STATE_DATA) {
			code = take_record(text, frame);
			if (++step % COUNT_EVERY == 0 && !scanner->input.eof)
				count_bytes(text, frame, &told, scanner->input.current);
		} else if (scanner->state == ZS_STATE_INCLUDE) {
			code = take_include(text, frame);
		} else if (scanner->state == ZS_STATE_ERROR) {
			code = take_error(text, frame, &more);
		} else {
			break;
		}
		if (!scanner->input.eof)
			frame->seen = scanner->input.current;
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
	text->last_ttl = TTL_UNSTATED;
	text->depth = 0;
	text->include_count = 0;
	text->included_bytes = 0;
	text->generated_count = 0;
	scanner_reset(text, zone->origin, zone->origin_len);
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
