/* Which server is read, and is it still the one that we know? */
#ifndef LOADER_REDIS_FOLLOW_SERVER_H
#define LOADER_REDIS_FOLLOW_SERVER_H

#include "loader/redis/follow_state.h"

/* All links are new: which server is it, and is it the one that the store knows?
 * returns 0, or an error after follow_lose. */
__attribute__((nonnull, warn_unused_result))
int follow_server_identify(struct follow *f);

/* The data may be others than those that we know: compare all. */
__attribute__((nonnull))
void follow_server_changed(struct follow *f, const char *why);

/* Once a second: is the stream still there, the list of zones as long as it was, the
 * server the same?  Losses are acted upon. */
__attribute__((nonnull))
void follow_server_probe(struct follow *f);

#endif
