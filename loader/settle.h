/* What is due when the first generation is served. */
#ifndef LOADER_SETTLE_H
#define LOADER_SETTLE_H

#include <stdbool.h>

#include "loader/sync_state.h"

/* Once something is served, whoever brought that about: workers come first from now on,
 * and what was served without a look at all of it is checked.  Does nothing before, and
 * nothing a second time.
 * returns false when what is served is damaged and nothing whole can take its place, see
 * fallback_verify_served. */
__attribute__((nonnull))
bool settle_served(struct sync *sync);

#endif
