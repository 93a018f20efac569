/* From the settings to a link that commands can be sent on: Sentinels are asked for the
 * primary and the answer is verified (ROLE), the password is given, the database
 * selected, a cluster refused.
 *
 * Without waiting, for a poll loop: each step takes redis.timeout_ms at most, and ends
 * when its descriptor is ready.  redis_connect_wait does all of it at once. */
#ifndef LOADER_REDIS_REDIS_CONNECT_H
#define LOADER_REDIS_REDIS_CONNECT_H

#include <stdbool.h>

#include "loader/redis/redis_link.h"
#include "loader/redis/redis_sentinel.h"
#include "shm/settings.h"

struct redis_connect;

/* `settings` are borrowed for its life.  returns NULL when there is no memory. */
__attribute__((nonnull, warn_unused_result))
struct redis_connect *redis_connect_new(const struct settings *settings);

/* NULL is allowed. */
void redis_connect_free(struct redis_connect *connect);

/* Begin anew, from the first Sentinel or the address. */
__attribute__((nonnull))
void redis_connect_start(struct redis_connect *connect);

/* Go on; call it at the start, when the descriptor was polled, and when time is up.
 * returns 0 when the link is ready: take it; ERR_BUSY when it is under way; else it has
 *         failed, redis_connect_reason says why, and it may be started again later. */
__attribute__((nonnull, warn_unused_result))
int redis_connect_step(struct redis_connect *connect);

/* For poll, as redis_link.h says it. */
__attribute__((nonnull))
int redis_connect_fd(const struct redis_connect *connect);
__attribute__((nonnull))
short redis_connect_events(const struct redis_connect *connect);
__attribute__((nonnull))
int redis_connect_due_ms(const struct redis_connect *connect);

/* The ready link, which is the caller's now. */
__attribute__((nonnull, warn_unused_result))
struct redis_link *redis_connect_take(struct redis_connect *connect);

/* A Sentinel was asked while the link stands.
 * returns whether it knows of a later failover, to another server: start anew.  Sentinels
 * that know less are passed over from then on, unless there are no others. */
__attribute__((nonnull, warn_unused_result))
bool redis_connect_hears(struct redis_connect *connect, const struct redis_primary *primary);

/* The address of the link that was ready last ("127.0.0.1:6379"), and why it failed. */
__attribute__((nonnull, returns_nonnull))
const char *redis_connect_address(const struct redis_connect *connect);
__attribute__((nonnull, returns_nonnull))
const char *redis_connect_reason(const struct redis_connect *connect);

/* All at once, waiting.
 * returns 0 with *out, the caller's; else `reason` says why not. */
__attribute__((nonnull, warn_unused_result))
int redis_connect_wait(const struct settings *settings, struct redis_link **out,
		       char reason[REDIS_REASON_MAX]);

#endif
