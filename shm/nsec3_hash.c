/* SHA-1 over short inputs, iterated. */
#include "shm/nsec3_hash.h"

#include <string.h>

#include "shm/sha1.h"
#include "shm/wire.h"

enum { INPUT_MAX = 255 + 255 /* name and salt */ };

/* SHA-1 of `len` octets at `input`, whose buffer has room for the padding behind. */
static void
sha1_padded(uint8_t *input, unsigned len, uint8_t out[NSEC3_HASH_LEN])
{
	uint32_t h[SHA1_WORDS] = { 0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u,
				   0xc3d2e1f0u };
	unsigned blocks = (len + 1 + 8 + SHA1_BLOCK - 1) / SHA1_BLOCK;
	unsigned padded = blocks * SHA1_BLOCK;

	input[len] = 0x80;
	memset(input + len + 1, 0, padded - len - 1);
	wire_put_u32(input + padded - 4, len * 8);
	for (unsigned i = 0; i < blocks; i++)
		sha1_block(h, input + (size_t)i * SHA1_BLOCK);
	for (unsigned i = 0; i < SHA1_WORDS; i++)
		wire_put_u32(out + (size_t)4 * i, h[i]);
}

void
nsec3_hash(const uint8_t *name, unsigned name_len, const uint8_t *salt, unsigned salt_len,
	   unsigned iterations, uint8_t out[NSEC3_HASH_LEN])
{
	uint8_t input[INPUT_MAX + 2 * SHA1_BLOCK];

	memcpy(input, name, name_len);
	memcpy(input + name_len, salt, salt_len);
	sha1_padded(input, name_len + salt_len, out);
	for (unsigned i = 0; i < iterations; i++) {
		memcpy(input, out, NSEC3_HASH_LEN);
		memcpy(input + NSEC3_HASH_LEN, salt, salt_len);
		sha1_padded(input, NSEC3_HASH_LEN + salt_len, out);
	}
}

static int
base32hex_value(uint8_t octet)
{
	if (octet >= '0' && octet <= '9')
		return octet - '0';
	if (octet >= 'a' && octet <= 'v')
		return octet - 'a' + 10;
	return -1;
}

int
nsec3_hash_from_label(const uint8_t *label, uint8_t out[NSEC3_HASH_LEN])
{
	uint64_t bits = 0;
	unsigned held = 0, at = 0;

	if (label[0] != NSEC3_LABEL_LEN)
		return 0;
	for (unsigned i = 1; i <= NSEC3_LABEL_LEN; i++) {
		int value = base32hex_value(label[i]);

		if (value < 0)
			return 0;
		bits = bits << 5 | (unsigned)value;
		held += 5;
		if (held >= 8) {
			held -= 8;
			out[at++] = (uint8_t)(bits >> held);
		}
	}
	return 1;
}

void
nsec3_hash_to_label(const uint8_t hash[NSEC3_HASH_LEN], uint8_t out[NSEC3_LABEL_LEN + 1])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	unsigned held = 0, bits = 0, at = 0;

	*out++ = NSEC3_LABEL_LEN;
	for (unsigned i = 0; i < NSEC3_LABEL_LEN; i++) {
		if (held < 5) {
			bits = bits << 8 | hash[at++];
			held += 8;
		}
		held -= 5;
		out[i] = (uint8_t)digits[bits >> held & 31];
	}
}
