/* Is the place in the change stream still good?  What the server says of the stream,
 * against where we stand. */
#ifndef LOADER_REDIS_STREAM_GAP_H
#define LOADER_REDIS_STREAM_GAP_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/redis/change_entry.h"

/* Where we stand. */
struct stream_place {
	struct change_id cursor;	/* the last entry that was taken; 0-0: none yet */
	bool was_seen;			/* the stream has existed */
	uint64_t added;			/* entries ever added up to the cursor; 0: not known */
};

/* What XINFO STREAM, and XRANGE for the cursor's own entry, say; in one MULTI. */
struct stream_facts {
	bool exists;
	bool is_wrong_type;		/* the key holds something else */
	bool has_cursor;		/* the cursor's own entry is there */
	uint64_t length;
	struct change_id last;		/* last generated id, trimmed or not */
	struct change_id max_deleted;	/* by XDEL; 0-0 where the server does not tell */
	bool tells_added;		/* Redis 7 counts all entries ever added */
	uint64_t added;
};

enum stream_verdict {
	STREAM_GOOD,			/* all behind the cursor is there */
	STREAM_GONE,			/* it was seen, and is no more */
	STREAM_TRIMMED,			/* entries behind the cursor may be lost */
	STREAM_STEPPED_BACK,		/* it ends before the cursor: older data */
	STREAM_RECREATED,		/* another stream under the same name */
	STREAM_WRONG_TYPE,
};

__attribute__((nonnull, pure))
enum stream_verdict stream_gap_judge(const struct stream_place *place,
				     const struct stream_facts *facts);

/* For people, the rest of a sentence that begins with "the change stream". */
__attribute__((const, returns_nonnull))
const char *stream_verdict_text(enum stream_verdict verdict);

/* Read the reply of XINFO STREAM; an error reply means that there is none, or the wrong
 * type.  has_cursor is left to the caller. */
__attribute__((nonnull))
void stream_facts_read(const struct redis_reply *reply, struct stream_facts *out);

#endif
