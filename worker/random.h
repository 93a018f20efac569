/* Random numbers for choosing among records: fast, one generator a worker, seeded once by
 * the kernel.  (The construction of wyrand: a counter, and a wide product of it.)  Nothing
 * secret hangs on them. */
#ifndef WORKER_RANDOM_H
#define WORKER_RANDOM_H

#include <stdint.h>

struct random_source {
	uint64_t state;
};

/* Any 64 bits. */
static inline uint64_t
random_next(struct random_source *source)
{
	__extension__ typedef unsigned __int128 wide;
	wide product;

	source->state += UINT64_C(0xa0761d6478bd642f);
	product = (wide)source->state * (source->state ^ UINT64_C(0xe7037ed1a0b428db));
	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* A number below `bound`, 1 or more; each is equally likely but for bound / 2^64. */
static inline uint64_t
random_below(struct random_source *source, uint64_t bound)
{
	__extension__ typedef unsigned __int128 wide;

	return (uint64_t)((wide)random_next(source) * bound >> 64);
}

#endif
