/* Nettle stays behind this file. */
#include "shm/sha256.h"

#include <nettle/sha2.h>

_Static_assert((int)SHA256_LEN == (int)SHA256_DIGEST_SIZE, "the same digest");

void
sha256(const void *head, size_t head_len, const void *rest, size_t rest_len,
       uint8_t out[SHA256_LEN])
{
	struct sha256_ctx state;

	sha256_init(&state);
	sha256_update(&state, head_len, head);
	sha256_update(&state, rest_len, rest);
	sha256_digest(&state, SHA256_LEN, out);
}
