/* A query as dnstap (dnstap.proto, version 1) tells of it: an AUTH_RESPONSE with the header
 * and the question of the response; what stands in its sections is not recorded. */
#ifndef LOADER_QUERY_LOG_DNSTAP_MESSAGE_H
#define LOADER_QUERY_LOG_DNSTAP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/query_record.h"

enum { DNSTAP_MESSAGE_MAX = 1536 };

/* Write the message of a sound record.  `identity` of at most 255 octets, "" for none.
 * returns its length. */
__attribute__((nonnull)) size_t dnstap_message_print(const struct query_record *record,
						     const char *identity, bool has_client,
						     uint8_t out[DNSTAP_MESSAGE_MAX]);

#endif
