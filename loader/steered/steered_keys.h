/* The secret keys of zones whose steered RRsets are signed on demand: kept ready, those of the
 * zones that were asked for lately. */
#ifndef LOADER_STEERED_STEERED_KEYS_H
#define LOADER_STEERED_STEERED_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "loader/sign/sign_crypto.h"
#include "shm/settings.h"

struct steered_keys;

/* returns 0, or an error code: keys cannot be reached. */
__attribute__((nonnull, warn_unused_result))
int steered_keys_new(const struct settings *settings, struct steered_keys **out);

/* The zone's active key with this tag and algorithm, borrowed until the next call; NULL when
 * there is none. */
__attribute__((nonnull, warn_unused_result))
struct crypto_key *steered_keys_find(struct steered_keys *keys, const uint8_t *zone,
				     size_t zone_len, uint16_t tag, uint8_t algorithm);

#endif
