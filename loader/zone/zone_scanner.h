/* The scanner of master files, libzscanner, as far as zone_text.c needs it: the one file
 * that knows it.
 *
 * Its own file handling is not used: it maps files, opens what it is told to, and follows
 * $INCLUDE without bounds.  It gets text in memory and hands back one record, directive or
 * error at a time:
 *
 *	zone_scanner_reset       an origin, no TTL, no owner
 *	zone_scanner_read        from this text
 *	zone_scanner_next        until ZONE_SCAN_END
 */
#ifndef LOADER_ZONE_ZONE_SCANNER_H
#define LOADER_ZONE_ZONE_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/zone_records.h"
#include "shm/dname.h"

/* About 400 KB. */
struct zone_scanner;

/* Not a valid TTL (RFC 2181, section 8); a file that states this very one gets the default
 * instead of an error. */
#define ZONE_SCANNER_NO_TTL UINT32_C(0xfeedbeef)

enum zone_scan {
	ZONE_SCAN_END,
	ZONE_SCAN_RECORD,		/* see zone_scanner_record */
	ZONE_SCAN_INCLUDE,		/* see zone_scanner_include */
	ZONE_SCAN_ERROR,		/* see zone_scanner_error */
};

enum zone_scan_fault {
	ZONE_SCAN_BAD_ENTRY,
	ZONE_SCAN_BAD_ORIGIN,		/* in $ORIGIN */
	ZONE_SCAN_BAD_INCLUDE_ORIGIN,	/* in $INCLUDE */
	ZONE_SCAN_LOST,			/* the scanner cannot go on */
};

struct zone_scan_error {
	enum zone_scan_fault fault;
	const char *text;		/* for people; borrowed for ever */
	bool is_directive;		/* half a name may stand where the origin was */
};

/* What is in force at a place, and the place itself. */
struct zone_scanner_state {
	const char *at, *end;		/* what of the text is to be read yet; borrowed */
	uint64_t line;
	uint32_t default_ttl, last_ttl, origin_len, owner_len;
	uint8_t origin[DNAME_MAX], owner[DNAME_MAX];
};

/* returns NULL when there is no memory. */
__attribute__((warn_unused_result))
struct zone_scanner *zone_scanner_new(void);

/* NULL is allowed. */
void zone_scanner_free(struct zone_scanner *scanner);

__attribute__((nonnull))
void zone_scanner_reset(struct zone_scanner *scanner, const uint8_t *origin, size_t len);

/* The text is borrowed until its end was met. */
__attribute__((nonnull))
void zone_scanner_read(struct zone_scanner *scanner, const char *bytes, size_t len);

__attribute__((nonnull))
enum zone_scan zone_scanner_next(struct zone_scanner *scanner);

/* Where in the text it stands; whether all of that is used up: then an entry without its
 * line end may be met yet, and the place is none. */
__attribute__((nonnull, pure))
const char *zone_scanner_at(const struct zone_scanner *scanner);
__attribute__((nonnull, pure))
bool zone_scanner_is_through(const struct zone_scanner *scanner);

__attribute__((nonnull, pure))
uint64_t zone_scanner_line(const struct zone_scanner *scanner);

/* The record that was met: owner (lower-cased), rdata, type and TTL (ZONE_SCANNER_NO_TTL
 * when nothing gives one).  Borrowed until the next one.
 * returns false when the owner is no domain name: then `out` is as it was. */
__attribute__((nonnull, warn_unused_result))
bool zone_scanner_record(struct zone_scanner *scanner, struct zone_record *out);

/* The $INCLUDE that was met.
 * origin   of the included file; *origin_len 0: bad, see ZONE_SCAN_BAD_INCLUDE_ORIGIN
 * returns  the file's name as it is written; borrowed until zone_scanner_next. */
__attribute__((nonnull, returns_nonnull))
const char *zone_scanner_include(const struct zone_scanner *scanner,
				 uint8_t origin[DNAME_MAX], uint32_t *origin_len);

/* What was met; the scanner goes on behind it, but for ZONE_SCAN_LOST. */
__attribute__((nonnull))
void zone_scanner_error(struct zone_scanner *scanner, struct zone_scan_error *out);

/* What is in force: *len octets, borrowed until it changes. */
__attribute__((nonnull, returns_nonnull))
const uint8_t *zone_scanner_origin(const struct zone_scanner *scanner, size_t *len);
__attribute__((nonnull))
void zone_scanner_set_origin(struct zone_scanner *scanner, const uint8_t *origin, size_t len);

/* Note what is in force, for another text in between. */
__attribute__((nonnull))
void zone_scanner_save(const struct zone_scanner *scanner, struct zone_scanner_state *out);

/* Put it in force again, but for the place: a text must be given then, by zone_scanner_read
 * or zone_scanner_resume.
 * (The scanner leaves one return address on its stack for each $INCLUDE: this clears it.) */
__attribute__((nonnull))
void zone_scanner_restore(struct zone_scanner *scanner,
			  const struct zone_scanner_state *state);

/* Go on with a text from `at`, in line `line`, to its end. */
__attribute__((nonnull))
void zone_scanner_resume(struct zone_scanner *scanner, const char *at, const char *end,
			 uint64_t line);

#endif
