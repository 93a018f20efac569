/* What the change stream holds behind a set that is read.  A later entry that touches what
 * was just read makes the reading half of that entry: it joins, and all is read again. */
#ifndef LOADER_REDIS_FOLLOW_BEHIND_H
#define LOADER_REDIS_FOLLOW_BEHIND_H

#include "loader/redis/follow_group.h"

/* Queue what asks for it, within the MULTI of the reading.
 * count    grows by the replies to come
 * returns  as redis_link_send. */
__attribute__((nonnull, warn_unused_result))
int follow_behind_send(struct follow *f, size_t *count);

/* Look at the replies, `first` and what follows it; NULL without a stream.  f->set grows by
 * what overlaps.
 * *grew    it has: read again
 * returns  0; ERR_OLDER: entries are lost, or too many belong together (a gap is noted);
 *          ERR_CLOSED after follow_lose; ERR_NOMEM, ERR_FULL. */
__attribute__((nonnull(1, 3, 4), warn_unused_result))
int follow_behind_take(struct follow *f, const struct redis_reply *first, struct group *out,
		       bool *grew);

/* Read an entry of the stream: its id, and its words into `arena`.  returns false for what
 * is none. */
__attribute__((nonnull, warn_unused_result))
bool follow_behind_entry(const struct redis_reply *reply, struct arena *arena,
			 struct change_id *id, const struct redis_text **words,
			 size_t *count);

#endif
