/* Keys that sign, and what they sign: libcrypto stays behind this file. */
#ifndef LOADER_SIGN_SIGN_CRYPTO_H
#define LOADER_SIGN_SIGN_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "loader/sign/key_text.h"

enum { SIGNATURE_MAX = 512 };

/* One key, for one thread at a time. */
struct crypto_key;

/* Make a key of its two halves, and see that they belong together: what it signs is checked
 * with the public half.
 * returns  0; ERR_RANGE for an algorithm or size that is not signed with; ERR_SYNTAX for
 *          parts that are missing or make no key; ERR_DAMAGED when they do not belong
 *          together; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int crypto_key_new(const struct key_private *secret, const uint8_t *dnskey, size_t dnskey_len,
		   struct crypto_key **out);

/* Its error in words, the rest of a sentence that begins with the private half. */
__attribute__((const, returns_nonnull))
const char *crypto_key_why_not(int error);

/* NULL is allowed. */
void crypto_key_free(struct crypto_key *key);

/* Octets of each of its signatures. */
__attribute__((nonnull, pure))
size_t crypto_key_signature_len(const struct crypto_key *key);

/* Sign, in the form that RRSIG has (RFC 3110, 5702, 6605, 8080).
 * signature  crypto_key_signature_len octets
 * returns    0, or ERR_NOMEM: libcrypto fails for no other reason. */
__attribute__((nonnull, warn_unused_result))
int crypto_key_sign(struct crypto_key *key, const uint8_t *data, size_t len,
		    uint8_t *signature);

/* Draw a new key; RSA has 2048 bits.
 * dnskey   receives the public key as it stands in a DNSKEY behind the algorithm, at most
 *          `room` octets; *len is their number.
 * returns  as crypto_key_new. */
__attribute__((nonnull, warn_unused_result))
int crypto_generate(uint8_t algorithm, struct key_private *secret, uint8_t *public_key,
		    size_t room, size_t *len);

#endif
