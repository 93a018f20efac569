/* Having things signed: the other side of the signer.
 *
 * A session serves one zone after another, for one thread at a time.  It has several
 * connections to the signer, which signs on each in a thread of its own: more of them for a
 * zone that has more to sign.  A signer that dies meanwhile is waited for, and asked again. */
#ifndef LOADER_SIGN_SIGN_SESSION_H
#define LOADER_SIGN_SIGN_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/sign/sign_key.h"

struct sign_session;

/* signer_fd  of struct heritage or of signer_fork; borrowed; -1: none, and none is waited for
 * is_paced   dnssec.max_rate holds for what it has signed
 * returns    NULL when there is no memory. */
__attribute__((warn_unused_result))
struct sign_session *sign_session_new(int signer_fd, bool is_paced);

/* NULL is allowed. */
void sign_session_free(struct sign_session *session);

/* Begin with a zone: learn its keys.
 * returns 0; ERR_TIMEOUT when the signer does not answer; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int sign_session_start(struct sign_session *session, const uint8_t *zone, size_t len,
		       struct sign_keys *keys);

/* Have `len` octets, copied here, signed by the key items[key].
 * signature  its signature_len octets are filled, at the latest by sign_session_finish
 * returns    as above; ERR_RANGE for more octets than the signer takes; ERR_BUSY when the
 *            zone's keys have changed meanwhile: begin anew. */
__attribute__((nonnull, warn_unused_result))
int sign_session_add(struct sign_session *session, unsigned key, const uint8_t *octets,
		     size_t len, uint8_t *signature);

/* Wait until all is signed; to be called also after a failure.  returns as above. */
__attribute__((nonnull, warn_unused_result))
int sign_session_finish(struct sign_session *session);

/* Ask for something else, see signer_proto.h.
 * reply    owned by the caller; reply_len octets, and a NUL behind them
 * returns  what the signer says; ERR_TIMEOUT, ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int sign_session_ask(struct sign_session *session, uint32_t op, const void *octets,
		     size_t len, char **reply, size_t *reply_len);

#endif
