/* The hash of NSEC3 owner names: iterated, salted SHA-1 (RFC 5155, section 5; FIPS
 * 180-4).  Own code, because it runs per query: no context, no allocation. */
#ifndef SHM_NSEC3_HASH_H
#define SHM_NSEC3_HASH_H

#include <stdint.h>

enum {
	NSEC3_HASH_LEN = 20,
	NSEC3_LABEL_LEN = 32,		/* base32hex of it, RFC 4648, section 7 */
};

/* Hash `name` (wire form, lower-cased, name_len octets) `iterations` + 1 times with
 * `salt` (salt_len octets, at most 255). */
void nsec3_hash(const uint8_t *name, unsigned name_len, const uint8_t *salt, unsigned salt_len,
		unsigned iterations, uint8_t out[NSEC3_HASH_LEN]);

/* Decode the first label of an NSEC3 owner into a hash; `label` points at its length
 * octet.  returns 0 when it is not 32 characters of base32hex (lower-case), else 1. */
int nsec3_hash_from_label(const uint8_t *label, uint8_t out[NSEC3_HASH_LEN]);

/* The other way: a whole label, its length octet first, NSEC3_LABEL_LEN + 1 octets. */
void nsec3_hash_to_label(const uint8_t hash[NSEC3_HASH_LEN], uint8_t out[NSEC3_LABEL_LEN + 1]);

#endif
