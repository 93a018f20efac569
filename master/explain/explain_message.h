/* The messages of an explained query. */
#ifndef EXPLAIN_EXPLAIN_MESSAGE_H
#define EXPLAIN_EXPLAIN_MESSAGE_H

#include "master/explain/explainer.h"
#include "shm/json_out.h"

enum { EXPLAIN_UDP_SIZE = 1232 };	/* what the client says that it takes */

/* Write the query: with EDNS, as today's resolvers ask.  returns its length, at most 512. */
__attribute__((nonnull))
uint32_t explain_message_put(const struct explain_question *question, uint8_t *packet);

/* Write the response as members of the object that is open: rcode, flags, size, edns, and
 * the sections in zone-file text.  returns 0 or an error code; the object is whole then too. */
__attribute__((nonnull, warn_unused_result))
int explain_message_print(const struct explain_answer *answer, struct json_out *json);

#endif
