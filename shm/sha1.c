/* SHA-1, twice: in plain C, and by the SHA extensions of x86. */
#include "shm/sha1.h"

#include <stdatomic.h>

#include "shm/wire.h"

#if defined(__x86_64__)
#define HAS_SHA_EXTENSIONS 1
#include <cpuid.h>
#include <immintrin.h>
#endif

/* ---- any processor ---- */

static inline uint32_t
rotate(uint32_t value, unsigned bits)
{
	return value << bits | value >> (32 - bits);
}

/* Word i of the schedule, of which the last 16 are kept. */
static inline uint32_t
next_word(uint32_t w[16], unsigned i)
{
	if (i >= 16)
		w[i % 16] = rotate(w[(i + 13) % 16] ^ w[(i + 8) % 16] ^ w[(i + 2) % 16] ^
					   w[i % 16],
				   1);
	return w[i % 16];
}

/* The function and constant of round i (sections 4.1.1 and 4.2.1). */
static inline uint32_t
mix(unsigned i, uint32_t b, uint32_t c, uint32_t d)
{
	if (i < 20)
		return (d ^ (b & (c ^ d))) + 0x5a827999u;
	if (i < 40)
		return (b ^ c ^ d) + 0x6ed9eba1u;
	if (i < 60)
		return ((b & c) | (d & (b | c))) + 0x8f1bbcdcu;
	return (b ^ c ^ d) + 0xca62c1d6u;
}

void
sha1_block_portable(uint32_t state[SHA1_WORDS], const uint8_t block[SHA1_BLOCK])
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4],
		 w[16];

	for (unsigned i = 0; i < 16; i++)
		w[i] = wire_get_u32(block + (size_t)4 * i);
#pragma GCC unroll 80
	for (unsigned i = 0; i < 80; i++) {
		uint32_t next = rotate(a, 5) + mix(i, b, c, d) + e + next_word(w, i);

		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

/* ---- x86 with its SHA extensions ---- */

#ifdef HAS_SHA_EXTENSIONS

#define WITH_EXTENSIONS __attribute__((target("sha,sse4.1")))

enum { CPUID_SHA = 1 << 29 /* leaf 7, EBX */, CPUID_SSE41 = 1 << 19 /* leaf 1, ECX */ };

/* Four rounds of group i, 0..19; the function is part of the instruction. */
WITH_EXTENSIONS static inline __m128i
four_rounds(unsigned i, __m128i abcd, __m128i e)
{
	if (i < 5)
		return _mm_sha1rnds4_epu32(abcd, e, 0);
	if (i < 10)
		return _mm_sha1rnds4_epu32(abcd, e, 1);
	if (i < 15)
		return _mm_sha1rnds4_epu32(abcd, e, 2);
	return _mm_sha1rnds4_epu32(abcd, e, 3);
}

/* Words 4i to 4i + 3 of the schedule. */
WITH_EXTENSIONS static inline __m128i
next_words(__m128i w[4], unsigned i)
{
	if (i >= 4)
		w[i % 4] = _mm_sha1msg2_epu32(
			_mm_xor_si128(_mm_sha1msg1_epu32(w[i % 4], w[(i + 1) % 4]),
				      w[(i + 2) % 4]),
			w[(i + 3) % 4]);
	return w[i % 4];
}

WITH_EXTENSIONS static void
sha1_block_extensions(uint32_t state[SHA1_WORDS], const uint8_t block[SHA1_BLOCK])
{
	const __m128i swap = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
	const __m128i_u *from = (const __m128i_u *)(const void *)block;
	__m128i_u *to = (__m128i_u *)(void *)state;
	const __m128i abcd_before = _mm_shuffle_epi32(_mm_loadu_si128(to), 0x1b);
	const __m128i e_before = _mm_set_epi32((int)state[4], 0, 0, 0);
	__m128i abcd = abcd_before, e = e_before, w[4];

	for (unsigned i = 0; i < 4; i++)
		w[i] = _mm_shuffle_epi8(_mm_loadu_si128(from + i), swap);
#pragma GCC unroll 20
	for (unsigned i = 0; i < 20; i++) {
		__m128i next = abcd, words = next_words(w, i);

		e = i == 0 ? _mm_add_epi32(e, words) : _mm_sha1nexte_epu32(e, words);
		abcd = four_rounds(i, abcd, e);
		e = next;
	}
	e = _mm_sha1nexte_epu32(e, e_before);
	abcd = _mm_add_epi32(abcd, abcd_before);
	_mm_storeu_si128(to, _mm_shuffle_epi32(abcd, 0x1b));
	state[4] = (uint32_t)_mm_extract_epi32(e, 3);
}

static int
has_extensions(void)
{
	unsigned a, b, c, d, sse;

	if (!__get_cpuid(1, &a, &b, &sse, &d) || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return 0;
	return (b & CPUID_SHA) && (sse & CPUID_SSE41);
}

#endif

/* ---- whichever is there ---- */

void
sha1_block(uint32_t state[SHA1_WORDS], const uint8_t block[SHA1_BLOCK])
{
#ifdef HAS_SHA_EXTENSIONS
	static atomic_int known; /* 0: not yet; 1: none; 2: there */
	int has = atomic_load_explicit(&known, memory_order_relaxed);

	if (has == 0) {
		has = 1 + has_extensions();
		atomic_store_explicit(&known, has, memory_order_relaxed);
	}
	if (has == 2) {
		sha1_block_extensions(state, block);
		return;
	}
#endif
	sha1_block_portable(state, block);
}
