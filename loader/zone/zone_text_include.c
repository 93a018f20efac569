/* $INCLUDE: files inside files, within bounds. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/zone_text_private.h"
#include "shm/errcode.h"

static bool
is_being_read(const struct frame *frame, const struct stat *status)
{
	for (; frame; frame = frame->includer)
		if (frame->status->st_dev == status->st_dev &&
		    frame->status->st_ino == status->st_ino)
			return true;
	return false;
}

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
	code = zone_text_scan(text, &frame, file->bytes, file->len);
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

int
zone_text_include(struct zone_text *text, const struct frame *frame)
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
		zone_text_report(text, frame, reason);
	} else {
		zone_scanner_restore(scanner, &inside);
		code = scan_included(text, frame, &file, found);
	}
	zone_scanner_restore(scanner, &saved);
	zone_scanner_resume(scanner, saved.at, saved.end, saved.line);
	zone_file_fini(&file);
	return code;
}
