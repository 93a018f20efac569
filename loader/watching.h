/* The watch list (loader/store/watch.h) is that of what is served.
 *
 * A generation that is published brings another list: the one there is is made that in steps
 * of some milliseconds, between which changes from Redis are attended to; they keep it along
 * meanwhile and from then on. */
#ifndef LOADER_WATCHING_H
#define LOADER_WATCHING_H

#include "loader/sync_state.h"

/* At the start of the process.  Without a list, which the log tells, nothing is probed. */
__attribute__((nonnull))
void watching_start(struct sync *sync);

/* Make the list anew if it is not that of what is served. */
__attribute__((nonnull))
void watching_keep(struct sync *sync);

#endif
