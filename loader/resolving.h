/* Addresses of names in signed zones that an ANAME, or a flattened CNAME, leads to.
 *
 * Resolvers and our own zones say what they are; here they are put where the names stand and
 * signed (loader/store/live_addresses.h), name by name, in rounds over all that lead on.  A
 * round begins when something has changed that may matter.  What is not known stays as it
 * is. */
#ifndef LOADER_RESOLVING_H
#define LOADER_RESOLVING_H

#include "loader/sync_state.h"

/* A step of a round, or the beginning of one; not while a generation is built: what is put
 * then would take the place of what is built. */
__attribute__((nonnull))
void resolving_step(struct sync *sync);

/* How long the loop may wait until the next step. */
__attribute__((nonnull, pure))
int resolving_wait_ms(const struct sync *sync);

/* Does a generation have such names?  Then its changes go to an overlay. */
__attribute__((nonnull, warn_unused_result))
bool resolving_is_needed(const char *generation_dir);

#endif
