/* A zone's texts while they are read, for zone_text.c, zone_text_include.c and
 * zone_text_made.c. */
#ifndef LOADER_ZONE_ZONE_TEXT_PRIVATE_H
#define LOADER_ZONE_ZONE_TEXT_PRIVATE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "loader/zone/made_text.h"
#include "loader/zone/zone_file.h"
#include "loader/zone/zone_origin.h"
#include "loader/zone/zone_scanner.h"
#include "loader/zone/zone_stamp.h"
#include "loader/zone/zone_text.h"

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

/* The line that messages and records of the present entry name. */
__attribute__((nonnull))
uint32_t zone_text_line(const struct zone_text *text, const struct frame *frame);

/* An error in the present entry. */
__attribute__((nonnull))
void zone_text_report(struct zone_text *text, const struct frame *frame, const char *reason);

/* Scan one input to its end; the scanner is set up but for the input.
 * returns 0 or an error code of the machine; errors in the text are only reported. */
__attribute__((nonnull, warn_unused_result))
int zone_text_scan(struct zone_text *text, struct frame *frame, const char *bytes,
		   size_t len);

/* Follow the $INCLUDE that the scanner has met, and go on behind it.
 * returns 0 or an error code of the machine. */
__attribute__((nonnull, warn_unused_result))
int zone_text_include(struct zone_text *text, const struct frame *frame);

/* Take the entry at which the scanner has given up in another way: a $GENERATE, or written
 * as the scanner takes it.
 * taken    whether that was tried; then what is still wrong with it was reported, and the
 *          scanner stands behind it.
 * returns  0 or an error code of the machine. */
__attribute__((nonnull, warn_unused_result))
int zone_text_take_otherwise(struct zone_text *text, struct frame *frame,
			     enum zone_scan_fault fault, bool *taken);

#endif
