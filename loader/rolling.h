/* Rollovers of keys: when they are looked at, and what people ask for. */
#ifndef LOADER_ROLLING_H
#define LOADER_ROLLING_H

#include "loader/sync_state.h"

/* Is it time to look at the zones whose keys roll? */
__attribute__((nonnull, warn_unused_result))
bool rolling_is_due(const struct sync *sync);

/* Look, unless a request comes between; zones whose keys have moved are due to be signed
 * then.  A failure is stated, and tried again later. */
__attribute__((nonnull))
void rolling_look(struct sync *sync);

/* keys roll ZONE [ksk | zsk | algorithm N], keys ds-seen ZONE TAG [TTL], keys unsign ZONE */
unsigned rolling_command(struct sync *sync, int arg_count, char **args);

#endif
