/* SHA-256 (FIPS 180-4), for names of things that strangers choose and must not collide. */
#ifndef SHM_SHA256_H
#define SHM_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_LEN = 32 };

/* The digest of `head` followed by `rest`; either may be empty. */
__attribute__((nonnull))
void sha256(const void *head, size_t head_len, const void *rest, size_t rest_len,
	    uint8_t out[SHA256_LEN]);

#endif
