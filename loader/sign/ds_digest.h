/* DS records of keys (RFC 4034, section 5; RFC 4509, 6605). */
#ifndef LOADER_SIGN_DS_DIGEST_H
#define LOADER_SIGN_DS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/sign/sign_key.h"
#include "shm/sha256.h"

enum {
	DS_FIXED_LEN = 4,
	DS_SHA256 = 2,
	DS_SHA256_LEN = DS_FIXED_LEN + SHA256_LEN,
};

/* The rdata with the SHA-256 digest. */
__attribute__((nonnull))
void ds_digest_write(const uint8_t *zone, size_t len, const struct sign_key *key,
		     uint8_t out[DS_SHA256_LEN]);

/* Is this the rdata of a DS of the key?  Of digests other than SHA-256 that is believed by
 * tag and algorithm. */
__attribute__((nonnull, warn_unused_result))
bool ds_digest_is_of(const uint8_t *rdata, size_t rdata_len, const uint8_t *zone, size_t len,
		     const struct sign_key *key);

#endif
