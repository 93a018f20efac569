/* Random numbers of a load: quick, and the same again for the same seed. */
#ifndef T_FLOOD_RANDOM_H
#define T_FLOOD_RANDOM_H

#include <stdint.h>

/* Spread a number over all 64 bits; never 0, so that it may start a sequence. */
static inline uint64_t
flood_random_mix(uint64_t value)
{
	value += UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return (value ^ value >> 31) | 1;
}

static inline uint64_t
flood_random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
