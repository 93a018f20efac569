/* What became of the values of one label: which RRsets they gave, and which not and why. */
#ifndef LOADER_ZONE_RECORD_RESULT_H
#define LOADER_ZONE_RECORD_RESULT_H

#include <stddef.h>
#include <stdint.h>

#include "loader/zone/record_notes.h"
#include "loader/zone/zone_records.h"

enum record_state {
	RECORD_GOOD,
	RECORD_BAD,			/* the last good data may be served on */
	RECORD_SHADOWED,		/* well-formed, but beside a CNAME */
};

struct record_rrset {
	uint16_t type;			/* 0: a type that there is not; or ANAME_TYPE */
	enum record_state state;
	size_t first, count;		/* in the zone's records; count is 0 unless good, and
					 * may be then: no such RRset.  The last one may be a
					 * ZONE_MARK_STEERED */
	struct json_fault *fault;	/* owned; NULL when good, and when shadowed without
					 * memory for it */
	struct record_note *notes;	/* owned; of one that is good */
	unsigned note_count;
};

/* All zero is a good start. */
struct record_result {
	struct record_rrset *rrsets;	/* one for each type, in the order of their records */
	size_t count, room;
	struct json_fault fault;	/* of a label's value as a whole: no RRset was read */
};

/* Add an RRset: the zone's records from `first` on.
 * fault    what is wrong with it, if it was found: the records are taken back.
 * notes    what is wrong with parts of it, else; NULL: nothing.
 * returns  0 or ERR_NOMEM. */
__attribute__((nonnull(1, 2, 5), warn_unused_result))
int record_result_add(struct record_result *result, struct zone_records *zone, uint16_t type,
		      size_t first, const struct json_fault *fault,
		      const struct record_notes *notes);

/* Take back an RRset that was good, and its records, for this reason; the zone's last
 * records are those of the result.  Without memory for the reason only its state tells. */
__attribute__((nonnull))
void record_result_reject(struct record_result *result, struct zone_records *zone,
			  size_t index, const char *reason);

/* Where a good CNAME stands beside other data it wins, as in redins: the others' records
 * leave the zone, whose last records are those of the result; signatures and NSEC may
 * stay (RFC 4035, section 2.5). */
__attribute__((nonnull))
void record_result_settle(struct record_result *result, struct zone_records *zone);

/* Empty again; room is kept for reuse. */
__attribute__((nonnull))
void record_result_clear(struct record_result *result);

/* Give back all. */
__attribute__((nonnull))
void record_result_fini(struct record_result *result);

#endif
