/* Keys as BIND writes them: a DNSKEY record in presentation form, and the private part in
 * lines of "Name: value" (Private-key-format: v1.2, v1.3).  Strings of redins and z42 in
 * Redis are the same, also with "\n" written as two characters. */
#ifndef LOADER_SIGN_KEY_TEXT_H
#define LOADER_SIGN_KEY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"

enum {
	DNSKEY_RDATA_MAX = 1100,	/* RSA of 4096 bits has 520 octets */
	DNSKEY_KEY_AT = 4,		/* of the public key in the rdata */
	KEY_PART_MAX = 513,		/* octets of a number: 4096 bits */
	KEY_TEXT_MAX = 16384,		/* of either file; longer ones are none of ours */
};

enum dnskey_flag {
	DNSKEY_ZONE = 0x0100,
	DNSKEY_REVOKED = 0x0080,	/* RFC 5011 */
	DNSKEY_SEP = 0x0001,		/* a key that signs keys */
};

/* The public half. */
struct key_public {
	uint8_t owner[DNAME_MAX];	/* lower-cased */
	size_t owner_len;
	uint32_t ttl;
	bool has_ttl;
	uint16_t rdata_len;
	uint8_t rdata[DNSKEY_RDATA_MAX];
};

/* The numbers of a private key: the first one of ECDSA and EdDSA, all of them of RSA. */
enum key_part {
	KEY_PRIVATE,			/* PrivateKey; of RSA PrivateExponent */
	KEY_MODULUS, KEY_PUBLIC_EXPONENT, KEY_PRIME1, KEY_PRIME2,
	KEY_EXPONENT1, KEY_EXPONENT2, KEY_COEFFICIENT,
	KEY_PARTS
};

/* When what becomes of a key, Unix time; 0: nothing is said. */
enum key_time {
	KEY_CREATED, KEY_PUBLISH, KEY_ACTIVATE, KEY_INACTIVE, KEY_DELETE,
	KEY_TIMES
};

#define KEY_NEVER_S INT64_C(253402300799) /* the last second of the year 9999 */

/* The private half: whoever has one clears it (explicit_bzero) in the end. */
struct key_private {
	uint8_t algorithm;
	uint16_t part_len[KEY_PARTS];	/* 0: not there */
	uint8_t parts[KEY_PARTS][KEY_PART_MAX];
	int64_t times[KEY_TIMES];
};

/* Read the first DNSKEY of a text; comments are passed over.
 * reason   on failure what is wrong, without any of the text; borrowed for ever. */
__attribute__((nonnull, warn_unused_result))
bool key_text_read_public(const char *text, size_t len, struct key_public *out,
			  const char **reason);

/* Read a private key.  Names that we do not know mean nothing. */
__attribute__((nonnull, warn_unused_result))
bool key_text_read_private(const char *text, size_t len, struct key_private *out,
			   const char **reason);

/* Write either; NUL-terminated.  returns the length, 0 when it does not fit. */
__attribute__((nonnull, warn_unused_result))
size_t key_text_write_public(const struct key_public *key, char *out, size_t room);
__attribute__((nonnull, warn_unused_result))
size_t key_text_write_private(const struct key_private *key, char *out, size_t room);

/* The key tag of a DNSKEY (RFC 4034, appendix B). */
__attribute__((nonnull, pure))
uint16_t key_tag(const uint8_t *rdata, size_t len);

/* "ECDSAP256SHA256"; NULL for an algorithm that is not signed with here. */
__attribute__((const))
const char *key_algorithm_name(uint8_t algorithm);

#endif
