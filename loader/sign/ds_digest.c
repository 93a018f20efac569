/* DS records. */
#include "loader/sign/ds_digest.h"

#include <string.h>

#include "shm/wire.h"

void
ds_digest_write(const uint8_t *zone, size_t len, const struct sign_key *key,
		uint8_t out[DS_SHA256_LEN])
{
	wire_put_u16(out, key->tag);
	out[2] = sign_key_algorithm(key);
	out[3] = DS_SHA256;
	sha256(zone, len, key->rdata, key->rdata_len, out + DS_FIXED_LEN);
}

bool
ds_digest_is_of(const uint8_t *rdata, size_t rdata_len, const uint8_t *zone, size_t len,
		const struct sign_key *key)
{
	uint8_t own[DS_SHA256_LEN];

	if (rdata_len <= DS_FIXED_LEN || wire_get_u16(rdata) != key->tag ||
	    rdata[2] != sign_key_algorithm(key))
		return false;
	if (rdata[3] != DS_SHA256)
		return true;
	ds_digest_write(zone, len, key, own);
	return rdata_len == sizeof own && memcmp(rdata, own, sizeof own) == 0;
}
