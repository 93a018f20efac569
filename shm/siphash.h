/* SipHash-2-4 (Aumasson and Bernstein), a keyed hash that does not tell its key: for DNS
 * cookies, which strangers may collect. */
#ifndef SHM_SIPHASH_H
#define SHM_SIPHASH_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SIPHASH_KEY_LEN = 16 };

/* Always inline where it is used: a state in registers. */
struct siphash {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t
siphash_rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

__attribute__((always_inline)) static inline void
siphash_round(struct siphash *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = siphash_rotate(s->v1, 13) ^ s->v0;
	s->v3 = siphash_rotate(s->v3, 16) ^ s->v2;
	s->v0 = siphash_rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = siphash_rotate(s->v1, 17) ^ s->v2;
	s->v3 = siphash_rotate(s->v3, 21) ^ s->v0;
	s->v2 = siphash_rotate(s->v2, 32);
}

static inline uint64_t
siphash_piece(const uint8_t *octets)
{
	uint64_t piece;

	memcpy(&piece, octets, sizeof piece);
	return le64toh(piece);
}

static inline void
siphash_put(uint8_t *octets, uint64_t piece)
{
	piece = htole64(piece);
	memcpy(octets, &piece, sizeof piece);
}

static inline void
siphash_init(struct siphash *s, const uint8_t key[SIPHASH_KEY_LEN])
{
	uint64_t k0 = siphash_piece(key), k1 = siphash_piece(key + 8);

	s->v0 = k0 ^ UINT64_C(0x736f6d6570736575);
	s->v1 = k1 ^ UINT64_C(0x646f72616e646f6d);
	s->v2 = k0 ^ UINT64_C(0x6c7967656e657261);
	s->v3 = k1 ^ UINT64_C(0x7465646279746573);
}

/* Eight octets, least significant first. */
__attribute__((always_inline)) static inline void
siphash_add(struct siphash *s, uint64_t piece)
{
	s->v3 ^= piece;
	siphash_round(s);
	siphash_round(s);
	s->v0 ^= piece;
}

/* The rest, less than eight octets; `len` of all.  returns the hash as a number: its octets
 * are told least significant first. */
__attribute__((always_inline)) static inline uint64_t
siphash_end(struct siphash *s, uint64_t rest, size_t len)
{
	siphash_add(s, rest | (uint64_t)len << 56);
	s->v2 ^= 0xff;
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

#endif
