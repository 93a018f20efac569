/* The change stream, as far as it was read. */
#ifndef LOADER_REDIS_FOLLOW_STREAM_H
#define LOADER_REDIS_FOLLOW_STREAM_H

#include "loader/redis/follow_state.h"

/* An entry may have come. */
__attribute__((nonnull))
void follow_stream_step(struct follow *f);

/* Have Redis tell when there is one. */
__attribute__((nonnull))
void follow_stream_wait(struct follow *f);

/* Serve what stands behind the cursor now, or the first part of it, without waiting.
 * returns 0; ERR_NOTFOUND when there is nothing; ERR_BUSY while entries are not served; or
 *         as follow_serve_set. */
__attribute__((nonnull, warn_unused_result))
int follow_stream_catch_up(struct follow *f);

/* Where the stream ends now, for a load or a resync: from here on nothing is missed.
 * returns 0, or an error after follow_lose. */
__attribute__((nonnull, warn_unused_result))
int follow_stream_place(struct follow *f, struct stream_place *out);

#endif
