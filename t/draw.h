/* Random numbers for tests: from a seed that is told, the same again from the same one. */
#ifndef T_DRAW_H
#define T_DRAW_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "t/tap.h"

static uint64_t draw_state = 88172645463325252u; /* not 0 */

/* Begin anew from `seed`, any number. */
static inline void
draw_start(uint64_t seed)
{
	draw_state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

/* Begin from MARTLET_SEED, else from the time, and say how to have it again.  returns the
 * seed. */
static inline uint64_t
draw_seed(void)
{
	const char *text = getenv("MARTLET_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);

	diag("MARTLET_SEED=%llu", (unsigned long long)seed);
	draw_start(seed);
	return seed;
}

/* 0 .. below - 1 */
static inline unsigned
draw(unsigned below)
{
	draw_state ^= draw_state << 13;
	draw_state ^= draw_state >> 7;
	draw_state ^= draw_state << 17;
	return (unsigned)(draw_state >> 33) % below;
}

#endif
