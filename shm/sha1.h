/* SHA-1 of single blocks (FIPS 180-4), for the hashes of NSEC3: by the processor's own
 * instructions where it has them. */
#ifndef SHM_SHA1_H
#define SHM_SHA1_H

#include <stdint.h>

enum { SHA1_BLOCK = 64, SHA1_WORDS = 5 };

/* Take one block into `state`. */
__attribute__((nonnull))
void sha1_block(uint32_t state[SHA1_WORDS], const uint8_t block[SHA1_BLOCK]);

/* The same on any processor: for tests. */
__attribute__((nonnull))
void sha1_block_portable(uint32_t state[SHA1_WORDS], const uint8_t block[SHA1_BLOCK]);

#endif
