/* What is wrong with parts of an RRset that is served all the same: records that are left
 * out, and words that mean nothing. */
#ifndef LOADER_ZONE_RECORD_NOTES_H
#define LOADER_ZONE_RECORD_NOTES_H

#include <stdint.h>

#include "loader/zone/json_reader.h"
#include "shm/node.h"

enum { RECORD_NOTES_MAX = 8 };	/* of an RRset; further ones are only counted */

struct record_note {
	enum fault_kind kind;		/* FAULT_PARTIAL or FAULT_WARNING */
	struct json_fault fault;
};

/* All zero: none. */
struct record_notes {
	unsigned count;			/* of `list` */
	unsigned unlisted, unlisted_partial; /* all further ones; those of them that cost records */
	struct record_note list[RECORD_NOTES_MAX + 1]; /* the last is of those */
};

/* Start over. */
static inline void
record_notes_clear(struct record_notes *notes)
{
	notes->count = notes->unlisted = notes->unlisted_partial = 0;
}

/* A record is left out for this. */
__attribute__((nonnull))
void record_notes_add(struct record_notes *notes, enum fault_kind kind,
		      const struct json_fault *fault);

/* Something at `node` means nothing. */
__attribute__((nonnull, format(printf, 3, 4)))
void record_notes_warn(struct record_notes *notes, const struct json_node *node,
		       const char *format, ...);

/* All that there will be: a note tells of those that are not listed. */
__attribute__((nonnull))
void record_notes_end(struct record_notes *notes);

#endif
