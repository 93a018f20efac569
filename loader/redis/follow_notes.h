/* Notes of the overlay: the place in the stream, the server that it is of, what is held. */
#ifndef LOADER_REDIS_FOLLOW_NOTES_H
#define LOADER_REDIS_FOLLOW_NOTES_H

#include "loader/redis/follow_state.h"

/* Put place and held sets into the transaction at hand.  returns 0 or an error of live.h. */
__attribute__((nonnull, warn_unused_result))
int follow_notes_put(struct follow *f);

/* End the transaction at hand, in which follow_notes_put was: commit it when `rc`, what came
 * of it so far, is 0, else give it up.
 * returns 0, or the error after follow_lose_store. */
__attribute__((nonnull, warn_unused_result))
int follow_notes_end(struct follow *f, int rc);

/* Write the note of what is held, if it is behind: once a second. */
__attribute__((nonnull))
void follow_notes_catch_up(struct follow *f);

/* Note the place and the server, by themselves.  returns 0 or an error after
 * follow_lose_store. */
__attribute__((nonnull, warn_unused_result))
int follow_notes_save(struct follow *f);

/* Go on from what the store tells. */
__attribute__((nonnull))
void follow_notes_read(struct follow *f);

#endif
