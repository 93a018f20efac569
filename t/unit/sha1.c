/* SHA-1 of blocks: the vectors of FIPS 180-4, and both ways to make it against each other. */
#include "shm/sha1.h"

#include <string.h>

#include "t/draw.h"
#include "t/tap.h"

static const uint32_t first_state[SHA1_WORDS] = { 0x67452301, 0xefcdab89, 0x98badcfe,
						  0x10325476, 0xc3d2e1f0 };

/* "abc", and the empty message: one block each, with its padding. */
static void
test_vectors(void)
{
	static const uint32_t of_abc[SHA1_WORDS] = { 0xa9993e36, 0x4706816a, 0xba3e2571,
						     0x7850c26c, 0x9cd0d89d };
	static const uint32_t of_nothing[SHA1_WORDS] = { 0xda39a3ee, 0x5e6b4b0d,
							 0x3255bfef, 0x95601890,
							 0xafd80709 };
	uint8_t abc[SHA1_BLOCK] = { 'a', 'b', 'c', 0x80, [63] = 24 };
	uint8_t nothing[SHA1_BLOCK] = { 0x80 };
	uint32_t state[SHA1_WORDS];

	memcpy(state, first_state, sizeof state);
	sha1_block(state, abc);
	cmp_mem(state, of_abc, sizeof state, "abc");
	memcpy(state, first_state, sizeof state);
	sha1_block_portable(state, abc);
	cmp_mem(state, of_abc, sizeof state, "abc, the portable way");
	memcpy(state, first_state, sizeof state);
	sha1_block(state, nothing);
	cmp_mem(state, of_nothing, sizeof state, "nothing");
}

/* On a processor without extensions both ways are one. */
static void
test_both_ways(void)
{
	uint32_t state[SHA1_WORDS], portable[SHA1_WORDS];
	uint8_t block[SHA1_BLOCK];
	unsigned differ = 0;

	memcpy(state, first_state, sizeof state);
	memcpy(portable, first_state, sizeof portable);
	for (unsigned i = 0; i < 1000; i++) {
		for (unsigned k = 0; k < SHA1_BLOCK; k++)
			block[k] = (uint8_t)draw(256);
		sha1_block(state, block);
		sha1_block_portable(portable, block);
		differ += memcmp(state, portable, sizeof state) != 0;
	}
	is_int(differ, 0, "a chain of 1,000 blocks both ways");
}

int
main(void)
{
	plan(0);
	draw_seed();
	test_vectors();
	test_both_ways();
	return done_testing();
}
