/* The strings of a zone's keys, on their way from Redis to the signer: read, handed over,
 * and cleared wherever they have been. */
#ifndef LOADER_REDIS_REDIS_SECRETS_H
#define LOADER_REDIS_REDIS_SECRETS_H

#include <stddef.h>
#include <stdint.h>

#include "loader/redis/redis_keys.h"
#include "loader/redis/redis_link.h"
#include "loader/sign/sign_session.h"

/* link     nothing is queued on it
 * reason   on failure, a sentence
 * returns  0, also when there are none, or what there is is no key: the signer says so with
 *          the zone's keys; ERR_IO when the link was dropped; ERR_FORMAT when Redis refuses
 *          to show them; ERR_TIMEOUT when the signer does not answer; why it cannot keep
 *          them; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int redis_secrets_pass(struct redis_link *link, const struct redis_keys *keys,
		   struct redis_text zone, const uint8_t *origin, size_t origin_len,
		   struct sign_session *session, char reason[REDIS_REASON_MAX]);

#endif
