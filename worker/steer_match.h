/* Which of up to 64 candidates are for the client, and which are the default: their places
 * are looked at eight at a time, since an RRset has several for each record. */
#ifndef WORKER_STEER_MATCH_H
#define WORKER_STEER_MATCH_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "worker/steer_set.h"

enum { STEER_MATCH_STEP = 8 };

/* Candidates of one word: those of entries that are wanted, and of the default ones. */
struct steer_match {
	uint64_t matching, otherwise;
};

/* A code as a number, as it stands behind the candidate of struct steered_country. */
__attribute__((always_inline)) static inline uint32_t
steer_code(const char code[2])
{
	uint16_t number;

	memcpy(&number, code, sizeof number);
	return number;
}

/* One entry, for a candidate. */
__attribute__((always_inline)) static inline void
steer_match_one(struct steer_match *match, unsigned candidate, uint32_t place,
		uint32_t wanted)
{
	uint64_t bit = UINT64_C(1) << candidate % 64;

	if (place == 0)
		match->otherwise |= bit;
	else if (place == wanted)
		match->matching |= bit;
}

__attribute__((always_inline)) static inline void
steer_match_asn(struct steer_match *match, const uint8_t *at, uint32_t wanted)
{
	struct steered_asn entry;

	memcpy(&entry, at, sizeof entry);
	steer_match_one(match, entry.candidate, entry.asn, wanted);
}

__attribute__((always_inline)) static inline void
steer_match_code(struct steer_match *match, const uint8_t *at, uint32_t wanted)
{
	struct steered_country entry;

	memcpy(&entry, at, sizeof entry);
	steer_match_one(match, entry.candidate, steer_code(entry.code), wanted);
}

#ifdef __SSE2__
/* Eight entries as numbers: whose they are, and the places. */
struct steer_entries {
	__m128i candidates[2], places[2];
};

/* Entries number `at` to `at` + 7.  returns false, with nothing done, unless they are for the
 * candidates of these numbers: most often each has one. */
__attribute__((always_inline)) static inline bool
steer_match_step(struct steer_match *match, const struct steer_entries *entries,
		 uint32_t wanted, unsigned at)
{
	const __m128i nothing = _mm_setzero_si128(), want = _mm_set1_epi32((int)wanted),
		      numbers = _mm_add_epi16(_mm_set1_epi16((short)at),
					      _mm_set_epi16(7, 6, 5, 4, 3, 2, 1, 0));
	/* what does not fit into 16 bits becomes a number that is none here */
	__m128i in_order = _mm_cmpeq_epi16(
		_mm_packs_epi32(entries->candidates[0], entries->candidates[1]), numbers);
	__m128i zero = _mm_packs_epi32(_mm_cmpeq_epi32(entries->places[0], nothing),
				       _mm_cmpeq_epi32(entries->places[1], nothing)),
		equal = _mm_packs_epi32(_mm_cmpeq_epi32(entries->places[0], want),
					_mm_cmpeq_epi32(entries->places[1], want));
	uint64_t bits = (unsigned)_mm_movemask_epi8(
		_mm_packs_epi16(zero, _mm_andnot_si128(zero, equal)));

	if (_mm_movemask_epi8(in_order) != 0xffff || at >= 64)
		return false;
	match->otherwise |= (bits & 0xff) << at;
	match->matching |= (bits >> 8) << at;
	return true;
}

__attribute__((always_inline)) static inline void
steer_load_asns(const uint8_t *at, __m128i *candidates, __m128i *places)
{
	__m128 low = _mm_loadu_ps((const float *)(const void *)at),
	       high = _mm_loadu_ps((const float *)(const void *)(at + 16));

	*places = _mm_castps_si128(_mm_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0)));
	*candidates =
		_mm_castps_si128(_mm_shuffle_ps(low, high, _MM_SHUFFLE(3, 1, 3, 1)));
}

__attribute__((always_inline)) static inline bool
steer_match_asn_step(struct steer_match *match, const uint8_t *at, uint32_t wanted,
		     unsigned number)
{
	struct steer_entries entries;

	steer_load_asns(at, &entries.candidates[0], &entries.places[0]);
	steer_load_asns(at + 32, &entries.candidates[1], &entries.places[1]);
	return steer_match_step(match, &entries, wanted, number);
}

__attribute__((always_inline)) static inline bool
steer_match_code_step(struct steer_match *match, const uint8_t *at, uint32_t wanted,
		      unsigned number)
{
	const __m128i low = _mm_set1_epi32(0xffff);
	struct steer_entries entries;

	for (unsigned half = 0; half < 2; half++) {
		__m128i four = _mm_loadu_si128((const __m128i_u *)(at + 16 * half));

		entries.candidates[half] = _mm_and_si128(four, low);
		entries.places[half] = _mm_srli_epi32(four, 16);
	}
	return steer_match_step(match, &entries, wanted, number);
}
#endif

/* `wanted` 0: nobody knows. */
__attribute__((always_inline)) static inline struct steer_match
steer_match_asns(const uint8_t *entries, unsigned count, uint32_t wanted)
{
	const size_t len = sizeof(struct steered_asn);
	struct steer_match match = { 0, 0 };
	unsigned at = 0;

#ifdef __SSE2__
	for (; count - at >= STEER_MATCH_STEP; at += STEER_MATCH_STEP)
		if (!steer_match_asn_step(&match, entries + len * at, wanted, at))
			break;
#endif
	for (; at < count; at++)
		steer_match_asn(&match, entries + len * at, wanted);
	return match;
}

/* The same of struct steered_country. */
__attribute__((always_inline)) static inline struct steer_match
steer_match_codes(const uint8_t *entries, unsigned count, uint32_t wanted)
{
	const size_t len = sizeof(struct steered_country);
	struct steer_match match = { 0, 0 };
	unsigned at = 0;

#ifdef __SSE2__
	for (; count - at >= STEER_MATCH_STEP; at += STEER_MATCH_STEP)
		if (!steer_match_code_step(&match, entries + len * at, wanted, at))
			break;
#endif
	for (; at < count; at++)
		steer_match_code(&match, entries + len * at, wanted);
	return match;
}

#endif
