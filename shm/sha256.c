/* SHA-256, as FIPS 180-4 writes it down. */
#include "shm/sha256.h"

#include <string.h>

#include "shm/wire.h"

enum { BLOCK_LEN = 64, LENGTH_AT = 56, ROUNDS = 64 };

struct sha256 {
	uint32_t state[8];
	uint8_t block[BLOCK_LEN];
	size_t used; /* of the block */
	uint64_t len;
};

static const uint32_t round_constants[ROUNDS] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t
rotate(uint32_t x, unsigned by)
{
	return x >> by | x << (32 - by);
}

static void
schedule(const uint8_t block[BLOCK_LEN], uint32_t w[ROUNDS])
{
	for (unsigned t = 0; t < 16; t++)
		w[t] = wire_get_u32(block + 4 * t);
	for (unsigned t = 16; t < ROUNDS; t++) {
		uint32_t a = w[t - 15], b = w[t - 2];

		w[t] = w[t - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[t - 7] +
		       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
}

/* One round.  FIPS 180-4 moves each of its letters one place on; here they stay, and round
 * `t` finds letter `n` at place n - t: with a `t` that is known no octet is moved. */
__attribute__((always_inline)) static inline void
turn(uint32_t s[8], unsigned t, uint32_t added)
{
	uint32_t a = s[-t & 7], e = s[(4 - t) & 7];
	uint32_t one = s[(7 - t) & 7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
		       ((e & s[(5 - t) & 7]) ^ (~e & s[(6 - t) & 7])) + added;
	uint32_t two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
		       ((a & s[(1 - t) & 7]) ^ (a & s[(2 - t) & 7]) ^
			(s[(1 - t) & 7] & s[(2 - t) & 7]));

	s[(3 - t) & 7] += one;
	s[(7 - t) & 7] = one + two;
}

static void
take_block(uint32_t state[8], const uint8_t block[BLOCK_LEN])
{
	uint32_t w[ROUNDS], s[8];

	schedule(block, w);
	memcpy(s, state, sizeof s);
	for (unsigned t = 0; t < ROUNDS; t += 8) {
		const uint32_t *k = round_constants + t;

		turn(s, 0, k[0] + w[t]);
		turn(s, 1, k[1] + w[t + 1]);
		turn(s, 2, k[2] + w[t + 2]);
		turn(s, 3, k[3] + w[t + 3]);
		turn(s, 4, k[4] + w[t + 4]);
		turn(s, 5, k[5] + w[t + 5]);
		turn(s, 6, k[6] + w[t + 6]);
		turn(s, 7, k[7] + w[t + 7]);
	}
	for (unsigned i = 0; i < 8; i++)
		state[i] += s[i];
}

static void
add(struct sha256 *hash, const uint8_t *bytes, size_t len)
{
	hash->len += len;
	while (len > 0) {
		size_t room = BLOCK_LEN - hash->used, n = len < room ? len : room;

		memcpy(hash->block + hash->used, bytes, n);
		hash->used += n;
		bytes += n;
		len -= n;
		if (hash->used == BLOCK_LEN) {
			take_block(hash->state, hash->block);
			hash->used = 0;
		}
	}
}

static void
finish(struct sha256 *hash, uint8_t out[SHA256_LEN])
{
	static const uint8_t one_bit[BLOCK_LEN] = { 0x80 };
	uint64_t bits = hash->len * 8;
	size_t padded = hash->used < LENGTH_AT ? LENGTH_AT : BLOCK_LEN + LENGTH_AT;
	uint8_t length[8];

	wire_put_u32(length, (uint32_t)(bits >> 32));
	wire_put_u32(length + 4, (uint32_t)bits);
	add(hash, one_bit, padded - hash->used);
	add(hash, length, sizeof length);
	for (unsigned i = 0; i < 8; i++)
		wire_put_u32(out + 4 * i, hash->state[i]);
}

void
sha256(const void *head, size_t head_len, const void *rest, size_t rest_len,
       uint8_t out[SHA256_LEN])
{
	struct sha256 hash = {
		.state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
			   0x9b05688c, 0x1f83d9ab, 0x5be0cd19 },
	};

	add(&hash, head, head_len);
	add(&hash, rest, rest_len);
	finish(&hash, out);
}
