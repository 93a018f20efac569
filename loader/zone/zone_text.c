/* From master files to records. */
#include "loader/zone/zone_text.h"

#include <stdlib.h>

#include "loader/zone/zone_check.h"
#include "loader/zone/zone_text_private.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum {
	COUNT_EVERY = 1 << 16, /* records between updates of the byte count */
	BUFFER_KEPT = 4 << 20, /* a larger buffer is not kept for the next zone */
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

uint32_t
zone_text_line(const struct zone_text *text, const struct frame *frame)
{
	return frame->line ? frame->line : (uint32_t)zone_scanner_line(text->scanner);
}

void
zone_text_report(struct zone_text *text, const struct frame *frame, const char *reason)
{
	zone_messages_add(text->messages, ZONE_ERROR, frame->path,
			  zone_text_line(text, frame), "%s", reason);
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
		.line = zone_text_line(text, frame),
	};

	if (!zone_scanner_record(text->scanner, &record)) {
		zone_text_report(text, frame, "the owner is no domain name");
		return ERR_OK;
	}
	if (record.ttl == ZONE_SCANNER_NO_TTL) {
		zone_text_report(
			text, frame,
			"no TTL: state one, or put $TTL before the first record");
		return ERR_OK;
	}
	if (frame->stands_for)
		record.type = frame->stands_for;
	if (!zone_check_record(text->zone, &record, text->messages))
		return ERR_OK;
	return zone_records_add(text->zone, &record);
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
		code = zone_text_take_otherwise(text, frame, error.fault, &taken);
	if (code != ERR_OK || taken)
		return code;
	zone_text_report(text, frame, error.text);
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
		return zone_text_include(text, frame);
	case ZONE_SCAN_ERROR:
		return take_error(text, frame, more);
	case ZONE_SCAN_END:
		*more = false;
	}
	return ERR_OK;
}

int
zone_text_scan(struct zone_text *text, struct frame *frame, const char *bytes, size_t len)
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
	code = zone_text_scan(text, frame, file->bytes, file->len);
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
