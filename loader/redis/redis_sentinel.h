/* Asking a Sentinel who the primary is: one conversation, without waiting, for a poll loop.
 * Each step takes redis.timeout_ms at most. */
#ifndef LOADER_REDIS_REDIS_SENTINEL_H
#define LOADER_REDIS_REDIS_SENTINEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/redis/redis_link.h"
#include "shm/settings.h"

enum { REDIS_ADDRESS_MAX = 256 };

/* What a Sentinel says.  The epoch grows with each failover: of two Sentinels that differ,
 * the one with the higher epoch knows more. */
struct redis_primary {
	char address[REDIS_ADDRESS_MAX]; /* "192.0.2.1:6379", "[2001:db8::1]:6379" */
	bool has_epoch;			/* its user may not be allowed to ask */
	uint64_t epoch;
};

struct redis_sentinel;

/* `settings` are borrowed for its life.  returns NULL when there is no memory. */
__attribute__((nonnull, warn_unused_result))
struct redis_sentinel *redis_sentinel_new(const struct settings *settings);

/* NULL is allowed. */
void redis_sentinel_free(struct redis_sentinel *sentinel);

/* Begin to ask redis.sentinel.nodes[node]; what was under way is dropped. */
__attribute__((nonnull))
void redis_sentinel_ask(struct redis_sentinel *sentinel, size_t node);

/* Go on; call it at the start, when the descriptor was polled, and when time is up.
 * returns 0 with *out, the connection closed; ERR_BUSY when it is under way; else it has
 *         failed, redis_sentinel_reason says why. */
__attribute__((nonnull, warn_unused_result))
int redis_sentinel_step(struct redis_sentinel *sentinel, struct redis_primary *out);

/* For poll, as redis_link.h says it. */
__attribute__((nonnull))
int redis_sentinel_fd(const struct redis_sentinel *sentinel);
__attribute__((nonnull))
short redis_sentinel_events(const struct redis_sentinel *sentinel);
__attribute__((nonnull))
int redis_sentinel_due_ms(const struct redis_sentinel *sentinel);

__attribute__((nonnull, returns_nonnull))
const char *redis_sentinel_reason(const struct redis_sentinel *sentinel);

#endif
