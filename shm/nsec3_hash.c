/* SHA-1 over short inputs, iterated. */
#include "shm/nsec3_hash.h"

#include <string.h>

#include "shm/wire.h"

enum {
	SHA1_BLOCK = 64,
	INPUT_MAX = 255 + 255, /* name and salt */
};

static inline uint32_t
rotate(uint32_t value, unsigned bits)
{
	return value << bits | value >> (32 - bits);
}

static void
sha1_schedule(const uint8_t block[SHA1_BLOCK], uint32_t w[80])
{
	for (unsigned i = 0; i < 16; i++)
		w[i] = wire_get_u32(block + 4 * i);
	for (unsigned i = 16; i < 80; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
}

/* The function and constant of round i (FIPS 180-4, sections 4.1.1 and 4.2.1). */
static inline uint32_t
sha1_mix(unsigned i, uint32_t b, uint32_t c, uint32_t d)
{
	if (i < 20)
		return ((b & c) | (~b & d)) + 0x5a827999u;
	if (i < 40)
		return (b ^ c ^ d) + 0x6ed9eba1u;
	if (i < 60)
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
	return (b ^ c ^ d) + 0xca62c1d6u;
}

static void
sha1_block(uint32_t h[5], const uint8_t block[SHA1_BLOCK])
{
	uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], w[80];

	sha1_schedule(block, w);
	for (unsigned i = 0; i < 80; i++) {
		uint32_t next = rotate(a, 5) + sha1_mix(i, b, c, d) + e + w[i];

		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

/* SHA-1 of `len` octets at `input`, whose buffer has room for the padding behind. */
static void
sha1_padded(uint8_t *input, unsigned len, uint8_t out[NSEC3_HASH_LEN])
{
	uint32_t h[5] = { 0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u,
			  0xc3d2e1f0u };
	unsigned blocks = (len + 1 + 8 + SHA1_BLOCK - 1) / SHA1_BLOCK;
	unsigned padded = blocks * SHA1_BLOCK;

	input[len] = 0x80;
	memset(input + len + 1, 0, padded - len - 1);
	wire_put_u32(input + padded - 4, len * 8);
	for (unsigned i = 0; i < blocks; i++)
		sha1_block(h, input + (size_t)i * SHA1_BLOCK);
	for (unsigned i = 0; i < 5; i++)
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
